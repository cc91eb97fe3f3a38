"""Identifiers of stored jobs, computed again with the classes of today."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from experimaestro import _core

from .deprecation import convert
from .gathering import gathered, refers
from .lifecycle import OWN_SCHEME
from .loading import read


class JobName(NamedTuple):
    """What a job's folder is called, below the folder of all jobs."""

    type_id: str
    identifier: str

    def __str__(self) -> str:
        return f"{self.type_id}/{self.identifier}"


class Recomputed(NamedTuple):
    """A job's configuration, as the classes of today have it."""

    config: Any
    name: JobName
    tags: dict[str, Any]
    is_deprecated: bool
    """Something in it is deprecated, or a task that it is made from is."""


class Recomputation:
    """Computes identifiers of the jobs of one workspace; tasks that a job is made from are computed first.

    Args:
        workspace: folder of the workspace.
        scheme: how its identifiers were made.
    """

    def __init__(self, workspace: Path, scheme: str) -> None:
        self.workspace = workspace
        self.scheme = scheme
        self._known: dict[JobName, Recomputed | Exception] = {}

    @property
    def order(self) -> list[JobName]:
        """Jobs that were looked at; those that others are made from come first."""
        return list(self._known)

    def folder(self, name: JobName) -> Path:
        """The folder of a job."""
        return self.workspace / "jobs" / name.type_id / name.identifier

    def of(self, name: JobName) -> Recomputed:
        """The job of a name, computed once.

        Raises:
            Exception: its file is damaged, its classes cannot be imported, or do not fit what is stored.
        """
        known = self._known.get(name)
        if known is None:
            try:
                known = self.load(name)
            except Exception as error:  # noqa: BLE001 - the user's modules run here, and may raise anything
                known = error
            except SystemExit as error:
                known = _core.LoadError(f"a module of its classes ends the process ({error})")
            self._known[name] = known
        if isinstance(known, Exception):
            raise known
        return known

    def load(self, name: JobName, directory: Path | None = None) -> Recomputed:
        """Read a job and compute its identifier; paths inside its folder become paths inside `directory`."""
        if self.scheme != OWN_SCHEME:
            raise _core.LoadError(
                f"the workspace identifies jobs by the scheme {self.scheme}: only {OWN_SCHEME} can be computed again"
            )
        file = self.folder(name) / "params.json"
        try:
            data = file.read_bytes()
        except OSError as error:
            raise _core.MissingFileError(f"{file} cannot be read: {error.strerror}") from None
        if refers(data):
            data = gathered(data, file.parent)
        directory = directory or self.folder(name)
        loaded = read(data, workspace=self.workspace, directory=directory, as_instance=False, partial=False)
        config = loaded.result
        reached = _open(config)
        is_deprecated = _has_former_names(data, reached)
        for each in reached:
            is_deprecated |= type(each).__xpmtype__.deprecated or _core.state_of(each).deprecated_from is not None
            is_deprecated |= self._follow_task(each)
        _identify(config, set())
        identifier = str(_core.identifier(config))
        type_id: str = type(config).__xpmtype__.identifier
        return Recomputed(config, JobName(type_id, identifier), loaded.envelope.get("tags") or {}, is_deprecated)

    def _follow_task(self, config: Any) -> bool:
        """Give the task that a configuration is an output of its identifier of today; whether that is another one."""
        state = _core.state_of(config)
        task = state.task
        if not isinstance(task, _core.TaskStub):
            return False
        name = JobName(task.__xpm_state__.schema.type_id, task.identifier)
        # A folder that was moved since is known.
        if name not in self._known and not (self.folder(name) / "params.json").is_file():
            return False
        made = self.of(name)
        if not made.is_deprecated or made.name == name:
            return False
        state.task = _core.TaskStub(made.name.identifier, task.typename)
        return True


def _open(config: Any) -> list[Any]:
    """Forget the stored identifiers of a configuration and of all that it is made from."""
    found: dict[int, Any] = {}
    pending = [config]
    while pending:
        for reached in _core.reachable_configurations(pending.pop()):
            if id(reached) in found or isinstance(reached, _core.TaskStub):
                continue
            found[id(reached)] = reached
            state = _core.state_of(reached)
            state.sealed = False
            if state.task is not None and not isinstance(state.task, _core.TaskStub):
                pending.append(state.task)
    return list(found.values())


def _identify(task: Any, known: set[int]) -> None:
    """Compute the identifiers of a task and, before it, of those that it is made from, as when they were submitted.

    A task is identified before its outputs are linked to it, also where these are its own parameters.
    """
    known.add(id(task))
    for reached in _core.reachable_configurations(task):
        other = _core.state_of(reached).task
        if other is not None and not isinstance(other, _core.TaskStub) and id(other) not in known:
            _identify(other, known)
    outputs = _unlink(task)
    _core.state_of(task).sealed = True
    _core.identifier(task, keep=True)
    for state in outputs:
        state.task = task


def _unlink(task: Any) -> list[Any]:
    """Let the parameters of a task that are its outputs be parameters only; their states."""
    states = map(_core.state_of, _core.reachable_configurations(task))
    outputs = [state for state in states if state.task is task]
    for state in outputs:
        state.task = None
    return outputs


def stand_in(task: Any) -> Any:
    """What a recomputed task of a deprecated class is identified as; any other one itself."""
    outputs = _unlink(task)
    made = convert(task)
    if made is not task:
        _core.state_of(made).sealed = True
        _core.identifier(made, keep=True)
    for state in outputs:
        state.task = made
    return made


def _has_former_names(data: bytes, configs: list[Any]) -> bool:
    """Whether the file has fields that are former names of parameters."""
    types = {}
    for config in configs:
        object_type = type(config).__xpmtype__
        types[object_type.value_type.__qualname__] = object_type
    content = json.loads(data)
    objects = content["objects"] if isinstance(content, dict) else content
    for stored in objects:
        object_type = types.get(stored.get("type"))
        names = stored.get("fields") or ()
        if object_type is not None and any(
            name not in object_type.arguments and object_type.is_deprecated_attribute(name) for name in names
        ):
            return True
    return False

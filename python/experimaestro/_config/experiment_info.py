"""The configurations of a past run of an experiment, for analysis: `load_xp_info(run_dir)`."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from experimaestro import _core

from .actions import stored_actions
from .gathering import AncestorList, ancestors_of, read_lists
from .loading import read, read_file
from .renumbering import Place, references, renumbered
from .stored_lines import json_lines
from .tasks import Action

if TYPE_CHECKING:
    from collections.abc import Mapping

EMPTY: Mapping[Place, int] = MappingProxyType({})

JOURNAL = "journal.jsonl"
"""What our runs leave."""


class ExperimentInfo(NamedTuple):
    """What a run of an experiment submitted."""

    jobs: dict[str, Any]
    """Task configurations by identifier, in the order of their submission"""
    actions: dict[str, Any]
    """Actions by identifier, in the order in which they were added"""


def load_xp_info(run_dir: str | Path) -> ExperimentInfo:
    """The jobs and actions of a run, as sealed configurations; what they share is shared.

    Args:
        run_dir: the folder of the run, as `WORKSPACE/experiments/NAME/current`.

    Raises:
        FileNotFoundError: the folder holds no run.
        LoadError: a file is damaged, or a class is gone.
    """
    folder = Path(run_dir).resolve()
    if (folder / JOURNAL).is_file():
        return _of_journal(folder)
    if (folder / "objects.jsonl").is_file():
        return _of_older_run(folder)
    if (folder / "configs.json").is_file():
        return _of_saved_configurations(folder / "configs.json")
    raise FileNotFoundError(
        f"{run_dir} is no folder of a run: it has neither {JOURNAL} nor the files of older releases "
        "(objects.jsonl, configs.json); runs are in WORKSPACE/experiments/NAME/RUN"
    )


def load_configs(run_dir: str | Path) -> dict[str, Any]:
    """The jobs of a run; deprecated, use `load_xp_info(run_dir).jobs`."""
    warnings.warn("load_configs is deprecated: use load_xp_info(run_dir).jobs", DeprecationWarning, stacklevel=2)
    return load_xp_info(run_dir).jobs


def _of_journal(folder: Path) -> ExperimentInfo:
    workspace = folder.parent.parent.parent
    gathered = _Gathered(workspace)
    for line in json_lines(folder / JOURNAL):
        if line.get("event") == "job":
            gathered.add(line["task_id"], line["identifier"])
    actions = {
        identifier: gathered.add_objects(stored.objects, ".") for identifier, stored in stored_actions(folder).items()
    }
    if not gathered.objects:
        return ExperimentInfo({}, {})
    try:
        made = read(json.dumps(gathered.objects).encode(), workspace=workspace, every=True).result
    except _core.LoadError as error:
        raise type(error)(f"a job or action of {folder}: {error}") from error.__cause__
    info = ExperimentInfo(
        {job: made[number] for job, number in gathered.main.items()},
        {action: made[number] for action, number in actions.items()},
    )
    for identifier, action in info.actions.items():
        if not isinstance(action, Action):
            raise _core.LoadError(f"{folder}: {identifier} is recorded as an action, and is a {type(action).__name__}")
    return info


class _Gathered:
    """Objects of several `params.json`, numbered anew; equal ones are one."""

    def __init__(self, workspace: Path) -> None:
        self.workspace = workspace
        self.objects: list[dict[str, Any]] = []
        self.main: dict[str, int] = {}
        self._known: dict[str, int] = {}
        self._numbers = -1
        self._files: dict[str, tuple[dict[int, AncestorList], dict[Place, int]]] = {}
        """Of each file of ancestors, by its name: what is read of it, and the numbers here of its objects."""

    def add(self, task_id: str, identifier: str) -> None:
        """Add the objects of a job; one that was never written (a dry run, a job removed since) is left out."""
        folder = self.workspace / "jobs" / task_id / identifier
        file = folder / "params.json"
        if not file.is_file():
            return
        try:
            content = json.loads(file.read_bytes())
            places = self._ancestors(content, folder) if "ancestors" in content else {}
            self.main[identifier] = self.add_objects(content["objects"], f"jobs/{task_id}/{identifier}", places)
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise _core.LoadError(f"{file} is damaged: {type(error).__name__}: {error}") from None

    def _ancestors(self, content: dict[str, Any], folder: Path) -> dict[Place, int]:
        """Add what a file refers to; the numbers here of all that is known of that other file."""
        path = ancestors_of(content, folder)
        # The jobs of a run share it, or have copies; the word in its name tells it from others.
        lists, places = self._files.setdefault(path.name, ({}, {}))
        for new in read_lists(path, content["objects"], lists):
            numbers: dict[int, int] = {}
            self.add_objects(new.objects, ".", places, numbers)
            places.update({(new.at, number): here for number, here in numbers.items()})
        return places

    def add_objects(
        self,
        definitions: list[dict[str, Any]],
        base: str,
        places: Mapping[Place, int] = EMPTY,
        numbers: dict[int, int] | None = None,
    ) -> int:
        """Add objects, the main one last; its number here. Paths that are relative to a job are in `base`.

        `places` are the numbers here of what they refer to in a file of ancestors; `numbers` receives those of the
        objects.
        """
        if numbers is None:
            numbers = {}
        # What is used before it is defined is in a cycle: it has its number now, and is never taken for another one.
        seen: set[int] = set()
        for definition in definitions:
            seen.add(definition["id"])
            for used in (*references(definition), definition.get("task", definition["id"])):
                if isinstance(used, int) and used not in seen and used not in numbers:
                    numbers[used] = self._number()
        for definition in definitions:
            self._add_object(definition, base, numbers, places)
        return numbers[definitions[-1]["id"]] if definitions else self._numbers

    def _number(self) -> int:
        self._numbers += 1
        return self._numbers

    def _add_object(
        self, definition: dict[str, Any], base: str, numbers: dict[int, int], places: Mapping[Place, int]
    ) -> None:
        own = definition["id"]
        moved = renumbered(definition, lambda it: numbers[it] if isinstance(it, int) else places[it], base)
        moved["id"] = 0
        is_own_task = moved.get("task") == own
        if "task" in moved:
            moved["task"] = "self" if is_own_task else numbers[moved["task"]]
        if own not in numbers:
            text = json.dumps(moved, sort_keys=True)
            if text in self._known:
                numbers[own] = self._known[text]
                return
            numbers[own] = self._known[text] = self._number()
        moved["id"] = numbers[own]
        if is_own_task:
            moved["task"] = numbers[own]
        self.objects.append(moved)


def _of_older_run(folder: Path) -> ExperimentInfo:
    """A run of the older package: all objects in one file, the jobs and actions by their identifiers."""
    workspace = folder.parent.parent.parent
    definitions = json_lines(folder / "objects.jsonl")
    made: dict[int, Any] = {}
    if definitions:
        data = json.dumps(definitions).encode()
        made = read(data, workspace=workspace, directory=folder, every=True).result
    by_identifier = {_identifier(it): made[it["id"]] for it in definitions if it["id"] in made}
    submitted = [line["job_id"] for line in json_lines(folder / "jobs.jsonl")]
    jobs = {job: by_identifier[job] for job in submitted if job in by_identifier}
    actions: dict[str, Any] = {}
    status = folder / "status.json"
    if status.is_file():
        for name in json.loads(status.read_bytes()).get("actions", {}):
            if name in by_identifier:
                actions[name] = by_identifier[name]
    return ExperimentInfo(jobs, actions)


def _identifier(definition: dict[str, Any]) -> str:
    identifier = definition.get("identifier")
    return str(identifier["main"] if isinstance(identifier, dict) else identifier)


def _of_saved_configurations(file: Path) -> ExperimentInfo:
    data = read_file(file).result
    return ExperimentInfo(data if isinstance(data, dict) else {}, {})

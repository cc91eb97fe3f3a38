"""Actions of a run: from a configuration to a line of `actions.jsonl`, and back."""

from __future__ import annotations

import json
import posixpath
from pathlib import Path
from typing import Any, NamedTuple

from experimaestro import _core

from .generation import DirectoryContext, PathlessContext
from .loading import read, resolve_class
from .stored_lines import json_lines
from .tasks import Action

FILE = "actions.jsonl"


class StoredAction(NamedTuple):
    """An action of a run, as its line tells; nothing is imported until it is loaded."""

    identifier: str
    description: str
    run_dir: Path
    objects: list[dict[str, Any]]
    """What it is made of; the action itself is the last one."""
    python_path: list[str]
    """Where its driver found modules."""

    @property
    def class_name(self) -> str:
        """Its class, as `module.Class`."""
        return f"{self.objects[-1]['module']}.{self.objects[-1]['type']}"

    def load(self, *, as_instance: bool = False) -> Any:
        """Return the action: a sealed configuration, or an instance.

        Raises:
            LoadError: a class is gone, or the object is no action.
        """
        main = self.objects[-1]
        cls = resolve_class(main["module"], main["type"], main.get("file"))
        if not issubclass(cls, Action):
            raise _core.LoadError(f"{self.class_name} is no action: only classes that derive from Action are executed")
        data = json.dumps(self.objects).encode()
        return read(data, workspace=self.run_dir.parents[2], as_instance=as_instance).result


def sealed_identifier(action: Any, run_dir: Path | None) -> str:
    """Validate and seal an action; its identifier, hexadecimal.

    Args:
        action: a configuration of an `Action`.
        run_dir: folder of the run, in which its generated paths are; None leaves them for later.

    Raises:
        TypeError: it is no action.
        ValidationError: a required parameter is missing.
    """
    if not (isinstance(action, _core.ConfigBase) and isinstance(action, Action)):
        raise TypeError(f"{action!r} is no action: give a configuration of a class that derives from Action")
    _core.validate(action)
    identifier = str(_core.identifier(action, keep=True))
    context = PathlessContext() if run_dir is None else DirectoryContext(run_dir / "actions" / identifier)
    _core.seal(action, context, identified=True)
    return identifier


def action_record(action: Any, identifier: str, workspace: Path, python_path: list[str]) -> dict[str, Any]:
    """What is stored of a sealed action: plain data; paths in the workspace are relative to it."""
    return {
        "id": identifier,
        "description": _described(action),
        "python_path": python_path,
        "objects": json.loads(_core.objects_json([action], str(workspace))),
    }


def _described(action: Any) -> str:
    """What `describe()` says; that it fails must not keep the action from being known."""
    try:
        return str(action.describe())
    except Exception as error:  # noqa: BLE001 - the user's code
        return f"(describe() failed: {type(error).__name__}: {error})"


def stored_actions(run_dir: Path) -> dict[str, StoredAction]:
    """The actions of a run, by identifier, in the order in which they were added.

    Raises:
        LoadError: the file is damaged, or names files outside the workspace as if they were inside.
    """
    file = run_dir / FILE
    found = {}
    for line in json_lines(file):
        try:
            action = StoredAction(
                str(line["id"]), str(line["description"]), run_dir, line["objects"], list(line["python_path"])
            )
            names = [action.objects[-1]["module"], action.objects[-1]["type"]]
            if not all(isinstance(name, str) for name in names):
                raise TypeError(f"a class cannot be named {names}")
        except (KeyError, TypeError, IndexError) as error:
            raise _core.LoadError(f"{file} is damaged: {type(error).__name__}: {error}") from None
        _check_paths(action.objects, file)
        found[action.identifier] = action
    return found


def _check_paths(value: Any, file: Path) -> None:
    pending = [value]
    while pending:
        one = pending.pop()
        if isinstance(one, list):
            pending.extend(one)
        elif isinstance(one, dict):
            if one.get("type") == "path" and "base" in one:
                plain = posixpath.normpath(str(one["value"]))
                if plain.startswith(("/", "../")) or plain == "..":
                    raise _core.LoadError(f"{file} is damaged: the path {one['value']!r} leaves the workspace")
            pending.extend(one.values())

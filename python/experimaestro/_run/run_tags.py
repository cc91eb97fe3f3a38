"""Names that people give to runs of an experiment: `WORKSPACE/experiments/NAME/tags.json`, name to run.

Floor: `_run`. One file for all runs, so that a name can only be at one place.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from experimaestro import _core
from experimaestro._run.run_folders import replace_json

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["read_tags", "tags_of_runs", "write_tags"]

_FILE = "tags.json"


def read_tags(base: Path) -> dict[str, str]:
    """The tags of an experiment: name to run.

    Raises:
        LoadError: the file is damaged.
    """
    file = base / _FILE
    try:
        content = json.loads(file.read_bytes())
        return {str(name): str(run) for name, run in content.items()}
    except FileNotFoundError:
        return {}
    except (ValueError, AttributeError) as error:
        raise _core.LoadError(f"{file} is damaged: {error}") from None


def tags_of_runs(base: Path) -> dict[str, list[str]]:
    """The names of each run that has one."""
    found: dict[str, list[str]] = {}
    for name, run in sorted(read_tags(base).items()):
        found.setdefault(run, []).append(name)
    return found


def write_tags(base: Path, tags: dict[str, str]) -> None:
    """Replace the tags of an experiment."""
    replace_json(base / _FILE, tags)

"""The runs of an experiment on disk: which there are, what their names mean, how one is removed.

Floor: `_run`. Names of runs are dates, `20261124_104500`, with `.1`, `.2`… for those of the same second.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

__all__ = ["newest_first", "order", "read_status", "remove_run", "replace_json", "run_folders"]

CURRENT = "current"

_FEW_LINKS = 32
"""Fewer links than this are not worth threads."""

_REMOVING_THREADS = 8


def order(run_id: str) -> tuple[str, int, str]:
    """Sorts names of runs by age: `.10` comes after `.2`.

    >>> sorted(["20260101_000000.10", "20260101_000000.2", "20260101_000000"], key=order)
    ['20260101_000000', '20260101_000000.2', '20260101_000000.10']
    """
    stamp, _, number = run_id.partition(".")
    return (stamp, int(number), "") if number.isdecimal() else (stamp, 0, number)


def run_folders(base: Path) -> list[Path]:
    """Folders of the runs of an experiment, the oldest first; the link `current` is none of them."""
    try:
        entries = [Path(entry.path) for entry in os.scandir(base) if entry.is_dir(follow_symlinks=False)]
    except FileNotFoundError:
        return []
    return sorted((entry for entry in entries if not entry.name.startswith(".")), key=lambda entry: order(entry.name))


def newest_first(base: Path) -> list[Path]:
    """Folders of the runs of an experiment, the newest first."""
    return run_folders(base)[::-1]


def read_status(run: Path) -> dict[str, Any]:
    """The `status.json` of a run; empty when there is none, or it cannot be understood."""
    try:
        content = json.loads((run / "status.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def remove_run(run: Path) -> None:
    """Remove the folder of a run, never what its links lead to; half of it never looks like a run."""
    gone = run.with_name(f".removed.{run.name}.{os.getpid()}")
    os.rename(run, gone)
    _remove_links(gone)
    shutil.rmtree(gone)


def _remove_links(folder: Path) -> None:
    """Remove the links of a run to its jobs, several at once: each may wait some milliseconds for the disk."""
    links = [
        path
        for parent, folders, files in os.walk(folder / "jobs")
        for name in (*folders, *files)
        if os.path.islink(path := os.path.join(parent, name))
    ]
    if len(links) < _FEW_LINKS:
        return
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(_REMOVING_THREADS) as pool:
        shares = [links[start::_REMOVING_THREADS] for start in range(_REMOVING_THREADS)]
        list(pool.map(_remove_files, shares))


def _remove_files(files: list[str]) -> None:
    for file in files:
        os.unlink(file)


def replace_json(file: Path, content: Any) -> None:
    """Replace a file by JSON text, whole."""
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    temporary.write_text(json.dumps(content, indent=1), encoding="utf-8")
    os.replace(temporary, file)

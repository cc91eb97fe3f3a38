"""The git state of the projects that an experiment uses.

Floor: `_run`. `git` is started only when a repository is found.
"""

from __future__ import annotations

import os
import sys
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from experimaestro.exceptions import DirtyGitError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import FrameType

__all__ = ["DirtyGitAction", "GitState", "caller_folder", "check_clean", "git_state", "repositories"]

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_GIT_SECONDS = 30.0


class DirtyGitAction(Enum):
    """What to do about uncommitted changes when an experiment starts."""

    IGNORE = "ignore"
    WARN = "warn"
    ERROR = "error"


class GitState(TypedDict):
    """One repository at one moment."""

    path: str
    commit: str
    commit_short: str
    branch: str | None
    dirty: bool
    message: str
    author: str
    date: str


def caller_folder() -> str | None:
    """Return the folder of the nearest calling file outside this package, or None (notebook, console)."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        if not file.startswith(("<", _PACKAGE)):
            return os.path.dirname(os.path.abspath(file))
        frame = frame.f_back
    return None


def repositories(folders: Iterable[str | os.PathLike[str]]) -> list[str]:
    """Return the roots of the repositories that hold these folders, each once."""
    roots: dict[str, None] = {}
    for folder in folders:
        path = Path(os.path.abspath(os.fspath(folder)))
        for candidate in (path, *path.parents):
            if os.path.exists(candidate / ".git"):
                roots[str(candidate)] = None
                break
    return list(roots)


def git_state(root: str) -> GitState | None:
    """Ask git about a repository; None when git is missing, or the repository has no commit."""
    log = _git(root, "log", "-1", "--format=%H%n%h%n%an%n%aI%n%s")
    if log is None or log.count("\n") < 4:
        return None
    commit, short, author, date, message = log.rstrip("\n").split("\n", 4)
    status = _git(root, "status", "--porcelain=v2", "--branch", "--untracked-files=no") or ""
    lines = status.splitlines()
    branch = next((line[14:] for line in lines if line.startswith("# branch.head ")), None)
    return {
        "path": root,
        "commit": commit,
        "commit_short": short,
        "branch": None if branch == "(detached)" else branch,
        "dirty": any(not line.startswith("#") for line in lines),
        "message": message,
        "author": author,
        "date": date,
    }


def check_clean(states: Iterable[GitState], action: DirtyGitAction) -> None:
    """Warn, or refuse to go on, when a project has uncommitted changes.

    Raises:
        DirtyGitError: `action` is ERROR and a project is dirty.
    """
    if action is DirtyGitAction.IGNORE:
        return
    for state in states:
        if not state["dirty"]:
            continue
        text = f"{state['path']} has uncommitted changes (last commit {state['commit_short']}: {state['message']})"
        if action is DirtyGitAction.ERROR:
            raise DirtyGitError(f"{text}; commit them, or choose dirty_git=DirtyGitAction.WARN")
        import logging

        logging.getLogger("xpm").warning("%s", text)


def _git(root: str, *arguments: str) -> str | None:
    import subprocess

    try:
        done = subprocess.run(
            ["git", "-C", root, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=_GIT_SECONDS,
            # A status must not fight with the user's own git over the index lock.
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode(errors="replace") if done.returncode == 0 else None

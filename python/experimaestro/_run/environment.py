"""What an experiment ran with: Python, installed packages, projects; stored beside the run.

Floor: `_run`. Written for those who ask, months later, what was different.
"""

from __future__ import annotations

import os
import platform
import sys
import threading
from contextlib import suppress
from time import time
from typing import TYPE_CHECKING, Any

from experimaestro._core import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    from experimaestro._run.projects import DirtyGitAction, GitState

__all__ = ["RunEnvironment", "capture_environment"]


class RunEnvironment:
    """What one run is recorded with. Git is asked while the experiment goes on: a start must not wait for it.

    Args:
        projects: folders whose git state is wanted.
        dirty_git: what to do about uncommitted changes.

    Raises:
        DirtyGitError: there are some, and none were wanted. Nothing was created or locked yet.
    """

    def __init__(self, projects: Sequence[str | os.PathLike[str]], dirty_git: DirtyGitAction) -> None:
        from experimaestro._run.projects import DirtyGitAction, check_clean, repositories

        self._dirty_git = dirty_git
        self._unasked = repositories(projects)
        states: list[GitState] = []
        if self._unasked and dirty_git is DirtyGitAction.ERROR:
            states, self._unasked = _states_of(self._unasked), []
            check_clean(states, dirty_git)
        self._content = capture_environment(states)
        self._content["run"] = {"hostname": self._content["hostname"], "started_at": time(), "status": "running"}
        self._thread: threading.Thread | None = None

    @property
    def text(self) -> str:
        """The JSON text to be stored."""
        return encode(self._content)

    def complete(self, run: str) -> None:
        """Add what git tells of projects and editable packages, on a thread; uncommitted changes are warned of.

        Args:
            run: folder of the run.
        """
        if self._unasked or self._content["editable_packages"]:
            self._thread = threading.Thread(target=self._ask, args=(run,), name="experimaestro-git", daemon=True)
            self._thread.start()

    def close(self, run: str, status: str) -> None:
        """Wait until all is stored, and add how the run ended.

        Raises:
            OSError: the disk refused.
        """
        if self._thread is not None:
            self._thread.join()
        self._content["run"].update(ended_at=time(), status=status)
        replace_environment(run, self._content)

    def _ask(self, run: str) -> None:
        from experimaestro._run.projects import check_clean, git_state, repositories

        states = _states_of(self._unasked)
        for package in self._content["editable_packages"].values():
            package["git"] = next(map(git_state, repositories([package["path"]])), None)
        self._content["projects"] += states
        with suppress(OSError):  # it is stored once more at the end, where a full disk is told of
            replace_environment(run, self._content)
        check_clean(states, self._dirty_git)


def _states_of(roots: list[str]) -> list[GitState]:
    from experimaestro._run.projects import git_state

    return [state for state in map(git_state, roots) if state is not None]


def capture_environment(projects: list[GitState]) -> dict[str, Any]:
    """Describe the driver: versions, command line, packages, and the git state of the projects.

    Args:
        projects: what `git_state` told of each repository.
    """
    packages, editable = _packages()
    return {
        "experimaestro": __version__,
        "python_version": platform.python_version(),
        "python": sys.executable,
        "command": list(sys.orig_argv),
        "hostname": os.uname().nodename,
        "packages": packages,
        "editable_packages": editable,
        "projects": projects,
    }


def _packages() -> tuple[dict[str, str], dict[str, dict[str, Any]]]:
    """Read names and versions off the folders of `sys.path`: opening each package's metadata would take long."""
    packages: dict[str, str] = {}
    editable: dict[str, dict[str, Any]] = {}
    for folder in sys.path:
        try:
            entries = os.listdir(folder or ".")
        except OSError:
            continue
        for entry in entries:
            if not entry.endswith(".dist-info"):
                continue
            name, _, version = entry.removesuffix(".dist-info").rpartition("-")
            name = name.replace("_", "-").lower()
            if not name or name in packages:  # the first one on the path is the one that is imported
                continue
            packages[name] = version
            source = _editable_source(os.path.join(folder, entry, "direct_url.json"))
            if source is not None:
                editable[name] = {"version": version, "path": source}
    return dict(sorted(packages.items())), editable


def _editable_source(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except OSError:
        return None
    import json

    try:
        origin = json.loads(text)
        if origin.get("dir_info", {}).get("editable"):
            return str(origin["url"]).removeprefix("file://")
    except (ValueError, KeyError, AttributeError):
        pass
    return None


def encode(environment: dict[str, Any]) -> str:
    """Return the JSON text to be stored."""
    import json

    return json.dumps(environment, indent=1, ensure_ascii=False)


def replace_environment(folder: str, environment: dict[str, Any]) -> None:
    """Replace `environment.json` in the folder of a run, whole (OSError when the disk refuses)."""
    temporary = os.path.join(folder, f".environment.json.{os.getpid()}")
    try:
        with open(temporary, "w", encoding="utf-8") as file:
            file.write(encode(environment))
        os.replace(temporary, os.path.join(folder, "environment.json"))
    except OSError:
        with suppress(OSError):
            os.unlink(temporary)
        raise

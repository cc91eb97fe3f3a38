"""Copies to other folders, made while an experiment goes on.

Floor: `_run`. One thread copies one job after the other; the experiment waits for it at its end.
"""

from __future__ import annotations

import sys
import threading
from collections import deque
from typing import TYPE_CHECKING

from experimaestro._run.settings import FolderMode

if TYPE_CHECKING:
    from pathlib import Path

    from experimaestro._run.settings import FolderSettings
    from experimaestro._run.workspace import Workspace

__all__ = ["Archives", "open_archives"]

_LOOK_SECONDS = 0.2


def open_archives(workspace: Workspace) -> Archives | None:
    """Return what copies the jobs of a workspace to its other folders; None when there is none that wants copies."""
    folders = workspace.folders
    if all(folder.mode is FolderMode.USE for folder in folders):
        return None
    return Archives(folders, workspace.lock_mode)


class Archives:
    """The jobs that are to be copied to other folders.

    Args:
        folders: of the workspace.
        permissions: of lock files.
    """

    def __init__(self, folders: list[FolderSettings], permissions: int | None = None) -> None:
        self._folders = folders
        self._permissions = permissions
        self._condition = threading.Condition()
        self._waiting: deque[Path] = deque()
        self._known: set[Path] = set()
        self._working = False
        self.errors: list[str] = []
        """What could not be copied, and why."""

    def add(self, job: Path) -> None:
        """Copy a job that is done, soon; each one once."""
        with self._condition:
            if job in self._known:
                return
            self._known.add(job)
            self._waiting.append(job)
            if not self._working:
                self._working = True
                threading.Thread(target=self._work, name="experimaestro-archives", daemon=True).start()

    @property
    def pending(self) -> int:
        """How many jobs are not copied yet."""
        with self._condition:
            return len(self._waiting) + self._working

    def wait(self) -> None:
        """Wait until every job is copied, telling how many are left; Ctrl-C leaves them to a later run."""
        told = False
        with self._condition:
            while self._working:
                if not told:
                    told = True
                    left = len(self._waiting) + 1
                    print(f"experimaestro: copying {left} jobs to other folders", file=sys.stderr)
                elif sys.stderr.isatty():
                    print(f"\r\033[Kexperimaestro: {len(self._waiting) + 1} to copy", end="", file=sys.stderr)
                self._condition.wait(_LOOK_SECONDS)
        if told and sys.stderr.isatty():
            print("\r\033[K", end="", file=sys.stderr)
        for error in self.errors:
            print(f"experimaestro: {error}", file=sys.stderr)
        self.errors = []

    def _work(self) -> None:
        from experimaestro._run.folders import archive

        while True:
            with self._condition:
                if not self._waiting:
                    self._working = False
                    self._condition.notify_all()
                    return
                job = self._waiting.popleft()
            try:
                archive(job, self._folders, self._permissions)
            except OSError as error:
                self.errors.append(f"{job.parent.name}/{job.name} is not copied: {error}")

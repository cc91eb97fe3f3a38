"""What a job of this process and one that is looked at from outside have in common: names, and paths of files.

Floor: `_run`. Where each of them lies is decided in `core/layout`; nothing is read or written here.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["BaseJob"]


class BaseJob:
    """A job: `Job` where it is driven, `OfflineJob` from outside. Both have `task_id`, `identifier` and `path`."""

    __slots__ = ()

    task_id: str
    identifier: str

    @property
    def path(self) -> Path:
        """Folder of the job."""
        raise NotImplementedError

    @property
    def jobpath(self) -> Path:
        """Folder of the job."""
        return self.path

    @property
    def name(self) -> str:
        """Last part of the task identifier; the stem of the job's files."""
        return self.task_id.rpartition(".")[2]

    @property
    def relpath(self) -> Path:
        """Folder of the job, from `jobs/` in the workspace."""
        return Path(self.task_id) / self.identifier

    @property
    def relmainpath(self) -> Path:
        """The same as `relpath`: a job has one identifier."""
        return self.relpath

    @property
    def basepath(self) -> Path:
        """`<folder>/<name>`: the job's files add a suffix to it."""
        return self.path / self.name

    @property
    def pidpath(self) -> Path:
        """JSON file with the process, while it runs."""
        return self._file(".pid")

    @property
    def lockpath(self) -> Path:
        """Where older packages lock the job. Nothing is there: links in `.experimaestro/` decide who runs it."""
        return self._file(".lock")

    @property
    def donepath(self) -> Path:
        """Marker: there when the job is done."""
        return self._file(".done")

    @property
    def failedpath(self) -> Path:
        """Marker: there when the job failed; JSON with the reason."""
        return self._file(".failed")

    @property
    def stdout(self) -> Path:
        """Log of the standard output."""
        return self._file(".out")

    @property
    def stderr(self) -> Path:
        """Log of the errors."""
        return self._file(".err")

    @property
    def experimaestro_path(self) -> Path:
        """Folder of what is ours in the job's folder."""
        return self.path / ".experimaestro"

    @property
    def status_path(self) -> Path:
        """Where older packages keep the state of the job. Nothing is there: the state is derived from evidence."""
        return self.experimaestro_path / "status.json"

    @property
    def task_outputs_path(self) -> Path:
        """What the running task announced, one JSON line each."""
        return self.experimaestro_path / "task-outputs.jsonl"

    def _file(self, suffix: str) -> Path:
        return self.path / f"{self.name}{suffix}"

"""A run that goes on without the experiment that made it: what `xpm resume`, `xpm retry` and detached drivers have.

Floor: `_run`. The workspace is entered, and its settings hold, as for an experiment that is run by its script.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from experimaestro import _core
from experimaestro._run.archives import open_archives
from experimaestro._run.engine import get_engine
from experimaestro._run.lock_mode import set_lock_mode
from experimaestro._run.settings import get_settings
from experimaestro._run.workspace import Workspace
from experimaestro.exceptions import WorkspaceError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, Literal

    from experimaestro._core import JobHandle, JobRow
    from experimaestro._run.settings import WorkspaceSettings

__all__ = ["ResumedRun"]


class ResumedRun:
    """A run that this process goes on with.

    Args:
        settings: of the workspace.
        experiment: name of the experiment.
        run_id: which of its runs; the current one by default.
        again: task and identifier of the jobs in error that run again.
        on_wait: told on which host somebody runs the experiment, while this process waits for that.

    Raises:
        WorkspaceError: there is no such run, it cannot be read, or the workspace cannot be used.
    """

    def __init__(
        self,
        settings: WorkspaceSettings,
        experiment: str,
        run_id: str | None,
        again: Sequence[tuple[str, str]],
        on_wait: Callable[[str], None],
    ) -> None:
        self.workspace = Workspace(get_settings(), settings)
        self.workspace.enter()
        _core.record_scheme(self.workspace.path_text, self.workspace.scheme)
        self.archives = open_archives(self.workspace)
        """Copies the jobs that are done to other folders of the workspace, where there are such."""
        if self.workspace.folders:
            self._bring_back(_core.list_jobs(self.workspace.path_text, experiment, run_id))
        self.run = get_engine().resume_run(
            self.workspace.path_text, experiment, run_id=run_id, again=list(again), on_wait=on_wait
        )
        self.path = Path(self.run.path)
        set_lock_mode(self.path.parent / "lock", self.workspace.lock_mode)
        rows = _core.list_jobs(self.workspace.path_text, experiment, self.run.run_id)
        self._archived = {row["path"] for row in rows if row["archived"]} if self.archives is not None else set()
        self.tags: dict[str, dict[str, Any]] = {row["path"]: row["tags"] for row in rows if row["tags"]}
        """Tags of the jobs that have some, by their folders."""

    def notice(self, job: JobHandle) -> None:
        """Take notice of a change of a job: what is done is copied where the settings say so."""
        if self.archives is not None and job.state == "done" and job.path in self._archived:
            self.archives.add(Path(job.path))

    def close(self, status: Literal["completed", "failed", "detached"]) -> Exception | None:
        """Record how the run ended, and give the experiment's lock back.

        Returns:
            Why something could not be recorded (a full disk); the jobs are as they are all the same.
        """
        from experimaestro._run.history import forget_old_runs

        refused: Exception | None = None
        try:
            if status != "detached":
                if self.archives is not None:
                    self.archives.wait()
                # The experiment is still ours: nobody can take up an old run meanwhile.
                forget_old_runs(self.path.parent, self.path.name, status, self.workspace.history)
        except OSError as error:
            refused = error
        finally:
            try:
                self.run.close(status)
            except WorkspaceError as error:
                refused = refused or error
        return refused

    def _bring_back(self, rows: list[JobRow]) -> None:
        from experimaestro._run.folders import bring_back

        for row in rows:
            if row["state"] != "done":
                try:
                    bring_back(Path(row["path"]), self.workspace.folders, self.workspace.lock_mode)
                except OSError as error:
                    import logging

                    logging.getLogger("xpm").warning("%s/%s is not brought back, and runs: %s", row["task_id"],
                                                     row["identifier"], error)  # fmt: skip

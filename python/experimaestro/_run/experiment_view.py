"""What can be read of an open experiment: the same names as of a run that is looked at from outside.

Floor: `_run`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from experimaestro._run.times import local_time

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from experimaestro._core import Run
    from experimaestro._run.job import Job
    from experimaestro._run.states import JobState
    from experimaestro._run.workspace import Workspace

__all__ = ["ExperimentView"]


class ExperimentView:
    """The part of `experiment` that only looks."""

    name: str
    workspace: Workspace
    jobs: dict[str, Job]
    run: Run | None

    # --- files

    @property
    def experiment_base(self) -> Path:
        """Folder of the experiment, with all its runs."""
        return self.workspace.experimentspath / self.name

    @property
    def jobspath(self) -> Path:
        """Folder of this run's links to its jobs.

        Raises:
            RuntimeError: there is no run: before entering, or in a simulation.
        """
        return self._folder() / "jobs"

    @property
    def xplockpath(self) -> Path:
        """The lock that the driver of the current run holds."""
        return self.experiment_base / "lock"

    @property
    def alt_jobspaths(self) -> Iterator[Path]:
        """Folders of jobs outside of the workspace."""
        return self.workspace.alt_jobspaths

    def _folder(self) -> Path:
        if self.run is None:
            raise RuntimeError("there is no folder of this run: the experiment is not entered, or only simulates")
        return type(self.workspace.path)(self.run.path)

    # --- the run

    @property
    def status(self) -> str:
        """`running`, `completed`, `failed` or `detached`; `unscheduled` without a run."""
        return str(self._status().get("status", "unscheduled"))

    @property
    def hostname(self) -> str | None:
        """Host of the driver."""
        return self._status().get("hostname")

    @property
    def started_at(self) -> datetime | None:
        """When the run was opened."""
        return local_time(self._status().get("started_at"))

    @property
    def ended_at(self) -> datetime | None:
        """When it was closed."""
        return local_time(self._status().get("ended_at"))

    @property
    def run_tags(self) -> list[str]:
        """Names that people gave to this run (`xpm experiments tag`)."""
        if self.run is None:
            return []
        from experimaestro._run.run_tags import tags_of_runs

        return tags_of_runs(self.experiment_base).get(self.run.run_id, [])

    def _status(self) -> dict[str, Any]:
        if self.run is None:
            return {}
        from experimaestro._run.run_folders import read_status

        return read_status(self._folder())

    # --- its jobs

    @property
    def tags(self) -> dict[str, dict[str, Any]]:
        """The tags of each job, by identifier."""
        return {identifier: dict(job.tags) for identifier, job in self.jobs.items()}

    @property
    def dependencies(self) -> dict[str, list[str]]:
        """Identifiers of the jobs that each job waits for, by identifier."""
        return {identifier: [other.identifier for other in job.dependencies] for identifier, job in self.jobs.items()}

    @property
    def total_jobs(self) -> int:
        """How many jobs there are."""
        return len(self.jobs)

    @property
    def finished_jobs(self) -> int:
        """How many are done."""
        return self.run.counts().get("done", 0) if self.run is not None else 0

    @property
    def failed_jobs(self) -> int:
        """How many are in error."""
        return self.run.counts().get("error", 0) if self.run is not None else 0

    def get_job_state(self, identifier: str) -> JobState | None:
        """State of a job; None when it is none of this experiment."""
        job = self.jobs.get(identifier)
        return job.state if job is not None else None

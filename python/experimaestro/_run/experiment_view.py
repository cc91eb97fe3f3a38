"""What can be read of an open experiment: the same names as of a run that is looked at from outside.

Floor: `_run`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from experimaestro._run.base_experiment import BaseExperiment
from experimaestro._run.times import local_time

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from experimaestro._core import Ancestors, Run
    from experimaestro._run.attachments import Attachments
    from experimaestro._run.driven_run import DrivenRun
    from experimaestro._run.job import Job
    from experimaestro._run.run_mode import RunMode
    from experimaestro._run.services import Service
    from experimaestro._run.states import JobState
    from experimaestro._run.workspace import Workspace

__all__ = ["ExperimentView"]


class ExperimentView(BaseExperiment):
    """The part of `experiment` that only looks."""

    name: str
    workspace: Workspace
    jobs: dict[str, Job]
    run_mode: RunMode
    attachments: Attachments
    _driven: DrivenRun | None = None
    _is_open = False

    @property
    def run(self) -> Run | None:
        """The engine's side of this run; None before entering, and in a simulation."""
        return self._driven.run if self._driven is not None else None

    @property
    def ancestors(self) -> Ancestors | None:
        """What the tasks of this run are made of, where their jobs have it in common."""
        return self._driven.ancestors if self._driven is not None else None

    @property
    def is_open(self) -> bool:
        """Whether the block is entered, and jobs are run."""
        return self._is_open and self.run is not None

    # --- where

    @property
    def run_id(self) -> str | None:
        """Name of this run, a date; None before entering, `dry-run` in a simulation."""
        if not self.run_mode.submits:
            return "dry-run" if self._is_open else None
        return self.run.run_id if self.run is not None else None

    @property
    def workdir(self) -> Path | None:
        """Folder of this run; None before entering, and not created in a simulation."""
        if self.run is not None:
            return type(self.workspace.path)(self.run.path)
        return self.workspace.experimentspath / self.name / "dry-run" if self._is_open else None

    @property
    def resultspath(self) -> Path:
        """Folder for the results of this run; it exists once asked for.

        Raises:
            RuntimeError: there is no run: before entering, or in a simulation.
        """
        workdir = self.workdir
        if self.run is None or workdir is None:
            raise RuntimeError("there is no results folder: the experiment is not entered, or only simulates")
        path = workdir / "results"
        path.mkdir(exist_ok=True)
        return path

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
    def jobs_jsonl_path(self) -> Path:
        """Where older packages list the jobs of a run. Nothing is there: the journal of the run tells of them.

        Raises:
            RuntimeError: there is no run: before entering, or in a simulation.
        """
        return self._folder() / "jobs.jsonl"

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
    def experiment_id(self) -> str:
        """Name of the experiment."""
        return self.name

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

    # --- what is attached to it

    @property
    def services(self) -> dict[str, Service]:
        """The services, by id."""
        return self.attachments.services

    @property
    def actions(self) -> dict[str, Any]:
        """The actions, by identifier."""
        return self.attachments.actions

    # --- its jobs

    @property
    def failedJobs(self) -> dict[str, Job]:  # noqa: N802 - name of older versions
        """The jobs in error, those for a dependency's sake included, by identifier."""
        return {
            identifier: job for identifier, job in self.jobs.items() if job._handle and job._handle.state == "error"
        }

    @property
    def failed(self) -> bool:
        """Whether a job is in error."""
        return self.run is not None and self.run.counts().get("error", 0) > 0

    @property
    def unfinishedJobs(self) -> int:  # noqa: N802 - name of older versions
        """How many jobs have not ended."""
        if self.run is None:
            return 0
        counts = self.run.counts()
        return sum(counts.values()) - counts.get("done", 0) - counts.get("error", 0) - counts.get("transient", 0)

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

    def state_dict(self) -> dict[str, Any]:
        """Describe the run, its jobs, services and actions in plain values, times in the form of ISO 8601."""
        return {
            **super().state_dict(),
            "job_states": {identifier: _told(job.state) for identifier, job in self.jobs.items()},
            "services": {name: service.full_state_dict() for name, service in self.services.items()},
            "actions": {name: action.describe() for name, action in self.actions.items()},
            "run_tags": self.run_tags,
        }


def _told(state: JobState) -> str:
    reason = state.failure_reason
    return state.name if reason is None else f"{state.name}:{reason.name}"

"""A workspace seen from outside of its experiments: what ran, how it went, what is left over.

Floor: `_run`. Everything is read from journals and job folders; only what says so in its name writes.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from experimaestro._core import kill_job, list_jobs, list_runs
from experimaestro._run.base_experiment import BaseExperiment
from experimaestro._run.base_job import BaseJob
from experimaestro._run.engine import get_engine
from experimaestro._run.scheme import MARKER
from experimaestro._run.states import JobState, state_of
from experimaestro._run.times import local_time
from experimaestro.exceptions import WorkspaceError

if TYPE_CHECKING:
    from datetime import datetime

    from experimaestro._config.actions import StoredAction
    from experimaestro._config.experiment_info import ExperimentInfo
    from experimaestro._core import JobRow, ProgressLevel, RunRow
    from experimaestro._run.service_records import StoredService

__all__ = ["OfflineExperiment", "OfflineJob", "WorkspaceStateProvider"]


class OfflineJob(BaseJob):
    """A job as its folder, or the journal of a run, tells.

    Attributes:
        task_id: the task.
        identifier: the configuration.
        tags: as submitted; empty when the job was found by its folder.
        dependencies: identifiers of the jobs that it depends on.
        experiment_id, run_id: the run that tells of it; None when the job was found by its folder.
    """

    def __init__(
        self,
        path: Path,
        state: JobState,
        *,
        row: JobRow | None = None,
        dependencies: Iterable[str] = (),
    ) -> None:
        self._path = path
        self.task_id = path.parent.name
        self.identifier = path.name
        self.state = state
        self.tags: dict[str, Any] = row["tags"] if row else {}
        self.dependencies = list(dependencies)
        self.experiment_id = row["experiment"] if row else None
        self.run_id = row["run_id"] if row else None
        self.message = row["message"] if row else None
        self._times = (row["submitted"], row["started"], row["ended"]) if row else (None, None, None)

    @property
    def path(self) -> Path:
        """Folder of the job."""
        return self._path

    @property
    def submittime(self) -> datetime | None:
        """When it joined the run."""
        return local_time(self._times[0])

    @property
    def starttime(self) -> datetime | None:
        """When its process started."""
        return local_time(self._times[1])

    @property
    def endtime(self) -> datetime | None:
        """When it ended."""
        return local_time(self._times[2])

    @property
    def progress(self) -> list[ProgressLevel]:
        """What the task reported last: one entry per level."""
        from experimaestro._core import read_progress

        return read_progress(str(self.path))

    def __repr__(self) -> str:
        return f"OfflineJob({self.task_id}/{self.identifier}, {self.state.name})"


class OfflineExperiment(BaseExperiment):
    """A run of an experiment, as its status and journal tell.

    Attributes:
        is_current: whether it is the last run of the experiment.
    """

    def __init__(self, workspace: Path, row: RunRow) -> None:
        self._row = row
        self._workdir = workspace / "experiments" / row["experiment"] / row["run_id"]
        self.is_current = row["current"]

    @property
    def experiment_id(self) -> str:
        """Name of the experiment."""
        return self._row["experiment"]

    @property
    def run_id(self) -> str:
        """Name of the run."""
        return self._row["run_id"]

    @property
    def workdir(self) -> Path:
        """Folder of the run."""
        return self._workdir

    @property
    def status(self) -> str:
        """A word of `ExperimentStatus`; `unknown` when its driver is gone without a word."""
        return self._row["status"]

    @property
    def hostname(self) -> str | None:
        """Where its driver ran."""
        return self._row["host"]

    @property
    def total_jobs(self) -> int:
        """How many jobs there are."""
        return self._row["total"]

    @property
    def finished_jobs(self) -> int:
        """How many are done."""
        return self._row["done"]

    @property
    def failed_jobs(self) -> int:
        """How many are in error."""
        return self._row["failed"]

    @property
    def started_at(self) -> datetime | None:
        """When it was opened."""
        return local_time(self._row["started"])

    @property
    def ended_at(self) -> datetime | None:
        """When it was closed."""
        return local_time(self._row["ended"])

    def __repr__(self) -> str:
        return f"OfflineExperiment({self.experiment_id}/{self.run_id}, {self.status})"


class WorkspaceStateProvider:
    """Reads a workspace, whether or not anybody runs something in it.

    Args:
        path: folder of the workspace.
        no_cleanup: kept for older programmes; nothing is ever cleaned up by reading.

    Raises:
        WorkspaceError: the folder is no workspace.
    """

    _instances: ClassVar[dict[Path, WorkspaceStateProvider]] = {}

    def __init__(self, path: str | Path, no_cleanup: bool = False) -> None:  # noqa: ARG002
        self.path = Path(path).absolute()
        if not (self.path / MARKER).exists():
            raise WorkspaceError(
                f"{self.path} is no workspace (it holds no {MARKER}); experiments create theirs when they first run"
            )

    @classmethod
    def get_instance(cls, path: str | Path, **options: Any) -> WorkspaceStateProvider:
        """Return the provider that everybody shares for this folder."""
        folder = Path(path).absolute()
        if folder not in cls._instances:
            cls._instances[folder] = cls(folder, **options)
        return cls._instances[folder]

    # --- experiments and runs

    def get_experiments(self, since: datetime | None = None, *, refresh: bool = False) -> list[OfflineExperiment]:  # noqa: ARG002
        """Return the current run of each experiment.

        Args:
            since: only runs that were opened later.
            refresh: kept for older programmes; what is returned is always fresh.
        """
        runs = (OfflineExperiment(self.path, row) for row in list_runs(str(self.path)) if row["current"])
        return [run for run in runs if since is None or (run.started_at is not None and run.started_at > since)]

    def get_experiment(self, experiment_id: str, *, refresh: bool = False) -> OfflineExperiment | None:
        """Return the current run of an experiment; None when there is none."""
        return next((run for run in self.get_experiment_runs(experiment_id, refresh=refresh) if run.is_current), None)

    def get_experiment_runs(self, experiment_id: str, *, refresh: bool = False) -> list[OfflineExperiment]:  # noqa: ARG002
        """Return the runs of an experiment, in the order in which they were opened."""
        return [OfflineExperiment(self.path, row) for row in list_runs(str(self.path), experiment_id)]

    def get_current_run(self, experiment_id: str) -> str | None:
        """Return the identifier of the current run of an experiment."""
        run = self.get_experiment(experiment_id)
        return run.run_id if run is not None else None

    def load_xp_info(self, experiment_id: str, run_id: str | None = None) -> ExperimentInfo:
        """Return the configurations that a run submitted (FileNotFoundError when there is no such run)."""
        from experimaestro._config.experiment_info import load_xp_info

        run = run_id or self.get_current_run(experiment_id) or "current"
        return load_xp_info(self.path / "experiments" / experiment_id / run)

    # --- what was attached to a run

    def get_services(self, experiment_id: str, run_id: str | None = None) -> list[StoredService]:
        """Return the services of a run, of the current one by default."""
        from experimaestro._run.service_records import read_services

        alive = {run.run_id for run in self.get_experiment_runs(experiment_id) if run.status == "running"}
        found = read_services(self._run_dir(experiment_id, run_id))
        return [one.seen(is_alive=one.run_dir.name in alive) for one in found.values()]

    def get_actions(self, experiment_id: str, run_id: str | None = None) -> list[StoredAction]:
        """Return the actions of a run, of the current one by default; nothing of the user's is imported."""
        from experimaestro._config.actions import stored_actions

        return list(stored_actions(self._run_dir(experiment_id, run_id)).values())

    def _run_dir(self, experiment_id: str, run_id: str | None) -> Path:
        return (self.path / "experiments" / experiment_id / (run_id or "current")).resolve()

    # --- jobs

    def get_jobs(
        self,
        experiment_id: str | None = None,
        run_id: str | None = None,
        task_id: str | None = None,
        state: JobState | str | None = None,
        tags: Mapping[str, Any] | None = None,
        since: datetime | None = None,
        *,
        refresh: bool = False,  # noqa: ARG002
    ) -> list[OfflineJob]:
        """Return jobs of the current run of each experiment, in the order of their submission.

        Args:
            experiment_id: only of this experiment.
            run_id: only of this run of it.
            task_id: only of this task.
            state: only in this state.
            tags: only with these tags; values are compared as texts.
            since: only those submitted later.
            refresh: kept for older programmes; what is returned is always fresh.
        """
        wanted = state.name if isinstance(state, JobState) else (state.lower() if state else None)

        def matches(job: OfflineJob) -> bool:
            return (
                (task_id is None or job.task_id == task_id)
                and (wanted is None or job.state.name == wanted)
                and all(name in job.tags and str(job.tags[name]) == str(value) for name, value in (tags or {}).items())
                and (since is None or (job.submittime is not None and job.submittime > since))
            )

        return [job for job in self._jobs(experiment_id, run_id) if matches(job)]

    def _jobs(self, experiment_id: str | None, run_id: str | None) -> list[OfflineJob]:
        rows = list_jobs(str(self.path), experiment_id, run_id)
        jobs = []
        start = 0
        for index, row in enumerate(rows):
            # Dependencies are places among the jobs of one run.
            if index and (row["experiment"], row["run_id"]) != (rows[start]["experiment"], rows[start]["run_id"]):
                start = index
            needs = [rows[start + place]["identifier"] for place in row["dependencies"]]
            state = state_of(row["state"], row["reason"])
            jobs.append(OfflineJob(Path(row["path"]), state, row=row, dependencies=needs))
        return jobs

    def get_all_jobs(
        self,
        state: JobState | str | None = None,
        tags: Mapping[str, Any] | None = None,
        since: datetime | None = None,
        *,
        refresh: bool = False,
    ) -> list[OfflineJob]:
        """Return the jobs of the current runs of all experiments; arguments as for `get_jobs`."""
        return self.get_jobs(state=state, tags=tags, since=since, refresh=refresh)

    def get_job(self, task_id: str, job_id: str, *, refresh: bool = False) -> OfflineJob | None:  # noqa: ARG002
        """Return a job as its folder tells; None when it has none."""
        folder = self.path / "jobs" / task_id / job_id
        return self._job_of_folder(folder) if folder.is_dir() else None

    def _job_of_folder(self, folder: Path) -> OfflineJob:
        state = state_of(*get_engine().inspect(str(self.path), folder.parent.name, folder.name))
        return OfflineJob(folder, state)

    def get_tags_map(self, experiment_id: str, run_id: str | None = None) -> dict[str, dict[str, Any]]:
        """Return the tags of the jobs of a run, by the identifiers of the jobs."""
        return {job.identifier: job.tags for job in self._jobs(experiment_id, run_id)}

    def get_dependencies_map(self, experiment_id: str, run_id: str | None = None) -> dict[str, list[str]]:
        """Return the identifiers of the jobs that each job of a run depends on, by the identifiers of the jobs."""
        return {job.identifier: job.dependencies for job in self._jobs(experiment_id, run_id)}

    def get_experiment_job_info(self, experiment_id: str, run_id: str | None = None) -> dict[str, OfflineJob]:
        """Return the jobs of a run by their identifiers."""
        return {job.identifier: job for job in self._jobs(experiment_id, run_id)}

    # --- what is left over

    def get_orphan_jobs(self) -> list[OfflineJob]:
        """Return the jobs whose folders no run of any experiment tells of."""
        known = {Path(row["path"]) for run in list_runs(str(self.path)) for row in self._rows_of(run)}
        known.update(self._linked_jobs())
        # The new name of a renamed job is a link: what it leads to is as known as the link.
        known.update([path.resolve() for path in known if path.is_symlink()])
        return [self._job_of_folder(folder) for folder in self._job_folders() if folder not in known]

    def _linked_jobs(self) -> list[Path]:
        """The jobs that runs hold links to, also those of older packages, which have no journal."""
        patterns = ("experiments/*/*/jobs/*/*", "xp/*/jobs/*/*", "xp/*/jobs.bak/*/*")
        links = [link for pattern in patterns for link in self.path.glob(pattern)]
        return [self.path / "jobs" / link.parent.name / link.name for link in links]

    def _job_folders(self) -> list[Path]:
        """The folders of jobs; names that begin with a point are of copies in progress."""
        folders = sorted((self.path / "jobs").glob("*/*"))
        return [folder for folder in folders if not folder.name.startswith(".") and folder.is_dir()]

    def get_stray_jobs(self) -> list[OfflineJob]:
        """Return the jobs that run although the current run of no experiment tells of them."""
        known = {row["path"] for row in list_jobs(str(self.path))}
        strays = (self._job_of_folder(folder) for folder in self._job_folders() if str(folder) not in known)
        return [job for job in strays if job.state.running()]

    def _rows_of(self, run: RunRow) -> list[JobRow]:
        return list_jobs(str(self.path), run["experiment"], run["run_id"])

    def delete_job_safely(self, job: OfflineJob, perform: bool = True) -> tuple[bool, str]:
        """Remove the folder of a job that does not run.

        Returns:
            Whether it was (or, without `perform`, would be) removed, and a sentence that says so.
        """
        folder = job.path.absolute()
        if folder.parent.parent != self.path / "jobs":
            return False, f"{folder} is no job of {self.path}"
        if not folder.is_dir():
            return False, f"{job.task_id}/{job.identifier} has no folder"
        if self._job_of_folder(folder).state.running():
            return False, f"{job.task_id}/{job.identifier} is running: stop it first"
        if perform and folder.is_symlink():
            folder.unlink()  # what it leads to belongs to another folder of the workspace
        elif perform:
            # Half of it must not look like a job.
            gone = folder.with_name(f".removed.{folder.name}")
            if gone.exists():
                shutil.rmtree(gone)
            folder.rename(gone)
            shutil.rmtree(gone)
        return True, f"{job.task_id}/{job.identifier} {'was' if perform else 'would be'} removed"

    def kill_job(self, job: OfflineJob, perform: bool = True) -> bool:
        """Ask the process of a job to stop (SIGTERM), whoever started it.

        Returns:
            Whether it was asked; without `perform`, whether it seems to run. A process of another host cannot be asked.
        """
        if not perform:
            return self._job_of_folder(job.path.absolute()).state.running()
        return kill_job(job.path.absolute())

    def clean_job(self, job: OfflineJob, perform: bool = False) -> bool:
        """Remove the folder of a job that has ended; whether it was, or would be without `perform`."""
        return job.state.finished() and self.delete_job_safely(job, perform)[0]

    def close(self) -> None:
        """Forget the shared provider of this folder."""
        WorkspaceStateProvider._instances.pop(self.path, None)

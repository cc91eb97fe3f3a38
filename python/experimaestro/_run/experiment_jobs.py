"""What submission, the config layer and jobs ask of an open experiment.

Floor: `_run`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from experimaestro._run.experiment_view import ExperimentView
from experimaestro.exceptions import ExperimentStopped

if TYPE_CHECKING:
    from experimaestro._config.watching import WatchedOutput
    from experimaestro._run.experiment import experiment
    from experimaestro._run.job import Job
    from experimaestro._run.task_outputs import TaskOutputs

__all__ = ["ExperimentJobs"]


class ExperimentJobs(ExperimentView):
    """The part of `experiment` that takes jobs in."""

    outputs: TaskOutputs
    _stopped = False

    @property
    def _me(self) -> experiment:
        return cast("experiment", self)

    @property
    def stopped(self) -> bool:
        """Whether `stop()` was called."""
        return self._stopped

    def check_not_stopped(self) -> None:
        """Refuse a submission after `stop()`.

        Raises:
            ExperimentStopped: the experiment is being stopped.
        """
        if self._stopped:
            raise ExperimentStopped(f"the experiment {self.name} is being stopped: nothing can be submitted to it")

    def submit(self, job: Job) -> Job:
        """Run a job as one of this experiment; what `task.submit()` does with it.

        Args:
            job: of a task that was submitted, to this or another experiment of the workspace.

        Raises:
            ExperimentStopped: the experiment is being stopped.
            ValueError: it is a job of another workspace, or depends on one that was only simulated.
        """
        from experimaestro._run.submission import hand_over

        self.check_not_stopped()
        if job.workspace.path != self.workspace.path:
            raise ValueError(
                f"{job!r} is a job of {job.workspace.path}, and this experiment is in {self.workspace.path}"
            )
        self.add_job(job)
        hand_over(job, self._me)
        return job

    def prepare(self, job: Job) -> None:
        """Write the folder of a job without running it; one that is done, or runs, is left as it is.

        Raises:
            WorkspaceError: the folder cannot be written.
        """
        from experimaestro._run.engine import get_engine

        get_engine().generate(job.workspace.path_text, job.task_id, job.identifier, job.launch)

    def add_job(self, job: Job) -> None:
        """Count a job as one of this experiment (called by `submit`)."""
        if self.jobs.setdefault(job.identifier, job) is job and self._me not in job.experiments:
            job.experiments.append(self._me)

    def watch_output(self, watched: WatchedOutput) -> None:
        """Call back for each output that a task of this experiment announces.

        Raises:
            RuntimeError: the task was not submitted, or its experiments are over.
        """
        from experimaestro import _core

        job = _core.state_of(watched.task).job
        if job is None:
            raise RuntimeError(f"{watched.task!r} was not submitted: nothing of it can be watched by the experiment")
        job.watch_output(watched)

    def watch_output_of(self, job: Job, watched: WatchedOutput) -> None:
        """Call back for each output of a job of this experiment (called by the job)."""
        self.outputs.watch(job, watched)

    def find_job(self, task_id: str, identifier: str) -> Job | None:
        """Return the job of this experiment with this identifier; None when there is none."""
        job = self.jobs.get(identifier)
        return job if job is not None and job.task_id == task_id else None

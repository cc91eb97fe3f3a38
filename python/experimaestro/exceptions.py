"""Every exception class of this package, in one place."""

from __future__ import annotations

from experimaestro._core import (
    ClaimLost,
    ExperimaestroError,
    LoadError,
    MissingClassError,
    MissingFileError,
    MissingModuleError,
    SealedError,
    UnknownFieldError,
    ValidationError,
    WorkspaceError,
)

__all__ = [
    "ClaimLost",
    "DirtyGitError",
    "ExperimaestroError",
    "ExperimentStopped",
    "FailedExperiment",
    "GracefulExperimentExit",
    "GracefulTimeout",
    "HandledException",
    "JobError",
    "LoadError",
    "MissingClassError",
    "MissingFileError",
    "MissingModuleError",
    "SealedError",
    "TaskCancelled",
    "UnknownFieldError",
    "ValidationError",
    "WorkspaceError",
]


class HandledException(Exception):
    """Raised in an experiment after the user was told what is wrong: no traceback is shown."""


class ExperimentStopped(HandledException):
    """A task was submitted to an experiment that is being stopped."""


class GracefulExperimentExit(Exception):
    """Leave the experiment at once, without waiting: its running jobs go on, and nothing is raised."""


class JobError(ExperimaestroError, RuntimeError):
    """A job that somebody waited for failed."""


class FailedExperiment(ExperimaestroError, RuntimeError):
    """Some jobs of an experiment failed."""


class DirtyGitError(ExperimaestroError, RuntimeError):
    """A project has uncommitted changes, and the experiment asked for none (`dirty_git=DirtyGitAction.ERROR`)."""


class GracefulTimeout(Exception):
    """Raised by a task that saved its work and stops because its time is nearly over: the job ends with reason TIMEOUT.

    Args:
        message: why, in one line; shown to the user.
    """

    def __init__(self, message: str = "the task stopped before its time limit") -> None:
        super().__init__(message)
        self.message = message


class TaskCancelled(Exception):
    """Raised inside `execute()` when somebody asks the job to stop (SIGTERM, SIGINT); a last chance to save one's work.

    The job ends as cancelled, even when the task catches this.

    Args:
        message: who asked.
        remaining_time: seconds before the job is killed, or None when unknown.
    """

    def __init__(self, message: str = "the job was cancelled", remaining_time: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.remaining_time = remaining_time

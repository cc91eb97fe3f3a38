"""States of a job as Python sees them.

Floor: `_run`. What may follow what is decided in the Rust core; here are only the names people compare with.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, ClassVar, Literal, cast

if TYPE_CHECKING:
    import os
    from datetime import datetime

    from experimaestro._core import Reason, State

__all__ = ["JobFailureStatus", "JobState", "JobStateDone", "JobStateError", "JobStateReady", "JobStateRunning",
           "JobStateScheduled", "JobStateTransient", "JobStateUnscheduled", "JobStateWaiting", "state_of"]  # fmt: skip


class JobFailureStatus(Enum):
    """Why a job is in error."""

    DEPENDENCY = 0
    FAILED = 1
    MEMORY = 2
    TIMEOUT = 3
    CANCELLED = 4
    REJECTED_TIMELIMIT = 5
    REJECTED_OTHER = 6
    MISSING_OUTPUTS = 7
    DELETED = 8


class JobState:
    """A state: equal to every other object of the same state, whatever the reason of an error.

    >>> JobStateError(JobFailureStatus.TIMEOUT) == JobState.ERROR
    True
    >>> JobState.DONE.finished(), JobState.RUNNING.finished()
    (True, False)
    >>> JobState.DONE.name, JobState.DONE.value
    ('done', 5)
    """

    UNSCHEDULED: ClassVar[JobState]
    TRANSIENT: ClassVar[JobState]
    WAITING: ClassVar[JobState]
    READY: ClassVar[JobState]
    SCHEDULED: ClassVar[JobState]
    RUNNING: ClassVar[JobState]
    DONE: ClassVar[JobState]
    ERROR: ClassVar[JobState]

    __slots__ = ()
    name: ClassVar[str]
    """Lower-case name, as in journals and on the command line."""
    value: ClassVar[int]
    """Number of the state: 0 (unscheduled) to 6 (error), and 7 (transient), which older versions did not have."""
    icon: ClassVar[str]
    order: ClassVar[int]
    """How far the job has come: 0 (unscheduled, transient) to 5 (done, error)."""
    _phase: ClassVar[Literal["notstarted", "running", "finished"]]

    def is_unscheduled(self) -> bool:
        """Whether the job waits for nothing: it was not looked at yet, or nobody needs it."""
        return self.name in ("unscheduled", "transient")

    def notstarted(self) -> bool:
        """Whether no process exists yet."""
        return self._phase == "notstarted"

    def running(self) -> bool:
        """Whether the job was handed to a launcher and has not ended."""
        return self._phase == "running"

    def finished(self) -> bool:
        """Whether the job has ended, well or badly."""
        return self._phase == "finished"

    def is_error(self) -> bool:
        """Whether the job ended badly."""
        return self.value == JobStateError.value

    @property
    def failure_reason(self) -> JobFailureStatus | None:
        """Why the job is in error, or None."""
        return None

    @staticmethod
    def from_path(directory: str | os.PathLike[str], name: str) -> JobState | None:
        """Return the state that the markers of a job tell, also those of older packages; None when there is none.

        Args:
            directory: folder of the job.
            name: stem of its files, the last part of the task identifier.
        """
        from pathlib import Path

        from experimaestro._run.markers import state_of_markers

        return state_of_markers(Path(directory), name)

    def resolve(
        self, other: JobState, own_time: datetime | float | None = None, other_time: datetime | float | None = None
    ) -> JobState | None:
        """Return which of two views of one job holds: the one that is further, else the newer one.

        Args:
            other: the other view.
            own_time, other_time: when each was true, both of one kind.

        Returns:
            A state; None when they differ and nobody can tell.

        >>> JobState.RUNNING.resolve(JobState.WAITING)
        JobState.RUNNING
        >>> JobState.DONE.resolve(JobState.ERROR, 1.0, 2.0)
        JobState.ERROR
        >>> JobState.DONE.resolve(JobState.ERROR) is None
        True
        """
        if self.order != other.order:
            return self if self.order > other.order else other
        if own_time is not None and other_time is not None and own_time != other_time:
            return self if own_time > other_time else other  # type: ignore[operator]
        return self if self == other else None

    def __eq__(self, other: object) -> bool:
        return self.value == other.value if isinstance(other, JobState) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.value)

    def __repr__(self) -> str:
        return f"JobState.{self.name.upper()}"


class JobStateUnscheduled(JobState):
    """Known, not looked at yet."""

    __slots__ = ()
    name, value, order, icon, _phase = "unscheduled", 0, 0, "·", "notstarted"


class JobStateTransient(JobState):
    """Wanted by others only, and no job that runs needs it."""

    __slots__ = ()
    name, value, order, icon, _phase = "transient", 7, 0, "◌", "notstarted"


class JobStateWaiting(JobState):
    """Waits for jobs or resources."""

    __slots__ = ()
    name, value, order, icon, _phase = "waiting", 1, 1, "⌛", "notstarted"


class JobStateReady(JobState):
    """Could start; waits for a slot."""

    __slots__ = ()
    name, value, order, icon, _phase = "ready", 2, 2, "□", "notstarted"


class JobStateScheduled(JobState):
    """Handed to its launcher."""

    __slots__ = ()
    name, value, order, icon, _phase = "scheduled", 3, 3, "▷", "running"


class JobStateRunning(JobState):
    """Its process runs."""

    __slots__ = ()
    name, value, order, icon, _phase = "running", 4, 4, "▶", "running"


class JobStateDone(JobState):
    """Ended well; its marker is there."""

    __slots__ = ()
    name, value, order, icon, _phase = "done", 5, 5, "✔", "finished"


class JobStateError(JobState):
    """Ended badly, for a reason."""

    __slots__ = ("_reason",)
    name, value, order, icon, _phase = "error", 6, 5, "✘", "finished"

    def __init__(self, failure_reason: JobFailureStatus | None = None) -> None:
        self._reason = failure_reason

    @property
    def failure_reason(self) -> JobFailureStatus | None:
        """Why the job is in error, or None when nobody knows."""
        return self._reason

    def __repr__(self) -> str:
        return "JobState.ERROR" if self._reason is None else f"JobState.ERROR({self._reason.name})"


JobState.UNSCHEDULED = JobStateUnscheduled()
JobState.TRANSIENT = JobStateTransient()
JobState.WAITING = JobStateWaiting()
JobState.READY = JobStateReady()
JobState.SCHEDULED = JobStateScheduled()
JobState.RUNNING = JobStateRunning()
JobState.DONE = JobStateDone()
JobState.ERROR = JobStateError()

_BY_NAME: dict[str, JobState] = {
    state.name: state
    for state in (JobState.UNSCHEDULED, JobState.TRANSIENT, JobState.WAITING, JobState.READY, JobState.SCHEDULED,
                  JobState.RUNNING, JobState.DONE, JobState.ERROR)
}  # fmt: skip
_ERRORS = {reason.name: JobStateError(reason) for reason in JobFailureStatus}


def state_of(name: State, reason: Reason | None = None) -> JobState:
    """Return the object of a state that the engine named.

    >>> state_of("error", "TIMEOUT")
    JobState.ERROR(TIMEOUT)
    """
    if name == "error" and reason is not None:
        return cast("JobState", _ERRORS[reason])
    return _BY_NAME[name]

"""What an open experiment and one that is looked at from outside have in common.

Floor: `_run`.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

__all__ = ["BaseExperiment", "ExperimentStatus"]


class ExperimentStatus(str, Enum):
    """How a run is; equal to the words that `status` gives.

    >>> ExperimentStatus.DONE == "completed"
    True
    """

    RUNNING = "running"
    DONE = "completed"
    FAILED = "failed"
    DETACHED = "detached"
    UNKNOWN = "unknown"


class BaseExperiment:
    """A run of an experiment: `experiment` while it is open, `OfflineExperiment` from outside."""

    carbon_impact: None = None
    """Energy is not measured."""
    events_count: None = None
    """Older packages count files of events; here a run has one journal."""

    @property
    def experiment_id(self) -> str:
        """Name of the experiment."""
        raise NotImplementedError

    @property
    def run_id(self) -> str | None:
        """Name of the run."""
        raise NotImplementedError

    @property
    def workdir(self) -> Path | None:
        """Folder of the run."""
        raise NotImplementedError

    @property
    def status(self) -> str:
        """A word of `ExperimentStatus`."""
        raise NotImplementedError

    @property
    def hostname(self) -> str | None:
        """Host of the driver."""
        raise NotImplementedError

    @property
    def started_at(self) -> datetime | None:
        """When the run was opened."""
        raise NotImplementedError

    @property
    def ended_at(self) -> datetime | None:
        """When it was closed."""
        raise NotImplementedError

    @property
    def total_jobs(self) -> int:
        """How many jobs there are."""
        raise NotImplementedError

    @property
    def finished_jobs(self) -> int:
        """How many are done."""
        raise NotImplementedError

    @property
    def failed_jobs(self) -> int:
        """How many are in error."""
        raise NotImplementedError

    def state_dict(self) -> dict[str, Any]:
        """Describe the run in plain values, times in the form of ISO 8601."""
        started, ended = self.started_at, self.ended_at
        return {
            "experiment_id": self.experiment_id,
            "run_id": self.run_id,
            "status": self.status,
            "hostname": self.hostname,
            "started_at": started.isoformat() if started is not None else None,
            "ended_at": ended.isoformat() if ended is not None else None,
            "total_jobs": self.total_jobs,
            "finished_jobs": self.finished_jobs,
            "failed_jobs": self.failed_jobs,
        }

"""What `submit()` does: run, simulate, or write files only.

Floor: `_run`.
"""

from __future__ import annotations

from enum import Enum

__all__ = ["RunMode"]


class RunMode(str, Enum):
    """How the tasks of an experiment are treated.

    >>> RunMode("dry-run") is RunMode.DRY_RUN
    True
    """

    NORMAL = "normal"
    """Run every task that is not done."""
    GENERATE_ONLY = "generate"
    """Write the job folders, run nothing."""
    DRY_RUN = "dry-run"
    """Say what would run; write nothing."""
    PREPARE = "prepare"
    """Prepare what the tasks need on this machine (`Prepare`), run nothing."""

    @property
    def submits(self) -> bool:
        """Whether jobs are run."""
        return self is RunMode.NORMAL

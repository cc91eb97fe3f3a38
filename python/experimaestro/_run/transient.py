"""Jobs that nobody wants for their own sake.

Floor: `_run`.
"""

from __future__ import annotations

from enum import Enum

__all__ = ["TransientMode"]


class TransientMode(Enum):
    """Whether a job runs when no job that runs needs it, and whether its folder is kept.

    >>> TransientMode.REMOVE.is_transient, TransientMode.NONE.should_remove
    (True, False)
    """

    NONE = 0
    """It runs, and its folder stays."""
    TRANSIENT = 1
    """It runs if a job that runs needs it, and its folder stays."""
    REMOVE = 2
    """It runs if a job that runs needs it, and its folder is removed when the experiment ends without failure."""

    @property
    def is_transient(self) -> bool:
        """Whether the job runs only for others."""
        return self is not TransientMode.NONE

    @property
    def should_remove(self) -> bool:
        """Whether its folder is removed in the end."""
        return self is TransientMode.REMOVE

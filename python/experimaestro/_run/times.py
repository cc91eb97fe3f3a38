"""Moments as people read them.

Floor: `_run`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["local_time"]


def local_time(seconds: float | None) -> datetime | None:
    """Return a moment, given in seconds since 1970, in the time of this place; None stays None."""
    if seconds is None:
        return None
    from datetime import datetime

    return datetime.fromtimestamp(seconds)  # noqa: DTZ006 - local time, for people

"""The markers of a job, as this package and older ones write them.

Floor: `_run`. What attempts of this package tell is the engine's to read; markers are what every release understands.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from experimaestro._run.states import JobFailureStatus, JobState

__all__ = ["state_of_markers"]


def state_of_markers(directory: Path, name: str) -> JobState | None:
    """Return the state that the markers of a job tell; None without a marker.

    Args:
        directory: folder of the job.
        name: stem of its files.
    """
    from experimaestro._run.states import JobState, JobStateError

    if (directory / f"{name}.done").exists():
        return JobState.DONE
    try:
        text = (directory / f"{name}.failed").read_bytes()
    except FileNotFoundError:
        return None
    try:
        told = json.loads(text)
    except ValueError:
        told = None
    if told == 0 and isinstance(told, int) and not isinstance(told, bool):
        return JobState.DONE  # releases 1.x wrote the exit code, and nothing else
    return JobStateError(_reason(told))


def _reason(told: Any) -> JobFailureStatus:
    """What a failure marker gives as the reason; a plain failure when it cannot be understood."""
    from experimaestro._run.states import JobFailureStatus

    word = (told.get("failure_status") or told.get("reason")) if isinstance(told, dict) else None
    return JobFailureStatus.__members__.get(str(word).upper(), JobFailureStatus.FAILED)

"""Which experiment a call belongs to: that of the thread when it works for one, else the innermost open one.

Floor: `_run`. A callback runs on a thread of its experiment while the main thread may be inside another one.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from experimaestro._run.experiment import experiment

__all__ = ["acting_experiment", "working_for"]

_thread = threading.local()


def acting_experiment() -> experiment | None:
    """Return the experiment that a submission on this thread belongs to; None when there is none."""
    owner: experiment | None = getattr(_thread, "owner", None)
    if owner is not None:
        return owner
    from experimaestro._run.experiment import experiment

    return experiment.CURRENT


@contextmanager
def working_for(owner: experiment) -> Iterator[None]:
    """Let what this thread submits belong to one experiment."""
    before = getattr(_thread, "owner", None)
    _thread.owner = owner
    try:
        yield
    finally:
        _thread.owner = before

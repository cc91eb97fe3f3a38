"""`progress()`: how far a task is, for those who watch.

Floor: `_run`. Written to the job's progress file when there is something new to see.
"""

from __future__ import annotations

import sys

from experimaestro._core import report_progress
from experimaestro.taskglobals import Env

__all__ = ["progress"]

_SMALLEST_STEP = 0.01

# What was last written, one entry per level; a level that changes makes the deeper ones void.
_written: list[tuple[float, str | None]] = []


def progress(value: float, level: int = 0, desc: str | None = None, console: bool = False) -> None:
    """Report the progress of the running task.

    Cheap enough for inner loops: only a step of more than 0.01, the end, or another description is written.

    Args:
        value: from 0 to 1; what lies outside is brought inside.
        level: 0 for the outermost loop, 1 for the one inside it, and so on.
        desc: what is being done.
        console: also print it in the job's log.

    Raises:
        AssertionError: there is no running task.
    """
    folder = Env.taskpath
    if folder is None:
        raise AssertionError("progress() tells about a running task, and there is none (task path undefined)")
    if Env.slave:
        return
    value = min(1.0, max(0.0, float(value)))
    if level < len(_written):
        before, description = _written[level]
        finished = value == 1.0 and before != 1.0
        if abs(value - before) <= _SMALLEST_STEP and desc == description and not finished:
            return
    while len(_written) < level:
        _written.append((0.0, None))
    _written[level:] = [(value, desc)]
    report_progress(str(folder), level, value, desc)
    if console:
        print(f"{'  ' * level}{desc or 'progress'}: {value:.0%}", file=sys.stderr)

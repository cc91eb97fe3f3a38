"""Experiments in notebooks: wait for some jobs with a bar (floor: above `_run`)."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from experimaestro.exceptions import JobError

if TYPE_CHECKING:
    from experimaestro._run.job import Job

__all__ = ["jobmonitor"]

_LOOK_SECONDS = 0.2


def jobmonitor(*configs: Any) -> None:
    """Wait until some tasks have ended, showing how far they are (with tqdm where it is installed).

    Args:
        configs: tasks that were submitted.

    Raises:
        AssertionError: one of them was not submitted.
        JobError: one of them failed (a `RuntimeError`); the others go on.
    """
    for config in configs:
        job = config.__xpm__.job
        if job is None:
            raise AssertionError(f"{config!r} was not submitted: call .submit() first")
        _monitor(job)


def _monitor(job: Job) -> None:
    import time

    name = f"{job.name}/{job.identifier[:8]}"
    bar = _bar(name)
    try:
        while not job.state.finished():
            levels = job.progress
            if bar is not None and levels:
                bar.n = round(100 * levels[0]["value"])
                bar.set_description(f"{name} {levels[0]['description'] or ''}".rstrip())
            time.sleep(_LOOK_SECONDS)
        if bar is not None and not job.state.is_error():
            bar.n = 100
            bar.refresh()
    finally:
        if bar is not None:
            bar.close()
    if job.state.is_error():
        raise JobError(f"{name} failed: {job.message or 'no message'} (log: {job.stderr})")
    if bar is None:
        print(f"{name}: done", file=sys.stderr)


def _bar(name: str) -> Any:
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return None
    return tqdm(total=100, desc=name, unit="%")

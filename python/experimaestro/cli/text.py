"""Small texts that several commands show: states, durations, tags."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple


class Look(NamedTuple):
    """How a state is shown."""

    label: str
    """At most 8 columns, for lines."""
    icon: str
    style: str


_LOOKS = {
    "done": Look("DONE", "✓", "green"),
    "error": Look("FAIL", "✗", "red"),
    "running": Look("RUNNING", "▶", "cyan"),
    "scheduled": Look("SCHED", "▷", "cyan"),
    "ready": Look("READY", "○", "default"),
    "waiting": Look("WAITING", "○", "bright_black"),
    "unscheduled": Look("UNSCHED", "·", "bright_black"),
    "completed": Look("DONE", "✓", "green"),
    "failed": Look("FAIL", "✗", "red"),
    "detached": Look("DETACHED", "▷", "yellow"),
    "unknown": Look("UNKNOWN", "?", "yellow"),
}


def look(state: str) -> Look:
    """How the state of a job or of a run is shown."""
    return _LOOKS.get(state) or Look(state.upper()[:8], "?", "default")


def duration(seconds: float) -> str:
    """A duration as people say it.

    >>> [duration(s) for s in (0.04, 2.34, 42, 192, 3_723, 200_000)]
    ['0.0s', '2.3s', '42s', '3m12s', '1h02m', '2d07h']
    """
    if seconds < 10:
        return f"{max(seconds, 0.0):.1f}s"
    whole = int(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}s"
    if whole < 86400:
        return f"{whole // 3600}h{whole % 3600 // 60:02}m"
    return f"{whole // 86400}d{whole % 86400 // 3600:02}h"


def moment(seconds: float | None) -> str:
    """A date and time in the local zone, or nothing."""
    return "" if seconds is None else datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M")


def tags(values: Mapping[str, Any]) -> str:
    """Tags on one line.

    >>> tags({"lr": 0.1, "seed": 3})
    'lr=0.1 seed=3'
    """
    return " ".join(f"{name}={value}" for name, value in values.items())


def count(number: int, what: str) -> str:
    """A number with its noun.

    >>> count(1, "job"), count(2, "job")
    ('1 job', '2 jobs')
    """
    return f"{number} {what}" if number == 1 else f"{number} {what}s"

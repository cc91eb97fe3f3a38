"""What is known about the jobs of a running experiment, kept up to date by its events."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from experimaestro._core import ProgressLevel


class Phase(Enum):
    """Where a job stands, in the words of the display."""

    DONE = "done"
    REUSED = "reused"
    RUNNING = "running"
    WAITING = "waiting"
    FAILED = "failed"
    BLOCKED = "blocked"
    """Not started because a job that it needs failed."""
    UNNEEDED = "not needed"
    """Transient, and so far no job that must run depends on it."""

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen."""
        return self not in (Phase.RUNNING, Phase.WAITING)


@dataclass(frozen=True)
class JobView:
    """One job at one moment."""

    path: Path
    task: str
    """Short name: the last part of the task identifier."""
    identifier: str
    tags: str
    phase: Phase
    reason: str | None = None
    message: str | None = None
    """Why it failed, in one line."""
    origin: str | None = None
    """The exception that ended it, and where: failures of the same origin are one mistake."""
    started: float | None = None
    ended: float | None = None

    @property
    def name(self) -> str:
        """What `xpm jobs log` and `xpm jobs path` accept."""
        return f"{self.task}/{self.identifier[:8]}"

    @property
    def log(self) -> Path:
        """Standard error of the job."""
        return self.path / f"{self.task}.err"


class Board:
    """The jobs of one run. Events come from one thread, the display reads from another.

    :param name: name of the experiment
    :param now: the clock, in seconds since the epoch
    """

    def __init__(self, name: str, now: Callable[[], float] = time.time) -> None:
        self.name = name
        self.now = now
        self.begun = now()
        self._lock = threading.Lock()
        self._jobs: dict[Path, JobView] = {}
        self._counts = dict.fromkeys(Phase, 0)
        self._first_start: float | None = None

    def update(self, view: JobView) -> JobView | None:
        """Take over the state of a job.

        :return: what was known before, or None
        """
        with self._lock:
            before = self._jobs.get(view.path)
            if before is not None:
                self._counts[before.phase] -= 1
            self._counts[view.phase] += 1
            self._jobs[view.path] = view
            if view.phase is Phase.RUNNING and self._first_start is None:
                self._first_start = self.now()
            return before

    def counts(self) -> dict[Phase, int]:
        """How many jobs are in each phase."""
        with self._lock:
            return dict(self._counts)

    def in_phase(self, phase: Phase) -> list[JobView]:
        """Jobs of one phase, in the order in which they were submitted."""
        with self._lock:
            return [view for view in self._jobs.values() if view.phase is phase] if self._counts[phase] else []

    @property
    def elapsed(self) -> float:
        """Seconds since the experiment began."""
        return self.now() - self.begun

    def remaining(self, progress: float) -> float | None:
        """Seconds that the rest will take if it goes on as it went, or None while nobody can tell.

        :param progress: sum of the progress of the running jobs, each between 0 and 1
        """
        counts = self.counts()
        left = counts[Phase.WAITING] + counts[Phase.RUNNING] - progress
        made = counts[Phase.DONE] + progress
        if self._first_start is None or made < 1 or left <= 0:
            return None
        return left * (self.now() - self._first_start) / made


def overall(levels: list[ProgressLevel]) -> float | None:
    """Progress of a job between 0 and 1: its outermost level; None when it reported nothing."""
    return min(max(levels[0]["value"], 0.0), 1.0) if levels else None


def activity(levels: list[ProgressLevel]) -> str:
    """What a job says that it does: the descriptions of its levels, inner ones with their own progress."""
    parts = []
    for level in levels:
        text = level["description"] or ""
        if level["level"] > 0:
            text = f"{text} {level['value']:.0%}".strip()
        if text:
            parts.append(text)
    return " > ".join(parts)

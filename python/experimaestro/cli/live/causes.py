"""Why jobs failed: failures with the same exception at the same place are one cause."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from experimaestro.cli.live.board import JobView

_TAIL_BYTES = 16384

Failure = TypeVar("Failure")


def cause_key(view: JobView) -> str:
    """The same for failures of one cause: exception and place where there was an exception, else the message."""
    return f"{view.reason} {view.origin or view.message or ''}"


def group_by_cause(views: Iterable[JobView]) -> list[list[JobView]]:
    """Failures by cause, the most frequent first."""
    return grouped(views, cause_key)


def grouped(failures: Iterable[Failure], key: Callable[[Failure], str]) -> list[list[Failure]]:
    """What has the same key together, the most frequent first: everywhere, a cause has the same number."""
    groups: dict[str, list[Failure]] = {}
    for failure in failures:
        groups.setdefault(key(failure), []).append(failure)
    return sorted(groups.values(), key=len, reverse=True)


def log_excerpt(path: Path, lines: int = 8) -> list[str]:
    """The end of a log: its last traceback if there is one, at most this many lines; empty when there is no log."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(size - _TAIL_BYTES, 0))
            text = file.read().decode("utf-8", errors="replace")
    except OSError:
        return []
    # A progress bar rewrites its line: only what was last seen of it counts.
    shown = [line.rsplit("\r", 1)[-1].rstrip() for line in text.rstrip().split("\n")]
    shown = [line for line in shown if line]
    begins = [position for position, line in enumerate(shown) if line.startswith("Traceback (most recent call last)")]
    return shown[begins[-1] if begins else 0 :][-lines:]

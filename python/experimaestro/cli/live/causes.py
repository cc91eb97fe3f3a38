"""Why jobs failed: failures with the same exception at the same place are one cause."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from experimaestro.cli.live.board import JobView

if TYPE_CHECKING:
    from experimaestro._core import FailureOrigin

_EXCEPTION = re.compile(r"(?P<kind>[A-Za-z_][\w.]*)(?::.*)? \((?P<place>.+:\d+)\)$", re.DOTALL)
_TAIL_BYTES = 16384

Failure = TypeVar("Failure")


def cause_key(view: JobView) -> str:
    """The same for failures of one cause: exception and place when the message tells them, else the message."""
    if view.origin is not None:
        return f"{view.reason} {view.origin}"
    match = _EXCEPTION.match(view.message or "")
    told = f"{match['kind']} {match['place']}" if match else (view.message or "")
    return f"{view.reason} {told}"


def origin_of(error: FailureOrigin | None) -> str | None:
    """What makes failures one mistake: the exception and its place."""
    return None if error is None else f"{error['type']} {error['place'] or ''}"


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

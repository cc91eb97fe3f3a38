"""Jobs as the display knows them, from what drives them and from what journals tell."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experimaestro.cli import text
from experimaestro.cli.live.board import JobView, Phase

if TYPE_CHECKING:
    from experimaestro._core import FailureOrigin, JobHandle, JobRow

_PHASES = {"done": Phase.DONE, "transient": Phase.UNNEEDED, "running": Phase.RUNNING}


def view_of_handle(job: JobHandle, tags: Mapping[str, Any]) -> JobView:
    """A job that this process drives."""
    return JobView(
        path=Path(job.path),
        task=_short(job.task_id),
        identifier=job.identifier,
        tags=text.tags(tags),
        phase=Phase.REUSED if job.reused else _phase(job.state, job.reason),
        reason=job.reason,
        message=job.message,
        origin=origin_of(job.error),
        started=job.started,
        ended=job.ended,
    )


def view_of_row(row: JobRow) -> JobView:
    """A job of a journal."""
    return JobView(
        path=Path(row["path"]),
        task=_short(row["task_id"]),
        identifier=row["identifier"],
        tags=text.tags(row["tags"]),
        phase=_phase(row["state"], row["reason"]),
        reason=row["reason"],
        message=row["message"],
        origin=origin_of(row["error"]),
        started=row["started"],
        ended=row["ended"],
    )


def origin_of(error: FailureOrigin | None) -> str | None:
    """What makes failures one mistake: the exception and its place."""
    return None if error is None else f"{error['type']} {error['place'] or ''}"


def _short(task_id: str) -> str:
    return task_id.rpartition(".")[2]


def _phase(state: str, reason: str | None) -> Phase:
    if state == "error":
        return Phase.BLOCKED if reason == "DEPENDENCY" else Phase.FAILED
    return _PHASES.get(state, Phase.WAITING)

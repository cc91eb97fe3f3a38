"""Connects the display to a run that has no experiment in this process."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experimaestro.cli import text
from experimaestro.cli.live.board import Board, JobView, Phase
from experimaestro.cli.live.causes import origin_of

if TYPE_CHECKING:
    from experimaestro._core import JobHandle
    from experimaestro._run.resumed_run import ResumedRun
    from experimaestro.cli.live.watch import Display

_WAIT_SECONDS = 0.5
"""Signals are heard at least this often."""


class RunWatcher:
    """Shows the changes of a run.

    :param tags: the tags of jobs, by their folders
    """

    def __init__(self, board: Board, display: Display, tags: Mapping[str, Mapping[str, Any]]) -> None:
        self.board = board
        self.display = display
        self._tags = tags

    def follow(self, run: ResumedRun) -> None:
        """Show the run until no job is unfinished."""
        ended = False
        while not ended:
            ended = run.run.wait(0)
            for job, _ in run.run.events(0 if ended else _WAIT_SECONDS):
                self.changed(job)
                run.notice(job)

    def changed(self, job: JobHandle) -> None:
        """A job changed its state."""
        view = self._view(job)
        before = self.board.update(view)
        if before != view:
            self.display.changed(before, view)

    def _view(self, job: JobHandle) -> JobView:
        path = job.path
        return JobView(
            path=Path(path),
            task=job.task_id.rpartition(".")[2],
            identifier=job.identifier,
            tags=text.tags(self._tags.get(path, {})),
            phase=_phase(job),
            reason=job.reason,
            message=job.message,
            origin=origin_of(job.error),
            started=job.started,
            ended=job.ended,
        )


def _phase(job: JobHandle) -> Phase:
    state = job.state
    if state == "error":
        return Phase.BLOCKED if job.reason == "DEPENDENCY" else Phase.FAILED
    if state == "done":
        return Phase.REUSED if job.reused else Phase.DONE
    if state == "transient":
        return Phase.UNNEEDED
    return Phase.RUNNING if state == "running" else Phase.WAITING

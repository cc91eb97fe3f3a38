"""Connects the display to a run that has no experiment in this process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from experimaestro.cli.live.board import Board
from experimaestro.cli.live.views import view_of_handle

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
        view = view_of_handle(job, self._tags.get(job.path, {}))
        before = self.board.update(view)
        if before != view:
            self.display.changed(before, view)

"""Connects the display to the experiments of this process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from experimaestro.cli.live.board import Board, JobView
from experimaestro.cli.live.views import view_of_handle
from experimaestro.cli.session import CURRENT, is_terminal

if TYPE_CHECKING:
    from experimaestro._run.job import Job


class Display(Protocol):
    """Shows a board."""

    def start(self) -> None:
        """Begin to show."""

    def stop(self) -> None:
        """Stop showing."""

    def changed(self, before: JobView | None, view: JobView) -> None:
        """A job changed."""


class Silent:
    """Shows nothing (`--quiet`); the summary still tells failures."""

    def start(self) -> None:
        """Nothing."""

    def stop(self) -> None:
        """Nothing."""

    def changed(self, before: JobView | None, view: JobView) -> None:
        """Nothing."""


class Watcher:
    """Listens to the scheduler on behalf of a board and its display."""

    tells_failures = True
    """The experiment need not log them: the summary does."""

    def __init__(self, board: Board, display: Display) -> None:
        self.board = board
        self.display = display

    def on_job_submitted(self, job: Job) -> None:
        """A job joined the experiment."""
        self.on_job_state_changed(job)

    def on_job_state_changed(self, job: Job) -> None:
        """A job changed its state."""
        handle = job.handle
        if handle is None:
            return  # a simulation: nothing happens
        view = view_of_handle(handle, job.tags)
        before = self.board.update(view)
        if before != view:
            self.display.changed(before, view)


def display_of(board: Board) -> Display:
    """What suits the terminal, or the file, that the standard error is."""
    if CURRENT.quiet:
        return Silent()
    if is_terminal(2):
        from experimaestro.cli.live.bars import Bars
        from experimaestro.cli.tables import console

        return Bars(board, console(stderr=True))
    from experimaestro.cli.live.lines import Lines

    return Lines(board)


@contextmanager
def watching(name: str, board: Board | None = None) -> Iterator[Board]:
    """Show the jobs of the experiments opened inside, until the end of the block.

    :param name: what the display calls the experiment
    :param board: keeps what was seen; a new one by default
    :return: the board, which stays readable afterwards
    """
    from experimaestro._run.listeners import Scheduler

    board = Board(name) if board is None else board
    display = display_of(board)
    watcher = Watcher(board, display)
    scheduler = Scheduler.instance()
    scheduler.addlistener(watcher)
    display.start()
    try:
        yield board
    finally:
        display.stop()
        scheduler.removelistener(watcher)

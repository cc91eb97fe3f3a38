"""The display where no bars can move: one line, flushed, for each start, end and failure."""

from __future__ import annotations

import sys
import time

from experimaestro.cli.live.board import Board, JobView, Phase
from experimaestro.cli.text import duration


class Lines:
    """Writes to stderr what happens to each job."""

    def __init__(self, board: Board) -> None:
        self.board = board

    def start(self) -> None:
        """Nothing to prepare."""

    def stop(self) -> None:
        """Nothing to remove."""

    def changed(self, before: JobView | None, view: JobView) -> None:
        """Tell a start or an end. What is reused is only counted: there may be thousands, at once."""
        silent = view.phase in (Phase.WAITING, Phase.REUSED, Phase.UNNEEDED)
        if silent or (before is not None and before.phase is view.phase):
            return
        clock = time.strftime("%H:%M:%S", time.localtime(self.board.now()))
        counts = self.board.counts()
        ended = sum(number for phase, number in counts.items() if phase.is_final)
        place = f"[{ended}/{sum(counts.values())}]"
        print(f"{clock} {place} {describe(view)}", file=sys.stderr, flush=True)


_VERBS = {
    Phase.RUNNING: "started",
    Phase.DONE: "done",
    Phase.FAILED: "FAILED",
    Phase.BLOCKED: "not run",
}


def describe(view: JobView) -> str:
    """One line about a job that started or ended."""
    tags = f" {view.tags}" if view.tags else ""
    line = f"{_VERBS[view.phase]:7} {view.name}{tags}"
    if view.phase in (Phase.DONE, Phase.FAILED) and view.started is not None and view.ended is not None:
        line += f" ({duration(view.ended - view.started)})"
    if view.phase is Phase.FAILED:
        line += f": {view.message or (view.reason or 'failed').lower()}; log: {view.log}"
    if view.phase is Phase.BLOCKED:
        line += ": a job that it needs failed"
    return line

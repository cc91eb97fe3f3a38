"""The display in a terminal: one line for the whole, counts, and a bar per running job. Nothing else moves."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.file_proxy import FileProxy
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.segment import Segment
from rich.spinner import Spinner
from rich.style import Style
from rich.table import Table
from rich.text import Text

from experimaestro.cli.live.board import Board, JobView, Phase, activity, overall
from experimaestro.cli.live.look import STYLES, icon
from experimaestro.cli.text import duration

if TYPE_CHECKING:
    from rich.console import RenderableType

    from experimaestro._core import ProgressLevel

REFRESHES_PER_SECOND = 8
_FRAME_LINES = 6
"""Lines around the bars, and some room for what stands above."""


class PhaseBar:
    """One bar cut in coloured pieces, as long as the phases are numerous."""

    def __init__(self, counts: Mapping[Phase, int]) -> None:
        self.counts = counts

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw as wide as there is room."""
        sign = "-" if options.ascii_only or options.legacy_windows else "━"
        widths = shares([self.counts[phase] for phase in _ORDER], options.max_width)
        for phase, width in zip(_ORDER, widths, strict=True):
            if width:
                waiting = phase is Phase.WAITING
                style = Style.parse("grey23" if waiting else STYLES[phase])
                yield Segment(" " * width if waiting and console.no_color else sign * width, style)


_ORDER = (Phase.REUSED, Phase.DONE, Phase.FAILED, Phase.BLOCKED, Phase.UNNEEDED, Phase.RUNNING, Phase.WAITING)


_COUNTED = (
    Phase.DONE,
    Phase.REUSED,
    Phase.RUNNING,
    Phase.WAITING,
    Phase.FAILED,
    Phase.BLOCKED,
    Phase.UNNEEDED,
)


def shares(counts: Sequence[int], width: int) -> list[int]:
    """Cut a width in proportion to counts: it adds up, and nothing that exists disappears while there is room.

    >>> shares([1, 1, 998], 10)
    [1, 1, 8]
    >>> shares([0, 0], 4)
    [0, 4]
    """
    total = sum(counts)
    if total == 0:
        return [0] * (len(counts) - 1) + [width]
    exact = [count * width / total for count in counts]
    cut = [max(int(share), 1 if count else 0) for share, count in zip(exact, counts, strict=True)]
    by_need = sorted(range(len(cut)), key=lambda position: cut[position] - exact[position])
    for position in by_need * width:
        if sum(cut) >= width:
            break
        cut[position] += 1
    while sum(cut) > width:
        cut[max(range(len(cut)), key=cut.__getitem__)] -= 1
    return cut


def counts_line(counts: Mapping[Phase, int], ascii_only: bool) -> Text:
    """`✓ 12 done  ▶ 2 running  ○ 7 waiting`; only what there is."""
    parts = [
        Text(f"{icon(phase, ascii_only)} {counts[phase]} {phase.value}", style=STYLES[phase])
        for phase in _COUNTED
        if counts[phase]
    ]
    line = Text("   ").join(parts) if parts else Text("nothing submitted yet", style="bright_black")
    line.no_wrap, line.overflow = True, "ellipsis"
    return line


class _AboveBars(FileProxy):
    """Standard output while bars are shown: what is written goes above them.

    A console of the user's code would recognise rich's own proxy and write past it, into the bars.
    """

    @property
    def rich_proxied_file(self) -> IO[str]:
        """The proxy itself."""
        return self  # type: ignore[return-value]


class Bars:
    """Redraws the board a few times per second; a failure is printed above it, where it stays."""

    def __init__(self, board: Board, console: Console) -> None:
        self.board = board
        self.console = console
        self._spinners: dict[Path, Spinner] = {}
        self._told: dict[str, int] = {}
        # Columns as wide as any job so far needed: they do not jump when other jobs run.
        self._task_width = 4
        self._label_width = 8
        self._live = Live(
            get_renderable=self.render,
            console=console,
            refresh_per_second=REFRESHES_PER_SECOND,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=True,
        )
        self._stdout: IO[str] | None = None

    def start(self) -> None:
        """Show the display."""
        self._live.start(refresh=True)
        # What the user's code prints goes above the bars; when stdout is not this terminal, it stays where it goes.
        if _is_terminal_out():
            self._stdout, sys.stdout = sys.stdout, _AboveBars(self.console, sys.stdout)

    def stop(self) -> None:
        """Remove the display."""
        if self._stdout is not None:
            sys.stdout.flush()
            sys.stdout, self._stdout = self._stdout, None
        self._live.stop()

    def changed(self, before: JobView | None, view: JobView) -> None:
        """Tell a failure: the first of its kind; the summary counts the others."""
        self._task_width = max(self._task_width, len(view.task))
        self._label_width = max(self._label_width, len(view.tags))
        if view.phase is not Phase.FAILED or (before is not None and before.phase is Phase.FAILED):
            return
        from experimaestro.cli.live.causes import cause_key

        key = cause_key(view)
        self._told[key] = self._told.get(key, 0) + 1
        if self._told[key] > 1:
            return
        line = Text.assemble(
            (f"{icon(Phase.FAILED, self.console.options.ascii_only)} ", "red"),
            (view.name, "bold"),
            f"  {view.tags}" if view.tags else "",
            (f"\n  {view.message or (view.reason or 'failed').lower()}", "red"),
            (f"\n  {view.log}", "bright_black"),
        )
        self.console.print(line, soft_wrap=True)

    def render(self) -> RenderableType:
        """The whole display, as of now."""
        running = self.board.in_phase(Phase.RUNNING)
        running.sort(key=lambda view: view.started or 0.0)
        progress = {view.path: self._progress(view) for view in running}
        counts = self.board.counts()
        ascii_only = self.console.options.ascii_only
        made = sum(filter(None, (overall(levels) for levels in progress.values())))

        total = sum(counts.values())
        ended = sum(number for phase, number in counts.items() if phase.is_final)
        whole = Table.grid(expand=True, padding=(0, 1))
        whole.add_column(no_wrap=True, overflow="ellipsis", max_width=max(self.console.width // 3, 12))
        whole.add_column(ratio=1)
        whole.add_column(justify="right", no_wrap=True)
        whole.add_column(justify="right", no_wrap=True)
        whole.add_row(
            Text(self.board.name, style="bold"),
            PhaseBar(counts),
            Text(f"{ended}/{total}"),
            Text(self._times(made), style="bright_black"),
        )
        lines: list[RenderableType] = [whole, counts_line(counts, ascii_only)]
        room = max(self.console.height - _FRAME_LINES, 1)
        if running:
            lines += [Text(""), self._jobs(running[:room], progress)]
        if len(running) > room:
            lines.append(Text(f"  … and {len(running) - room} more running", style="bright_black"))
        self._spinners = {path: spinner for path, spinner in self._spinners.items() if path in progress}
        return Group(*lines)

    def _times(self, made: float) -> str:
        left = self.board.remaining(made)
        elapsed = duration(int(self.board.elapsed)) if self.board.elapsed >= 10 else f"{int(self.board.elapsed)}s"
        return elapsed if left is None or left < 1 else f"{elapsed}, about {duration(max(left, 10))} left"

    def _progress(self, view: JobView) -> list[ProgressLevel]:
        from experimaestro._core import read_progress

        try:
            return read_progress(str(view.path))
        except Exception:  # noqa: BLE001 (a display never stops an experiment: no progress is shown, that is all)
            return []

    def _jobs(self, views: Sequence[JobView], progress: Mapping[Path, list[ProgressLevel]]) -> Table:
        wide = self.console.width >= 100
        table = Table.grid(expand=True, padding=(0, 1))
        table.add_column(width=1)
        table.add_column(no_wrap=True, overflow="ellipsis", width=min(self._task_width, 24 if wide else 14))
        table.add_column(no_wrap=True, overflow="ellipsis", width=min(self._label_width, 44 if wide else 28))
        table.add_column(width=24 if wide else 12)
        table.add_column(width=4, justify="right", no_wrap=True)
        table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        table.add_column(width=6, justify="right", no_wrap=True)
        for view in views:
            levels = progress[view.path]
            value = overall(levels)
            bar: RenderableType = Text("")
            if value is not None:
                bar = ProgressBar(
                    total=1.0, completed=value, style="grey23", complete_style="cyan", finished_style="cyan"
                )
            table.add_row(
                self._spinner(view),
                Text(view.task),
                Text(view.tags or view.identifier[:8], style="default" if view.tags else "bright_black"),
                bar,
                Text("" if value is None else f"{value:.0%}", style="cyan"),
                Text(activity(levels), style="bright_black"),
                Text(self._since(view), style="bright_black"),
            )
        return table

    def _spinner(self, view: JobView) -> Spinner:
        if view.path not in self._spinners:
            kind = "line" if self.console.options.ascii_only else "dots"
            self._spinners[view.path] = Spinner(kind, style="cyan")
        return self._spinners[view.path]

    def _since(self, view: JobView) -> str:
        if view.started is None:
            return ""
        seconds = max(self.board.now() - view.started, 0.0)
        return f"{int(seconds)}s" if seconds < 10 else duration(seconds)


def _is_terminal_out() -> bool:
    from experimaestro.cli.session import is_terminal

    return is_terminal(1)

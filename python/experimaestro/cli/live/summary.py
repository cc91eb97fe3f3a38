"""How an experiment ended: counts, failures by cause with the end of their log, results, and what to do next."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Group
from rich.text import Text

from experimaestro.cli.live.board import Board, JobView, Phase
from experimaestro.cli.live.causes import group_by_cause, log_excerpt
from experimaestro.cli.live.look import STYLES, icon
from experimaestro.cli.text import count, duration

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

_JOBS_PER_CAUSE = 3
_CAUSES = 5
_TOLD = (
    Phase.DONE,
    Phase.REUSED,
    Phase.FAILED,
    Phase.BLOCKED,
    Phase.RUNNING,
    Phase.WAITING,
    Phase.UNNEEDED,
)


def print_summary(
    board: Board, console: Console, workspace: Path, results: Path, *, again_retries: bool = True
) -> None:
    """Print the end of an experiment.

    :param results: its folder for results, which may not exist
    :param again_retries: whether the same command, given again, runs again what failed
    """
    ascii_only = console.options.ascii_only
    folder = _short(workspace) if console.is_terminal else str(workspace)
    counts = board.counts()
    failed = counts[Phase.FAILED] + counts[Phase.BLOCKED]
    lines: list[RenderableType] = [Text(""), _headline(board, counts, failed, ascii_only)]
    groups = group_by_cause(board.in_phase(Phase.FAILED))
    if failed:
        lines += _failures(board, groups, ascii_only, _retry_command(board, folder))
    facts = []
    if results.is_dir() and any(results.iterdir()):
        facts.append(("results", str(results)))
    if sum(counts.values()):
        shell = f"xpm jobs --workdir {shlex.quote(folder)}"
        facts.append(("jobs", f"{shell} list --experiment {shlex.quote(board.name)}"))
        if groups:
            facts.append(("log", f"{shell} log {groups[0][0].identifier[:8]}"))
    if failed:
        if again_retries:
            facts.append(("retry", "the same command again (what is done is not run again), or, without its script:"))
        facts.append(("" if again_retries else "retry", _retry_command(board, folder)))
    lines += [Text.assemble((f"  {label:8} ", "bright_black"), text) for label, text in facts]
    # Long paths and commands are for copying: the terminal wraps them, we don't.
    console.print(Group(*lines), soft_wrap=True)


def _retry_command(board: Board, folder: str) -> str:
    return f"xpm retry --workdir {shlex.quote(folder)} {shlex.quote(board.name)}"


def _headline(board: Board, counts: dict[Phase, int], failed: int, ascii_only: bool) -> Text:
    told = [(f"{counts[phase]} {phase.value}", STYLES[phase]) for phase in _TOLD if counts[phase]]
    text = Text()
    text.append(f"{icon(Phase.FAILED if failed else Phase.DONE, ascii_only)} ", "red" if failed else "green")
    text.append(board.name, "bold")
    ending = "ended" if failed else "finished"
    text.append(f" {ending} after {duration(board.elapsed)}: {count(sum(counts.values()), 'job')}")
    for position, (words, style) in enumerate(told):
        text.append(", " if position else " (")
        text.append(words, style)
    return text.append(")" if told else "")


def _failures(board: Board, groups: list[list[JobView]], ascii_only: bool, retry: str) -> list[RenderableType]:
    lines: list[RenderableType] = [Text("")]
    for number, group in enumerate(groups[:_CAUSES], 1):
        lines += _cause(group, ascii_only, f"{retry} --cause {number}" if len(groups) > 1 else None)
    if len(groups) > _CAUSES:
        lines.append(Text(f"  … and {len(groups) - _CAUSES} other causes", style="bright_black"))
    blocked = board.in_phase(Phase.BLOCKED)
    if blocked:
        what = "a job that it needs" if len(blocked) == 1 else "a job that they need"
        lines += [
            Text.assemble("  ", (f"{count(len(blocked), 'job')} not run", "magenta"), f" because {what} failed"),
            Text(""),
        ]
    return lines


def _cause(group: list[JobView], ascii_only: bool, retry: str | None) -> list[RenderableType]:
    first = group[0]
    times = f"{len(group)} times " if len(group) > 1 else ""
    lines: list[RenderableType] = [
        Text.assemble("  ", (times, "bold red"), (first.message or (first.reason or "failed").lower(), "red")),
    ]
    lines += [
        Text.assemble("    ", (view.name, "bold"), f"  {view.tags}" if view.tags else "")
        for view in group[:_JOBS_PER_CAUSE]
    ]
    if len(group) > _JOBS_PER_CAUSE:
        lines.append(Text(f"    … and {len(group) - _JOBS_PER_CAUSE} more", style="bright_black"))
    bar = "|" if ascii_only else "│"
    lines += [Text.assemble("    ", (f"{bar} ", "red"), (line, "bright_black")) for line in log_excerpt(first.log)]
    lines.append(Text.assemble("    ", (str(first.log), "bright_black")))
    if retry is not None:
        lines.append(Text.assemble("    ", (f"only these again: {retry}", "bright_black")))
    lines.append(Text(""))
    return lines


def _short(path: Path) -> str:
    """The path as the user would type it here; a log is read elsewhere."""
    try:
        relative = str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
    return relative

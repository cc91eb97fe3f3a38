"""The list of jobs as a terminal shows it: one line per job, and why below those that failed."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from rich.text import Text

from experimaestro.cli import tables
from experimaestro.cli.text import count, duration, look, tags

if TYPE_CHECKING:
    from rich.console import Console

    from experimaestro._core import JobRow

_IDENTIFIER = 8
_STATE = 10


def print_table(rows: Sequence[JobRow], fullpath: bool, console: Console | None = None) -> None:
    """Print jobs, by experiment.

    :param rows: the jobs, at least one
    :param fullpath: whether to print the folder of each
    :param console: where to (default: stdout)
    """
    out = console or tables.console()
    names = short_names([row["task_id"] for row in rows])
    width = min(max(map(len, names.values())), 24)
    several = len({row["experiment"] for row in rows}) > 1
    now = time.time()
    heading = f"{'state':{_STATE}} {'task':{width}}  {'job':{_IDENTIFIER}}  {'time':>6}  tags"
    out.print(Text(heading, style="bright_black"), no_wrap=True, overflow="ellipsis")
    for experiment, members in groupby(rows, key=lambda row: row["experiment"]):
        if several:
            out.print(Text(f"\n{experiment}", style="bold"), no_wrap=True, overflow="ellipsis")
        for row in members:
            out.print(_line(row, names[row["task_id"]], width, now), no_wrap=True, overflow="ellipsis")
            why = _why(row)
            if why:
                out.print(Text(f"{'':{_STATE}} {why}", style="red"), soft_wrap=True)
            if fullpath:
                out.print(Text(f"{'':{_STATE}} {row['path']}", style="bright_black"), soft_wrap=True)
    out.print()
    out.print(_totals(rows))


def short_names(task_ids: Sequence[str]) -> dict[str, str]:
    """The shortest endings of task identifiers that tell them apart.

    >>> short_names(["a.learn", "b.learn", "c.d.test"])
    {'a.learn': 'a.learn', 'b.learn': 'b.learn', 'c.d.test': 'test'}
    """
    names = {}
    unique = list(dict.fromkeys(task_ids))
    for task_id in unique:
        parts = task_id.split(".")
        ending = task_id
        for length in range(1, len(parts) + 1):
            ending = ".".join(parts[-length:])
            if sum(other == ending or other.endswith(f".{ending}") for other in unique) == 1:
                break
        names[task_id] = ending
    return names


def _line(row: JobRow, name: str, width: int, now: float) -> Text:
    label, style = _state(row)
    return Text.assemble(
        (f"{label:{_STATE}} ", style),
        f"{name if len(name) <= width else name[: width - 1] + '…':{width}}  ",
        (f"{row['identifier'][:_IDENTIFIER]}  ", "bright_black"),
        (f"{_time(row, now):>6}  ", "bright_black"),
        tags(row["tags"]),
    )


def _state(row: JobRow) -> tuple[str, str]:
    if row["state"] == "error" and row["reason"] == "DEPENDENCY":
        return "⊘ blocked", "magenta"
    seen = look(row["state"])
    return f"{seen.icon} {seen.label.lower()}", seen.style


def _why(row: JobRow) -> str:
    if row["state"] != "error" or row["reason"] == "DEPENDENCY":
        return ""
    return row["message"] or (row["reason"] or "").lower()


def _time(row: JobRow, now: float) -> str:
    if row["started"] is None:
        return ""
    if row["ended"] is not None:
        return duration(row["ended"] - row["started"])
    return duration(now - row["started"]) if row["state"] == "running" else ""


def _totals(rows: Sequence[JobRow]) -> Text:
    states = Counter(_state(row) for row in rows)
    parts = [Text(f"{number} {label[2:]}", style=style) for (label, style), number in states.items()]
    return Text.assemble((f"{count(len(rows), 'job')}: ", "bright_black"), Text(", ").join(parts))

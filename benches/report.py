"""The table: each measure, its ratio to the reference, the goal, and the older package measured the same way."""

from __future__ import annotations

from collections.abc import Iterable

from goals import Goal
from rich.console import Console
from rich.table import Table

Measures = dict[tuple[str, str], float]
"""What was measured, in the unit of its goal, by case and contender."""


def ratio(goal: Goal, who: str, measures: Measures) -> float | None:
    """Return what is compared with the goal: a ratio, or seconds where the goal has no reference."""
    value = measures.get((goal.case, who))
    if goal.of_case is not None:
        reference = measures.get((goal.of_case, who))
    elif goal.over is not None:
        reference = measures.get((goal.case, goal.over))
    else:
        return value
    return None if value is None or not reference else value / reference


def rows(goals: Iterable[Goal], measures: Measures) -> list[dict[str, object]]:
    """Return one row per goal, for the table and for the file."""
    return [
        {
            "case": goal.case,
            "over": goal.over or goal.of_case,
            "value": measures.get((goal.case, "experimaestro")),
            "unit": goal.unit,
            "measured": ratio(goal, "experimaestro", measures),
            "goal": goal.goal,
            "met": None
            if goal.goal is None or (value := ratio(goal, "experimaestro", measures)) is None
            else value <= goal.goal,
            "older": ratio(goal, "older", measures),
            "peers": {who: value for (case, who), value in measures.items() if case == goal.case and who != "older"},
        }
        for goal in goals
        if ratio(goal, "experimaestro", measures) is not None or ratio(goal, "older", measures) is not None
    ]


def duration(seconds: float | None) -> str:
    """Write a duration with three digits and its unit."""
    if seconds is None:
        return ""
    for unit, factor in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= factor:
            return f"{seconds / factor:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def size(count: float | None) -> str:
    """Write a number of bytes."""
    return "" if count is None else f"{count:,.0f} B"


WRITTEN = {"s": duration, "B": size}
"""How values are written, by unit."""


def print_table(results: list[dict[str, object]], console: Console) -> None:
    """Print the rows; what misses its goal is in red."""
    table = Table(title="Medians; smaller is better")
    table.add_column("case")
    for name in ("measured", "reference", "ratio", "goal", "older"):
        table.add_column(name, justify="right")
    for row in results:
        written = WRITTEN[str(row["unit"])]
        figure = written if row["over"] is None else lambda value: "" if value is None else f"{value:.3g}"
        style = {True: "green", False: "bold red", None: ""}[row["met"]]
        measured = f"[{style}]{figure(row['measured'])}[/]" if style else figure(row["measured"])
        over = "" if row["over"] is None else str(row["over"]).split(": ")[-1]
        table.add_row(
            str(row["case"]), written(row["value"]), over, measured, figure(row["goal"]), figure(row["older"])
        )
    console.print(table)

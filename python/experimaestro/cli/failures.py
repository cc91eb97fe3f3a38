"""The failures of a run, by cause."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import click

from experimaestro.cli.live.causes import cause_key, grouped, log_excerpt
from experimaestro.cli.live.views import view_of_row

if TYPE_CHECKING:
    from experimaestro._core import JobRow

_JOBS_SHOWN = 3


class Cause(NamedTuple):
    """Jobs that failed in the same way."""

    message: str
    """What the first of them said."""
    rows: list[JobRow]


def causes_of(rows: Iterable[JobRow]) -> list[Cause]:
    """The causes of the failures among some jobs, the most frequent first.

    Jobs that were not run because others failed are no failures of their own.
    """
    failed = (row for row in rows if row["state"] == "error" and row["reason"] != "DEPENDENCY")
    groups = grouped(failed, lambda row: cause_key(view_of_row(row)))
    return [Cause(group[0]["message"] or (group[0]["reason"] or "failed").lower(), group) for group in groups]


def print_causes(causes: Sequence[Cause], as_json: bool = False) -> None:
    """Print causes with their numbers."""
    if as_json:
        import json

        told = [
            {"cause": number, "message": cause.message, "reason": cause.rows[0]["reason"],
             "jobs": [{"task_id": row["task_id"], "identifier": row["identifier"], "path": row["path"]}
                      for row in cause.rows]}
            for number, cause in enumerate(causes, 1)
        ]  # fmt: skip
        click.echo(json.dumps(told))
        return
    if not causes:
        click.echo("nothing has failed")
    for number, cause in enumerate(causes, 1):
        times = f"{len(cause.rows)} times " if len(cause.rows) > 1 else ""
        click.echo(f"{click.style(str(number), bold=True)}  {times}{click.style(cause.message, fg='red')}")
        for row in cause.rows[:_JOBS_SHOWN]:
            view = view_of_row(row)
            click.echo(f"     {view.name}  {view.tags}".rstrip())
        if len(cause.rows) > _JOBS_SHOWN:
            click.echo(f"     … and {len(cause.rows) - _JOBS_SHOWN} more")
        first = view_of_row(cause.rows[0])
        for line in log_excerpt(first.log, 4):
            click.secho(f"     │ {line}", dim=True)

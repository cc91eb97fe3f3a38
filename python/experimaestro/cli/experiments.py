"""`xpm experiments`: the experiments of a workspace."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from experimaestro.cli.actions import actions
from experimaestro.cli.history import history, history_prune, tag, tags, untag
from experimaestro.cli.services import services
from experimaestro.cli.session import is_terminal
from experimaestro.cli.workspace import WorkspaceGroup, offer_workspace, workspace_options

if TYPE_CHECKING:
    from experimaestro._core import RunRow


@click.group(cls=WorkspaceGroup, short_help="List the experiments of a workspace.")
@workspace_options
@click.pass_context
def experiments(ctx: click.Context, workdir: Path | None, workspace: str | None) -> None:
    """Look at the experiments of a workspace.

    Without --workdir or --workspace: the workspace around the current folder, else the default one of your settings.
    """
    offer_workspace(ctx, workdir, workspace)


@experiments.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON list, for programs.")
@click.pass_obj
def list_command(folder: Any, as_json: bool) -> None:
    """List experiments with the host, jobs done, and jobs in all of their current run."""
    root: Path = folder()
    from experimaestro._core import list_runs

    rows = [row for row in list_runs(str(root)) if row["current"]]
    if as_json:
        import json

        click.echo(json.dumps(rows, default=str))
    elif not rows:
        click.echo("No experiments found.")
    elif is_terminal(1):
        _print_table(rows)
    else:
        for row in rows:
            host = f" [{row['host']}]" if row["host"] else ""
            click.echo(f"{row['experiment']}{host} ({row['done']}/{row['total']} jobs)")


def _print_table(rows: list[RunRow]) -> None:
    from rich.text import Text

    from experimaestro.cli import tables
    from experimaestro.cli.text import duration, moment

    table = tables.table("state", "experiment", "jobs", "failed", "started", "time", "host")
    for row in rows:
        started, ended = row["started"], row["ended"]
        complete = row["total"] > 0 and row["done"] == row["total"]
        table.add_row(
            tables.state_cell(row["status"]),
            Text(row["experiment"], style="bold"),
            Text(f"{row['done']}/{row['total']}", style="green" if complete else "default"),
            Text(str(row["failed"]) if row["failed"] else "", style="red"),
            Text(moment(started)),
            Text(duration(ended - started) if started is not None and ended is not None else "", style="dim"),
            Text(row["host"] or "", style="dim"),
        )
    tables.console().print(table)


for _command in (history, history_prune, tag, untag, tags, services, actions):
    experiments.add_command(_command)

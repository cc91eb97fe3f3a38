"""`xpm experiments history`, `history-prune`, `tag`, `untag`, `tags`: the runs of an experiment, and their names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from experimaestro.cli.completion import complete_experiment
from experimaestro.cli.outcome import CommandError
from experimaestro.cli.session import is_terminal

if TYPE_CHECKING:
    from experimaestro._core import RunRow

EXPERIMENT = click.argument("experiment", metavar="EXPERIMENT", shell_complete=complete_experiment)


def runs_of(root: Path, experiment: str) -> list[RunRow]:
    """The runs of an experiment, the oldest first.

    :raises CommandError: when there is no such experiment
    """
    from experimaestro._core import list_runs
    from experimaestro._run.run_folders import order

    rows = list_runs(str(root), experiment)
    if not rows:
        raise CommandError(
            f"there is no experiment {experiment!r} in {root} (xpm experiments list tells which ones are)"
        )
    return sorted(rows, key=lambda row: order(row["run_id"]))


def find_run(rows: list[RunRow], run: str) -> str:
    """The name of a run, given by itself, or as `latest` or `oldest`.

    :raises CommandError: when there is no such run
    """
    if run in ("latest", "oldest"):
        return rows[-1 if run == "latest" else 0]["run_id"]
    if any(row["run_id"] == run for row in rows):
        return run
    raise CommandError(f"{rows[0]['experiment']} has no run {run!r} (xpm experiments history tells which ones it has)")


@click.command("history")
@EXPERIMENT
@click.option("--json", "as_json", is_flag=True, help="One JSON list, for programs.")
@click.pass_obj
def history(folder: Callable[[], Path], experiment: str, as_json: bool) -> None:
    """List the runs of an experiment, the newest first."""
    from experimaestro._run.run_tags import tags_of_runs

    root = folder()
    rows = runs_of(root, experiment)[::-1]
    tags = tags_of_runs(root / "experiments" / experiment)
    if as_json:
        import json

        click.echo(json.dumps([{**row, "tags": tags.get(row["run_id"], [])} for row in rows]))
    elif is_terminal(1):
        _print_table(rows, tags)
    else:
        for row in rows:
            names = "".join(f" {name}" for name in tags.get(row["run_id"], []))
            click.echo(f"{row['run_id']} {row['status']} ({row['done']}/{row['total']} jobs){names}")


def _print_table(rows: list[RunRow], tags: dict[str, list[str]]) -> None:
    from rich.text import Text

    from experimaestro.cli import tables
    from experimaestro.cli.text import moment

    table = tables.table("run", "status", "jobs", "tags", "started")
    for row in rows:
        table.add_row(
            Text(row["run_id"], style="bold" if row["current"] else ""),
            tables.state_cell(row["status"]),
            Text(f"{row['done']}/{row['total']}"),
            Text(" ".join(tags.get(row["run_id"], []))),
            Text(moment(row["started"])),
        )
    tables.console().print(table)


@click.command("history-prune")
@EXPERIMENT
@click.option("--before", metavar="RUN", help="Only runs older than this name or date (20261124_1045).")
@click.option("--after", metavar="RUN", help="Only runs newer than this name or date.")
@click.option("--status", type=click.Choice(["completed", "failed"]), help="Only runs that ended in this way.")
@click.option("--keep", metavar="N", type=click.IntRange(min=0), help="Keep the N newest of them.")
@click.option("--keep-tagged", is_flag=True, help="Keep runs that have a tag.")
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@click.option("--force", is_flag=True, help="Do not ask.")
@click.pass_obj
def history_prune(
    folder: Callable[[], Path],
    experiment: str,
    before: str | None,
    after: str | None,
    status: str | None,
    keep: int | None,
    keep_tagged: bool,
    dry_run: bool,
    force: bool,
) -> None:
    """Remove runs of an experiment, never their jobs.

    The current run stays, and so do runs that go on.
    """
    from experimaestro._run.run_folders import order, remove_run
    from experimaestro._run.run_tags import read_tags, tags_of_runs, write_tags

    root = folder()
    base = root / "experiments" / experiment
    tags = tags_of_runs(base)
    found = [
        row["run_id"]
        for row in runs_of(root, experiment)
        if not row["current"]
        and row["status"] != "running"
        and (status is None or row["status"] == status)
        and (before is None or order(row["run_id"]) < order(before))
        and (after is None or order(row["run_id"]) > order(after))
        and not (keep_tagged and row["run_id"] in tags)
    ]
    found = found[: len(found) - keep] if keep else found
    if not found:
        click.echo("Nothing to remove.")
        return
    for run in found:
        click.echo(f"{'Would remove' if dry_run else 'To remove:'} {run}")
    if dry_run:
        return
    if not force:
        click.confirm(f"Remove {len(found)} runs of {experiment}?", abort=True)
    for run in found:
        remove_run(base / run)
    left = {name: run for name, run in read_tags(base).items() if run not in found}
    if left != read_tags(base):
        write_tags(base, left)
    click.echo(f"Removed {len(found)} runs.")


@click.command("tag")
@EXPERIMENT
@click.argument("run", metavar="RUN")
@click.argument("name", metavar="NAME")
@click.option("--force", is_flag=True, help="Take the name away from the run that has it.")
@click.pass_obj
def tag(folder: Callable[[], Path], experiment: str, run: str, name: str, force: bool) -> None:
    """Give a run a name; RUN may be latest or oldest. A run that has a name is never removed by itself."""
    from experimaestro._run.run_tags import read_tags, write_tags

    root = folder()
    base = root / "experiments" / experiment
    run_id = find_run(runs_of(root, experiment), run)
    tags = read_tags(base)
    holder = tags.get(name)
    if holder is not None and holder != run_id and not force:
        raise CommandError(f"the run {holder} has the name {name!r}: choose another one, or move it with --force")
    write_tags(base, {**tags, name: run_id})
    click.echo(f"{run_id} is {name}")


@click.command("untag")
@EXPERIMENT
@click.argument("name", metavar="NAME")
@click.pass_obj
def untag(folder: Callable[[], Path], experiment: str, name: str) -> None:
    """Take a name away from the run that has it."""
    from experimaestro._run.run_tags import read_tags, write_tags

    root = folder()
    runs_of(root, experiment)
    base = root / "experiments" / experiment
    tags = read_tags(base)
    if name not in tags:
        raise CommandError(f"no run of {experiment} has the name {name!r} (names: {', '.join(sorted(tags)) or 'none'})")
    run_id = tags.pop(name)
    write_tags(base, tags)
    click.echo(f"{run_id} is no longer {name}")


@click.command("tags")
@EXPERIMENT
@click.option("--json", "as_json", is_flag=True, help="One JSON object, name to run.")
@click.pass_obj
def tags(folder: Callable[[], Path], experiment: str, as_json: bool) -> None:
    """List the names of the runs of an experiment."""
    from experimaestro._run.run_tags import read_tags

    root = folder()
    runs_of(root, experiment)
    found: dict[str, Any] = dict(sorted(read_tags(root / "experiments" / experiment).items()))
    if as_json:
        import json

        click.echo(json.dumps(found))
        return
    for name, run in found.items():
        click.echo(f"{name} {run}")

"""`xpm resume` and `xpm retry`: go on with a run without the script that made it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from experimaestro.cli.completion import complete_experiment
from experimaestro.cli.outcome import FAILURE, CommandError
from experimaestro.cli.session import CURRENT
from experimaestro.cli.workspace import existing_workspace, workspace_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from experimaestro._core import JobRow, Run
    from experimaestro.cli.live.board import Board

_PREDECESSOR_SECONDS = 5.0
"""A notebook lives on after it has left an experiment: it is not waited for longer than this."""
_LOOK_SECONDS = 0.02


@click.command(short_help="Go on with a run whose driver is gone, without its script.")
@workspace_options
@click.option("--run", "run_id", metavar="RUN", help="The run to go on with (default: the current one).")
@click.argument("experiment", shell_complete=complete_experiment)
def resume(workdir: Path | None, workspace: str | None, run_id: str | None, experiment: str) -> int:
    """Go on with the current run of EXPERIMENT: what was submitted and has not ended is run, in the order of its
    dependencies.

    All that is needed is in the workspace: neither the script of the experiment nor its YAML file is read. Jobs that
    failed are left as they are (see `xpm retry`); what the script would have submitted later is not known. With
    `xpm run-experiment --detach` you leave at once, and a process of its own does the same.

    Exit code: 0 when every job is done, 1 when one failed.
    """
    root = existing_workspace(workdir, workspace)
    return _drive(root, experiment, run_id, [])


@click.command(short_help="Run again what failed in a run, by cause.")
@workspace_options
@click.option("--run", "run_id", metavar="RUN", help="The run to go on with (default: the current one).")
@click.option("--cause", type=click.IntRange(min=1), metavar="N", help="Only what failed for this cause (see --list).")
@click.option("--list", "only_list", is_flag=True, help="Show the causes and their numbers; run nothing.")
@click.option("--json", "as_json", is_flag=True, help="With --list: for programs.")
@click.argument("experiment", shell_complete=complete_experiment)
def retry(
    workdir: Path | None,
    workspace: str | None,
    run_id: str | None,
    cause: int | None,
    only_list: bool,
    as_json: bool,
    experiment: str,
) -> int:
    """Run the failed jobs of EXPERIMENT again, with what depends on them and what has not ended.

    Failures are grouped by cause: the same exception at the same place. The script of the experiment is not needed;
    the code of the tasks is the present one.

    \b
    Examples:
      xpm retry --list digits          the causes, numbered
      xpm retry --cause 2 digits       only what failed for the second

    Exit code: 0 when every job is done, 1 when one failed.
    """
    from experimaestro._core import list_jobs
    from experimaestro.cli.failures import causes_of, print_causes

    root = existing_workspace(workdir, workspace)
    rows = list_jobs(str(root), experiment, run_id)
    if not rows:
        raise CommandError(f"{experiment} has no jobs in {root}; `xpm experiments list` shows what there is")
    groups = causes_of(rows)
    if only_list:
        print_causes(groups, as_json)
        return 0
    if not groups:
        click.echo(f"{experiment}: nothing has failed", err=True)
        return 0
    if cause is not None and cause > len(groups):
        raise click.BadParameter(f"there are {len(groups)} causes; `--list` shows them", param_hint="--cause")
    chosen = groups if cause is None else [groups[cause - 1]]
    again = [row for group in chosen for row in group.rows]
    return _drive(root, experiment, run_id, again)


def _drive(root: Path, experiment: str, run_id: str | None, again: Sequence[JobRow]) -> int:
    """Open the run again, show it until its end, say how it ended."""
    import signal

    from experimaestro._run.engine import get_engine
    from experimaestro.cli.live.board import Board

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    _wait_for_predecessor()
    run = get_engine().resume_run(
        str(root),
        experiment,
        run_id=run_id,
        again=[(row["task_id"], row["identifier"]) for row in again],
        on_wait=lambda holder: click.echo(
            f"{experiment} is being run by another process (on {holder}): waiting", err=True
        ),
    )
    board = Board(experiment)
    try:
        _show(root, experiment, run, board)
    except KeyboardInterrupt:
        run.close("detached")
        click.echo(f"\n{experiment} is left: what runs goes on; `xpm resume` comes back to it", err=True)
        raise click.Abort from None
    counts = run.counts()
    failed = bool(counts.get("error"))
    status: Literal["failed", "completed"] = "failed" if failed else "completed"
    _forget_old_runs(root, Path(run.path), status)
    run.close(status)
    if failed or not CURRENT.quiet:
        from experimaestro.cli.live.summary import print_summary
        from experimaestro.cli.tables import console

        results = Path(run.path) / "results"
        print_summary(board, console(stderr=True), root, results, again_retries=False)
    return FAILURE if failed else 0


def _forget_old_runs(root: Path, run: Path, status: str) -> None:
    """Clean up the history while the run still holds its experiment."""
    from experimaestro._run.history import forget_old_runs
    from experimaestro._run.settings import get_settings

    settings = get_settings()
    forget_old_runs(run.parent, run.name, status, settings.of_folder(root.absolute()).history or settings.history)


def _wait_for_predecessor() -> None:
    """Jobs of a driver that is gone are taken over; those of one that lives are only watched."""
    import os
    import time

    from experimaestro._run.detaching import PREDECESSOR

    predecessor = os.environ.pop(PREDECESSOR, "")
    deadline = time.monotonic() + _PREDECESSOR_SECONDS
    while predecessor.isdecimal() and time.monotonic() < deadline:
        try:
            os.kill(int(predecessor), 0)
        except OSError:
            return
        time.sleep(_LOOK_SECONDS)


def _show(root: Path, experiment: str, run: Run, board: Board) -> None:
    from experimaestro._core import list_jobs
    from experimaestro.cli.live.run_watcher import RunWatcher
    from experimaestro.cli.live.watch import display_of

    tags: dict[str, dict[str, Any]] = {
        row["path"]: row["tags"] for row in list_jobs(str(root), experiment, run.run_id) if row["tags"]
    }
    display = display_of(board)
    watcher = RunWatcher(board, display, tags)
    display.start()
    try:
        watcher.follow(run)
    finally:
        display.stop()

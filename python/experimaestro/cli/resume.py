"""`xpm resume` and `xpm retry`: go on with a run without the script that made it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from experimaestro.cli.completion import complete_experiment
from experimaestro.cli.outcome import FAILURE, CommandError
from experimaestro.cli.session import CURRENT
from experimaestro.cli.workspace import existing_workspace, workspace_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from experimaestro._core import JobRow
    from experimaestro._run.resumed_run import ResumedRun
    from experimaestro._run.settings import WorkspaceSettings
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
    return _drive(_settings(root, workspace), experiment, run_id, [])


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
    return _drive(_settings(root, workspace), experiment, run_id, again)


def _settings(root: Path, workspace: str | None) -> WorkspaceSettings:
    """What the settings file says of the workspace."""
    from experimaestro.settings import find_workspace, get_settings

    if workspace is not None:
        return find_workspace(workspace=workspace, workdir=root)
    return get_settings().of_folder(root.absolute())


def _drive(settings: WorkspaceSettings, experiment: str, run_id: str | None, again: Sequence[JobRow]) -> int:
    """Open the run again, show it until its end, say how it ended."""
    from experimaestro._run.resumed_run import ResumedRun
    from experimaestro._run.termination import Terminated, TerminationGuard
    from experimaestro.cli.live.board import Board

    _wait_for_predecessor()
    board = Board(experiment)
    with TerminationGuard():
        run = ResumedRun(
            settings,
            experiment,
            run_id,
            [(row["task_id"], row["identifier"]) for row in again],
            lambda holder: click.echo(f"{experiment} is being run by another process (on {holder}): waiting", err=True),
        )
        try:
            _show(run, board)
            failed = bool(run.run.counts().get("error"))
            unrecorded = run.close("failed" if failed else "completed")
        except (KeyboardInterrupt, Terminated) as interruption:
            run.close("detached")
            click.echo(f"\n{experiment} is left: what runs goes on; `xpm resume` comes back to it", err=True)
            if isinstance(interruption, Terminated):
                raise
            raise click.Abort from None
    if failed or not CURRENT.quiet:
        from experimaestro.cli.live.summary import print_summary
        from experimaestro.cli.tables import console

        print_summary(board, console(stderr=True), settings.path, run.path / "results", again_retries=False)
    if unrecorded is not None:
        raise CommandError(
            f"how {experiment} ended could not be recorded: {unrecorded}\n"
            "  The jobs are not affected. Make room, then give the same command again: it records it"
        )
    return FAILURE if failed else 0


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


def _show(run: ResumedRun, board: Board) -> None:
    from experimaestro.cli.live.run_watcher import RunWatcher
    from experimaestro.cli.live.watch import display_of

    display = display_of(board)
    watcher = RunWatcher(board, display, run.tags)
    display.start()
    try:
        watcher.follow(run)
    finally:
        display.stop()

"""`xpm jobs kill`, `clean`, `stray`, `recover`: what one does to jobs from outside of their experiments."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from experimaestro.cli.completion import complete_experiment, complete_job
from experimaestro.cli.outcome import FAILURE, CommandError, say_hint
from experimaestro.cli.workspace import Function

if TYPE_CHECKING:
    from experimaestro._run.offline import OfflineJob, WorkspaceStateProvider


def _selection(function: Function) -> Function:
    """Options that say which jobs are meant."""
    options = [
        click.option("--experiment", metavar="NAME", shell_complete=complete_experiment, help="Of this one only."),
        click.option("--filter", "expression", metavar="EXPR", help="Those that match, as in `xpm jobs list`."),
        click.option("--state", metavar="STATE", help="Those in this state only."),
        click.option("--perform", is_flag=True, help="Do it; otherwise the command only says what it would do."),
    ]
    for option in reversed(options):
        function = option(function)
    return function


def _selected(root: Path, experiment: str | None, expression: str | None, state: str | None) -> list[OfflineJob]:
    from experimaestro._core import list_jobs
    from experimaestro._run.offline import WorkspaceStateProvider
    from experimaestro.cli.jobs import check_experiment, predicate_of

    predicate = predicate_of(expression, state)
    rows = list_jobs(str(root), experiment)
    if experiment is not None and not rows:
        check_experiment(root, experiment)
    paths = {row["path"] for row in rows if predicate(row)}
    # As their folders tell: a job of several experiments is one.
    found = {str(job.path): job for job in WorkspaceStateProvider(root).get_jobs(experiment)}
    return [job for path, job in found.items() if path in paths]


@click.command("kill")
@_selection
@click.pass_obj
def kill(
    folder: Callable[[], Path], experiment: str | None, expression: str | None, state: str | None, perform: bool
) -> int:
    """Ask the processes of running jobs to stop, whoever started them.

    They get SIGTERM: a task may catch TaskCancelled and save its work. Processes of other hosts cannot be asked.
    Without --perform the command only says what it would do.
    """
    from experimaestro._run.offline import WorkspaceStateProvider

    root = folder()
    provider = WorkspaceStateProvider(root)
    running = [job for job in _selected(root, experiment, expression, state) if provider.kill_job(job, perform=False)]
    return _kill(provider, running, perform)


def _kill(provider: WorkspaceStateProvider, running: list[OfflineJob], perform: bool) -> int:
    if not running:
        click.echo("No running jobs.")
    failed = False
    for job in running:
        name = f"{job.task_id}/{job.identifier}"
        if not perform:
            click.echo(f"KILLING {name} (dry run)")
        elif provider.kill_job(job):
            click.echo(f"KILLED {name}")
        else:
            failed = True
            click.echo(f"KILL FAILED {name}: no process of this machine is known to run it")
    if running and not perform:
        _say_how_to_perform()
    return FAILURE if failed else 0


@click.command("clean")
@_selection
@click.pass_obj
def clean(
    folder: Callable[[], Path], experiment: str | None, expression: str | None, state: str | None, perform: bool
) -> None:
    """Remove the folders of jobs that have ended, with all that they made; they run again when they are submitted.

    Without --perform the command only says what it would do.
    """
    from experimaestro._run.offline import WorkspaceStateProvider

    root = folder()
    provider = WorkspaceStateProvider(root)
    ended = [job for job in _selected(root, experiment, expression, state) if job.state.finished()]
    _delete(provider, [job for job in ended if job.path.is_dir()], perform, ("Would clean", "Cleaned"))


def _delete(
    provider: WorkspaceStateProvider, chosen: list[OfflineJob], perform: bool, words: tuple[str, str]
) -> list[OfflineJob]:
    """Remove folders, or say so; those that were, or would be, removed."""
    removed = []
    for job in chosen:
        done, why = provider.delete_job_safely(job, perform)
        if done:
            removed.append(job)
            click.echo(f"{words[1] if perform else words[0]} {job.task_id}/{job.identifier}")
        else:
            click.echo(f"kept: {why}", err=True)
    if not chosen:
        click.echo("No jobs found.")
    if removed and not perform:
        _say_how_to_perform()
    return removed


def _say_how_to_perform() -> None:
    """For people: what is piped holds the jobs and nothing else."""
    say_hint("nothing was done: add --perform to do it")


@click.command("stray")
@click.option("--kill", "kills", is_flag=True, help="Ask the running ones to stop.")
@click.option("--delete", "deletes", is_flag=True, help="Remove the folders of those that no run tells of.")
@click.option("--perform", is_flag=True, help="Do it; otherwise the command only says what it would do.")
@click.option("--force", is_flag=True, help="Do not ask.")
@click.option("--size", "with_size", is_flag=True, help="Show how large the folders are.")
@click.option("--fullpath", is_flag=True, help="Show the folder of each job.")
@click.pass_obj
def stray(
    folder: Callable[[], Path],
    kills: bool,
    deletes: bool,
    perform: bool,
    force: bool,
    with_size: bool,
    fullpath: bool,
) -> int:
    """List jobs that run although the current run of no experiment tells of them, and jobs that no run tells of."""
    from experimaestro._run.offline import WorkspaceStateProvider

    provider = WorkspaceStateProvider(folder())
    running = provider.get_stray_jobs()
    orphans = [job for job in provider.get_orphan_jobs() if not job.state.running()]
    for word, found in (("STRAY", running), ("ORPHAN", orphans)):
        for job in found:
            click.echo(f"{word:8} {describe(job, with_size, fullpath)}")
    if not running and not orphans:
        click.echo("No jobs found.")
    if perform and (kills or deletes) and not force:
        confirm(f"Stop {len(running) if kills else 0} jobs and remove {len(orphans) if deletes else 0} folders?")
    outcome = _kill(provider, running, perform) if kills else 0
    if deletes:
        _delete(provider, orphans, perform, ("Would delete", "Deleted"))
    return outcome


def describe(job: OfflineJob, with_size: bool, fullpath: bool = False) -> str:
    """A job on one line."""
    name = str(job.path) if fullpath else f"{job.task_id}/{job.identifier}"
    return f"{_size(job.path):>8} {name}" if with_size else name


def _size(folder: Path) -> str:
    """What the files of a folder take, as people say it; links count nothing."""
    import os

    total = 0.0
    if not folder.is_symlink():
        for parent, _, names in os.walk(folder):
            total += sum(os.lstat(os.path.join(parent, name)).st_size for name in names)
    for unit in ("B", "kB", "MB", "GB"):
        if total < 1000:
            return f"{total:.0f} {unit}" if unit == "B" else f"{total:.1f} {unit}"
        total /= 1000
    return f"{total:.1f} TB"


def confirm(question: str) -> None:
    """Ask before something is lost.

    :raises CommandError: when nobody can be asked
    """
    import sys

    if not sys.stdin.isatty():
        raise CommandError("nothing is done: nobody can be asked here; use --force")
    click.confirm(question, abort=True)


@click.command("recover")
@click.argument("job", metavar="ID", shell_complete=complete_job)
@click.pass_obj
def recover(folder: Callable[[], Path], job: str) -> None:
    """Bring a job back from another folder of the workspace, with files of its own.

    ID is the beginning of its identifier, alone or after the task: 3f2a or train/3f2a. Other folders are those of your
    settings file.
    """
    from experimaestro._run.folders import recover as bring
    from experimaestro._run.lock_mode import file_mode
    from experimaestro._run.settings import get_settings

    root = folder().absolute()
    settings = get_settings().of_folder(root)
    places = [root, *(other.path for other in settings.folders)]
    place = root / "jobs" / _one_job(places, job)
    try:
        copy = bring(place, settings.folders, file_mode(root, settings.lock_mode))
    except OSError as error:
        raise CommandError(f"{place.parent.name}/{place.name} is not recovered: {error}") from None
    if copy is None:
        click.echo(f"{place.parent.name}/{place.name}: nothing to do")
    else:
        click.echo(f"{place.parent.name}/{place.name} recovered from {copy}")


def _one_job(places: list[Path], prefix: str) -> Path:
    """The one job of this name in any of the folders, as `task/identifier`."""
    from experimaestro._core import find_jobs

    names = {"/".join(Path(path).parts[-2:]) for place in places for path in find_jobs(str(place), prefix)}
    names = {name for name in names if not name.rpartition("/")[2].startswith(".")}
    if not prefix.strip() or not names:
        where = ", ".join(map(str, places))
        raise CommandError(f"there is no job {prefix!r} in {where}")
    if len(names) > 1:
        raise CommandError(f"{prefix!r} is the beginning of {len(names)} jobs; give more of it")
    return Path(names.pop())

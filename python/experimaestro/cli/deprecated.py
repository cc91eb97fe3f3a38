"""`xpm deprecated`: jobs of deprecated classes are found under their new identifiers."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from experimaestro._run.scheme import MARKER
from experimaestro.cli.outcome import CommandError
from experimaestro.cli.workspace import enclosing_workspace
from experimaestro.exceptions import ExperimaestroError

if TYPE_CHECKING:
    from experimaestro._config.recomputing import JobName
    from experimaestro._run.renamed_jobs import RenamedJob, Workspace

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.group(short_help="Find the jobs of deprecated classes under their new identifiers.")
def deprecated() -> None:
    """Keep the results of classes that were deprecated with @deprecate.

    These commands import your code: run them from the folder of your project, or with PYTHONPATH set.
    """


@deprecated.command("list")
@click.argument("path", type=FOLDER)
@click.option("--fix", is_flag=True, help="Link new identifiers to the folders of the old jobs.")
@click.option("--cleanup", is_flag=True, help="With --fix: rename the folders instead, and rewrite their params.json.")
@click.option("--json", "as_json", is_flag=True, help="One JSON list, for programs.")
def list_command(path: Path, fix: bool, cleanup: bool, as_json: bool) -> int:
    """Show which jobs of a workspace have another identifier now, and what it is.

    PATH is a workspace, or the folder of its jobs. Without --fix nothing is written.

    \b
    --fix            links the new identifier to the folder of the old job: experiments find it done
    --fix --cleanup  gives the folder the new name; earlier runs know the job by its old name only

    A job that exists under the new identifier is never touched. Jobs whose code cannot be imported are listed with the
    reason. Exit code: 0, or 1 if a job could not be linked or moved.
    """
    if cleanup and not fix:
        raise click.UsageError(
            "--cleanup renames the folders of jobs, and goes with --fix only; nothing was done. Leave both out to see "
            "what would change"
        )
    from experimaestro._run.renamed_jobs import Workspace, to_json

    workspace = Workspace(workspace_of(path))
    with _project_path():
        jobs = workspace.renamed()
        failures: dict[object, str] = {}
        if fix:
            jobs = _link(workspace, jobs, failures)
        if cleanup:
            _move(workspace, jobs, failures)
    if as_json:
        import json

        rows = [{**to_json(job), **({"error": failures[job.old]} if job.old in failures else {})} for job in jobs]
        click.echo(json.dumps(rows))
    else:
        _show(jobs, failures, fix=fix, cleanup=cleanup)
    return 1 if failures else 0


def workspace_of(path: Path) -> Path:
    """The workspace that a folder is, or holds the jobs of; absolute, links as they are written.

    :raises CommandError: it is neither
    """
    folder = path.absolute()
    for candidate in (folder, folder.parent):
        if (candidate / MARKER).exists() or (candidate == folder and (candidate / "jobs").is_dir()):
            return candidate
    if folder.name == "jobs":
        return folder.parent
    raise CommandError(f"{path} is no workspace (it holds no folder jobs), and not the folder jobs of one")


def _project_path() -> AbstractContextManager[None]:
    """The current folder is where people start their experiments: modules are looked for there."""
    from experimaestro._config.importing import add_to_path

    return add_to_path(Path.cwd())


def _link(workspace: Workspace, jobs: list[RenamedJob], failures: dict[object, str]) -> list[RenamedJob]:
    """Link what can be; the jobs as they are then. Of two that have one new name, a job that is done is linked."""
    linked = {}
    for job in sorted(jobs, key=lambda job: not job.done):
        if job.status == "renamed":
            failure, linked[job.old] = _link_one(workspace, job)
            if failure is not None:
                failures[job.old] = failure
    return [linked.get(job.old, job) for job in jobs]


def _link_one(workspace: Workspace, job: RenamedJob) -> tuple[str | None, RenamedJob]:
    now = workspace.look(job.old) or job
    if now.status != "renamed":
        return None, now
    try:
        workspace.link(job)
    except OSError as error:
        return f"cannot be linked: {error}", job
    return None, job._replace(status="linked")


def _move(workspace: Workspace, jobs: list[RenamedJob], failures: dict[object, str]) -> None:
    """Move what is linked, jobs before those that they are made from."""
    linked = {job.old: job for job in jobs if job.status == "linked"}
    names = {job.old: job.new for job in linked.values() if job.new is not None}
    for name in reversed(workspace.recomputation.order):
        if name in linked:
            failure = _move_one(workspace, linked[name], names)
            if failure is not None:
                failures[name] = failure


def _move_one(workspace: Workspace, job: RenamedJob, names: dict[JobName, JobName]) -> str | None:
    try:
        workspace.move(job, names)
    except (OSError, ExperimaestroError) as error:
        return f"cannot be moved: {error}"
    return None


def _show(jobs: list[RenamedJob], failures: dict[object, str], *, fix: bool, cleanup: bool) -> None:
    """One line per job: what it is, old name, new name."""
    from experimaestro.cli.text import count

    if not jobs:
        click.echo("Every job has its identifier of today.")
        return
    fixed = [job for job in jobs if fix and job.status == "linked" and job.old not in failures]
    for job in jobs:
        label = "MOVED" if cleanup and job in fixed else job.status.upper()
        reason = failures.get(job.old) or job.reason
        arrow = f" -> {job.new}" if job.new is not None else ""
        state = "" if job.done else " (not done)"
        click.echo(f"{label:8} {job.old}{arrow}{state}{f': {reason}' if reason else ''}")
    waiting = sum(job.status == "renamed" for job in jobs)
    if fix:
        click.echo(f"\n{count(len(fixed), 'job')} {'moved' if cleanup else 'linked'}")
    elif waiting:
        click.echo(f"\n{count(waiting, 'job')} can be linked to the new identifier: use --fix")


@deprecated.command("diff")
@click.argument("job", metavar="JOBDIR", type=FOLDER)
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for programs.")
def diff_command(job: Path, as_json: bool) -> int:
    """Show where the identifier of a job differs from the one that it has with the classes of today.

    JOBDIR is the folder of a job, .../jobs/<task>/<identifier>.

    \b
    Exit code: 0 the identifier is the same, 1 it differs.
    """
    from experimaestro._config.difference import compare
    from experimaestro._config.recomputing import JobName, stand_in
    from experimaestro._config.snapshot import read_snapshot, take_snapshot
    from experimaestro._run.renamed_jobs import Workspace

    folder = job.absolute()
    root = enclosing_workspace(folder) or folder.parents[2]
    if not (folder / "params.json").is_file() or folder.parent.parent != root / "jobs":
        raise CommandError(f"{job} is no job folder: one is .../jobs/<task>/<identifier>, and holds a params.json")
    with _project_path():
        name = JobName(folder.parent.name, folder.name)
        made = Workspace(root).recomputation.of(name)
        found = compare(read_snapshot(folder), take_snapshot(stand_in(made.config), folder))
    if as_json:
        import json

        click.echo(json.dumps(found.to_json()))
    else:
        from experimaestro._config.difference_text import plain

        click.echo(plain(found))
    return 1 if made.name != name else 0

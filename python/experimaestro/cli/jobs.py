"""`xpm jobs`: list the jobs of a workspace, find their folders, read their logs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from experimaestro.cli.completion import complete_experiment, complete_job
from experimaestro.cli.outcome import CommandError
from experimaestro.cli.session import is_terminal
from experimaestro.cli.workspace import WorkspaceGroup, offer_workspace, workspace_options

if TYPE_CHECKING:
    from experimaestro._core import JobRow
    from experimaestro.cli.filter import Predicate


@click.group(cls=WorkspaceGroup, short_help="List the jobs of a workspace; read their logs.")
@workspace_options
@click.pass_context
def jobs(ctx: click.Context, workdir: Path | None, workspace: str | None) -> None:
    """Look at the jobs of a workspace.

    Without --workdir or --workspace: the workspace around the current folder, else the default one of your settings.
    """
    offer_workspace(ctx, workdir, workspace)


@jobs.command("list")
@click.option("--experiment", metavar="NAME", shell_complete=complete_experiment, help="Jobs of this experiment only.")
@click.option("--filter", "expression", metavar="EXPR", help='Jobs that match, such as: @state = "error" and lr = 0.1')
@click.option("--state", metavar="STATE", help="Jobs in this state: waiting, ready, scheduled, running, done, error…")
@click.option("--tags", "with_tags", is_flag=True, help="Show tags (in a terminal they are always shown).")
@click.option("--fullpath", is_flag=True, help="Show the folder of each job.")
@click.option("-c", "--count", "limit", metavar="N", type=click.IntRange(min=0), help="The last N jobs only.")
@click.option("--json", "as_json", is_flag=True, help="One JSON list, for programs.")
@click.pass_obj
def list_command(
    folder: Any,
    experiment: str | None,
    expression: str | None,
    state: str | None,
    with_tags: bool,
    fullpath: bool,
    limit: int | None,
    as_json: bool,
) -> None:
    """List the jobs of the current run of each experiment, in the order of their submission.

    \b
    Filters compare @state, @name (the task) and tags:
      @state = "error"                      failed jobs
      model = "cnn" and lr in ["0.1", "1"]  by tags
      @name ~ "train" and not seed = 1      regular expression; negation
    """
    predicate = predicate_of(expression, state)
    root: Path = folder()
    rows, damage = rows_that_can_be_read(root, experiment)
    if experiment is not None and not rows:
        check_experiment(root, experiment)
    rows = [row for row in rows if predicate(row)]
    if limit is not None:
        rows = rows[len(rows) - limit :] if limit < len(rows) else rows
    if as_json:
        import json

        click.echo(json.dumps(rows, default=str))
    elif not rows:
        click.echo("No jobs found.")
    elif is_terminal(1):
        from experimaestro.cli.jobtable import print_table

        print_table(rows, fullpath)
    else:
        _print_lines(rows, with_tags, fullpath)
    if damage:
        raise CommandError("these experiments are left out:\n" + "\n".join(damage))


def rows_that_can_be_read(root: Path, experiment: str | None) -> tuple[list[JobRow], list[str]]:
    """The jobs of one experiment or of all, and what is wrong with experiments that cannot be read.

    One damaged journal must not hide the jobs of the others.

    :raises WorkspaceError: the one that is asked for cannot be read
    """
    from experimaestro._core import list_jobs, list_runs
    from experimaestro.exceptions import WorkspaceError

    try:
        return list_jobs(str(root), experiment), []
    except WorkspaceError:
        if experiment is not None:
            raise
    rows: list[JobRow] = []
    damage: list[str] = []
    for name in dict.fromkeys(row["experiment"] for row in list_runs(str(root))):
        try:
            rows.extend(list_jobs(str(root), name))
        except WorkspaceError as error:  # noqa: PERF203 - each may be damaged
            damage.append(f"{name}: {error}")
    return rows, damage


def predicate_of(expression: str | None, state: str | None) -> Predicate:
    """What `--filter` and `--state` say.

    :raises BadParameter: when one cannot be understood
    """
    from experimaestro.cli.filter import FilterError, parse_filter

    parts = []
    for option, text in (("--filter", expression), ("--state", None if state is None else f'@state = "{state}"')):
        if text is None:
            continue
        try:
            parts.append(parse_filter(text))
        except FilterError as error:
            raise click.BadParameter(str(error), param_hint=option) from None
    return lambda job: all(part(job) for part in parts)


def check_experiment(root: Path, experiment: str) -> None:
    """Say when an experiment does not exist, rather than that it has no jobs."""
    from experimaestro._core import list_runs

    known = list(dict.fromkeys(row["experiment"] for row in list_runs(str(root))))
    if experiment not in known:
        there = f"experiments: {', '.join(known)}" if known else "it has none yet"
        raise CommandError(f"there is no experiment {experiment!r} in {root} ({there})")


def _print_lines(rows: list[JobRow], with_tags: bool, fullpath: bool) -> None:
    """One line per job: label, job, tags. Programs read this: its form does not change."""
    from experimaestro.cli.text import look, tags

    for row in rows:
        place = row["path"] if fullpath else f"{row['task_id']}/{row['identifier']}"
        suffix = f" {tags(row['tags'])}" if with_tags and row["tags"] else ""
        click.echo(f"{look(row['state']).label:8} {place}{suffix}")


@jobs.command("path")
@click.argument("job", metavar="ID", shell_complete=complete_job)
@click.pass_obj
def path_command(folder: Any, job: str) -> None:
    """Print the folder of a job.

    ID is the beginning of its identifier, alone or after the task: 3f2a or train/3f2a.
    """
    click.echo(str(one_job(folder(), job)))


def one_job(root: Path, prefix: str) -> Path:
    """The folder of the one job that the prefix means.

    :raises CommandError: when no job, or several jobs, begin like this
    """
    from experimaestro._core import find_jobs

    found = [Path(path) for path in find_jobs(str(root), prefix)] if prefix.strip() else []
    if len(found) == 1:
        return found[0]
    if not found:
        raise CommandError(f"there is no job {prefix!r} in {root}; `xpm jobs --workdir {root} list` shows them")
    shown = "\n".join(f"  {path.parent.name}/{path.name}" for path in found[:10])
    more = f"\n  … and {len(found) - 10} more" if len(found) > 10 else ""
    raise CommandError(f"{prefix!r} is the beginning of {len(found)} jobs; give more of it:\n{shown}{more}")


@jobs.command("log")
@click.argument("job", metavar="ID", shell_complete=complete_job)
@click.option("-f", "--follow", is_flag=True, help="Go on with what is written, until the job ends.")
@click.option("--std", "only_out", is_flag=True, help="Standard output only.")
@click.option("--err", "only_err", is_flag=True, help="Standard error only.")
@click.pass_obj
def log_command(folder: Any, job: str, follow: bool, only_out: bool, only_err: bool) -> None:
    """Print the log of a job: what it wrote to its standard output, then to its standard error.

    ID is the beginning of its identifier, alone or after the task: 3f2a or train/3f2a.
    """
    if only_out and only_err:
        raise click.UsageError("--std and --err exclude each other; without them, both are printed")
    from experimaestro.cli.joblog import follow_logs, log_files, print_logs

    root: Path = folder()
    path = one_job(root, job)
    files = log_files(path, out=not only_err, err=not only_out)
    if follow:
        follow_logs(root, path, files)
    else:
        print_logs(path, files)


def _add_actions() -> None:
    from experimaestro.cli import job_actions

    for command in (job_actions.kill, job_actions.clean, job_actions.stray, job_actions.recover):
        jobs.add_command(command)


_add_actions()

"""`xpm diff`: why two jobs are not the same one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from experimaestro.cli.completion import complete_job
from experimaestro.cli.outcome import USAGE, CommandError
from experimaestro.cli.session import wants_colour
from experimaestro.cli.workspace import existing_workspace, workspace_options

if TYPE_CHECKING:
    from experimaestro._config.snapshot import Snapshot


class DiffError(CommandError):
    """The two cannot be compared; as for `diff`, 1 is taken by "they differ"."""

    exit_code = USAGE


@click.command("diff", short_help="Show what differs between two jobs.")
@workspace_options
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for programs.")
@click.argument("old", metavar="A", shell_complete=complete_job)
@click.argument("new", metavar="B", shell_complete=complete_job)
def diff_command(workdir: Path | None, workspace: str | None, as_json: bool, old: str, new: str) -> int:
    """Show which values differ between two jobs: where, what they were, and which line set them.

    A and B are folders of jobs, params.json files, folders that save() wrote, or beginnings of identifiers, alone or
    after the task: 3f2a or train/3f2a. One may also be the folder of a run: its job of the same task is taken.

    What does not count in the identifier (Meta, paths) is shown apart. Nothing of your code is imported: this works
    after it has changed.

    \b
    Exit code: 0 nothing that counts differs, 1 something does, 2 they cannot be compared.
    """
    from experimaestro._config.difference import compare

    first, second = _snapshots(old, new, workdir, workspace)
    found = compare(first, second)
    if as_json:
        import json

        click.echo(json.dumps(found.to_json()))
    else:
        from experimaestro._config.difference_text import pieces

        coloured = "".join(_paint(text, style) for text, style in pieces(found))
        click.echo(coloured, nl=False, color=wants_colour(1))
    return 1 if found.counted else 0


def _paint(text: str, style: str) -> str:
    words = style.split()
    colours = [word for word in words if word != "bold"]
    return click.style(text, fg=colours[0] if colours else None, bold="bold" in words or None) if words else text


def _snapshots(old: str, new: str, workdir: Path | None, workspace: str | None) -> tuple[Snapshot, Snapshot]:
    from experimaestro._config.snapshot import read_snapshot
    from experimaestro.exceptions import ExperimaestroError

    folders = [_folder(given, workdir, workspace) for given in (old, new)]
    runs = [_is_run(folder) for folder in folders]
    if all(runs):
        raise DiffError(
            "both are folders of runs: give the job of at least one, as `xpm jobs list --fullpath` prints it"
        )
    try:
        for position, is_run in enumerate(runs):
            if is_run:
                other = read_snapshot(folders[1 - position])
                folders[position] = _job_of_run(folders[position], other.main.type_id)
        return read_snapshot(folders[0]), read_snapshot(folders[1])
    except ExperimaestroError as error:
        raise DiffError(str(error)) from error


def _folder(given: str, workdir: Path | None, workspace: str | None) -> Path:
    """The file or folder that an argument means."""
    path = Path(given)
    # "train/3f2a" may also be a folder that has nothing to do with it.
    if path.is_file() or (path.is_dir() and (_is_run(path) or any(path.glob("*.json")))):
        return path.resolve()
    if path.is_absolute() or given.startswith(("./", "../")):  # no identifier begins so
        raise DiffError(
            f"{path} does not exist" if not path.exists() else f"{path} is no folder of a job: it has no params.json"
        )
    from experimaestro.cli.jobs import one_job

    try:
        return one_job(existing_workspace(workdir, workspace), given)
    except CommandError as error:
        raise DiffError(error.format_message()) from error


def _is_run(path: Path) -> bool:
    return (path / "jobs").is_dir() and any((path / name).is_file() for name in ("journal.jsonl", "status.json"))


def _job_of_run(run: Path, type_id: str | None) -> Path:
    """The job of a task in a run.

    :raises DiffError: there is none, or there are several
    """
    tasks = sorted(folder.name for folder in (run / "jobs").iterdir())
    jobs = sorted((run / "jobs" / type_id).iterdir()) if type_id in tasks and type_id else []
    if len(jobs) == 1:
        return jobs[0].resolve()
    if not jobs:
        raise DiffError(f"the run {run} has no job of the task {type_id}; its tasks: {', '.join(tasks) or 'none'}")
    shown = "\n".join(f"  {job}" for job in jobs[:10])
    raise DiffError(f"the run {run} has {len(jobs)} jobs of the task {type_id}; give one of them:\n{shown}")

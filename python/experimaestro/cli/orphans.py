"""`xpm orphans`: jobs that no run of any experiment tells of."""

from __future__ import annotations

from pathlib import Path

import click

from experimaestro.cli.workspace import existing_workspace


@click.command("orphans", short_help="Find jobs that no run tells of any more.")
@click.argument("path", metavar="PATH", type=click.Path(path_type=Path))
@click.option("--size", "with_size", is_flag=True, help="Show how large the folders are.")
@click.option("--clean", is_flag=True, help="Remove their folders, except of those that run.")
@click.option(
    "--include-folders/--no-folders", default=False, help="Whether other folders of the workspace are looked into too."
)
@click.option("--show-all", is_flag=True, help="Show the jobs that runs tell of as well.")
@click.option("--ignore-old", is_flag=True, help="Kept for older scripts, without effect.")
def orphans(path: Path, with_size: bool, clean: bool, include_folders: bool, show_all: bool, ignore_old: bool) -> None:
    """List the jobs of the workspace PATH that no run of any experiment tells of.

    Runs that are removed leave their jobs behind: this finds them. Nothing is removed without --clean; what runs, and
    what is in other folders of the workspace, is never removed.
    """
    del ignore_old
    from experimaestro._run.offline import WorkspaceStateProvider
    from experimaestro.cli.job_actions import describe

    root = existing_workspace(path, None)
    provider = WorkspaceStateProvider(root)
    found = provider.get_orphan_jobs()
    if show_all:
        for job in provider.get_all_jobs():
            click.echo(f"known {describe(job, with_size)}")
    click.echo(f"{len(found)} orphan jobs" + ("" if clean or not found else " (--clean removes their folders)"))
    for job in found:
        if not clean:
            click.echo(describe(job, with_size))
            continue
        line = describe(job, with_size)
        removed, why = provider.delete_job_safely(job)
        click.echo(f"removed {line}" if removed else f"kept: {why}", err=not removed)
    if include_folders:
        _list_folders(root, {f"{job.task_id}/{job.identifier}" for job in found})


def _list_folders(root: Path, orphans: set[str]) -> None:
    """What other folders hold of jobs that the workspace has no more, or only as orphans."""
    from experimaestro._run.settings import get_settings

    for folder in get_settings().of_folder(root.absolute()).folders:
        for place in sorted((folder.path / "jobs").glob("*/*")):
            name = f"{place.parent.name}/{place.name}"
            if not place.name.startswith(".") and (name in orphans or not (root / "jobs" / name).exists()):
                click.echo(f"in {folder.path}: {name}")

"""`xpm workspaces`: the workspaces of the settings file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from experimaestro.cli.outcome import CommandError

if TYPE_CHECKING:
    from experimaestro.settings import WorkspaceSettings


@click.group(short_help="Show the workspaces of your settings.")
def workspaces() -> None:
    """Look at the workspaces that your settings file names."""


@workspaces.command("list")
@click.option("-v", "--verbose", is_flag=True, help="Everything that the settings say of each.")
@click.option("--json", "as_json", is_flag=True, help="One JSON list, for programs.")
def list_command(verbose: bool, as_json: bool) -> None:
    """List the workspaces of your settings file: the first one that is not remote is the default."""
    from experimaestro.settings import get_settings

    try:
        found = get_settings().workspaces
    except ValueError as error:
        raise CommandError(str(error)) from None
    if as_json:
        import json

        click.echo(json.dumps([{"id": one.id, "path": str(one.path), **_details(one)} for one in found]))
        return
    if not found:
        from experimaestro._run.settings import settings_path

        click.echo(f"No workspaces in {settings_path()}.")
    for one in found:
        remote = f" [remote: {one.ssh.host}]" if one.ssh is not None else ""
        click.echo(f"- {one.id}: {one.path}{remote}")
        if verbose:
            import textwrap

            import yaml

            told = {key: value for key, value in _details(one).items() if value}
            click.echo(textwrap.indent(yaml.safe_dump(told, sort_keys=False), "    "), nl=False)


def _details(one: WorkspaceSettings) -> dict[str, Any]:
    history = None if one.history is None else vars(one.history)
    return {
        "env": one.env,
        "max_retries": one.max_retries,
        "triggers": one.triggers,
        "history": history,
        "folders": [{"path": str(folder.path), "mode": folder.mode.value} for folder in one.folders],
        "ssh": None if one.ssh is None else vars(one.ssh),
        "lock_mode": one.lock_mode,
    }

"""`xpm find-launchers`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("find-launchers", short_help="Show which launcher a requirement finds.")
@click.option(
    "--config", metavar="DIR", type=click.Path(file_okay=False, path_type=Path), help="Folder of launchers.py."
)
@click.argument("spec")
def find_launchers(config: Path | None, spec: str) -> None:
    """Show the launcher that is found for SPEC, such as "duration=1h & cuda(mem=8G)".

    Exit code 1 when nothing has what was asked for.
    """
    from experimaestro.exceptions import ExperimaestroError
    from experimaestro.launcherfinder import LauncherRegistry, find_launcher

    if config is not None:
        LauncherRegistry.set_config_dir(config)
    try:
        click.echo(str(find_launcher(spec)))
    except ExperimaestroError as error:
        raise click.ClickException(str(error)) from None

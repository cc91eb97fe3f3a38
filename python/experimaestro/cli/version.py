"""`xpm version`."""

from __future__ import annotations

import click


@click.command(short_help="Print the version.")
def version() -> None:
    """Print the version of experimaestro."""
    from experimaestro._core import __version__

    click.echo(__version__)

"""`xpm check-documentation`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("check-documentation", short_help="Find configurations without documentation.")
@click.argument("inventory", metavar="INV", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("package")
@click.option("--skip", default="", metavar="A,B", help="Modules and classes that need no documentation.")
def check_documentation(inventory: Path, package: str, skip: str) -> None:
    """List the configurations of PACKAGE that a Sphinx documentation leaves out; exit code 1 if there are any.

    INV is the inventory `objects.inv` that Sphinx writes beside the HTML pages.
    """
    import sys

    from experimaestro.tools.documentation import configurations, inventory_names

    sys.path.insert(0, str(Path.cwd()))
    try:
        documented = inventory_names(inventory)
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    found, failures = configurations([package], {name.strip() for name in skip.split(",") if name.strip()})
    missing = sorted(found - documented)
    for failure in failures:
        click.secho(f"cannot be imported: {failure}", fg="red", err=True)
    for name in missing:
        click.secho(name, fg="red")
    if missing or failures:
        raise SystemExit(1)
    click.echo(f"{len(found)} configurations, all documented")

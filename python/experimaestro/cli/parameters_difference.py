"""`xpm parameters-difference`: two `params.json`, one line for each value that differs."""

from __future__ import annotations

from pathlib import Path

import click

FILE = click.Path(exists=True, path_type=Path)


@click.command("parameters-difference", short_help="Compare two params.json, line by line.")
@click.argument("old", metavar="P1", type=FILE)
@click.argument("new", metavar="P2", type=FILE)
def parameters_difference(old: Path, new: Path) -> None:
    """Compare two params.json files (or folders of jobs): one line for each value that differs, paths left out.

    The exit code is 0 whether they differ or not; `xpm diff` tells more, and its exit code says whether they do.
    """
    from experimaestro._config.difference import compare
    from experimaestro._config.snapshot import read_snapshot

    found = compare(read_snapshot(old), read_snapshot(new))
    if not found.same_identifier:
        click.echo(f"[] {found.old_identifier} and {found.new_identifier} have different identifiers")
    for it in found:
        if it.why in ("path", "generated", "DataPath"):
            continue
        if it.path.endswith("@identifier"):
            told = f"{it.old_text} and {it.new_text} have different identifiers"
        elif it.kind == "type":
            told = f"the types {it.old_text} and {it.new_text} differ"
        elif it.kind == "changed":
            told = f"{it.old_text} and {it.new_text} are not equal"
        else:
            told = f"{it.old_text or it.new_text} is only in the {'first' if it.kind == 'removed' else 'second'}"
        click.echo(f"[{it.path}] {told}")

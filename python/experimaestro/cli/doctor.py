"""`xpm doctor`: whether what a workspace rests on holds where it stands."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from experimaestro.cli.outcome import CommandError
from experimaestro.cli.session import is_terminal

if TYPE_CHECKING:
    from experimaestro.cli.fsprobe import Finding


@click.group(short_help="Find out whether a file system keeps the promises it should.")
def doctor() -> None:
    """Find out whether what workspaces rest on holds here."""


@doctor.command("fs")
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@click.option("--json", "as_json", is_flag=True, help="One JSON list, for programs.")
def fs_command(folder: Path, as_json: bool) -> None:
    """Try, in a folder of its own inside of DIR, what workspaces ask of a file system.

    Several processes of this host use it at once. What only shows between hosts (how long the other one does not see a
    new file) needs two of them. Exit code 1 when a workspace cannot be there.
    """
    from experimaestro.cli.fsprobe import examine

    try:
        findings = examine(folder)
    except OSError as error:
        raise CommandError(f"cannot use {folder}: {error.strerror}; give a folder that you may write to") from error
    if as_json:
        import json

        click.echo(json.dumps([{**finding._asdict(), "verdict": _verdict(finding)} for finding in findings]))
    else:
        _print(findings)
    broken = [finding.what for finding in findings if finding.required and not finding.kept]
    if broken:
        raise CommandError(f"a workspace cannot be in {folder}: it needs {', '.join(broken)}")


def _verdict(finding: Finding) -> str:
    if finding.kept:
        return "ok"
    return "NO" if finding.required else "no (not essential)"


def _print(findings: list[Finding]) -> None:
    if not is_terminal(1):
        for finding in findings:
            click.echo(f"{finding.what}: {_verdict(finding)}; {finding.measured} (for {finding.needed_for})")
        return
    from experimaestro.cli.tables import console, table

    shown = table("what", "", "measured", "for")
    for finding in findings:
        shown.add_row(finding.what, _verdict(finding), finding.measured, finding.needed_for)
    console().print(shown)

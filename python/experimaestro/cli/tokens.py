"""`xpm tokens`: who has units of a token, and who waits for them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from experimaestro.cli.outcome import CommandError
from experimaestro.cli.session import is_terminal

if TYPE_CHECKING:
    from experimaestro._core import TokenHolder, TokenState

_SUFFIX = ".counter"


@click.group(short_help="See who has units of a token, and who waits.")
def tokens() -> None:
    """Look at tokens: what only so many jobs may use at once.

    The tokens of this machine are those made by `xp.token(name, count)`; others are named by their folder.
    """


@tokens.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON list, for programs.")
def list_command(as_json: bool) -> None:
    """List the tokens of this machine."""
    found = [(path.name.removesuffix(_SUFFIX), path, _state(path)) for path in _folders()]
    if as_json:
        import json

        click.echo(json.dumps([{"name": name, "path": str(path), **state} for name, path, state in found]))
    elif not found:
        click.echo(f"No tokens in {_root()}.")
    elif is_terminal(1):
        from experimaestro.cli.tables import console, table

        shown = table("token", "total", "free", "jobs", "waiting")
        for name, _, state in found:
            shown.add_row(name, *map(str, _counts(state)))
        console().print(shown)
    else:
        for name, _, state in found:
            total, free, jobs, waiting = _counts(state)
            click.echo(f"{name} total={total} free={free} jobs={jobs} waiting={waiting}")


@tokens.command("show")
@click.argument("token", metavar="NAME|FOLDER")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for programs.")
def show_command(token: str, as_json: bool) -> None:
    """Show who has units of a token and who waits, in the order of asking."""
    path = _folder(token)
    state = _state(path)
    if as_json:
        import json

        click.echo(json.dumps({"name": path.name.removesuffix(_SUFFIX), "path": str(path), **state}))
        return
    click.echo(f"{path}: {state['total'] - _used(state)} of {state['total']} units are free")
    for holder in state["holders"]:
        click.echo(f"  {_line(holder)}")


@tokens.command("release")
@click.argument("token", metavar="NAME|FOLDER")
@click.argument("ticket", type=int)
def release_command(token: str, ticket: int) -> None:
    """Give a ticket back whose holder is gone, where nobody can find that out: a host that will not come back.

    A job that runs on all the same is then one too many.
    """
    path = _folder(token)
    if all(holder["ticket"] != ticket for holder in _state(path)["holders"]):
        raise CommandError(f"nobody has the ticket {ticket} of {path}; `xpm tokens show {token}` shows the tickets")
    from experimaestro._core import token_release

    token_release(str(path), ticket)


def _root() -> Path:
    from experimaestro._run.launching import LocalConnector

    return LocalConnector.instance().localpath / "tokens"


def _folders() -> list[Path]:
    return sorted(path for path in _root().glob(f"*{_SUFFIX}") if path.is_dir())


def _folder(token: str) -> Path:
    named = _root() / f"{token}{_SUFFIX}"
    path = named if "/" not in token and named.is_dir() else Path(token).expanduser().absolute()
    if not (path / "tickets").is_dir():
        known = ", ".join(path.name.removesuffix(_SUFFIX) for path in _folders()) or "none"
        raise CommandError(f"there is no token {token!r}: give its folder, or one of those in {_root()} ({known})")
    return path


def _state(path: Path) -> TokenState:
    from experimaestro._core import token_state

    return token_state(str(path))


def _used(state: TokenState) -> int:
    return sum(holder["units"] for holder in state["holders"] if holder["granted"])


def _counts(state: TokenState) -> tuple[int, int, int, int]:
    granted = sum(holder["granted"] for holder in state["holders"])
    return state["total"], state["total"] - _used(state), granted, len(state["holders"]) - granted


def _line(holder: TokenHolder) -> str:
    from experimaestro.cli.text import count, moment

    what = "has" if holder["granted"] else "waits for"
    job = "/".join(Path(holder["job"]).parts[-2:]) if holder["job"] else "an unknown job"
    place = f" (driver {holder['pid']} on {holder['host']})" if holder["host"] else ""
    return (
        f"{holder['ticket']:>6}  {job} {what} {count(holder['units'], 'unit')} since {moment(holder['since'])}{place}"
    )

"""Which workspace a command is about."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from experimaestro._run.scheme import MARKER
from experimaestro.cli.outcome import CommandError

Function = TypeVar("Function", bound=Callable[..., Any])


_OPTIONS: dict[str, tuple[str, Any, str]] = {
    "workdir": ("DIR", click.Path(path_type=Path), "Folder of the workspace."),
    "workspace": ("ID", str, "Workspace of your settings file, by its id."),
}


def workspace_options(function: Function) -> Function:
    """Add `--workdir` and `--workspace` to a command or group."""
    for option, (metavar, kind, text) in reversed(_OPTIONS.items()):
        function = click.option(f"--{option}", metavar=metavar, type=kind, help=text)(function)
    return function


class WorkspaceGroup(click.Group):
    """A group of commands about one workspace: `--workdir` and `--workspace` may stand before or after their names."""

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        """Take a command in, with the two options unless it has them."""
        known = {param.name for param in cmd.params}
        cmd.params.extend(
            click.Option([f"--{option}"], metavar=metavar, type=kind, help=text, expose_value=False, callback=_choose)
            for option, (metavar, kind, text) in _OPTIONS.items()
            if option not in known
        )
        super().add_command(cmd, name)


def _choose(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    """Remember an option that stands after the command's name: it is stronger than one before."""
    if value is None or param.name is None:
        return
    chosen = ctx.meta.setdefault(f"{__name__}.chosen", {})
    chosen[param.name] = value
    ctx.obj = lambda: existing_workspace(chosen.get("workdir"), chosen.get("workspace"))


def offer_workspace(ctx: click.Context, workdir: Path | None, workspace: str | None) -> None:
    """Let the commands of a group find the workspace when they need it; one inside another group asks that one."""
    if ctx.obj is None or workdir is not None or workspace is not None:
        ctx.obj = lambda: existing_workspace(workdir, workspace)


def find_folder(workdir: Path | None, workspace: str | None) -> Path:
    """The folder that the options name; else the workspace around the current folder; else the default of the settings.

    :raises CommandError: when nothing names a workspace, or the id is unknown
    """
    from experimaestro.settings import find_workspace

    if workdir is None and workspace is None:
        here = enclosing_workspace(Path.cwd())
        if here is not None:
            return here
    try:
        return find_workspace(workspace=workspace, workdir=workdir).path
    except (AssertionError, RuntimeError, ValueError) as error:
        raise CommandError(str(error)) from None


def enclosing_workspace(folder: Path) -> Path | None:
    """The nearest folder, this one included, that is a workspace."""
    for candidate in (folder, *folder.parents):
        if (candidate / MARKER).exists():
            return candidate
    return None


def existing_workspace(workdir: Path | None, workspace: str | None) -> Path:
    """A folder that is a workspace; when only a parent is one, offer it.

    :raises CommandError: when there is none
    """
    folder = find_folder(workdir, workspace)
    if (folder / MARKER).exists():
        return folder
    if not folder.exists():
        raise CommandError(f"{folder}: there is no such folder; give a workspace with --workdir")
    parent = enclosing_workspace(folder.absolute())
    if parent is None:
        raise CommandError(
            f"{folder} is not a workspace (it holds no {MARKER}), and no parent folder is one; "
            "experiments create theirs when they first run"
        )
    import sys

    if sys.stdin.isatty() and click.confirm(f"{folder} is not a workspace, but {parent} is. Use it?", default=True):
        return parent
    raise CommandError(f"{folder} is not a workspace, but its parent is: use --workdir {parent}")

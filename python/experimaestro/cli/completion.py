"""`xpm completion`: scripts that make the shell complete commands, options, experiments and jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


@click.command(short_help="Print the completion script of your shell.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print what your shell needs to complete xpm commands.

    \b
    bash   echo 'eval "$(xpm completion bash)"' >> ~/.bashrc
    zsh    echo 'eval "$(xpm completion zsh)"' >> ~/.zshrc
    fish   xpm completion fish > ~/.config/fish/completions/xpm.fish
    """
    from click.shell_completion import get_completion_class

    from experimaestro.cli.root import xpm

    found = get_completion_class(shell)
    assert found is not None
    click.echo(found(xpm, {}, "xpm", "_XPM_COMPLETE").source())


def complete_experiment(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of the experiments in the workspace that the command line names so far."""
    from click.shell_completion import CompletionItem

    from experimaestro._core import list_runs

    names = dict.fromkeys(row["experiment"] for row in list_runs(_folder(ctx)))
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def complete_job(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Identifiers of jobs in the workspace that the command line names so far."""
    from pathlib import Path

    from click.shell_completion import CompletionItem

    from experimaestro._core import find_jobs

    return [
        CompletionItem(path.name if path.name.startswith(incomplete) else f"{path.parent.name}/{path.name}",
                       help=path.parent.name)
        for path in map(Path, find_jobs(_folder(ctx), incomplete))
    ]  # fmt: skip


def _folder(ctx: click.Context) -> str:
    from experimaestro.cli.workspace import find_folder

    options = {**(ctx.parent.params if ctx.parent else {}), **{k: v for k, v in ctx.params.items() if v}}
    return str(find_folder(options.get("workdir"), options.get("workspace")))

"""`xpm actions`: what experiments left to be done by hand, and doing it."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from experimaestro._config.tasks import CLIInteraction
from experimaestro.cli.completion import complete_experiment
from experimaestro.cli.outcome import CommandError, say_hint
from experimaestro.cli.session import is_terminal
from experimaestro.cli.workspace import WorkspaceGroup, offer_workspace, workspace_options

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from experimaestro._config.actions import StoredAction


@click.group(cls=WorkspaceGroup, short_help="List what experiments left to be done by hand; do it.")
@workspace_options
@click.pass_context
def actions(ctx: click.Context, workdir: Path | None, workspace: str | None) -> None:
    """Look at what experiments left to be done by hand, such as publishing a model.

    Without --workdir or --workspace: the workspace around the current folder, else the default one of your settings.
    """
    offer_workspace(ctx, workdir, workspace)


@actions.command("list")
@click.argument("experiment", metavar="[EXPERIMENT]", required=False, shell_complete=complete_experiment)
@click.option("--run", "run_id", metavar="RUN", help="Actions of this run; of the current one by default.")
@click.option("--json", "as_json", is_flag=True, help="One JSON list, for programs.")
@click.pass_obj
def list_command(folder: Any, experiment: str | None, run_id: str | None, as_json: bool) -> None:
    """List actions with their experiment, identifier and description."""
    found = _recorded(folder(), experiment, run_id)
    if as_json:
        import json

        click.echo(json.dumps([_as_dict(one) for one in found]))
    elif not found:
        click.echo("No actions found.")
    elif is_terminal(1):
        from experimaestro.cli.tables import console, table

        shown = table("action", "experiment", "description", "class")
        for one in found:
            shown.add_row(one.identifier[:12], one.run_dir.parent.name, one.description, one.class_name)
        console().print(shown)
    else:
        for one in found:
            click.echo(f"{one.identifier} [{one.run_dir.parent.name}] {one.description}")


@actions.command("run")
@click.argument("experiment", metavar="[EXPERIMENT", required=False, shell_complete=complete_experiment)
@click.argument("action", metavar="[ACTION]]", required=False)
@click.option("--run", "run_id", metavar="RUN", help="An action of this run; of the current one by default.")
@click.option("--set", "settings", metavar="KEY=VALUE", multiple=True, help="The answer to a question of the action.")
@click.pass_obj
def run_command(
    folder: Any, experiment: str | None, action: str | None, run_id: str | None, settings: tuple[str, ...]
) -> None:
    """Do what an experiment left to be done; ACTION is the beginning of its identifier.

    What is not given is asked for, in a terminal; elsewhere every answer must be given with --set.
    """
    answers = _Answers(dict(map(_pair, settings)))
    found = _recorded(folder(), experiment, run_id)
    if not found:
        where = f"the experiment {experiment}" if experiment else "this workspace"
        raise CommandError(f"{where} left no actions; experiments do with xp.add_action(...)")
    stored = _chosen(found, action)
    from experimaestro._run.service_records import extend_python_path

    extend_python_path(stored.python_path)
    try:
        stored.load(as_instance=True).execute(answers)
    except _AnswerError as error:
        raise CommandError(str(error)) from None
    for key in sorted(answers.prefill.keys() - answers.asked):
        say_hint(f"--set {key}=… was not used: the action did not ask for {key!r}")


class _AnswerError(ValueError):
    """An answer is wrong or missing."""


class _Answers(CLIInteraction):
    """Asks in the terminal what was not given; knows what was asked for."""

    def __init__(self, prefill: dict[str, str]) -> None:
        super().__init__(prefill)
        self.asked: set[str] = set()

    def choice(self, key: str, label: str, choices: list[str]) -> str:
        self._check(key, f"{label} ({', '.join(choices)})")
        with _told():
            return super().choice(key, label, choices)

    def checkbox(self, key: str, label: str, *, default: bool = False) -> bool:
        self._check(key, f"{label} (yes, no)")
        with _told():
            return super().checkbox(key, label, default=default)

    def text(self, key: str, label: str, *, default: str = "") -> str:
        self._check(key, label)
        with _told():
            return super().text(key, label, default=default)

    def _check(self, key: str, question: str) -> None:
        self.asked.add(key)
        if key not in self.prefill and not _can_ask():
            raise _AnswerError(f"the action asks: {question}; there is no terminal to answer in: add --set {key}=VALUE")


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise _AnswerError(f"--set {error}") from None


def _can_ask() -> bool:
    return sys.stdin.isatty()


def _pair(setting: str) -> tuple[str, str]:
    key, sign, value = setting.partition("=")
    if not sign or not key:
        raise click.BadParameter(f"{setting!r}: KEY=VALUE is expected", param_hint="--set")
    return key, value


def _recorded(root: Path, experiment: str | None, run_id: str | None) -> list[StoredAction]:
    from experimaestro._config.actions import stored_actions
    from experimaestro.cli.recorded_runs import chosen_runs

    return [
        stored for _, run_dir in chosen_runs(root, experiment, run_id) for stored in stored_actions(run_dir).values()
    ]


def _as_dict(stored: StoredAction) -> dict[str, Any]:
    return {
        "id": stored.identifier,
        "description": stored.description,
        "class": stored.class_name,
        "experiment_id": stored.run_dir.parent.name,
        "run_id": stored.run_dir.name,
    }


def _chosen(found: list[StoredAction], prefix: str | None) -> StoredAction:
    """The action that is meant: by the beginning of its identifier, else the only one, else the one that is picked."""
    matching = [one for one in found if prefix is None or one.identifier.startswith(prefix)]
    if len(matching) == 1:
        return matching[0]
    if not matching:
        raise CommandError(f"there is no action {prefix!r}; there are:\n{_lines(found)}")
    if not _can_ask():
        raise CommandError(
            f"there are several actions: give the experiment, and the beginning of an identifier\n{_lines(matching)}"
        )
    for number, one in enumerate(matching, start=1):
        click.echo(f"{number:>3}  {one.description} ({one.run_dir.parent.name}, {one.identifier[:12]})")
    picked: int = click.prompt("Which one", type=click.IntRange(1, len(matching)))
    return matching[picked - 1]


def _lines(found: Sequence[StoredAction]) -> str:
    return "\n".join(f"  {one.run_dir.parent.name} {one.identifier[:12]} {one.description}" for one in found)

"""`xpm experiments services` and `actions`: what the runs of experiments offer besides their jobs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from experimaestro.cli.completion import complete_experiment
from experimaestro.cli.outcome import CommandError

if TYPE_CHECKING:
    from experimaestro._run.services import Service


def _runs(root: Path, experiment: str | None, run: str | None = None) -> list[Path]:
    """Folders of the runs that are meant: the current one of each experiment, or those named."""
    from experimaestro._core import list_runs
    from experimaestro.cli.history import find_run, runs_of

    if experiment is not None and run is not None:
        return [root / "experiments" / experiment / find_run(runs_of(root, experiment), run)]
    rows = list_runs(str(root)) if experiment is None else runs_of(root, experiment)
    return [root / "experiments" / row["experiment"] / row["run_id"] for row in rows if row["current"]]


@click.group("services", short_help="List and start the services of a run.")
def services() -> None:
    """Services: what can be started to look at an experiment, such as a dashboard."""


@services.command("list")
@click.argument("experiment", required=False, metavar="[EXPERIMENT]", shell_complete=complete_experiment)
@click.option("--run", metavar="RUN", help="Of this run (or latest, oldest) instead of the current one.")
@click.pass_obj
def list_services(folder: Callable[[], Path], experiment: str | None, run: str | None) -> None:
    """List the services of the current runs."""
    from experimaestro._run.extras import SERVICES, read_record

    found = [told for place in _runs(folder(), experiment, run) for told in read_record(place / SERVICES).values()]
    for told in found:
        url = f" {told['url']}" if told.get("url") and told["state"] == "RUNNING" else ""
        click.echo(f"{told['service_id']} [{told['experiment_id']}] {told['state'].lower()} {told['description']}{url}")
    if not found:
        click.echo("No services found.")


@services.command("start")
@click.argument("service", metavar="SERVICE[/PART]")
@click.argument("experiment", required=False, metavar="[EXPERIMENT]", shell_complete=complete_experiment)
@click.pass_obj
def start_service(folder: Callable[[], Path], service: str, experiment: str | None) -> None:
    """Start a service of a current run, and keep it until Ctrl-C."""
    import threading

    name, _, part = service.partition("/")
    found = _find_service(_runs(folder(), experiment), name, part)
    get_url = getattr(found, "get_url", None)
    if get_url is None:
        raise CommandError(f"{service} has no address: only web services can be started from here")
    try:
        click.echo(f"{service}: {get_url()} (Ctrl-C stops it)")
        threading.Event().wait()
    except KeyboardInterrupt:
        click.echo("stopping", err=True)
    finally:
        found.stop()


def _find_service(places: list[Path], name: str, part: str) -> Service:
    from experimaestro._run.extras import SERVICES, read_record
    from experimaestro._run.services import Service

    known: list[tuple[Path, dict[str, Any]]] = []
    names: set[str] = set()
    for place in places:
        record = read_record(place / SERVICES)
        names.update(record)
        if name in record:
            known.append((place, record[name]))
    if not known:
        raise CommandError(f"there is no service {name!r} (there: {', '.join(sorted(names)) or 'none'})")
    if len(known) > 1:
        owners = ", ".join(told["experiment_id"] for _, told in known)
        raise CommandError(f"several experiments have a service {name!r}: {owners}; say which one")
    place, told = known[0]
    service = Service.from_state_dict(told["class"], told["state_dict"])
    parts = service.subservices()
    if part and part not in parts:
        raise CommandError(f"{name} has no part {part!r} (parts: {', '.join(parts)})")
    chosen = service.get_subservice(part) if part else service
    chosen.log_directory = place / "services" / name
    return chosen


@click.group("actions", short_help="List and carry out the actions of a run.")
def actions() -> None:
    """Actions: what an experiment offers to do by hand, such as publishing a model."""


@actions.command("list")
@click.argument("experiment", required=False, metavar="[EXPERIMENT]", shell_complete=complete_experiment)
@click.pass_obj
def list_actions(folder: Callable[[], Path], experiment: str | None) -> None:
    """List the actions of the current runs."""
    found = _recorded(_runs(folder(), experiment))
    for place, identifier, description in found:
        click.echo(f"{identifier} [{place.parent.name}] {description}")
    if not found:
        click.echo("No actions found.")


@actions.command("run")
@click.argument("experiment", required=False, metavar="[EXPERIMENT]", shell_complete=complete_experiment)
@click.argument("action", required=False, metavar="[ACTION]")
@click.option("--set", "answers", metavar="KEY=VALUE", multiple=True, help="The answer to a question; it is not asked.")
@click.pass_obj
def run_action(
    folder: Callable[[], Path], experiment: str | None, action: str | None, answers: tuple[str, ...]
) -> None:
    """Carry out an action: the first characters of its identifier are enough; it is asked for when it is not given."""
    from experimaestro._config.experiment_info import load_xp_info
    from experimaestro._config.tasks import CLIInteraction

    prefill: dict[str, str] = {}
    for answer in answers:
        key, equals, value = answer.partition("=")
        if not equals:
            raise click.UsageError(f"--set {answer}: KEY=VALUE is expected")
        prefill[key] = value
    found = _recorded(_runs(folder(), experiment))
    place, identifier, _ = _choose(found, action)
    try:
        load_xp_info(place).actions[identifier].instance().execute(CLIInteraction(prefill))
    except ValueError as error:
        raise CommandError(str(error)) from None


def _recorded(places: list[Path]) -> list[tuple[Path, str, str]]:
    from experimaestro._config.experiment_info import ACTIONS
    from experimaestro._run.extras import read_record

    return [
        (place, identifier, str(about["description"]))
        for place in places
        for identifier, about in read_record(place / ACTIONS).get("actions", {}).items()
    ]


def _choose(found: list[tuple[Path, str, str]], action: str | None) -> tuple[Path, str, str]:
    matching = [one for one in found if action is None or one[1].startswith(action)]
    if not matching:
        raise CommandError(f"there is no action {action!r}" if action else "there are no actions")
    if len(matching) == 1:
        return matching[0]
    if action is not None:
        raise CommandError(f"{action} is the beginning of several actions: {', '.join(one[1] for one in matching)}")
    for number, (place, identifier, description) in enumerate(matching, 1):
        click.echo(f"{number}. {description} [{place.parent.name}] {identifier[:8]}")
    return matching[click.prompt("Which one", type=click.IntRange(1, len(matching))) - 1]

"""`xpm services`: what was added to experiments with `add_service`, and starting it again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from experimaestro.cli.completion import complete_experiment
from experimaestro.cli.outcome import FAILURE, CommandError
from experimaestro.cli.session import is_terminal
from experimaestro.cli.workspace import WorkspaceGroup, offer_workspace, workspace_options

if TYPE_CHECKING:
    from experimaestro._run.service_records import StoredService
    from experimaestro._run.services import Service


@click.group(cls=WorkspaceGroup, short_help="List the services of experiments; start one again.")
@workspace_options
@click.pass_context
def services(ctx: click.Context, workdir: Path | None, workspace: str | None) -> None:
    """Look at what experiments show while they run, such as a page of learning curves.

    Without --workdir or --workspace: the workspace around the current folder, else the default one of your settings.
    """
    offer_workspace(ctx, workdir, workspace)


@services.command("list")
@click.argument("experiment", metavar="[EXPERIMENT]", required=False, shell_complete=complete_experiment)
@click.option("--run", "run_id", metavar="RUN", help="Services of this run; of the current one by default.")
@click.option("--json", "as_json", is_flag=True, help="One JSON list, for programs.")
@click.pass_obj
def list_command(folder: Any, experiment: str | None, run_id: str | None, as_json: bool) -> None:
    """List services with their experiment, state and address."""
    found = _recorded(folder(), experiment, run_id)
    if as_json:
        import json

        click.echo(json.dumps([one.as_dict() for one in found]))
    elif not found:
        click.echo("No services found.")
    elif is_terminal(1):
        from experimaestro.cli.tables import console, table

        shown = table("service", "experiment", "state", "address", "description")
        for one in found:
            shown.add_row(one.service_id, one.run_dir.parent.name, one.state.lower(), one.url or "", one.description)
            for name, description in one.subservices.items():
                shown.add_row(f"{one.service_id}/{name}", "", "", "", description)
        console().print(shown)
    else:
        for one in found:
            address = f" {one.url}" if one.url else ""
            click.echo(f"{one.service_id} [{one.run_dir.parent.name}] {one.state.lower()} {one.description}{address}")
            for name, description in one.subservices.items():
                click.echo(f"{one.service_id}/{name} [{one.run_dir.parent.name}] {description}")


@services.command("start")
@click.argument("name", metavar="SERVICE[/PART]")
@click.argument("experiment", metavar="[EXPERIMENT]", required=False, shell_complete=complete_experiment)
@click.option("--run", "run_id", metavar="RUN", help="Of this run; of the current one by default.")
@click.pass_obj
def start_command(folder: Any, name: str, experiment: str | None, run_id: str | None) -> None:
    """Start a service of an experiment that may be over, and print its address; Ctrl-C stops it."""
    service_id, _, part = name.partition("/")
    stored = _chosen(_recorded(folder(), experiment, run_id), service_id)
    try:
        service = stored.make()
    except ValueError as error:
        raise CommandError(f"the service {service_id} cannot be started again: {error}") from None
    if part:
        try:
            logs = service.log_directory
            service = service.get_subservice(part)
            service.log_directory = service.log_directory or logs
        except KeyError as error:
            raise CommandError(str(error.args[0])) from None
    _serve(service)


def _recorded(root: Path, experiment: str | None, run_id: str | None) -> list[StoredService]:
    from experimaestro._run.service_records import read_services
    from experimaestro.cli.recorded_runs import chosen_runs

    return [
        stored.seen(is_alive=row["status"] == "running")
        for row, run_dir in chosen_runs(root, experiment, run_id)
        for stored in read_services(run_dir).values()
    ]


def _chosen(found: list[StoredService], service_id: str) -> StoredService:
    matching = [one for one in found if one.service_id == service_id]
    if len(matching) == 1:
        return matching[0]
    if matching:
        places = ", ".join(one.run_dir.parent.name for one in matching)
        raise CommandError(f"several experiments have a service {service_id!r}: say which one ({places})")
    known = ", ".join(f"{one.service_id} (of {one.run_dir.parent.name})" for one in found) or "none"
    raise CommandError(f"there is no service {service_id!r}; there are: {known}")


def _serve(service: Service) -> None:
    """Run a service until it ends or somebody presses Ctrl-C."""
    import threading

    from experimaestro._run.services import ServiceState
    from experimaestro._run.web_services import WebService

    if not isinstance(service, WebService):
        raise CommandError(
            f"the service {service.id} has no address: only services that derive from WebService can be started"
        )
    has_ended = threading.Event()

    class Watch:
        def service_state_changed(self, changed: Service) -> None:
            if changed.state in (ServiceState.STOPPED, ServiceState.ERROR):
                has_ended.set()

    service.add_listener(Watch())
    try:
        click.echo(f"{service.id}: {service.get_url()} (Ctrl-C stops it)")
        has_ended.wait()
    except RuntimeError as error:
        raise CommandError(str(error)) from None
    except KeyboardInterrupt:
        click.echo(f"{service.id}: stopped", err=True)
    finally:
        service.stop()
    if service.state is ServiceState.ERROR:  # which was told when it happened
        click.get_current_context().exit(FAILURE)

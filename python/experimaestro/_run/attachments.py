"""What is attached to an experiment beside its jobs: services, and actions for later.

Floor: `_run`.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from experimaestro._run.names import can_name_folder

if TYPE_CHECKING:
    from pathlib import Path

    from experimaestro._config.tasks import Action
    from experimaestro._run.experiment import experiment
    from experimaestro._run.services import Service

__all__ = ["Attachments"]


class Attachments:
    """Services and actions of one experiment, recorded with its run.

    Args:
        owner: the experiment.
    """

    def __init__(self, owner: experiment) -> None:
        self._owner = owner
        self._services: dict[str, Service] = {}
        self._actions: dict[str, Action] = {}
        self._action_records: dict[str, dict[str, Any]] = {}
        """What is recorded with the run of each action."""
        self._lock = threading.RLock()
        self._run: tuple[Path, Path] | None = None
        """Folders of the run and of its workspace, while the run is open."""

    @property
    def services(self) -> dict[str, Service]:
        """The services of this experiment, by their id."""
        return dict(self._services)

    @property
    def actions(self) -> dict[str, Action]:
        """The actions of this experiment, by their identifier."""
        return dict(self._actions)

    def add_service(self, service: Service) -> Service:
        """Let a service live beside this experiment; it is stopped when the experiment ends, whatever way it ends.

        Args:
            service: the same object again is ignored; another one with the same id replaces it, with a warning.

        Returns:
            The service.

        Raises:
            TypeError: it is no service.
            ValueError: its id cannot be the name of a folder.
            OSError: it cannot be recorded: it is not added then.
        """
        from experimaestro._run.services import Service

        if not isinstance(service, Service):
            raise TypeError(f"{service!r} is no service: its class must derive from Service, as WebService does")
        _check_id(service)
        with self._lock:
            former = self._services.get(service.id)
            if former is service:
                return service
            service.set_experiment(self._owner)
            services = {**self._services, service.id: service}
            self._record_services(services)
            self._services = services
            service.add_listener(self)
        if self._owner.is_open:
            self._owner.notifier.tell_service(service)
        if former is not None:
            import logging

            logging.getLogger("xpm").warning(
                "%s: another service %s takes the place of the one that was there, which is stopped",
                self._owner.name,
                service.id,
            )
            former.remove_listener(self)
            _stop(former)
        return service

    def service_state_changed(self, service: Service) -> None:
        """Record how a service is (called by the service)."""
        with self._lock:
            if self._services.get(service.id) is service:
                self._record_services(self._services)

    def add_action(self, action: Action) -> str:
        """Record something to do by hand later, with `xpm actions run`.

        Args:
            action: it is validated and sealed. Of those with one identifier (they may differ in paths), the last holds.

        Returns:
            Its identifier, hexadecimal.

        Raises:
            TypeError: it is no action.
            ValidationError: a required parameter is missing.
            OSError: it cannot be recorded: it is not added then.
        """
        from experimaestro._config.actions import action_record, sealed_identifier
        from experimaestro._run.action_records import append_action
        from experimaestro._run.python_path import driver_python_path

        run_dir, workspace = self._run or (None, None)
        identifier = sealed_identifier(action, run_dir)
        with self._lock:
            if run_dir is not None and workspace is not None:
                record = action_record(action, identifier, workspace, driver_python_path())
                if self._action_records.get(identifier) != record:
                    append_action(run_dir, record)
                    self._action_records[identifier] = record
            self._actions[identifier] = action
        return identifier

    # --- called by the experiment

    def open(self, run_dir: Path, workspace: Path) -> None:
        """The run is open: what was added before belongs to it."""
        with self._lock:
            self._run = (run_dir, workspace)
            for service in self._services.values():
                service.set_experiment(self._owner)
                service.add_listener(self)
            if self._services:
                self._record_services(self._services)
            actions, self._actions, self._action_records = self._actions, {}, {}
        for action in actions.values():
            self.add_action(action)

    def close(self) -> None:
        """The run ends: stop all services, each whatever the others do; how they ended is recorded."""
        try:
            for service in reversed(list(self._services.values())):
                _stop(service)
        finally:
            # What changes from now on is not part of the run.
            for service in self._services.values():
                service.remove_listener(self)
            self._run = None

    def _record_services(self, services: dict[str, Service]) -> None:
        if self._run is not None:
            from experimaestro._run.service_records import write_services

            write_services(*self._run, services)


def _check_id(service: Service) -> None:
    name = getattr(service, "id", None)
    if not isinstance(name, str) or not can_name_folder(name):
        raise ValueError(
            f"{type(service).__qualname__}.id is {name!r}: a service needs the class attribute `id`, a text "
            "that can name a folder (no '/', no '.' in front, no spaces around)"
        )


def _stop(service: Service) -> None:
    try:
        service.stop()
    except Exception:  # the user's code: the other services must be stopped all the same
        import logging

        logging.getLogger("xpm").exception("the service %s cannot be stopped", service.id)

"""What an experiment offers besides its jobs, recorded with the run: services and actions.

Floor: `_run`. Two files in the folder of the run, `services.json` and `actions.json`, each replaced whole.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experimaestro._config.experiment_info import ACTIONS
from experimaestro._run.run_folders import replace_json

if TYPE_CHECKING:
    from experimaestro._run.experiment import experiment
    from experimaestro._run.services import Service

__all__ = ["SERVICES", "Extras", "read_record"]

SERVICES = "services.json"


class Extras:
    """Services and actions of one experiment."""

    def __init__(self, owner: experiment) -> None:
        self._owner = owner
        self._lock = threading.Lock()
        self.services: dict[str, Service] = {}
        self.actions: dict[str, Any] = {}

    def add_service(self, service: Service) -> Service:
        """Offer a service; another one of the same id is replaced, with a warning."""
        other = self.services.get(service.id)
        if other is service:
            return service
        if other is not None:
            import logging

            logging.getLogger("xpm").warning(
                "%s: another service %s takes the place of the one that was there", self._owner.name, service.id
            )
            other.remove_listener(self)
            _stop(other)
        self.services[service.id] = service
        service.set_experiment(self._owner)
        service.add_listener(self)
        self.service_state_changed(service)
        return service

    def add_action(self, action: Any) -> str:
        """Offer an action; returns its identifier.

        Raises:
            TypeError: this is no configuration of an action.
        """
        from experimaestro import _core
        from experimaestro._config.generation import EmptyContext
        from experimaestro._config.tasks import Action

        if not (isinstance(action, _core.ConfigBase) and isinstance(action, Action)):
            raise TypeError(f"add_action() takes a configuration of an Action, not {action!r}")
        _core.validate(action)
        identifier = str(_core.identifier(action, keep=True))
        _core.seal(action, EmptyContext(), identified=True)
        self.actions.setdefault(identifier, action)
        self._record_actions()
        return identifier

    def stop_services(self) -> None:
        """Stop all services, and record what became of them."""
        for service in self.services.values():
            _stop(service)

    def service_state_changed(self, service: Service) -> None:  # noqa: ARG002 - all of them are written
        """Record the services (called by each of them)."""
        run = self._owner.run
        if run is None:
            return
        with self._lock:
            told = {
                name: {**one.full_state_dict(), "experiment_id": self._owner.name, "run_id": run.run_id}
                for name, one in self.services.items()
            }
            replace_json(Path(run.path) / SERVICES, told)

    def _record_actions(self) -> None:
        from experimaestro._config.data_paths import SerializationContext
        from experimaestro._config.serialization import state_dict

        run = self._owner.run
        if run is None:
            return
        with self._lock:
            about = {
                name: {"description": action.describe(), "class": type(action).__xpmtype__.identifier}
                for name, action in self.actions.items()
            }
            stored = state_dict(SerializationContext(), dict(self.actions))
            replace_json(Path(run.path) / ACTIONS, {"actions": about, **stored})


def _stop(service: Service) -> None:
    try:
        service.stop()
    except Exception:
        import logging

        logging.getLogger("xpm").exception("the service %s could not be stopped", service.id)


def read_record(file: Path) -> dict[str, Any]:
    """What a run recorded in one of its files; nothing when it recorded nothing.

    Raises:
        LoadError: the file is damaged.
    """
    import json

    from experimaestro import _core

    try:
        content = json.loads(file.read_bytes())
        if not isinstance(content, dict):
            raise ValueError("keys and values are expected")
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise _core.LoadError(f"{file} is damaged: {error}") from None
    return content

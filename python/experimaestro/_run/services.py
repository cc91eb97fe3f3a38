"""Services: what runs beside an experiment and is looked at, such as a page of learning curves.

Floor: `_run`. A service is known by its `id`; what `state_dict()` says is enough to make it again elsewhere.
"""

from __future__ import annotations

import threading
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from experimaestro._run.service_state import UNSERIALIZABLE, decode, encode, resolve_service, said

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from experimaestro._run.experiment import experiment as Experiment  # noqa: N812 - the attribute has its name

__all__ = ["Service", "ServiceListener", "ServiceState"]

Made = TypeVar("Made", bound="Service")


class ServiceState(Enum):
    """How a service is."""

    STOPPED = 0
    STARTING = 1
    RUNNING = 2
    STOPPING = 3
    ERROR = 4


# A failed service never becomes a running one, except by starting again.
_FOLLOWS = {
    ServiceState.STOPPED: {ServiceState.STARTING, ServiceState.RUNNING, ServiceState.ERROR},
    ServiceState.STARTING: {ServiceState.RUNNING, ServiceState.STOPPING, ServiceState.STOPPED, ServiceState.ERROR},
    ServiceState.RUNNING: {ServiceState.STOPPING, ServiceState.STOPPED, ServiceState.ERROR},
    ServiceState.STOPPING: {ServiceState.STOPPED, ServiceState.ERROR},
    ServiceState.ERROR: {ServiceState.STARTING, ServiceState.STOPPED},
}


class ServiceListener:
    """Told about changes of a service; derive from it, or offer its method."""

    def service_state_changed(self, service: Service) -> None:
        """Called after each change of `service.state`, by the thread that made it."""


class Service:
    """Something that lives beside an experiment: add it with `xp.add_service(service)`.

    The constructor takes what `state_dict()` returns: so the service can be made again when the experiment is over.

    >>> class Curves(Service):
    ...     id = "curves"
    ...     def __init__(self, folder: Path) -> None:
    ...         self.folder = folder
    ...     def state_dict(self):
    ...         return {"folder": self.folder}
    >>> stored = Service.serialize_state_dict(Curves(Path("/tmp/x")).state_dict())
    >>> stored
    {'folder': {'__path__': '/tmp/x'}}
    """

    id: str
    """Names the service within its experiment; folders are named after it."""

    experiment: Experiment | None
    """The experiment that it was added to."""

    log_directory: Path | None
    """Folder of its logs; None outside an experiment that runs."""

    _state: ServiceState
    _error: str | None
    _listeners: list[Any]
    _state_lock: threading.RLock

    def __new__(cls: type[Made], *args: Any, **kwargs: Any) -> Made:  # noqa: ARG004, PYI019 - Self is not in Python 3.10
        # Here, so that a constructor which does not call its base class's does no harm.
        service: Made = object.__new__(cls)
        service.experiment = None
        service.log_directory = None
        service._state = ServiceState.STOPPED
        service._error = None
        service._listeners = []
        service._state_lock = threading.RLock()
        return service

    def description(self) -> str:
        """Say in one line what it shows; the first line of the docstring unless overridden."""
        own = type(self).__dict__.get("__doc__") or ""
        first, _, _ = str(own).strip().partition("\n")
        return first or type(self).__qualname__

    # --- how it is

    @property
    def state(self) -> ServiceState:
        """How the service is; setting it tells the listeners.

        Raises:
            TypeError: set to something that is no `ServiceState`.
            RuntimeError: set to what cannot follow, as running after an error.
        """
        return self._state

    @state.setter
    def state(self, state: ServiceState) -> None:
        if not isinstance(state, ServiceState):
            raise TypeError(f"the state of a service is a ServiceState, not {state!r}")
        if self._change(state):
            self._tell()

    @property
    def error(self) -> str | None:
        """What went wrong, in one paragraph, while the state is ERROR."""
        return self._error

    def set_error(self, error: str | BaseException) -> None:
        """Say what went wrong: the state is ERROR until the service is started again.

        Args:
            error: a text, or an exception.
        """
        self._change(ServiceState.ERROR, error if isinstance(error, str) else told(error))
        self._tell()

    def _change(self, state: ServiceState, error: str | None = None) -> bool:
        """Change the state without telling anybody; whether it changed."""
        with self._state_lock:
            if state is not self._state and state not in _FOLLOWS[self._state]:
                raise RuntimeError(
                    f"the service {self.id} is {self._state.name.lower()}: it cannot become {state.name.lower()} now"
                )
            changed, self._state = state is not self._state, state
            if changed or error is not None:
                self._error = error
        return changed

    def stop(self, timeout: float = 2.0) -> None:  # noqa: ARG002 - those that run something need it
        """Stop; here nothing runs, so only the state changes.

        Args:
            timeout: seconds to wait for the end.
        """
        with self._state_lock:
            if self._state in (ServiceState.STOPPED, ServiceState.ERROR):
                return
        self.state = ServiceState.STOPPED

    def add_listener(self, listener: Any) -> None:
        """Tell this object about changes from now on; once, however often it is added."""
        with self._state_lock:
            if not any(other is listener for other in self._listeners):
                self._listeners = [*self._listeners, listener]

    def remove_listener(self, listener: Any) -> None:
        """Stop telling this object."""
        with self._state_lock:
            self._listeners = [other for other in self._listeners if other is not listener]

    def _tell(self) -> None:
        for listener in self._listeners:
            self._tell_one(listener)

    def _tell_one(self, listener: Any) -> None:
        try:
            listener.service_state_changed(self)
        except Exception:  # the listener is the user's: the others must hear of it all the same
            import logging

            logging.getLogger("xpm").exception("a listener of the service %s failed: %r", self.id, listener)

    # --- where it lives

    def set_experiment(self, xp: Experiment) -> None:
        """Learn about the experiment (called by `xp.add_service`); its logs go to a folder of the run.

        Args:
            xp: the experiment.
        """
        self.experiment = xp
        workdir = xp.workdir if xp.run is not None else None
        self.log_directory = None if workdir is None else workdir / "services" / self.id

    @property
    def stdout(self) -> Path | None:
        """Log of what it prints, `logs.out`; None outside an experiment that runs."""
        return None if self.log_directory is None else self.log_directory / "logs.out"

    @property
    def stderr(self) -> Path | None:
        """Log of its errors, `logs.err`; None outside an experiment that runs."""
        return None if self.log_directory is None else self.log_directory / "logs.err"

    # --- parts

    def subservices(self) -> Mapping[str, Service]:
        """The services that this one is made of, by their id: itself, unless overridden."""
        return {self.id: self}

    def get_subservice(self, service_id: str) -> Service:
        """Return one of the parts.

        Raises:
            KeyError: there is none with this id.
        """
        parts = self.subservices()
        if service_id not in parts:
            raise KeyError(f"the service {self.id} has no part {service_id!r}, but: {', '.join(sorted(parts))}")
        return parts[service_id]

    # --- to be made again elsewhere

    sync_include_patterns: ClassVar[tuple[str, ...]] = ()
    """Files that it reads, as patterns relative to the workspace."""

    def state_dict(self) -> dict[str, Any]:
        """Arguments of the constructor that make this service again: paths, and what fits in JSON."""
        return {}

    def full_state_dict(self) -> dict[str, Any]:
        """Return what is recorded: id, description, class, stored `state_dict()`, state and address.

        What of it the user's code refuses to tell says so, and keeps nobody from knowing the rest.
        """
        cls = type(self)
        try:
            state = self.serialize_state_dict(self.state_dict())
        except Exception as error:  # noqa: BLE001 - the user's code
            state = {"state_dict()": {UNSERIALIZABLE: f"it failed: {type(error).__name__}: {error}"}}
        return {
            "service_id": self.id,
            "description": said(self.description),
            "class": f"{cls.__module__}.{cls.__qualname__}",
            "state_dict": state,
            "state": self.state.name,
            "url": getattr(self, "url", None),
        }

    @staticmethod
    def serialize_state_dict(data: Mapping[str, Any]) -> dict[str, Any]:
        """Return what fits in JSON.

        Paths are `{"__path__": ".."}`; what has no stored form is `{"__unserializable__": ".."}`.
        """
        return {str(key): encode(value) for key, value in data.items()}

    @staticmethod
    def from_state_dict(
        cls_name: str,
        data: Mapping[str, Any],
        path_translator: Callable[[Path], str | Path] | None = None,
    ) -> Service:
        """Make a service from its stored state.

        Args:
            cls_name: its class, as `module.Class`.
            data: what `serialize_state_dict` returned; keys that begin with `__` are left out.
            path_translator: from a stored path to one on this machine.

        Raises:
            ValueError: a value had no stored form.
            LoadError: the class cannot be imported, or is no service.
        """
        return make_service(resolve_service(cls_name), data, path_translator)


def told(error: BaseException) -> str:
    """An exception in one line.

    >>> told(ValueError("no such port")), told(KeyError())
    ('ValueError: no such port', 'KeyError')
    """
    text = str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def make_service(
    cls: type, data: Mapping[str, Any], path_translator: Callable[[Path], str | Path] | None = None
) -> Service:
    """Make a service of a class from its stored state; see `Service.from_state_dict`."""
    values = {key: decode(value, path_translator, where=key) for key, value in data.items() if not key.startswith("__")}
    service = cls(**values)
    assert isinstance(service, Service)
    return service

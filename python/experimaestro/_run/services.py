"""Services of an experiment: things that are started on demand to look at it, such as a dashboard.

Floor: `_run`. A service is recorded with the run by its class and `state_dict()`, so that it can be started later
without the experiment.
"""

from __future__ import annotations

import threading
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from experimaestro._run.experiment import experiment

__all__ = ["Service", "ServiceListener", "ServiceState", "check_state", "decode_state", "encode_state"]

_PATH = "__path__"
_UNSERIALIZABLE = "__unserializable__"


class ServiceState(Enum):
    """What a service does."""

    STOPPED = 0
    STARTING = 1
    RUNNING = 2
    STOPPING = 3
    ERROR = 4


class ServiceListener(Protocol):
    """Told about services."""

    def service_state_changed(self, service: Service) -> None:
        """Called after each change of `service.state`, on the thread that made it."""


class Service:
    """Base class of services. Define `id`, `description()`, and `state_dict()` with the arguments of the constructor.

    >>> class Board(Service):
    ...     id = "board"
    ...     def __init__(self, folder):
    ...         super().__init__()
    ...         self.folder = folder
    ...     def state_dict(self):
    ...         return {"folder": self.folder}
    >>> Board(Path("/w")).full_state_dict()["state_dict"]
    {'folder': {'__path__': '/w'}}
    """

    id: str
    """Names the service in its experiment."""
    sync_include_patterns: ClassVar[list[str]] = []
    """Files that a copy of the run on another machine needs."""

    def __init__(self) -> None:
        self._state = ServiceState.STOPPED
        self._error: str | None = None
        self._listeners: list[Any] = []
        self._state_lock = threading.RLock()
        self.experiment: experiment | None = None
        self.log_directory: Path | None = None
        """Where `stdout` and `stderr` are; None before the service belongs to an experiment."""

    def description(self) -> str:
        """One line for lists."""
        return type(self).__qualname__

    # --- state

    @property
    def state(self) -> ServiceState:
        """What it does; setting it tells the listeners."""
        return self._state

    @state.setter
    def state(self, state: ServiceState) -> None:
        with self._state_lock:
            if state is self._state:
                return
            self._state = state
            if state is not ServiceState.ERROR:
                self._error = None
            listeners = list(self._listeners)
        for listener in listeners:
            _tell(listener, self)

    @property
    def error(self) -> str | None:
        """Why it is in error."""
        return self._error

    def set_error(self, message: str) -> None:
        """Put the service in error."""
        with self._state_lock:
            self._error = message
        self.state = ServiceState.ERROR

    def add_listener(self, listener: ServiceListener) -> None:
        """Tell this object about changes of the state."""
        with self._state_lock:
            if listener not in self._listeners:
                self._listeners.append(listener)

    def remove_listener(self, listener: ServiceListener) -> None:
        """Stop telling it."""
        with self._state_lock:
            self._listeners = [other for other in self._listeners if other is not listener]

    def stop(self, timeout: float = 2.0) -> None:
        """Stop what runs; nothing by default.

        Args:
            timeout: seconds to wait for a peaceful end.
        """

    # --- place

    def set_experiment(self, xp: experiment) -> None:
        """Belong to an experiment, whose run keeps the logs."""
        self.experiment = xp
        if xp.workdir is not None and xp.run_mode.submits:
            self.log_directory = xp.workdir / "services" / self.id

    @property
    def stdout(self) -> Path | None:
        """Log of the output."""
        return None if self.log_directory is None else self.log_directory / "logs.out"

    @property
    def stderr(self) -> Path | None:
        """Log of the errors."""
        return None if self.log_directory is None else self.log_directory / "logs.err"

    # --- parts

    def subservices(self) -> dict[str, Service]:
        """What can be started by itself, by name; the service alone by default."""
        return {self.id: self}

    def get_subservice(self, id: str) -> Service:
        """Return one of `subservices()` (KeyError when there is none of this name)."""
        return self.subservices()[id]

    # --- stored form

    def state_dict(self) -> dict[str, Any]:
        """Arguments of the constructor, to make the service again."""
        return {}

    def full_state_dict(self) -> dict[str, Any]:
        """What is recorded: id, description, class, arguments, state."""
        cls = type(self)
        try:
            state = self.serialize_state_dict(self.state_dict())
        except TypeError as error:
            state = {_UNSERIALIZABLE: str(error)}
        return {
            "service_id": self.id,
            "description": self.description(),
            "class": f"{cls.__module__}.{cls.__qualname__}",
            "state_dict": state,
            "state": self.state.name,
            "url": getattr(self, "url", None),
        }

    @staticmethod
    def serialize_state_dict(data: dict[str, Any]) -> dict[str, Any]:
        """Arguments as JSON values; paths become `{"__path__": ...}`.

        Raises:
            TypeError: a value has no such form.
        """
        return {name: encode_state(value, name) for name, value in data.items()}

    @staticmethod
    def from_state_dict(
        cls_name: str, data: dict[str, Any], path_translator: Callable[[Path], Path] | None = None
    ) -> Service:
        """Make a service again.

        Args:
            cls_name: `module.Class`.
            data: what `serialize_state_dict` made; names that start with `__` are skipped.
            path_translator: gives the paths of this machine.

        Raises:
            ValueError: the service could not be stored.
            ImportError, AttributeError: the class is gone.
        """
        check_state(cls_name, data)
        arguments = {
            name: decode_state(value, path_translator) for name, value in data.items() if not name.startswith("__")
        }
        service = _find_class(cls_name)(**arguments)
        if not isinstance(service, Service):
            raise ValueError(f"{cls_name} is no service")
        return service


def _tell(listener: Any, service: Service) -> None:
    try:
        listener.service_state_changed(service)
    except Exception:
        import logging

        logging.getLogger("xpm").exception("a listener of the service %s failed", service.id)


def check_state(cls_name: str, data: dict[str, Any]) -> None:
    """Refuse what says of itself that it could not be stored (ValueError)."""
    if _UNSERIALIZABLE in data:
        raise ValueError(f"the service {cls_name} cannot be made again: {data[_UNSERIALIZABLE]}")


def encode_state(value: Any, place: str) -> Any:
    """A value as JSON; TypeError names the place of what has no such form."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Path):
        return {_PATH: str(value)}
    if isinstance(value, list | tuple):
        return [encode_state(item, f"{place}[{index}]") for index, item in enumerate(value)]
    if isinstance(value, dict):
        return {str(key): encode_state(item, f"{place}.{key}") for key, item in value.items()}
    raise TypeError(f"state_dict() of a service: {place} is a {type(value).__name__}, which cannot be stored as JSON")


def decode_state(value: Any, path_translator: Callable[[Path], Path] | None = None) -> Any:
    """A value from JSON."""
    if isinstance(value, dict):
        if set(value) == {_PATH}:
            path = Path(value[_PATH])
            return path if path_translator is None else path_translator(path)
        return {key: decode_state(item, path_translator) for key, item in value.items()}
    if isinstance(value, list):
        return [decode_state(item, path_translator) for item in value]
    return value


def _find_class(name: str) -> Any:
    """The class of this full name, which may be defined in another class."""
    from importlib import import_module

    module, _, rest = name.rpartition(".")
    while module:
        try:
            found: Any = import_module(module)
        except ModuleNotFoundError as error:
            if error.name is None or not (module == error.name or module.startswith(f"{error.name}.")):
                raise
            module, _, inner = module.rpartition(".")
            rest = f"{inner}.{rest}"
            continue
        for part in rest.split("."):
            found = getattr(found, part)
        return found
    raise ImportError(f"the class {name} of a service cannot be imported")

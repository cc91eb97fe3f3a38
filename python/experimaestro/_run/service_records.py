"""The services of a run on disk, `services.json`: written by its driver, read by everybody else.

Floor: `_run`. Plain data: reading makes nothing; `StoredService.make()` makes a service, of a class that is one.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from experimaestro._run.service_state import is_stored, resolve_service, said, translator
from experimaestro.exceptions import LoadError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from experimaestro._run.services import Service

__all__ = ["FILE", "StoredService", "read_services", "write_services"]

FILE = "services.json"
VERSION = 1


def write_services(run_dir: Path, workspace: Path, services: Mapping[str, Service]) -> None:
    """Write how the services of a run are, whole or not at all.

    Args:
        run_dir: folder of the run.
        workspace: folder of the workspace.
        services: by their id.

    Raises:
        OSError: the file cannot be written.
    """
    from experimaestro._config.serialization import write_whole
    from experimaestro._run.python_path import driver_python_path

    content = {
        "version": VERSION,
        "workspace": str(workspace),
        "python_path": driver_python_path(),
        "services": {name: _entry(service, run_dir) for name, service in services.items()},
    }
    write_whole(run_dir / FILE, json.dumps(content, indent=1).encode())


def _entry(service: Service, run_dir: Path) -> dict[str, Any]:
    cls = type(service)
    entry: dict[str, Any] = {
        **service.full_state_dict(),
        "module": cls.__module__,
        "file": _source(cls.__module__),
        "experiment_id": run_dir.parent.name,
        "run_id": run_dir.name,
        "error": service.error,
    }
    parts = _parts(service)
    if parts:
        entry["subservices"] = {name: {"service_id": name, "description": said} for name, said in parts.items()}
    return entry


def _parts(service: Service) -> dict[str, str]:
    try:
        parts = dict(service.subservices())
    except Exception:  # noqa: BLE001 - the user's code
        return {}
    return {name: said(part.description) for name, part in parts.items() if part is not service}


def _source(module: str) -> str | None:
    import sys

    file = getattr(sys.modules.get(module), "__file__", None)
    return None if file is None else str(Path(file).absolute())


class StoredService(NamedTuple):
    """A service of a run, as its file tells."""

    service_id: str
    description: str
    class_name: str
    state: str
    """As the driver wrote it last: it is true while the driver lives."""
    error: str | None
    url: str | None
    subservices: dict[str, str]
    """Descriptions of its parts, by their id."""
    run_dir: Path
    entry: dict[str, Any]
    envelope: dict[str, Any]

    @property
    def can_start(self) -> bool:
        """Whether everything that it is made of has a stored form."""
        return is_stored(self.entry["state_dict"])

    def make(self) -> Service:
        """Make the service again in this process, with its logs where they were.

        Paths in the workspace follow it when it was moved.

        Raises:
            LoadError: the class cannot be imported, is no service, or cannot be made of what was stored.
            ValueError: a value had no stored form.
        """
        from experimaestro._run.services import make_service

        extend_python_path(self.envelope.get("python_path"))
        cls = resolve_service(self.class_name, self.entry.get("module"), self.entry.get("file"))
        root = self.run_dir.parents[2]
        try:
            service = make_service(cls, self.entry["state_dict"], translator(self.envelope.get("workspace", ""), root))
        except TypeError as error:
            raise LoadError(
                f"{self.class_name} cannot be made again: {error}; its state_dict() must return the arguments of its "
                "constructor"
            ) from error
        service.log_directory = self.run_dir / "services" / self.service_id
        return service

    def seen(self, *, is_alive: bool) -> StoredService:
        """Return it as it is now: services end with their driver, also when that was killed without a word."""
        if is_alive or self.state == "ERROR":
            return self
        entry = {**self.entry, "state": "STOPPED", "url": None}
        return self._replace(state="STOPPED", url=None, entry=entry)

    def as_dict(self) -> dict[str, Any]:
        """Return what programs read."""
        return {key: value for key, value in self.entry.items() if key not in ("module", "file")}


def read_services(run_dir: Path) -> dict[str, StoredService]:
    """Return the services of a run, by their id; none when the run had none.

    Raises:
        LoadError: the file is damaged, or of a newer version.
    """
    file = run_dir / FILE
    if not file.is_file():
        return {}
    try:
        envelope = json.loads(file.read_bytes())
        if envelope["version"] > VERSION:
            raise LoadError(f"{file} is of version {envelope['version']}; this release reads {VERSION}: update it")
        return {name: _stored(entry, envelope, run_dir) for name, entry in envelope["services"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise LoadError(f"{file} is damaged: {type(error).__name__}: {error}") from None


def _stored(entry: dict[str, Any], envelope: dict[str, Any], run_dir: Path) -> StoredService:
    if not isinstance(entry["state_dict"], dict):
        raise TypeError("state_dict is no dictionary")
    return StoredService(
        str(entry["service_id"]),
        str(entry["description"]),
        str(entry["class"]),
        str(entry["state"]),
        entry.get("error"),
        entry.get("url"),
        {name: str(part["description"]) for name, part in entry.get("subservices", {}).items()},
        run_dir,
        entry,
        envelope,
    )


def extend_python_path(entries: Any) -> None:
    """Look for modules where the driver found them, after the places of this process."""
    import sys

    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, str) and Path(entry).is_absolute() and entry not in sys.path:
            sys.path.append(entry)

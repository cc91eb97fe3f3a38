"""What is known of configurations without their classes: read from stored files, or taken of live configurations.

Reads `params.json` (any version) and, where there is one, the `identity.json` beside it. Imports no code of the user's.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from experimaestro import _core

from .gathering import gather, gathered_sources

DEFINITIONS = ("params.json", "experimaestro.json", "definition.json")
"""Files that hold configurations, in the order in which they are looked for in a folder."""


class Parameter(NamedTuple):
    """What the class said of a parameter when the configuration was stored."""

    declared: str
    """Declared type."""
    kind: str
    """`param`, `path`, `meta`, `constant`, `generated` or `data`."""
    counts: str
    """`always`, `unless-none`, `unless-default`, `if-forced` or `never`."""


class Origin(NamedTuple):
    """How a parameter got its value."""

    kind: str
    """`set`, `default`, `generated`, `loaded`, or `unknown` (files of older releases do not say)."""
    place: str | None = None
    """`file:line` of the user's code, where it is known."""


UNKNOWN = Origin("unknown")


class Node:
    """One configuration of a snapshot."""

    __slots__ = ("_source", "identifier", "left_out", "snapshot", "stored", "type_id", "typename")

    def __init__(self, snapshot: Snapshot, stored: dict[str, Any], source: dict[str, Any]) -> None:
        self.snapshot = snapshot
        self.stored = stored
        self._source = source
        identifier = stored.get("identifier")
        if isinstance(identifier, dict):
            identifier = identifier.get("main")
        self.identifier: str | None = identifier
        self.typename: str = stored.get("typename") or f"{stored.get('module')}.{stored.get('type')}"
        self.type_id: str | None = source.get("type") or stored.get("type-id")
        self.left_out: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """The class without its module."""
        return str(self.stored.get("type") or self.typename.rpartition(".")[2])

    @property
    def fields(self) -> dict[str, Any]:
        """Parameters that have a value, in stored form."""
        return self.stored.get("fields") or {}

    @property
    def meta(self) -> bool | None:
        """What `setmeta` said."""
        return self.stored.get("meta")

    @property
    def is_stub(self) -> bool:
        """Only the type and the identifier are here."""
        return bool(self.stored.get("stub"))

    @property
    def task(self) -> Node | None:
        """The task whose output it is, unless it is that task itself."""
        number = self.stored.get("task")
        return None if number is None or number == self.stored.get("id") else self.snapshot.nodes.get(number)

    def tasks(self, key: str) -> list[Node]:
        """Init tasks (`init-tasks`) or pre-tasks (`pre-tasks`)."""
        return [self.snapshot.nodes[number] for number in self.stored.get(key) or () if number in self.snapshot.nodes]

    @property
    def is_instance(self) -> bool:
        """Whether equal objects of its class are told apart (`InstanceConfig`)."""
        return bool(self._source.get("instance"))

    def parameter(self, name: str) -> Parameter | None:
        """What is known of a parameter."""
        return self.snapshot.classes.get(self.type_id or "", {}).get(name)

    def origin(self, name: str) -> Origin:
        """How a parameter got its value."""
        places: list[str] = self.snapshot.places
        if "set" not in self._source:
            return UNKNOWN
        explicit = self._source["set"]
        if name not in explicit:
            parameter = self.parameter(name)
            return Origin("generated" if parameter is not None and parameter.kind == "generated" else "default")
        place = explicit[name]
        kind = "loaded" if self._source.get("loaded") else "set"
        return Origin(kind, places[place] if isinstance(place, int) and place < len(places) else None)


class Snapshot:
    """Configurations as they were stored: the main one, and all that it needs."""

    def __init__(self, label: str, objects: list[dict[str, Any]], main: int, sources: dict[str, Any]) -> None:
        self.label = label
        self.jobs: Path | None = None
        """The folder of all jobs, where linked tasks can be found."""
        self.classes = {
            type_id: {name: Parameter(it["type"], it["kind"], it["counts"]) for name, it in parameters.items()}
            for type_id, parameters in sources.get("classes", {}).items()
        }
        self.places: list[str] = sources.get("places", [])
        told = sources.get("objects", [])
        self.nodes: dict[Any, Node] = {}
        for index, stored in enumerate(objects):
            source = told[index] if index < len(told) else {}
            self.nodes[stored["id"]] = Node(self, stored, source)
        self.main = self.nodes[main]
        left_out = {node["identifier"]: node.get("left-out", {}) for node in sources.get("nodes", ())}
        for node in self.nodes.values():
            node.left_out = frozenset(left_out.get(node.identifier, ()))

    @property
    def tells_what_counts(self) -> bool:
        """False for what an older release wrote."""
        return bool(self.classes)


def _damaged(file: Path, why: object) -> _core.LoadError:
    return _core.LoadError(f"{file} cannot be read: {why}")


def _read(file: Path) -> Any:
    try:
        return json.loads(file.read_bytes())
    except FileNotFoundError:
        raise _core.MissingFileError(f"{file} does not exist") from None
    except (OSError, ValueError) as error:
        raise _damaged(file, error) from error


def read_snapshot(path: Path) -> Snapshot:
    """The snapshot of a job folder, of a folder that `save` wrote, or of one such file.

    Raises:
        LoadError: there is no such file, or it is damaged.
    """
    file = path
    if path.is_dir():
        found = next((path / name for name in DEFINITIONS if (path / name).is_file()), None)
        if found is None:
            raise _core.MissingFileError(f"{path} is no job folder: it has no {DEFINITIONS[0]}")
        file = found
    content = _read(file)
    identity = file.parent / ".experimaestro" / "identity.json"
    sources = _read(identity) if file.name == "params.json" and identity.is_file() else {}
    envelope = content if isinstance(content, dict) else {"objects": content}
    try:
        objects = envelope["objects"]
        if "ancestors" in envelope:
            whole = gather(envelope, file.parent)
            sources = gathered_sources(whole, objects, sources)
            objects = whole.objects
        data = envelope.get("data")
        main = data["value"] if isinstance(data, dict) and data.get("type") == "python" else objects[-1]["id"]
        snapshot = Snapshot(_label(file), objects, main, sources)
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise _damaged(file, "it does not hold a configuration") from error
    if file.name == "params.json":
        folder = file.absolute().parent
        # An older file does not tell type identifiers; that of its job is the name of the folder.
        if folder.parent.parent.name == "jobs":
            snapshot.jobs = folder.parent.parent
            snapshot.main.type_id = snapshot.main.type_id or folder.parent.name
    return snapshot


def _label(file: Path) -> str:
    folder = file.absolute().parent
    if file.name == "params.json" and folder.parent.parent.name == "jobs":
        return f"{folder.parent.name}/{folder.name[:8]}"
    return str(file)


def take_snapshot(config: Any, job: Path | None = None) -> Snapshot:
    """The snapshot of a live configuration, the tasks that it is linked to included.

    Args:
        config: the configuration.
        job: the job folder against which paths are told, as they are where the job is stored.

    Raises:
        ValidationError: a required parameter is missing.
    """
    roots, known, pending = [config], {id(config)}, [config]
    while pending:
        for below in _core.reachable_configurations(pending.pop()):
            task = _core.state_of(below).task
            if task is not None and not isinstance(task, _core.TaskStub) and id(task) not in known:
                known.add(id(task))
                roots.append(task)
                pending.append(task)
    workspace = None if job is None else str(job.parent.parent.parent)
    state = json.loads(_core.state_json(roots, workspace, None if job is None else str(job)))
    sources = json.loads(_core.sources_json(roots))
    return Snapshot(str(type(config).__xpmtype__.identifier), state["objects"], state["data"][0]["value"], sources)

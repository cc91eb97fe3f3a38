"""A `params.json` that refers to a file of ancestors, with all its objects in one list again.

Works on what is stored, without the user's classes. Objects of ancestors get numbers below zero, so that those of the
file that refers to them stay what they are.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from experimaestro import _core

from .renumbering import Place, references, renumbered

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_VERSION = b',"version":4,'


def refers(data: bytes) -> bool:
    """Whether a file may refer to another one: it says so at its beginning."""
    return _VERSION in data[:8192]


def gathered(data: bytes, directory: Path) -> bytes:
    """The file of a job with all that it refers to in it; what refers to nothing stays as it is.

    Raises:
        LoadError: the file of ancestors is missing (also a FileNotFoundError), or one of both is damaged.
    """
    content = json.loads(data)
    if "ancestors" not in content:
        return data
    content["objects"] = gather(content, directory).objects
    del content["ancestors"]
    content["version"] = 3
    return json.dumps(content).encode()


class Gathered(NamedTuple):
    """The objects of a file and of what it refers to."""

    objects: list[dict[str, Any]]
    """What is needed first, those of the file itself last."""
    told: list[tuple[list[int], dict[str, Any]]]
    """What the `identity.json` of a list of ancestors would be, with the numbers here of the objects it tells of."""


def gather(content: dict[str, Any], directory: Path) -> Gathered:
    """The objects of a `params.json` and of all that it refers to; see `gathered`."""
    path = ancestors_of(content, directory)
    known: dict[int, AncestorList] = {}
    read_lists(path, content["objects"], known)
    try:
        return _join(content["objects"], [known[at] for at in sorted(known)])
    except KeyError as error:
        raise _core.LoadError(f"{path} is damaged: an object is used that is not there ({error})") from None


def ancestors_of(content: dict[str, Any], directory: Path) -> Path:
    """The file that a `params.json` refers to."""
    path = directory / str(content["ancestors"])
    if not path.parent.resolve().is_relative_to(directory.resolve()):
        raise _core.LoadError(f"{path} is not in the folder of the job")
    return path


class AncestorList(NamedTuple):
    """What a task, or several, are made of."""

    at: int
    objects: list[dict[str, Any]]
    identity: dict[str, Any]


def read_lists(path: Path, objects: list[dict[str, Any]], known: dict[int, AncestorList]) -> list[AncestorList]:
    """Add the lists that objects need to those that are `known`; answers the new ones, in the order of the file.

    Raises:
        LoadError: the file is missing (also a FileNotFoundError) or damaged.
    """
    found: dict[int, AncestorList] = {}
    try:
        pending = list(_lists_of(objects))
        with path.open("rb") as stream:
            while pending:
                at = pending.pop()
                if at not in known and at not in found:
                    stream.seek(at)
                    lines = json.loads(stream.readline()), json.loads(stream.readline())
                    found[at] = AncestorList(at, lines[0]["objects"], lines[1])
                    pending.extend(_lists_of(found[at].objects))
    except FileNotFoundError as error:
        raise _core.MissingFileError(f"{path} cannot be read: {error.strerror}") from None
    except OSError as error:
        raise _core.LoadError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _core.LoadError(f"{path} is damaged: {type(error).__name__}: {error}") from None
    known.update(found)
    return [found[at] for at in sorted(found)]


def _lists_of(objects: list[dict[str, Any]]) -> Iterator[int]:
    """Where the lists begin that objects refer to."""
    return (it[0] for each in objects for it in references(each) if isinstance(it, tuple))


def _join(own: list[dict[str, Any]], lists: list[AncestorList]) -> Gathered:
    numbers: dict[Place, int] = {(it["same"][0], it["same"][1]): it["id"] for it in own if "same" in it}
    taken = set(numbers)
    # A task that only gives an output its identity is, here, perhaps whole.
    whole = {_name(it): it["id"] for it in own if not it.get("stub")}
    for at, objects, _ in lists:
        for it in objects:
            place = (at, it["id"])
            if place in taken:
                continue
            number = whole.get(_name(it)) if it.get("stub") else None
            if number is None:
                number = -1 - len(numbers)
                whole.setdefault(_name(it), number)
            else:
                taken.add(place)
            numbers[place] = number
    joined: list[dict[str, Any]] = []
    told = []
    for at, objects, identity in lists:
        here = {it["id"]: numbers[(at, it["id"])] for it in objects}
        joined.extend(_renumbered(it, here, numbers) for it in objects if (at, it["id"]) not in taken)
        told.append(([here[it["id"]] for it in objects], identity))
    here = {it["id"]: whole[_name(it)] if it.get("stub") and _name(it) in whole else it["id"] for it in own}
    joined.extend(_renumbered(it, here, numbers) for it in own if here[it["id"]] == it["id"])
    return Gathered(joined, told)


def _name(definition: dict[str, Any]) -> tuple[Any, Any]:
    return definition.get("typename"), definition.get("identifier")


def _renumbered(definition: dict[str, Any], here: dict[int, int], elsewhere: dict[Place, int]) -> dict[str, Any]:
    moved = renumbered(definition, lambda it: here[it] if isinstance(it, int) else elsewhere[it])
    moved["id"] = here[definition["id"]]
    if "task" in moved:
        moved["task"] = here[moved["task"]]
    return moved


def gathered_sources(found: Gathered, own: list[dict[str, Any]], identity: dict[str, Any]) -> dict[str, Any]:
    """What `identity.json` and the lists of ancestors tell, for all gathered objects as one `identity.json`.

    Args:
        found: the objects of the file, with those of its ancestors.
        own: the objects of the file, as they were.
        identity: of the job.
    """
    merged: dict[str, Any] = {"classes": {}, "places": [], "nodes": []}
    by_number: dict[int, dict[str, Any]] = {}
    for numbers, told in [*found.told, ([it["id"] for it in own], identity)]:
        first = len(merged["places"])
        merged["classes"].update(told.get("classes", {}))
        merged["places"].extend(told.get("places", ()))
        merged["nodes"].extend(told.get("nodes", ()))
        for number, source in zip(numbers, told.get("objects", ()), strict=False):
            by_number[number] = _shifted(source, first)
    return {**identity, **merged, "objects": [by_number.get(it["id"], {}) for it in found.objects]}


def _shifted(source: dict[str, Any], first: int) -> dict[str, Any]:
    """What is told of an object, its places numbered from `first`."""
    moved = dict(source)
    if "at" in moved:
        moved["at"] += first
    if "set" in moved:
        moved["set"] = {name: None if place is None else place + first for name, place in moved["set"].items()}
    return moved

"""Merging experiment files: imports below the file, files before and after it, dotted overrides on top."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from experimaestro.experiments.document import LocatedDict, LocatedList, Origin, load_document
from experimaestro.experiments.errors import ExperimentFileError

CONF_SOURCE = "--conf"
"""Origin of what was given on the command line."""


def merge(below: LocatedDict, above: LocatedDict) -> LocatedDict:
    """A new mapping where `above` wins; mappings are merged key by key, everything else is replaced.

    >>> merge(LocatedDict({"a": 1, "m": LocatedDict({"x": 1})}), LocatedDict({"m": LocatedDict({"y": 2})}))
    {'a': 1, 'm': {'x': 1, 'y': 2}}
    """
    result = LocatedDict(below, below.origins)
    for key, value in above.items():
        current = result.get(key)
        if isinstance(current, LocatedDict) and isinstance(value, LocatedDict):
            value = merge(current, value)
        result.put(key, value, above.origins.get(key, Origin("")))
    return result


def with_suffix(path: Path) -> Path:
    """The path itself if there is such a file, else with `.yaml` (or `.yml`) added when that exists."""
    if path.is_file() or path.suffix in (".yaml", ".yml"):
        return path
    for suffix in (".yaml", ".yml"):
        candidate = path.with_name(path.name + suffix)
        if candidate.is_file():
            return candidate
    return path.with_name(path.name + ".yaml")


def load_with_imports(path: Path, opened: Sequence[Path] = ()) -> LocatedDict:
    """Read a file with what it imports (`imports`, a list, or the older `parent`, one file) merged below it.

    :raises ExperimentFileError: for a file that cannot be used, or that imports itself
    """
    path = with_suffix(path)
    resolved = path.resolve()
    if resolved in opened:
        chain = " -> ".join(other.name for other in (*opened[opened.index(resolved) :], resolved))
        raise ExperimentFileError(f"{path}: this file imports itself ({chain})")
    document = load_document(path)
    merged = LocatedDict()
    for imported, origin in _imports(document):
        merged = merge(merged, _load_import(path.parent / imported, origin, (*opened, resolved)))
    return merge(merged, document)


def _load_import(path: Path, origin: Origin, opened: Sequence[Path]) -> LocatedDict:
    try:
        return load_with_imports(path, opened)
    except ExperimentFileError as error:
        raise ExperimentFileError(f"{error}\n  imported at {origin}") from None


def _imports(document: LocatedDict) -> Iterable[tuple[str, Origin]]:
    unknown = Origin("")
    imports, parent = document.get("imports"), document.get("parent")
    if imports is not None and parent is not None:
        place = document.origins.get("parent", unknown)
        raise ExperimentFileError(f"{place}: both `parent` and `imports` are given; keep `imports`")
    if parent is not None:
        if not isinstance(parent, str):
            raise ExperimentFileError(f"{document.origins.get('parent', unknown)}: `parent` must be the name of a file")
        return [(parent, document.origins.get("parent", unknown))]
    if imports is None:
        return []
    place = document.origins.get("imports", unknown)
    if isinstance(imports, str):
        return [(imports, place)]
    if not isinstance(imports, list) or not all(isinstance(name, str) for name in imports):
        raise ExperimentFileError(f"{place}: `imports` must be a list of file names")
    origins = imports.origins if isinstance(imports, LocatedList) else [place] * len(imports)
    return list(zip(imports, origins, strict=True))


def set_dotted(document: LocatedDict, assignment: str, folder: Path | None = None) -> LocatedDict:
    """A new document with one `a.b.c=value` override; the value stays text and is read later by the schema.

    Items of lists are addressed by their position: `layers.0.size=3`.

    :raises ExperimentFileError: without `=`, or when the path goes through a single value

    >>> set_dotted(LocatedDict({"model": LocatedDict({"lr": 1, "n": 2})}), "model.lr=0.5")
    {'model': {'lr': '0.5', 'n': 2}}
    """
    path, equals, text = assignment.partition("=")
    keys = path.strip().split(".")
    if not equals or not all(keys):
        raise ExperimentFileError(f"{CONF_SOURCE} {assignment}: expected key=value, for instance model.lr=0.1")
    origin = Origin(f"{CONF_SOURCE} {assignment}", text=text, folder=folder)
    result = _replaced(document, keys, text, origin, ())
    assert isinstance(result, LocatedDict)
    return result


def _replaced(container: Any, keys: Sequence[str], text: str, origin: Origin, above: tuple[str, ...]) -> Any:
    key, rest = keys[0], keys[1:]
    if isinstance(container, LocatedList):
        if not key.isdecimal() or int(key) >= len(container):
            last = len(container) - 1
            raise ExperimentFileError(
                f"{origin}: {'.'.join(above)} is a list with {len(container)} items: use a position from 0 to {last}"
            )
        position = int(key)
        items = LocatedList(container, container.origins)
        items[position] = _replaced(items[position], rest, text, origin, (*above, key)) if rest else text
        if not rest:
            items.origins[position] = origin
        return items
    if container is not None and not isinstance(container, LocatedDict):
        raise ExperimentFileError(f"{origin}: {'.'.join(above)} is a single value ({container!r}), it has no {key!r}")
    result = LocatedDict(container, container.origins) if container is not None else LocatedDict()
    name = next((known for known in result if str(known) == key), key)
    if rest:
        inner = _replaced(result.get(name), rest, text, origin, (*above, key))
        result.put(name, inner, result.origins.get(name, origin))
    else:
        result.put(name, text, origin)
    return result


def load_experiment_document(
    main: Path, before: Sequence[Path] = (), after: Sequence[Path] = (), overrides: Sequence[str] = ()
) -> LocatedDict:
    """The whole configuration of an experiment, as written.

    From weakest to strongest: `before` files in order, imports of the main file, the main file, `after` files in
    order, `overrides` (`a.b=value`) in order.

    :raises ExperimentFileError: naming file, line and remedy
    """
    document = LocatedDict()
    for path in (*before, main, *after):
        document = merge(document, load_with_imports(path))
    for assignment in overrides:
        document = set_dotted(document, assignment, with_suffix(main).parent)
    return document

"""Bare lists of JSON objects, without an envelope: what `config.__xpm__` writes and reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experimaestro import _core

from .data_paths import SerializationContext, loader_of
from .loading import read, read_file, resolve_class
from .serialization import DEFINITION, existing_folder, find_definition, write_whole

if TYPE_CHECKING:
    from collections.abc import Callable


def _bytes(config: Any, context: SerializationContext) -> bytes:
    workspace = None if context.workspace_path is None else str(context.workspace_path)
    job = None if context.job_path is None else str(context.job_path)
    return _core.objects_json([config], workspace, job, context.files_of(config))


def objects_of(config: Any, context: SerializationContext | None = None) -> list[dict[str, Any]]:
    """A configuration and all below it as JSON objects, the main one last."""
    return json.loads(_bytes(config, context or SerializationContext()))  # type: ignore[no-any-return]


def serialize(
    config: Any,
    directory: str | Path,
    definition_filename: str = DEFINITION,
    *,
    context: SerializationContext | None = None,
) -> None:
    """Save a configuration and its files in a folder that exists, as a bare list of objects."""
    folder = existing_folder(directory)
    _core.validate(config)
    context = context or SerializationContext(save_directory=folder)
    write_whole(folder / definition_filename, _bytes(config, context))


def deserialize(
    path: Any,
    as_instance: bool = False,
    partial_loading: bool | None = None,
    *,
    definition_filename: str | None = None,
    resolver: Callable[[str, str, str | None], type] = resolve_class,
) -> Any:
    """What `serialize` saved: a sealed configuration, or an instance with its init tasks executed."""
    loader = loader_of(path)
    file = find_definition(loader, path, definition_filename)
    loaded = read_file(file, as_instance=as_instance, partial=partial_loading, loader=loader, resolver=resolver)
    if as_instance:
        for task in loaded.tasks:
            task.execute()
    return loaded.result


def from_parameters(
    definitions: list[dict[str, Any]],
    as_instance: bool = True,
    *,
    return_tasks: bool = False,
    partial_loading: bool | None = None,
    path: Any = None,
) -> Any:
    """The main (last) object of a list of JSON objects.

    Args:
        definitions: the list.
        as_instance: an instance rather than a sealed configuration.
        return_tasks: answer `(object, tasks to execute before it)`.
        partial_loading: leave out tasks that only give their outputs an identity (default: as `as_instance`).
        path: folder of the saved files, or a function that finds them.
    """
    loaded = read(
        json.dumps(definitions).encode(), as_instance=as_instance, partial=partial_loading, loader=loader_of(path)
    )
    return (loaded.result, loaded.tasks) if return_tasks else loaded.result


def load_objects(
    definitions: list[dict[str, Any]],
    as_instance: bool = True,
    *,
    path: Any = None,
) -> dict[int, Any]:
    """All objects of a list of JSON objects, by number."""
    data = json.dumps(definitions).encode()
    return read(data, as_instance=as_instance, every=True, loader=loader_of(path)).result  # type: ignore[no-any-return]


def value_to_json(value: Any, context: SerializationContext | None = None) -> Any:
    """A value in its stored form; a configuration becomes a reference by its number among those of the value."""
    context = context or SerializationContext()
    workspace = None if context.workspace_path is None else str(context.workspace_path)
    job = None if context.job_path is None else str(context.job_path)
    return json.loads(_core.state_json(value, workspace, job, None))["data"]


def value_from_json(value: Any, objects: dict[int, Any]) -> Any:
    """A stored value as a Python value, its references replaced by the given objects."""
    if isinstance(value, dict) and value.get("type") == "python":
        return objects[value["value"]]
    if isinstance(value, dict) and value.get("type") in ("set", "tuple"):
        items = [value_from_json(item, objects) for item in value["items"]]
        return set(items) if value["type"] == "set" else tuple(items)
    if isinstance(value, dict) and value.get("type") == "dict":
        return {value_from_json(key, objects): value_from_json(item, objects) for key, item in value["items"]}
    if isinstance(value, dict) and "type" not in value:
        return {key: value_from_json(item, objects) for key, item in value.items()}
    if isinstance(value, list):
        return [value_from_json(item, objects) for item in value]
    return read(json.dumps({"objects": [], "data": value}).encode()).result

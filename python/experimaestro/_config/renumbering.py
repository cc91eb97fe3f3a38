"""Stored objects in another list: what they refer to, and the same with other numbers (docs/serialization.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Place = tuple[int, int]
"""Where a list begins in a file of ancestors, and the number of an object in it."""


def references(definition: dict[str, Any]) -> Iterator[int | Place]:
    """What the values, init tasks and pre-tasks of an object are: numbers in its list, or places.

    >>> list(references({"fields": {"a": [{"type": "python", "value": 1}, {"type": "python", "at": 9, "value": 0}]}}))
    [(9, 0), 1]
    """
    for key in ("init-tasks", "pre-tasks"):
        yield from map(_meant, definition.get(key, ()))
    pending: list[Any] = [definition["fields"]]
    while pending:
        value = pending.pop()
        if isinstance(value, list):
            pending.extend(value)
        elif isinstance(value, dict):
            if value.get("type") == "python":
                yield _meant(value)
            else:
                pending.extend(value.values())


def renumbered(
    definition: dict[str, Any], number_of: Callable[[int | Place], int], base: str | None = None
) -> dict[str, Any]:
    """An object with other numbers in its values, init tasks and pre-tasks; its own and that of its task stay.

    Args:
        definition: the stored object.
        number_of: the new number of what is referred to.
        base: folder of the job, from the workspace; paths in the job become paths in the workspace.
    """

    def moved(value: Any) -> Any:
        if isinstance(value, list):
            return [moved(item) for item in value]
        if not isinstance(value, dict):
            return value
        if value.get("type") == "python":
            return {"type": "python", "value": number_of(_meant(value))}
        if base is not None and value.get("type") == "path" and value.get("base") == "job":
            path = base if value["value"] == "." else f"{base}/{value['value']}"
            return {"type": "path", "value": path, "base": "workspace"}
        return {key: moved(item) for key, item in value.items()}

    made = {**definition, "fields": moved(definition["fields"])}
    made.pop("same", None)
    for key in ("init-tasks", "pre-tasks"):
        if key in made:
            made[key] = [number_of(_meant(task)) for task in made[key]]
    return made


def _meant(reference: Any) -> int | Place:
    if not isinstance(reference, dict):
        return reference  # type: ignore[no-any-return]
    return (reference["at"], reference["value"]) if "at" in reference else reference["value"]

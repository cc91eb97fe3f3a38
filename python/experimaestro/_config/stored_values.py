"""Values in stored form, for comparing and showing them without the user's classes (docs/serialization.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .snapshot import Node, Snapshot

LONGEST = 120
"""Characters of a value that are shown."""

_MARKS = {"python", "path", "path.serialized", "tuple", "set", "dict", "enum", "bytes", "ndarray"}


def shape(value: Any) -> tuple[str, Any]:
    """What kind of value it is, and what is inside.

    >>> shape([1]), shape({"type": "set", "items": [2]}), shape({"a": 1})
    (('list', [1]), ('set', [2]), ('dict', [('a', 1)]))
    """
    if isinstance(value, list):
        return "list", value
    if not isinstance(value, dict):
        return type(value).__name__, value
    mark = value.get("type")
    if mark not in _MARKS:
        return "dict", list(value.items())
    if mark == "dict":
        return "dict", [(key, item) for key, item in value["items"]]
    if mark in ("tuple", "set"):
        return mark, value["items"]
    if mark == "python":
        return "config", value["value"]
    if mark in ("path", "path.serialized"):
        return "path", value["value"] if value.get("base") is None else f"{value['base']}:{value['value']}"
    if mark == "enum":
        return "enum", f"{value['module']}.{value['enum']}.{value['value']}"
    return mark, value


def node_of(value: Any, snapshot: Snapshot) -> Node | None:
    """The configuration that a stored value refers to."""
    kind, inside = shape(value)
    return snapshot.nodes.get(inside) if kind == "config" else None


def key_of(value: Any, snapshot: Snapshot) -> Any:
    """Equal for values that mean the same; configurations by their identifiers. It can be hashed."""
    kind, inside = shape(value)
    if kind == "config":
        node = snapshot.nodes.get(inside)
        return kind, (node.identifier if node is not None else None) or (id(snapshot), inside)
    if kind == "dict":
        return kind, frozenset((key_of(key, snapshot), key_of(item, snapshot)) for key, item in inside)
    if kind == "set":
        return kind, frozenset(key_of(item, snapshot) for item in inside)
    if kind in ("list", "tuple"):
        return kind, tuple([key_of(item, snapshot) for item in inside])
    return kind, repr(inside)


def text_of(value: Any, snapshot: Snapshot) -> str:
    """A value on one line, shortened in the middle."""
    text = _text(value, snapshot)
    return text if len(text) <= LONGEST else f"{text[: LONGEST * 2 // 3]} … {text[-LONGEST // 4 :]}"


def _text(value: Any, snapshot: Snapshot) -> str:
    kind, inside = shape(value)
    if kind == "config":
        node = snapshot.nodes.get(inside)
        return "?" if node is None else name_of(node)
    if kind in ("list", "tuple", "set"):
        brackets = {"list": "[]", "tuple": "()", "set": "{}"}[kind]
        # More elements than characters are never shown.
        shown = [_text(item, snapshot) for item in inside[:LONGEST]]
        hidden = [f"… {len(inside) - LONGEST} more"] if len(inside) > LONGEST else []
        return f"{brackets[0]}{', '.join([*shown, *hidden])}{brackets[1]}"
    if kind == "dict":
        entries = [f"{_text(key, snapshot)}: {_text(item, snapshot)}" for key, item in inside[:LONGEST]]
        return f"{{{', '.join(entries)}}}"
    if kind == "enum":
        return ".".join(str(inside).rsplit(".", 2)[-2:])
    if kind == "bytes":
        return f"bytes({value['value']})"
    if kind == "ndarray":
        return f"array({value['dtype']}, {'x'.join(map(str, value['shape']))}, {value['value'][:24]}…)"
    return str(inside) if kind == "path" else repr(inside)


def name_of(node: Node) -> str:
    """A configuration in a few characters: its class and the beginning of its identifier."""
    return f"{node.name}({(node.identifier or '?')[:8]})"

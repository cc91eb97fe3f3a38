"""Second implementation of the identifiers of older packages: plain, slow, and independent of the Rust code.

Written from the byte tables alone (docs/legacy-identifiers.md). A configuration is a `Node` that holds only what
counts; what does not count is for the caller to leave out.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass, field
from typing import Any


@dataclass(eq=False)
class Node:
    """A configuration: the parameters that count, and its tasks."""

    type_id: str
    parameters: dict[str, Any] = field(default_factory=dict)
    task: Node | None = None
    init_tasks: list[Node] = field(default_factory=list)
    pre_tasks: list[Node] = field(default_factory=list)


@dataclass(frozen=True)
class Member:
    """A member of an enumeration that is neither text nor number."""

    text: str


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def value_bytes(value: Any, above: list[Node], version: int) -> bytes:
    if value is None:
        return b"\x06"
    if isinstance(value, float):
        return b"\x02" + struct.pack(">d", value)
    if isinstance(value, int):
        return b"\x01" + struct.pack(">q", value)
    if isinstance(value, str):
        return b"\x03" + value.encode()
    if isinstance(value, list):
        elements = b"".join(value_bytes(element, above, version) for element in value)
        return b"\x07" + struct.pack(">d", len(value)) + elements
    if isinstance(value, set) and version == 2:
        elements = sorted((value_bytes(element, above, version) for element in value), key=sha256)
        return b"\x0e" + struct.pack(">d", len(value)) + b"".join(elements)
    if isinstance(value, dict):
        return b"\x09" + b"".join(
            value_bytes(key, above, version) + value_bytes(value[key], above, version) for key in sorted(value)
        )
    if isinstance(value, Member):
        return b"\x0a" + value.text.encode()
    if isinstance(value, Node):
        return nested(value, above, version)
    raise NotImplementedError(type(value))


def nested(node: Node, above: list[Node], version: int) -> bytes:
    for levels, one in enumerate(reversed(above), start=1):
        if one is node:
            return b"\x00\x0b" + struct.pack(">q", levels)
    return b"\x00" + raw(node, above, version)


def raw(node: Node, above: list[Node], version: int) -> bytes:
    inside = [*above, node]
    data = b"\x00"
    if node.task is not None:
        data += b"\x08" + nested(node.task, inside, version)
    data += node.type_id.encode()
    for name in sorted(node.parameters):
        data += value_bytes(name, inside, version) + b"\x05" + value_bytes(node.parameters[name], inside, version)
    if node.init_tasks and version == 2:
        data += b"\x0c" + b"".join(nested(task, inside, version) for task in node.init_tasks)
    return sha256(data)


def all_pre_tasks(node: Node) -> list[Node]:
    """Of everything that can be reached, init tasks and linked tasks included; each once."""
    found: dict[int, Node] = {}
    seen: set[int] = set()

    def visit(value: Any) -> None:
        if isinstance(value, Node):
            if id(value) in seen:
                return
            seen.add(id(value))
            for task in value.pre_tasks:
                found[id(task)] = task
            visit([value.parameters, value.pre_tasks, value.init_tasks, value.task])
        elif isinstance(value, (list, set)):
            for element in value:
                visit(element)
        elif isinstance(value, dict):
            for element in value.values():
                visit(element)

    visit(node)
    return list(found.values())


def identifier(node: Node, version: int) -> str:
    """Hexadecimal identifier under sha256-v1 or sha256-v2."""
    digest = raw(node, [], version)
    if version == 1:
        outer = digest + b"".join(sorted(raw(task, [], 1) for task in all_pre_tasks(node)))
        if node.init_tasks:
            outer += b"\x0c" + b"".join(raw(task, [], 1) for task in node.init_tasks)
        digest = sha256(outer)
    return digest.hex()

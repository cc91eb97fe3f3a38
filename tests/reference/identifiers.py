"""Second implementation of docs/identifiers.md, written from the text: plain, slow, and independent of the Rust code.

It reads the JSON notation of `tests/data/identifiers.json`. Run as a program it fills in the answers that are
missing there:

    python tests/reference/identifiers.py tests/data/identifiers.json
"""

from __future__ import annotations

import hashlib
import json
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

Json = Any
Reference = Callable[[Json], bytes]

SCHEME = b"\x01"


def varint(number: int) -> bytes:
    """Unsigned LEB128, the shortest form."""
    groups = bytearray()
    while number >= 0x80:
        groups.append(0x80 | number & 0x7F)
        number >>= 7
    groups.append(number)
    return bytes(groups)


def sized(payload: bytes) -> bytes:
    return varint(len(payload)) + payload


def text(value: str) -> bytes:
    return sized(value.encode())


def integer(number: int) -> bytes:
    bits = (number if number >= 0 else ~number).bit_length() + 1
    payload = b"" if number == 0 else number.to_bytes((bits + 7) // 8, "big", signed=True)
    if len(payload) <= 8:
        return bytes([0x10 + len(payload)]) + payload
    return b"\x19" + sized(payload)


def floating(number: float) -> bytes:
    return b"\x03" + (bytes.fromhex("7ff8000000000000") if number != number else struct.pack(">d", number))


def plain_reference(reference: Json) -> bytes:
    """A configuration as the notation names it: by digest, or as a member of the document."""
    if "config" in reference:
        return b"\x0d" + bytes.fromhex(reference["config"])
    return b"\x0e" + varint(reference["member"])


def encode_value(value: Json, reference: Reference = plain_reference) -> bytes:
    """Canonical bytes of a value in JSON notation."""
    if value is None:
        return b"\x00"
    if isinstance(value, bool):
        return b"\x02" if value else b"\x01"
    if isinstance(value, int):
        return integer(value)
    if isinstance(value, float):
        return floating(value)
    if isinstance(value, str):
        return b"\x04" + text(value)
    if isinstance(value, list):
        return b"\x07" + varint(len(value)) + b"".join(encode_value(element, reference) for element in value)
    ((kind, content),) = value.items()
    if kind == "int":
        return integer(int(content, 0))
    if kind == "float":
        return floating(float(content))
    if kind == "bytes":
        return b"\x05" + sized(bytes.fromhex(content))
    if kind == "path":
        return b"\x06" + text(content)
    if kind == "path-bytes":
        return b"\x06" + sized(bytes.fromhex(content))
    if kind == "tuple":
        return b"\x08" + encode_value(content, reference)[1:]
    if kind == "set":
        elements = sorted(encode_value(element, reference) for element in content)
        return b"\x09" + varint(len(elements)) + b"".join(elements)
    if kind == "dict":
        # Values are written in key order, because members of a cycle are numbered in the order of their bytes.
        keys = sorted((encode_value(key, reference), position) for position, (key, _) in enumerate(content))
        entries = [key + encode_value(content[position][1], reference) for key, position in keys]
        return b"\x0a" + varint(len(entries)) + b"".join(entries)
    if kind == "enum":
        return b"\x0b" + text(content[0]) + text(content[1])
    if kind == "array":
        shape = b"".join(varint(length) for length in content["shape"])
        return (
            b"\x0c"
            + text(content["dtype"])
            + varint(len(content["shape"]))
            + shape
            + sized(bytes.fromhex(content["data"]))
        )
    return reference(value)


def encode_node(node: Json, reference: Reference = plain_reference) -> bytes:
    """Canonical bytes of a node in JSON notation."""
    tag = 0x20
    parameters = sorted((name.encode(), value) for name, value in node["parameters"].items())
    body = text(node["type"]) + varint(len(parameters))
    for name, value in parameters:
        body += sized(name) + encode_value(value, reference)
    if "task" in node:
        tag |= 0x01
        body += reference(node["task"])
    if "init-tasks" in node:
        tag |= 0x02
        body += varint(len(node["init-tasks"])) + b"".join(reference(task) for task in node["init-tasks"])
    if "pre-tasks" in node:
        tag |= 0x04
        tasks = sorted(reference(task) for task in node["pre-tasks"])
        body += varint(len(tasks)) + b"".join(tasks)
    if "instance" in node:
        tag |= 0x08
        body += varint(node["instance"])
    return bytes([tag]) + body


def encode_document(nodes: list[Json]) -> bytes:
    return SCHEME + varint(len(nodes)) + b"".join(encode_node(node) for node in nodes)


def digest(document: bytes) -> str:
    return hashlib.md5(document).hexdigest()


def references(item: Json) -> list[int]:
    """Every node that a node or value refers to."""
    if isinstance(item, dict):
        if set(item) == {"member"}:
            return [item["member"]]
        return [found for part in item.values() for found in references(part)]
    if isinstance(item, list):
        return [found for part in item for found in references(part)]
    return []


def graph_documents(nodes: list[Json]) -> list[bytes]:
    """The document of each node of a graph, in which `{"member": n}` is the n-th node."""
    reach: list[set[int]] = []
    for node in nodes:
        reached: set[int] = set()
        pending = references(node)
        while pending:
            target = pending.pop()
            if target not in reached:
                reached.add(target)
                pending.extend(references(nodes[target]))
        reach.append(reached)
    documents: dict[int, bytes] = {}

    def document(first: int) -> bytes:
        if first not in documents:
            cycle = {node for node in reach[first] if first in reach[node]} | {first}
            order = [first]

            def reference(item: Json) -> bytes:
                if "config" in item:
                    return plain_reference(item)
                target = item["member"]
                if target not in cycle or first not in reach[first]:
                    return b"\x0d" + hashlib.md5(document(target)).digest()
                if target not in order:
                    order.append(target)
                return b"\x0e" + varint(order.index(target))

            encoded: list[bytes] = []
            while len(encoded) < len(order):
                encoded.append(encode_node(nodes[order[len(encoded)]], reference))
            documents[first] = SCHEME + varint(len(order)) + b"".join(encoded)
        return documents[first]

    return [document(node) for node in range(len(nodes))]


def fill(vectors: Json) -> None:
    """Adds answers where there are none."""
    for vector in vectors["values"]:
        vector.setdefault("bytes", encode_value(vector["value"]).hex())
    for vector in vectors["documents"]:
        document = encode_document(vector["nodes"])
        vector.setdefault("bytes", document.hex())
        vector.setdefault("digest", digest(document))
    for pair in vectors["pairs"]:
        for side in ("left", "right"):
            pair.setdefault(f"{side}-digest", digest(encode_document([pair[side]])))
    for graph in vectors["graphs"]:
        documents = graph_documents(graph["nodes"])
        graph.setdefault("documents", [document.hex() for document in documents])
        graph.setdefault("digests", [digest(document) for document in documents])


def main(path: Path) -> None:
    vectors = json.loads(path.read_text())
    fill(vectors)
    lines = []
    for key, content in vectors.items():
        if isinstance(content, list):
            rows = ",\n    ".join(json.dumps(row) for row in content)
            lines.append(f"{json.dumps(key)}: [\n    {rows}\n  ]")
        else:
            lines.append(f"{json.dumps(key)}: {json.dumps(content)}")
    path.write_text("{\n  " + ",\n  ".join(lines) + "\n}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

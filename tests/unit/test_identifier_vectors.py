"""The golden vectors hold for an implementation written from docs/identifiers.md alone."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
VECTORS: dict[str, Any] = json.loads((ROOT / "tests/data/identifiers.json").read_text())


def _load_reference() -> ModuleType:
    specification = importlib.util.spec_from_file_location(
        "reference_identifiers", ROOT / "tests/reference/identifiers.py"
    )
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


reference = _load_reference()


def _described(key: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("vector", VECTORS[key], ids=[vector["description"][:40] for vector in VECTORS[key]])


@_described("values")
@pytest.mark.contract("configurations 11.1: golden vectors")
def test_values_have_these_bytes(vector: dict[str, Any]) -> None:
    assert reference.encode_value(vector["value"]).hex() == vector["bytes"]


@_described("documents")
def test_documents_have_these_bytes_and_digests(vector: dict[str, Any]) -> None:
    document = reference.encode_document(vector["nodes"])
    assert document.hex() == vector["bytes"]
    assert reference.digest(document) == vector["digest"]


@_described("pairs")
@pytest.mark.contract("configurations 11.5: pairs of documents")
def test_pairs_that_look_alike_have_two_digests(vector: dict[str, Any]) -> None:
    digests = [reference.digest(reference.encode_document([vector[side]])) for side in ("left", "right")]
    assert digests == [vector["left-digest"], vector["right-digest"]]
    assert digests[0] != digests[1]


@_described("graphs")
def test_graphs_have_these_documents_and_digests(vector: dict[str, Any]) -> None:
    documents = reference.graph_documents(vector["nodes"])
    assert [document.hex() for document in documents] == vector["documents"]
    assert [reference.digest(document) for document in documents] == vector["digests"]


def test_examples_of_the_specification_hold() -> None:
    text = (ROOT / "docs/identifiers.md").read_text()
    values = [line for block in re.findall(r"```value\n(.*?)```", text, re.DOTALL) for line in block.splitlines()]
    assert len(values) > 20
    for line in values:
        notation, _, expected = line.partition(" -> ")
        assert reference.encode_value(json.loads(notation)) == bytes.fromhex(expected), line
    documents = re.findall(r"```document\n(.*?)\n(.*?)\nmd5 (\w+)\n```", text, re.DOTALL)
    assert len(documents) >= 3
    for notation, lines, digest in documents:
        document = reference.encode_document(json.loads(notation))
        assert document == bytes.fromhex(re.sub(r"#.*", "", lines)), notation
        assert reference.digest(document) == digest

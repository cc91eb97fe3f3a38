"""The page of conformance says what the tests say."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

SOURCE = Path(__file__).parents[1] / "conformance.py"


def conformance() -> Any:
    spec = importlib.util.spec_from_file_location("conformance", SOURCE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_current() -> None:
    module = conformance()
    current = module.PAGE.read_text()
    assert current == module.page(), "run: python tests/conformance.py > docs/conformance.md"
    assert current.count("\n| ") > 50


def test_rows_are_read_however_they_are_written(tmp_path: Path) -> None:
    module = conformance()
    module.TESTS = tmp_path
    file = tmp_path / "test_rows.py"
    file.write_text(
        'ROW = "clients: a"\npytestmark = contract("clients: all")\n'
        '@contract("clients: b")\ndef test_b(): ...\n@contract(ROW + " sum")\ndef test_sum(): ...\n'
    )
    held = [(row, test.partition("::")[2]) for row, test in module.tests_of(file)]
    assert held == [
        ("clients: b", "test_b"),
        ("clients: all", "test_b"),
        ("clients: a sum", "test_sum"),
        ("clients: all", "test_sum"),
    ]
    file.write_text("@contract(other.ROW)\ndef test_b(): ...\n")
    with pytest.raises(ValueError, match="a row is a text"):
        list(module.tests_of(file))

"""The page of conformance says what the tests say."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

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

"""Which test holds which row of the compatibility contract: prints docs/conformance.md.

Run `python tests/conformance.py > docs/conformance.md` after a change. Rows are named by the marker of tests,
`@pytest.mark.contract("configurations 5: copyconfig")`; the files are read, not imported.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parent
PAGE = TESTS.parent / "docs" / "conformance.md"

HEAD = """# Conformance

Each row of the compatibility contract, and the tests that hold it. This page is made of the tests
(`python tests/conformance.py > docs/conformance.md`).
"""


def rows_of(decorators: list[ast.expr]) -> Iterator[str]:
    """The rows that decorators name."""
    for decorator in decorators:
        if isinstance(decorator, ast.Call) and decorator.args:
            function, row = decorator.func, decorator.args[0]
            name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
            if name == "contract" and isinstance(row, ast.Constant) and isinstance(row.value, str):
                yield row.value


def tests_of(path: Path) -> Iterator[tuple[str, str]]:
    """Pairs of row and test, in the order of the file."""

    def walk(body: list[ast.stmt], prefix: str) -> Iterator[tuple[str, str]]:
        for statement in body:
            if isinstance(statement, (ast.ClassDef, ast.FunctionDef)):
                name = f"{prefix}{statement.name}"
                for row in rows_of(statement.decorator_list):
                    yield row, f"{path.relative_to(TESTS).as_posix()}::{name}"
                if isinstance(statement, ast.ClassDef):
                    yield from walk(statement.body, f"{name}::")

    yield from walk(ast.parse(path.read_text()).body, "")


def order(row: str) -> tuple[object, ...]:
    """Sections by number, rows by name."""
    document, _, rest = row.partition(" ")
    section, _, name = rest.partition(":")
    return document, [int(number) for number in re.findall(r"\d+", section)], name


def page() -> str:
    """The whole page."""
    held: dict[str, list[str]] = defaultdict(list)
    for path in sorted(TESTS.rglob("test_*.py")):
        for row, test in tests_of(path):
            held[row].append(test)
    lines = [HEAD]
    section = None
    for row in sorted(held, key=order):
        title, _, name = row.partition(": ")
        if title != section:
            section = title
            lines.append(f"\n## {title.capitalize()}\n\n| Row | Tests |\n|---|---|")
        tests = "<br>".join(f"`{test}`" for test in held[row])
        lines.append(f"| {name or title} | {tests} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(page(), end="")

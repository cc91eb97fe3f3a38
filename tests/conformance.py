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


def text_of(row: ast.expr, constants: dict[str, str]) -> str:
    """A text that is written as it is, as the name of one, or as a sum of these."""
    if isinstance(row, ast.Constant) and isinstance(row.value, str):
        return row.value
    if isinstance(row, ast.Name) and row.id in constants:
        return constants[row.id]
    if isinstance(row, ast.BinOp) and isinstance(row.op, ast.Add):
        return text_of(row.left, constants) + text_of(row.right, constants)
    raise ValueError(f"line {row.lineno}: a row is a text, the name of one in the same file, or a sum of these")


def rows_of(decorators: list[ast.expr], constants: dict[str, str]) -> Iterator[str]:
    """The rows that decorators name."""
    for decorator in decorators:
        if isinstance(decorator, ast.Call) and decorator.args:
            function, row = decorator.func, decorator.args[0]
            name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
            if name == "contract":
                yield text_of(row, constants)


def assigned(body: list[ast.stmt]) -> dict[str, ast.expr]:
    """What a module assigns to plain names."""
    return {
        target.id: statement.value
        for statement in body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name)
    }


def tests_of(path: Path) -> Iterator[tuple[str, str]]:
    """Pairs of row and test, in the order of the file; a `pytestmark` holds its row for each test of the file."""
    module = ast.parse(path.read_text())
    names = assigned(module.body)
    constants = {
        name: it.value for name, it in names.items() if isinstance(it, ast.Constant) and isinstance(it.value, str)
    }
    marks = names.get("pytestmark")
    of_all = list(rows_of(marks.elts if isinstance(marks, ast.List) else [marks] if marks else [], constants))

    def walk(body: list[ast.stmt], prefix: str) -> Iterator[tuple[str, str]]:
        for statement in body:
            if isinstance(statement, (ast.ClassDef, ast.FunctionDef)):
                name = f"{prefix}{statement.name}"
                everywhere = of_all if statement.name.startswith("test_") else []
                for row in [*rows_of(statement.decorator_list, constants), *everywhere]:
                    yield row, f"{path.relative_to(TESTS).as_posix()}::{name}"
                if isinstance(statement, ast.ClassDef):
                    yield from walk(statement.body, f"{name}::")

    yield from walk(module.body, "")


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

"""Type checkers see what users write: no plugin needed, no error in right uses, the expected one in wrong uses.

A line of a case that must be refused ends with `# error: CODE` (mypy's), and pyright must refuse it too; `# mypy: CODE`
and `# pyright: RULE` are for what only one of them sees.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

CASES = Path(__file__).parent / "cases"
PINNED = re.compile(r"#\s*(?P<tool>error|mypy|pyright):\s*(?P<code>[\w-]+)")

Errors = dict[tuple[str, int], set[str]]


def expected(tool: str) -> Errors:
    """Where the cases say that a tool must report an error; pyright's rule is left open where mypy's code is given."""
    found: Errors = defaultdict(set)
    for path in sorted(CASES.glob("*.py")):
        for number, line in enumerate(path.read_text().splitlines(), start=1):
            for pin in PINNED.finditer(line):
                if pin["tool"] in ("error", tool):
                    found[path.name, number].add(pin["code"] if pin["tool"] == tool or tool == "mypy" else "*")
    return dict(found)


def reported_by_mypy() -> Errors:
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--config-file=",
        "--strict",
        "--output=json",
        "--cache-dir",
        ".mypy_cache/cases",
        ".",
    ]
    output = subprocess.run(command, capture_output=True, text=True, check=False, cwd=CASES)
    assert output.returncode in (0, 1), output.stderr
    found: Errors = defaultdict(set)
    for line in output.stdout.splitlines():
        if line.startswith("{"):
            message = json.loads(line)
            if message["severity"] == "error":
                found[Path(message["file"]).name, message["line"]].add(message["code"])
    return dict(found)


def reported_by_pyright() -> Errors:
    command = [
        Path(sys.executable).with_name("basedpyright"),
        "--project",
        CASES,
        "--pythonpath",
        sys.executable,
        "--outputjson",
    ]
    output = subprocess.run(command, capture_output=True, text=True, check=False, cwd=CASES)
    found: Errors = defaultdict(set)
    for message in json.loads(output.stdout)["generalDiagnostics"]:
        if message["severity"] == "error":
            found[Path(message["file"]).name, message["range"]["start"]["line"] + 1].add(message.get("rule", "syntax"))
    return dict(found)


def differences(tool: str, found: Errors) -> list[str]:
    """One line per error that was expected and not reported, or reported and not expected."""
    wanted = expected(tool)
    lines = []
    for name, number in sorted(wanted.keys() | found.keys()):
        codes, given = wanted.get((name, number), set()), found.get((name, number), set())
        if codes != given and not (codes == {"*"} and given):
            lines.append(f"{name}:{number}: expected {sorted(codes) or 'no error'}, got {sorted(given) or 'none'}")
    return lines


@pytest.mark.contract("configurations 13: dataclass_transform, type checkers without plugin")
@pytest.mark.parametrize(("tool", "reported"), [("mypy", reported_by_mypy), ("pyright", reported_by_pyright)])
def test_checkers_report_exactly_the_pinned_errors(tool, reported):
    assert expected(tool), "no error is pinned: the cases would pass whatever the types say"
    assert differences(tool, reported()) == []

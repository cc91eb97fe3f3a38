"""The mypy plugin: what constructors take, pinned line by line (`# mypy: CODE`), from sources and from mypy's cache."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

TYPING = Path(__file__).parents[1] / "typing"
PINNED = re.compile(r"#\s*(?:error|mypy):\s*(?P<code>[\w-]+)")


def pinned(folder: Path) -> dict[tuple[str, int], set[str]]:
    return {
        (path.name, number): {pin["code"] for pin in PINNED.finditer(line)}
        for path in folder.glob("*.py")
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if PINNED.search(line)
    }


def reported(folder: Path, settings: Path, cache: Path) -> dict[tuple[str, int], set[str]]:
    command = [sys.executable, "-m", "mypy", "--strict", "--output=json", "--config-file", settings]
    output = subprocess.run(
        [*command, "--cache-dir", cache, "."], capture_output=True, text=True, check=False, cwd=folder
    )
    assert output.returncode in (0, 1), output.stdout + output.stderr
    found = defaultdict(set)
    for line in output.stdout.splitlines():
        message = json.loads(line)
        if message["severity"] == "error":
            found[Path(message["file"]).name, message["line"]].add(message["code"])
    return dict(found)


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    path = tmp_path / "mypy.ini"
    path.write_text("[mypy]\nplugins = experimaestro.mypy\n")
    return path


@pytest.mark.parametrize("cases", ["plugin_cases", "cases"])
@pytest.mark.contract("configurations 13: experimaestro.mypy")
def test_with_the_plugin_mypy_reports_exactly_the_pinned_errors(cases, settings, tmp_path):
    assert reported(TYPING / cases, settings, tmp_path / "cache") == pinned(TYPING / cases)


def test_classes_read_from_the_cache_keep_their_constructors(settings, tmp_path):
    folder = tmp_path / "cases"
    folder.mkdir()
    for path in (TYPING / "plugin_cases").glob("*.py"):
        (folder / path.name).write_text(path.read_text())
    reported(folder, settings, tmp_path / "cache")
    # Only this module is analysed again: the others come from the cache.
    (folder / "elsewhere.py").write_text((folder / "elsewhere.py").read_text() + "\nprint()\n")
    assert reported(folder, settings, tmp_path / "cache") == pinned(folder)


def test_without_the_plugin_the_cases_are_not_understood(tmp_path):
    settings = tmp_path / "mypy.ini"
    settings.write_text("[mypy]\n")
    assert reported(TYPING / "plugin_cases", settings, tmp_path / "cache") != pinned(TYPING / "plugin_cases")

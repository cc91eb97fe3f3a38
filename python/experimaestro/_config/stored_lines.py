"""Files of JSON lines, to which lines are only ever added."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from experimaestro import _core


def json_lines(file: Path) -> list[dict[str, Any]]:
    """The objects of the lines, none if there is no file; a last line that was cut off by a crash is left out.

    Raises:
        LoadError: another line is damaged.
    """
    if not file.is_file():
        return []
    lines = file.read_bytes().split(b"\n")
    found = []
    for index, line in enumerate(lines):
        if not line.strip():
            continue
        try:
            found.append(json.loads(line))
        except ValueError as error:
            if index == len(lines) - 1:
                break
            raise _core.LoadError(f"{file}, line {index + 1}, is damaged: {error}") from None
    return found

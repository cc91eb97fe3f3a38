"""Bytes that one object keeps, of many held in memory: configurations beside dataclasses with the same fields.

Each measure is the growth of a process of its own, so that what Rust allocates counts like what Python does.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import models
from harness import OLDER, QUICK, WHO, emit

COUNTS = (1_000, 10_000, 100_000)

FAMILIES: dict[str, Callable[[], Any]] = {
    WHO: lambda: models.CONFIGURATIONS,
    "dataclasses": lambda: models.DATACLASSES,
    "pydantic": models.pydantic_models,
}


def resident() -> int:
    """Return the bytes of this process that are in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def growth(family: Any, count: int) -> float:
    """Return the bytes per object; the values are shared, so that they count for none."""
    held = [models.flat(family) for _ in range(100)]
    before = resident()
    held += [models.flat(family) for _ in range(count)]
    return (resident() - before) / count


if __name__ == "__main__":
    if sys.argv[1:2] == ["--grow"]:
        print(growth(FAMILIES[sys.argv[2]](), int(sys.argv[3])))
    else:
        for count in COUNTS[:1] if QUICK else COUNTS:
            for who in [WHO] if OLDER else FAMILIES:
                command = [sys.executable, __file__, "--grow", who, str(count)]
                emit(f"memory: {count:,} configurations, each", who, float(subprocess.check_output(command)))

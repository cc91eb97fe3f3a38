"""Names by which programmes find things: `getqualattr`, `add_to_path`."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def getqualattr(module: Any, qualname: str) -> Any:
    """An attribute by its dotted name, as in `__qualname__`.

    >>> import pathlib
    >>> getqualattr(pathlib, "Path.name") is pathlib.Path.name
    True
    """
    for name in qualname.split("."):
        module = getattr(module, name)
    return module


@contextmanager
def add_to_path(folder: str | Path) -> Iterator[None]:
    """A folder in front of the import path, for a while."""
    entry = str(folder)
    sys.path.insert(0, entry)
    try:
        yield
    finally:
        if entry in sys.path:
            sys.path.remove(entry)

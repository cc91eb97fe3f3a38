"""Where the modules of an experiment are found: what its jobs need on `sys.path`.

Floor: `_run`.
"""

from __future__ import annotations

import os
import sys

__all__ = ["driver_python_path"]

_cache: tuple[list[str], list[str]] = ([], [])


def driver_python_path() -> list[str]:
    """Return the entries of `sys.path` that this interpreter does not add by itself, absolute, in order.

    The script's folder is among them, and what the user's code or `PYTHONPATH` added.
    """
    global _cache
    seen, known = _cache
    if seen != sys.path:
        library = tuple(os.path.join(prefix, "lib", "python") for prefix in {sys.prefix, sys.base_prefix})
        known = [os.path.abspath(entry) for entry in sys.path]
        known = [entry for entry in dict.fromkeys(known) if not entry.startswith(library)]
        _cache = (list(sys.path), known)
    return known

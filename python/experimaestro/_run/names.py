"""Names that people give, and that become names of folders.

Floor: `_run`.
"""

from __future__ import annotations

__all__ = ["LONGEST_NAME", "can_name_folder"]

LONGEST_NAME = 200
"""Bytes: suffixes are added to the name, and file systems end at 255."""


def can_name_folder(name: str) -> bool:
    """Whether a name can be that of a folder, everywhere, and be found again by people.

    >>> can_name_folder("digits"), can_name_folder("a/b"), can_name_folder(" a"), can_name_folder(".a")
    (True, False, False, False)
    """
    if not name.isprintable() or "/" in name or name.startswith(".") or name != name.strip():
        return False
    return 0 < len(name.encode()) <= LONGEST_NAME

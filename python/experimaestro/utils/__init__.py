"""Small helpers of older projects."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["cleanupdir"]


def cleanupdir(path: str | os.PathLike[str]) -> None:
    """Make sure that a folder exists and is empty: what is in it is deleted.

    Raises:
        NotADirectoryError: there is a file of that name.
    """
    import shutil

    folder = Path(path)
    folder.mkdir(parents=True, exist_ok=True) if not folder.is_file() else None
    for inside in folder.iterdir():
        if inside.is_dir() and not inside.is_symlink():
            shutil.rmtree(inside)
        else:
            inside.unlink()

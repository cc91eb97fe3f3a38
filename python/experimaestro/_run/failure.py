"""Telling a failure: one line for tables, the user's own frames for the log.

Floor: `_run`. Imported only once something went wrong.
"""

from __future__ import annotations

import os
import sys
import traceback
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_STANDARD_LIBRARY = os.path.dirname(os.path.abspath(os.__file__)) + os.sep
_LONGEST = 500


def one_line(error: BaseException) -> str:
    """Return `Type: text (file:line)`; the place is the innermost frame of the user's own code.

    >>> one_line(ValueError("two\\nlines"))
    'ValueError: two lines'
    """
    # Names of files that are no Unicode come as surrogates, which no file of ours could hold.
    text = " ".join(_text(error).encode(errors="backslashreplace").decode().split())
    if len(text) > _LONGEST:
        text = text[: _LONGEST - 1] + "…"
    line = f"{type(error).__name__}: {text}" if text else type(error).__name__
    place = _place(error)
    return f"{line} ({place})" if place else line


def print_traceback(error: BaseException) -> None:
    """Print the traceback on stderr, without the frames of the runner that called the user's code."""
    kept = error.__traceback__
    while kept is not None and _is_ours(kept.tb_frame.f_code.co_filename):
        kept = kept.tb_next
    traceback.print_exception(type(error), error, kept or error.__traceback__, file=sys.stderr)


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - the user's __str__ may do anything
        return "(its text cannot be shown)"


def _place(error: BaseException) -> str | None:
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}"
    innermost = users = None
    frame: TracebackType | None = error.__traceback__
    while frame is not None:
        file = frame.tb_frame.f_code.co_filename
        if not _is_ours(file):
            innermost = f"{file}:{frame.tb_lineno}"
            if not _is_library(file):
                users = innermost
        frame = frame.tb_next
    return users or innermost


def _is_ours(file: str) -> bool:
    return file.startswith(_OURS)


def _is_library(file: str) -> bool:
    parts = file.split(os.sep)
    return file.startswith(("<", _STANDARD_LIBRARY)) or "site-packages" in parts or "dist-packages" in parts

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


# What libraries say when a graphics card has no memory left; their exceptions are not MemoryError.
_MEMORY_NAMES = ("OutOfMemoryError",)
_MEMORY_TEXTS = (
    "CUDA out of memory",
    "CUDA error: out of memory",
    "CUDA_ERROR_OUT_OF_MEMORY",
    "HIP out of memory",
    "MPS backend out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "RESOURCE_EXHAUSTED: Out of memory",
)


def lacks_memory(error: BaseException) -> bool:
    """Whether there was not enough memory, on the machine or on a graphics card.

    >>> lacks_memory(MemoryError()), lacks_memory(RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"))
    (True, True)
    >>> lacks_memory(ValueError("out of memory of the class"))
    False
    """
    if isinstance(error, MemoryError) or type(error).__name__ in _MEMORY_NAMES:
        return True
    return isinstance(error, RuntimeError) and any(text in _text(error) for text in _MEMORY_TEXTS)


def origin(error: BaseException) -> tuple[str, str, str | None]:
    """Type, text in one line, and place of an exception: what failures of the same cause have in common.

    >>> origin(ValueError("two\\nlines"))
    ('ValueError', 'two lines', None)
    """
    kind = type(error)
    name = (
        kind.__qualname__ if kind.__module__ in ("builtins", "__main__") else f"{kind.__module__}.{kind.__qualname__}"
    )
    return name, _one_line(_text(error)), _place(error)


def _one_line(text: str) -> str:
    # Names of files that are no Unicode come as surrogates, which no file of ours could hold.
    text = " ".join(text.encode(errors="backslashreplace").decode().split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def one_line(error: BaseException) -> str:
    """Return `Type: text (file:line)`; the place is the innermost frame of the user's own code.

    >>> one_line(ValueError("two\\nlines"))
    'ValueError: two lines'
    """
    text = _one_line(_text(error))
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

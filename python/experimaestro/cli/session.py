"""What the options before the command's name say: how much to tell, and how."""

from __future__ import annotations

import os
import sys


class Session:
    """Choices that hold for the whole command."""

    quiet = False
    """Warnings and errors only: no progress."""
    traceback = False
    """Show Python tracebacks of errors."""


CURRENT = Session()
"""The session of this process: errors are shown after click's own context is gone."""


def is_terminal(descriptor: int) -> bool:
    """Whether file descriptor 1 or 2 is a terminal that can do more than print lines."""
    stream = sys.stdout if descriptor == 1 else sys.stderr
    try:
        return stream.isatty() and os.environ.get("TERM") != "dumb"
    except (AttributeError, ValueError):
        return False


def wants_colour(descriptor: int) -> bool:
    """Whether to colour what goes to file descriptor 1 or 2; `NO_COLOR` and `FORCE_COLOR` decide first."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or is_terminal(descriptor)

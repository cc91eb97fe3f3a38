"""Saying what is to be documented."""

from __future__ import annotations

from typing import Any

from experimaestro._config.decorators import documentation

__all__ = ["documentation", "shoulddocument"]


def shoulddocument(value: Any) -> bool:
    """Whether `documentation` marked it (for a class: the class itself, and none of its parents).

    >>> @documentation
    ... def step(): ...
    >>> shoulddocument(step)
    True
    """
    target = getattr(value, "__func__", getattr(value, "fget", value))
    return bool(getattr(target, "__dict__", {}).get("__xpm_documented__", False))

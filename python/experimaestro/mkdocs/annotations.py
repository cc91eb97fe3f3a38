"""Saying what is to be documented."""

from __future__ import annotations

from typing import Any, TypeVar

T = TypeVar("T")

_MARK = "__xpm_documentation__"


def documentation(documented: T) -> T:
    """Mark a method or a class as part of what users should read about.

    >>> @documentation
    ... def step(): ...
    >>> shoulddocument(step)
    True
    """
    target: Any = getattr(documented, "__func__", getattr(documented, "fget", documented))
    setattr(target, _MARK, True)
    return documented


def shoulddocument(value: Any) -> bool:
    """Whether `documentation` marked it (for a class: the class itself, and none of its parents)."""
    target = getattr(value, "__func__", getattr(value, "fget", value))
    return bool(target.__dict__.get(_MARK, False)) if hasattr(target, "__dict__") else False

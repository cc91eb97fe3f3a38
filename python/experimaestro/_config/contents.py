"""Looking at values of any kind, whatever their own code does.

Kinds are told by the real class (`__class__` can say anything), containers are read by the means of their base class
(`__iter__` of a subclass may never end), and what has no text is named by its class.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from experimaestro import _core

if TYPE_CHECKING:
    from collections.abc import Iterator


def is_config(value: Any) -> bool:
    """Whether this is a configuration."""
    return issubclass(type(value), _core.ConfigBase)


def is_a(value: Any, kind: type | tuple[type, ...]) -> bool:
    """Whether this is of a class that derives from one of these, really."""
    return issubclass(type(value), kind)


def items(value: Any) -> Iterator[Any]:
    """Elements of a list or a tuple."""
    return list.__iter__(value) if is_a(value, list) else tuple.__iter__(value)


def entries(value: dict[Any, Any]) -> list[tuple[Any, Any]]:
    """Keys and values of a dictionary."""
    return list(dict.items(value))


def elements(value: Any) -> frozenset[Any]:
    """Elements of a set, without asking for their hashes again."""
    return frozenset(value)


def is_numpy(value: Any) -> bool:
    """Whether this is an array or a scalar of numpy."""
    numpy = sys.modules.get("numpy")
    return numpy is not None and is_a(value, (numpy.ndarray, numpy.generic))


def text_of(value: Any) -> str:
    """`repr(value)`; the name of the class of what cannot be written."""
    try:
        return repr(value)
    except Exception:  # noqa: BLE001 - the value's own code, or a number that is too long to be written
        return f"<{type.__dict__['__name__'].__get__(type(value))} without repr>"

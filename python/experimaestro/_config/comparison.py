"""Equality and text of configurations, also of those that hold themselves."""

from __future__ import annotations

from typing import Any

from experimaestro import _core

from .contents import elements, entries, is_a, is_config, is_numpy, items, text_of
from .information import ConfigInformation

DEEPEST = 50
"""Containers within containers that are written."""


def equal(one: Any, other: Any) -> bool:
    """Whether two configurations of one class have equal parameters; sealed ones are compared by identifier."""
    if _core.state_of(one).sealed and _core.state_of(other).sealed:
        return _core.identifier(one, own=True) == _core.identifier(other, own=True)
    return _Comparison().same(one, other)


def same_values(one: Any, other: Any) -> bool:
    """Whether two configurations of one class have equal parameters, those that count and those that do not."""
    return _Comparison().same(one, other)


class _Comparison:
    """Assumes that a pair under comparison is equal, so that cycles end."""

    def __init__(self) -> None:
        self._assumed: set[tuple[int, int]] = set()

    def same(self, one: Any, other: Any) -> bool:
        pending = [(one, other)]
        while pending:
            left, right = pending.pop()
            if left is right:
                continue
            if is_config(left) and is_config(right):
                if type(left) is not type(right):
                    return False
                pair = (id(left), id(right))
                if pair not in self._assumed:
                    self._assumed.add(pair)
                    pending.append((ConfigInformation(left).values, ConfigInformation(right).values))
            elif type(left) is not type(right):
                return False
            elif is_a(left, (list, tuple)):
                if len(left) != len(right):
                    return False
                pending.extend(zip(items(left), items(right), strict=True))
            elif is_a(left, dict):
                if left.keys() != right.keys():
                    return False
                pending.extend((value, right[key]) for key, value in entries(left))
            elif is_numpy(left):
                if not _same_array(left, right):
                    return False
            elif left != right:
                return False
        return True


def _same_array(left: Any, right: Any) -> bool:
    # The order of bytes in memory counts in no identifier, and copies may change it.
    alike = left.dtype.newbyteorder("<") == right.dtype.newbyteorder("<")
    return alike and left.shape == right.shape and bool((left == right).all())


def to_str(config: Any, max_depth: int = 3) -> str:
    """`module.Class(name=value, …)`, with `...` where a configuration holds itself or is nested too deep."""
    return _text(config, max_depth, ())


def _text(value: Any, depth: int, above: tuple[int, ...]) -> str:
    if id(value) in above:
        return "..."
    inside = (*above, id(value))
    if is_config(value):
        cls = type(value).__xpmtype__.value_type
        if depth == 0:
            return f"{cls.__qualname__}(...)"
        name = f"{cls.__module__}.{cls.__qualname__}" if not above else cls.__qualname__
        values = (f"{key}={_text(item, depth - 1, inside)}" for key, item in ConfigInformation(value).values.items())
        return f"{name}({', '.join(values)})"
    if len(above) > DEEPEST and is_a(value, (list, tuple, dict)):
        return "..."
    if is_a(value, list):
        return f"[{', '.join(_text(item, depth, inside) for item in items(value))}]"
    if is_a(value, tuple):
        return f"({', '.join(_text(item, depth, inside) for item in items(value))})"
    if is_a(value, dict):
        pairs = (f"{_text(key, depth, inside)}: {_text(item, depth, inside)}" for key, item in entries(value))
        return "{" + ", ".join(pairs) + "}"
    if is_a(value, (set, frozenset)) and elements(value):
        text = "{" + ", ".join(_text(item, depth, inside) for item in elements(value)) + "}"
        return text if is_a(value, set) else f"frozenset({text})"
    return text_of(value)

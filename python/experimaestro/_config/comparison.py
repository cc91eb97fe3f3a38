"""Equality and text of configurations, also of those that hold themselves."""

from __future__ import annotations

from typing import Any

from experimaestro import _core

from .information import ConfigInformation


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
            if isinstance(left, _core.ConfigBase) and isinstance(right, _core.ConfigBase):
                if type(left) is not type(right):
                    return False
                pair = (id(left), id(right))
                if pair not in self._assumed:
                    self._assumed.add(pair)
                    pending.append((ConfigInformation(left).values, ConfigInformation(right).values))
            elif type(left) is not type(right):
                return False
            elif isinstance(left, (list, tuple)):
                if len(left) != len(right):
                    return False
                pending.extend(zip(left, right, strict=True))
            elif isinstance(left, dict):
                if left.keys() != right.keys():
                    return False
                pending.extend((value, right[key]) for key, value in left.items())
            elif type(left).__module__ == "numpy":
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
    if isinstance(value, _core.ConfigBase):
        cls = type(value).__xpmtype__.value_type
        if id(value) in above:
            return "..."
        if depth == 0:
            return f"{cls.__qualname__}(...)"
        name = f"{cls.__module__}.{cls.__qualname__}" if not above else cls.__qualname__
        inside = (
            f"{key}={_text(item, depth - 1, (*above, id(value)))}"
            for key, item in ConfigInformation(value).values.items()
        )
        return f"{name}({', '.join(inside)})"
    if isinstance(value, list):
        return f"[{', '.join(_text(item, depth, above) for item in value)}]"
    if isinstance(value, tuple):
        return f"({', '.join(_text(item, depth, above) for item in value)})"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {_text(item, depth, above)}" for key, item in value.items()) + "}"
    return repr(value)

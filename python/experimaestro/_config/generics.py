"""Type variables of generic configurations: what each stands for, per configuration.

A configuration binds the type variables of its class when its parameters are set. A later value must be of a sub-class
or of a super-class of what the variable stands for, and a super-class widens it. Variables of a configuration and of
those that it holds become one where the annotation says so.
"""

from __future__ import annotations

import typing
from typing import Any

from experimaestro import _core

from .typespec import UNIONS


class _Cell:
    """What a type variable stands for; cells that must agree point to one another."""

    __slots__ = ("kind", "same")

    def __init__(self) -> None:
        self.kind: Any = None
        self.same: _Cell | None = None

    def root(self) -> _Cell:
        cell = self
        while cell.same is not None:
            cell = cell.same
        return cell


class _Conflict(Exception):
    """A value that does not fit a type variable or an argument of a generic class."""


def bind(annotation: Any, bound: dict[Any, _Cell], value: Any) -> str | None:
    """Make the type variables in an annotation agree with a value; what is in the way, if anything is.

    `bound` belongs to the configuration. Nothing changes when the answer is a reason.
    """
    # Values are asked for their type only: what they say of themselves may be anything.
    changes: list[tuple[_Cell, Any, _Cell | None]] = []
    known = dict(bound)
    try:
        _match(annotation, value, bound, changes)
    except _Conflict as conflict:
        for cell, kind, same in reversed(changes):
            cell.kind, cell.same = kind, same
        bound.clear()
        bound.update(known)
        return str(conflict)
    return None


def concrete(bound: dict[Any, _Cell] | None) -> dict[Any, Any]:
    """What each type variable stands for, those that stand for something."""
    found = {variable: cell.root().kind for variable, cell in (bound or {}).items()}
    return {variable: kind for variable, kind in found.items() if kind is not None}


Changes = list[tuple[_Cell, Any, "_Cell | None"]]


def _match(annotation: Any, value: Any, bound: dict[Any, _Cell], changes: Changes) -> None:
    if value is None:
        return
    if isinstance(annotation, typing.TypeVar):
        _widen(_cell(annotation, bound), _class_of(value), annotation, changes)
        return
    origin = typing.get_origin(annotation)
    arguments = typing.get_args(annotation)
    if origin in UNIONS:
        _match_union(arguments, value, bound, changes)
    elif origin in (list, set) and issubclass(type(value), (list, set)):
        for item in value:
            _match(arguments[0], item, bound, changes)
    elif origin is tuple and issubclass(type(value), tuple):
        kinds = [arguments[0]] * len(value) if arguments[1:] == (Ellipsis,) else arguments
        for kind, item in zip(kinds, value, strict=False):
            _match(kind, item, bound, changes)
    elif origin is dict and issubclass(type(value), dict):
        for key, item in value.items():
            _match(arguments[0], key, bound, changes)
            _match(arguments[1], item, bound, changes)
    elif isinstance(origin, type) and issubclass(type(value), _core.ConfigBase):
        _match_arguments(origin, arguments, value, bound, changes)


def _match_union(members: tuple[Any, ...], value: Any, bound: dict[Any, _Cell], changes: Changes) -> None:
    """The value fits if one member fits; a plain member that is its class leaves the variables alone."""
    plain = [member for member in members if isinstance(member, type) and member is not type(None)]
    if any(issubclass(type(value), member) for member in plain):
        return
    reason = ""
    for member in members:
        if member in plain or member is type(None):
            continue
        mark = len(changes)
        try:
            _match(member, value, bound, changes)
        except _Conflict as conflict:
            reason = str(conflict)
            for cell, kind, same in reversed(changes[mark:]):
                cell.kind, cell.same = kind, same
            del changes[mark:]
        else:
            return
    if reason:
        raise _Conflict(reason)


def _match_arguments(
    generic: type, arguments: tuple[Any, ...], value: Any, bound: dict[Any, _Cell], changes: Changes
) -> None:
    """The arguments of a generic class against what they are for the value."""
    given = arguments_of(type(value).__xpmtype__.value_type, generic)
    state = _core.state_of(value)
    for index, wanted in enumerate(arguments):
        has = given[index] if index < len(given) else None
        if isinstance(has, typing.TypeVar):
            cells = state.type_variables
            if cells is None:
                cells = state.type_variables = {}
            inner = _cell(has, cells)
            if isinstance(wanted, typing.TypeVar):
                _fuse(_cell(wanted, bound), inner, wanted, changes)
                continue
            has = inner.root().kind
        if has is None:
            continue
        if isinstance(wanted, typing.TypeVar):
            _widen(_cell(wanted, bound), has, wanted, changes)
        elif not _fits(has, wanted):
            raise _Conflict(f"its argument {_name(has)} is no {_name(wanted)}")


def arguments_of(cls: type, generic: type) -> tuple[Any, ...]:
    """The arguments that a class gives to one of its generic bases.

    >>> T, K, V = typing.TypeVar("T"), typing.TypeVar("K"), typing.TypeVar("V")
    >>> class Pair(typing.Generic[K, V]): ...
    >>> class Same(Pair[T, T]): ...
    >>> class Ints(Same[int]): ...
    >>> arguments_of(Ints, Pair)
    (<class 'int'>, <class 'int'>)
    """
    if cls is generic:
        return tuple(getattr(cls, "__parameters__", ()))
    for base in getattr(cls, "__orig_bases__", cls.__bases__):
        origin = typing.get_origin(base) or base
        if not (isinstance(origin, type) and issubclass(origin, generic)):
            continue
        inner = arguments_of(origin, generic)
        given = dict(zip(getattr(origin, "__parameters__", ()), typing.get_args(base), strict=False))
        return tuple(given.get(argument, argument) if _hashable(argument) else argument for argument in inner)
    return ()


def _hashable(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


def _cell(variable: Any, bound: dict[Any, _Cell]) -> _Cell:
    cell = bound.get(variable)
    if cell is None:
        cell = bound[variable] = _Cell()
    return cell.root()


def _widen(cell: _Cell, kind: Any, variable: Any, changes: Changes) -> None:
    cell = cell.root()
    known = cell.kind
    if known is None or known is kind:
        wider = kind
    elif _fits(kind, known):
        return
    elif _fits(known, kind):
        wider = kind
    else:
        raise _Conflict(f"{variable} stands for {_name(known)} in this configuration, which {_name(kind)} does not fit")
    changes.append((cell, cell.kind, cell.same))
    cell.kind = wider


def _fuse(one: _Cell, other: _Cell, variable: Any, changes: Changes) -> None:
    one, other = one.root(), other.root()
    if one is other:
        return
    if other.kind is not None:
        _widen(one, other.kind, variable, changes)
    changes.append((other, other.kind, other.same))
    other.same = one


def _class_of(value: Any) -> Any:
    return type(value).__xpmtype__.value_type if issubclass(type(value), _core.ConfigBase) else type(value)


def _fits(kind: Any, wanted: Any) -> bool:
    """Whether a type may stand where another one is wanted."""
    if wanted is Any or wanted is object or kind is Any or kind == wanted or isinstance(kind, typing.TypeVar):
        return True
    wanted_origin, kind_origin = typing.get_origin(wanted), typing.get_origin(kind)
    if kind_origin in UNIONS:
        return all(_fits(member, wanted) for member in typing.get_args(kind))
    if wanted_origin in UNIONS:
        return any(_fits(kind, member) for member in typing.get_args(wanted))
    if wanted_origin is not None:
        if kind_origin is None or not _fits(kind_origin, wanted_origin):
            return False
        pairs = zip(typing.get_args(kind), typing.get_args(wanted), strict=False)
        return all(_fits(one, other) for one, other in pairs)
    kind = kind_origin or kind
    return isinstance(kind, type) and isinstance(wanted, type) and issubclass(kind, wanted)


def _name(kind: Any) -> str:
    return kind.__qualname__ if isinstance(kind, type) else str(kind)

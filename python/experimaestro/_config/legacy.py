"""Class decorators of the first versions: `@config()`, `@task()`, `@param("x", int)`, and their kin."""

from __future__ import annotations

import typing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from .annotations import Checker, Constant, Meta, Param, default, help, pathgenerator

if TYPE_CHECKING:
    from collections.abc import Callable

Class = TypeVar("Class", bound=type)

_NOTHING: Any = object()


def config(identifier: Any = None, description: str | None = None) -> Callable[[type], Any]:
    """Make a plain class a configuration class."""
    return lambda cls: _rebuild(cls, "Config", identifier, description)


def task(identifier: Any = None, pythonpath: Any = None, description: str | None = None) -> Callable[[type], Any]:  # noqa: ARG001
    """Make a plain class a task class; `pythonpath` has no effect."""
    return lambda cls: _rebuild(cls, "Task", identifier, description)


def _rebuild(cls: type, base_name: str, identifier: Any, description: str | None) -> type:
    from . import classes

    base = getattr(classes, base_name)
    if identifier is not None:
        cls.__xpmid__ = str(identifier)  # type: ignore[attr-defined]
    if description is not None and not cls.__doc__:
        cls.__doc__ = description
    if issubclass(cls, base):
        return cls
    # `__dict__` and `__weakref__` belong to the old class, and would refuse the new one's objects.
    namespace = {name: value for name, value in vars(cls).items() if name not in ("__dict__", "__weakref__")}
    bases = tuple(parent for parent in cls.__bases__ if parent is not object)
    # The class takes over from plain Config bases; a foreign metaclass is kept.
    made = type(cls)(cls.__name__, (*bases, base), namespace)
    return made


def _declare(cls: Class, name: str, annotation: Any) -> Class:
    own = cls.__dict__.get("__annotations__")
    if own is None:
        own = {}
        cls.__annotations__ = own
    # Decorators apply from the last to the first: each declares before those that were below it.
    own = {name: annotation, **own}
    cls.__annotations__ = own
    return cls


def param(
    name: str,
    type: Any = None,
    default: Any = _NOTHING,
    required: bool | None = None,
    ignored: bool | None = None,
    help: str | None = None,
    checker: Checker | None = None,
    constant: bool = False,
) -> Callable[[Class], Class]:
    """Declare a parameter above the class.

    Args:
        name: its name.
        type: its type; that of the default, or any, when not given.
        default: its default, left out of the identifier when equal.
        required: False makes it optional.
        ignored: whether it never counts in the identifier.
        help: what it means.
        checker: accepts or refuses values.
        constant: it cannot be set.
    """
    kept: Any = type
    if kept is None:
        kept = Any if default is _NOTHING or default is None else default.__class__
    if required is False and default is _NOTHING:
        kept = _optional(kept)
    marks: list[Any] = []
    if default is not _NOTHING:
        marks.append(_default(default))
    if help is not None:
        marks.append(_help(help))
    if checker is not None:
        marks.append(checker)
    kind: Any = Constant if constant else Meta if ignored else Param
    annotation = kind[kept]
    for mark in marks:
        annotation = Annotated[annotation, mark]
    return lambda cls: _declare(cls, name, annotation)


# The parameters of the decorators hide these names.
_default, _help = default, help


def _optional(kind: Any) -> Any:
    return typing.Union[kind, None]  # noqa: UP007 - built at run time


argument = param


def option(*args: Any, **kwargs: Any) -> Callable[[Class], Class]:
    """Declare a parameter that never counts in the identifier."""
    return param(*args, **{**kwargs, "ignored": True})


def pathoption(name: str, path: Any = None, help: str = "") -> Callable[[Class], Class]:
    """Declare a path inside the job folder."""
    marks = (pathgenerator(name if path is None else path), *((_help(help),) if help else ()))
    annotation: Any = Annotated[Path, marks[0]]
    for mark in marks[1:]:
        annotation = Annotated[annotation, mark]
    return lambda cls: _declare(cls, name, annotation)


def constant(name: str, value: Any, type: Any = None, help: str = "") -> Callable[[Class], Class]:
    """Declare a value that always counts and cannot be set."""
    return param(name, type=type, default=value, help=help or None, constant=True)


ConstantParam = constant


def configmethod(method: Class) -> Class:
    """Nothing: in version 0 it marked methods of configurations."""
    return method


__all__ = [
    "ConstantParam", "argument", "config", "configmethod", "constant", "option", "param", "pathoption", "task",
]  # fmt: skip

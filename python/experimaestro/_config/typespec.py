"""From a Python annotation to the tuple that Rust compiles into a validator.

Knows `typing`; knows nothing of parameters.
"""

from __future__ import annotations

import types
import typing
from enum import Enum
from pathlib import Path, PurePath
from typing import Any

from .classes import Config

Spec = tuple[Any, ...]

_PLAIN: dict[Any, Spec] = {
    int: ("int",),
    float: ("float",),
    bool: ("bool",),
    str: ("str",),
    bytes: ("bytes",),
    Path: ("path",),
    PurePath: ("path",),
    typing.Any: ("any",),
    object: ("any",),
    list: ("list", ("any",)),
    set: ("set", ("any",)),
    dict: ("dict", ("any",), ("any",)),
    tuple: ("tuple*", ("any",)),
    None: ("any",),
}

UNIONS = {typing.Union, getattr(types, "UnionType", typing.Union)}


class UnsupportedType(TypeError):
    """An annotation that cannot be the type of a parameter."""


def spec_of(annotation: Any) -> Spec:
    """The compiled form's source, e.g. `("list", ("int",))` for `List[int]`.

    Raises:
        UnsupportedType: no value could ever fit, or the type has no canonical form.

    >>> spec_of(dict[str, list[float]])
    ('dict', ('str',), ('list', ('float',)))
    """
    try:
        if annotation in _PLAIN:
            return _PLAIN[annotation]
    except TypeError:  # an unhashable annotation is no plain type
        pass
    origin = typing.get_origin(annotation)
    if origin is not None:
        return _generic(annotation, origin)
    if isinstance(annotation, type):
        return _class(annotation)
    if isinstance(annotation, typing.TypeVar):
        return ("variable", annotation, _bound_of(annotation))
    alias = getattr(annotation, "__value__", None)  # type Name = ...
    if alias is not None:
        return spec_of(alias)
    supertype = getattr(annotation, "__supertype__", None)  # typing.NewType
    if supertype is not None:
        return spec_of(supertype)
    own = getattr(annotation, "__xpm_spec__", None)  # experimaestro.Any, Array(T)
    if own is not None:
        return typing.cast("Spec", own)
    raise UnsupportedType(f"{annotation!r} cannot be the type of a parameter")


def _bound_of(variable: typing.TypeVar) -> Spec:
    if variable.__bound__ is not None:
        return spec_of(variable.__bound__)
    if variable.__constraints__:
        return ("union", *map(spec_of, variable.__constraints__))
    return ("any",)


def _class(annotation: type) -> Spec:
    if issubclass(annotation, Config):
        return ("config", annotation)
    if issubclass(annotation, Enum):
        return ("enum", annotation)
    if annotation.__module__ == "numpy" and annotation.__name__ == "ndarray":
        return ("ndarray",)
    if annotation is type(None):
        return ("literal", None)
    raise UnsupportedType(
        f"{annotation.__module__}.{annotation.__qualname__} cannot be the type of a parameter; use a Config class, "
        "an Enum, a basic type (int, float, bool, str, bytes, Path, numpy.ndarray), or a list, tuple, set or dict"
    )


def _generic(annotation: Any, origin: Any) -> Spec:
    arguments = typing.get_args(annotation)
    if not arguments and origin in _PLAIN and annotation != tuple[()]:  # typing.List, without brackets
        return _PLAIN[origin]
    if origin in UNIONS:
        members = [argument for argument in arguments if argument is not type(None)]
        inner = spec_of(members[0]) if len(members) == 1 else ("union", *map(spec_of, members))
        return ("optional", inner) if len(members) < len(arguments) else inner
    if origin is typing.Annotated:
        return spec_of(arguments[0])
    if origin is list:
        return ("list", spec_of(arguments[0]))
    if origin is set:
        return ("set", spec_of(arguments[0]))
    if origin is dict:
        return ("dict", spec_of(arguments[0]), spec_of(arguments[1]))
    if origin is tuple:
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return ("tuple*", spec_of(arguments[0]))
        return ("tuple", *map(spec_of, arguments))
    if origin is typing.Literal:
        return ("literal", *arguments)
    if isinstance(origin, type) and issubclass(origin, Config):
        return ("generic", origin, annotation)
    if isinstance(origin, type) and origin.__module__ == "numpy" and origin.__name__ == "ndarray":
        return ("ndarray",)
    raise UnsupportedType(
        f"{annotation!r} cannot be the type of a parameter; use list, tuple, set, dict, Optional or Union"
    )

"""Questions about annotations."""

from __future__ import annotations

import typing
from typing import Any

from experimaestro._config.typespec import UNIONS

__all__ = ["get_optional", "get_type", "is_annotated", "is_generic", "is_optional"]


def get_optional(annotation: Any) -> Any:
    """`T` of `Optional[T]`; None for another annotation.

    >>> get_optional(typing.Optional[int])
    <class 'int'>
    """
    if typing.get_origin(annotation) not in UNIONS:
        return None
    members = [member for member in typing.get_args(annotation) if member is not type(None)]
    return members[0] if len(members) == 1 and len(members) < len(typing.get_args(annotation)) else None


def is_optional(annotation: Any) -> bool:
    """Whether it is `Optional[...]`."""
    return get_optional(annotation) is not None


def is_annotated(annotation: Any) -> bool:
    """Whether it is `Annotated[...]`."""
    return typing.get_origin(annotation) is typing.Annotated


def is_generic(annotation: Any) -> bool:
    """Whether it is a generic class with arguments."""
    origin = typing.get_origin(annotation)
    return isinstance(origin, type) and issubclass(origin, typing.Generic)


def get_type(annotation: Any) -> Any:
    """What is inside `Annotated`."""
    return typing.get_args(annotation)[0] if is_annotated(annotation) else annotation

"""`@A.value_class()`: another class for the objects of a configuration class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from .classes import Config

Class = TypeVar("Class", bound=type)

REGISTERED = "__xpm_value_class__"
"""Class attribute with the registered class of objects."""


def register(cls: type[Config], value_class: Class) -> Class:
    """Make objects of `value_class` from the configurations of `cls`; returns it.

    Raises:
        TypeError: it does not derive from `cls`, or from the value classes of the parents of `cls`.
    """
    if not (isinstance(value_class, type) and issubclass(value_class, cls)):
        raise TypeError(f"{value_class!r} must be a subclass of {cls!r} to be its value class")
    for parent in cls.__bases__:
        wanted = nearest(parent)
        if wanted is not None and not issubclass(value_class, wanted):
            raise TypeError(f"{value_class!r} must be a subclass of the parent value class {wanted!r}")
    setattr(cls, REGISTERED, value_class)
    cls.__xpmtype__.set_value_type(value_class)
    return value_class  # pyright: ignore[reportReturnType] - narrowed by the check above


def reduced(plain: Any) -> Any:
    """How an object is pickled and copied, given how Python would: its class, when called, makes configurations."""
    import copyreg

    from experimaestro import _core

    if isinstance(plain, tuple) and plain[0] is copyreg.__newobj__:  # type: ignore[attr-defined]
        return (_core.new_value, *plain[1:])
    return plain


def nearest(cls: type) -> type | None:
    """The value class of the first of the class and its parents that has one."""
    for parent in cls.__mro__:
        found = parent.__dict__.get(REGISTERED)
        if isinstance(found, type):
            return found
    return None

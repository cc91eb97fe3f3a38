"""Objects that stand for tasks of a job's `params.json` until somebody looks at them.

A task with many ancestors refers to them. What it refers to becomes an object without values, of a class that derives
from that of the task; whoever touches an attribute of it finds the object as it would have been from the start.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from experimaestro import _core

if TYPE_CHECKING:
    from collections.abc import Callable

MARK = "__xpm_stands_for__"
"""Key in the `__dict__` of an object that is not complete yet."""

# One for all: completing an object may complete others.
_lock = threading.RLock()
_classes: dict[type, type] = {}


class _Mark:
    """Where the values of an object are."""

    __slots__ = ("at", "file", "is_being_completed", "number")

    def __init__(self, file: _core.AncestorFile, at: int, number: int) -> None:
        self.file, self.at, self.number = file, at, number
        self.is_being_completed = False


class _Unannounced:
    """Goes before the class of a task, so that the users' own `__init_subclass__` does not hear of a stand-in."""

    def __init_subclass__(cls, **_: Any) -> None:
        return


def stand_in(file: _core.AncestorFile, at: int, number: int, schema: _core.Schema) -> Any:
    """An object without values for the task at a place in a file of ancestors."""
    made = _core.new_value(_class_for(schema.value_class))
    _contents(made)[MARK] = _Mark(file, at, number)
    return made


def _contents(made: Any) -> dict[str, Any]:
    return object.__getattribute__(made, "__dict__")  # type: ignore[no-any-return]


def complete(made: Any) -> None:
    """Give an object its values, unless it has them.

    Raises:
        LoadError: the file is damaged, or a class is gone; the object is as it was.
        Exception: whatever the user's `__init__` or `__post_init__` raised.
    """
    contents = _contents(made)
    if MARK not in contents:
        return
    with _lock:
        mark = contents.get(MARK)
        if mark is None or mark.is_being_completed:
            return
        mark.is_being_completed = True
        try:
            mark.file.complete(mark.at, mark.number, made)
        except BaseException:
            mark.is_being_completed = False
            contents.clear()
            contents[MARK] = mark
            raise
        contents.pop(MARK, None)
        object.__setattr__(made, "__class__", type(made).__mro__[2])


def _class_for(value_class: type) -> type:
    known = _classes.get(value_class)
    if known is not None:
        return known
    real: Any = value_class

    def read(self: Any, name: str) -> Any:
        if name == "__class__":
            return real
        complete(self)
        return real.__getattribute__(self, name)

    def write(self: Any, name: str, value: Any) -> None:
        complete(self)
        real.__setattr__(self, name, value)

    def delete(self: Any, name: str) -> None:
        complete(self)
        real.__delattr__(self, name)

    def through(function: str) -> Callable[..., Any]:
        def call(self: Any, *arguments: Any) -> Any:
            import copy

            complete(self)
            return getattr(copy, function)(self, *arguments)

        return call

    members = {
        "__module__": real.__module__,
        "__qualname__": real.__qualname__,
        "__doc__": real.__doc__,
        "__xpmtype__": real.__xpmtype__,
        "__getattribute__": read,
        "__setattr__": write,
        "__delattr__": delete,
        # These look at the class of an object before they touch it.
        "__copy__": through("copy"),
        "__deepcopy__": through("deepcopy"),
    }
    made: type = type(real)(real.__name__, (_Unannounced, real), members)
    _classes[real] = made
    return made

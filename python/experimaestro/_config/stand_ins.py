"""Objects that stand for tasks of a job's `params.json` until somebody looks at them.

A task with many ancestors refers to them. What it refers to becomes an object without values, of a class that derives
from that of the task; whoever touches an attribute of it finds the object as it would have been from the start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from experimaestro import _core

from .turns import turn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MARK = "__xpm_stands_for__"
"""Key in the `__dict__` of an object that is not complete yet."""

_DEEP = 20
"""Objects whose completion may wait for that of another one; beyond, those that are needed are completed before."""

_classes: dict[type, type] = {}


class _Mark:
    """Where the values of an object are."""

    __slots__ = ("at", "bare", "file", "is_being_completed", "number")

    def __init__(self, file: _core.AncestorFile, at: int, number: int, bare: dict[str, Any]) -> None:
        self.file, self.at, self.number = file, at, number
        self.bare = bare
        """What its `__new__` left."""
        self.is_being_completed = False


class _Unannounced:
    """Goes before the class of a task, so that the users' own `__init_subclass__` does not hear of a stand-in."""

    def __init_subclass__(cls, **_: Any) -> None:
        return


def stand_in(file: _core.AncestorFile, at: int, number: int, schema: _core.Schema) -> Any:
    """An object without values for the task at a place in a file of ancestors."""
    made = _core.new_value(_class_for(schema.value_class))
    contents = _contents(made)
    contents[MARK] = _Mark(file, at, number, dict(contents))
    return made


def _contents(made: Any) -> dict[str, Any]:
    return object.__getattribute__(made, "__dict__")  # type: ignore[no-any-return]


def complete(made: Any) -> None:
    """Give an object its values, unless it has them.

    Raises:
        LoadError: the file is damaged, or a class is gone; the object is as it was.
        Exception: whatever the user's `__init__` or `__post_init__` raised.
    """
    if MARK not in _contents(made):
        return
    with turn() as depth:
        if depth >= _DEEP:
            for task in _needed_before(made):
                _complete(task)
        _complete(made)


def _complete(made: Any) -> None:
    mark = _to_do(made)
    if mark is None:
        return
    contents = _contents(made)
    mark.is_being_completed = True
    try:
        mark.file.complete(mark.at, mark.number, made)
    except BaseException:
        mark.is_being_completed = False
        contents.clear()
        contents.update(mark.bare)
        contents[MARK] = mark
        raise
    contents.pop(MARK, None)
    object.__setattr__(made, "__class__", type(made).__mro__[2])


def _to_do(made: Any) -> _Mark | None:
    mark: _Mark | None = _contents(made).get(MARK)
    return None if mark is None or mark.is_being_completed else mark


def _needed_before(made: Any) -> list[Any]:
    """What stands for tasks that an object refers to, directly or not: those that others refer to come before them."""

    def needed(task: Any) -> Iterator[Any]:
        mark = _to_do(task)
        return iter(()) if mark is None else iter(mark.file.tasks_of(mark.at, mark.number))

    entered = {id(made)}
    stack = [(made, needed(made))]
    order = []
    while stack:
        task, rest = stack[-1]
        following = next((it for it in rest if id(it) not in entered), None)
        if following is None:
            order.append(task)
            stack.pop()
        else:
            entered.add(id(following))
            stack.append((following, needed(following)))
    return order[:-1]


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
    # Not called: the users' own metaclasses do not hear of it either.
    made: type = type.__new__(_type_for(real), real.__name__, (_Unannounced, real), members)
    _classes[real] = made
    return made


def _type_for(real: Any) -> type:
    """The class of a class of stand-ins: who compares or changes that, through `type(self)`, means that of the task."""

    def equal(cls: type, other: object) -> bool:
        return other is cls or other is real

    members = {
        "__eq__": equal,
        "__hash__": lambda _: hash(real),
        "__repr__": lambda _: repr(real),
        "__setattr__": lambda _, name, value: setattr(real, name, value),
        "__delattr__": lambda _, name: delattr(real, name),
        "__instancecheck__": lambda _, value: isinstance(value, real),
        "__subclasscheck__": lambda _, other: issubclass(other, real),
    }
    kind: type = type(real)
    return type.__new__(type(kind), kind.__name__, (kind,), members)

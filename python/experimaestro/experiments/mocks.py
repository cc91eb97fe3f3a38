"""Modules that are not installed where an experiment is written: stand-ins for `import torch` and its like.

The driver of an experiment only needs the definitions of its tasks, not what they compute with.
"""

from __future__ import annotations

import sys
import types
import typing
import warnings
from collections.abc import Iterable, Iterator, MutableSequence, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing_extensions import Self


def mock_modules(modules: Iterable[str] | str, decorators: Iterable[str] | None = None) -> FakeModuleFinder:
    """Let imports of some modules, and of all below them, give stand-ins.

    Meant for the `pre_experiment` file of an experiment: the jobs, which do not run it, import the real modules.

    Args:
        modules: names such as `torch`; a module that was already imported stays what it is.
        decorators: deprecated, everything can be used as a decorator.

    Returns:
        What was put in front of `sys.meta_path`; its `remove()` takes the stand-ins away.

    >>> finder = mock_modules(["surely_not_installed"])
    >>> from surely_not_installed.nn import Linear
    >>> Linear
    surely_not_installed.nn.Linear
    >>> finder.remove()
    """
    if decorators is not None:
        warnings.warn(
            "mock_modules(decorators=...) is not needed any more: every attribute can be used as a decorator",
            DeprecationWarning,
            stacklevel=2,
        )
    finder = FakeModuleFinder([modules] if isinstance(modules, str) else modules)
    sys.meta_path.insert(0, finder)
    return finder


def noop_decorator(*arguments: Any, **options: Any) -> Any:
    """A decorator that changes nothing, with or without arguments.

    >>> @noop_decorator
    ... def one(): return 1
    >>> @noop_decorator(static=True)
    ... def two(): return 2
    >>> one() + two()
    3
    """
    if len(arguments) == 1 and not options and _can_be_decorated(arguments[0]):
        return arguments[0]
    return lambda decorated: decorated


def _can_be_decorated(value: Any) -> bool:
    return isinstance(value, (type, types.FunctionType, types.MethodType, types.BuiltinFunctionType, classmethod,
                              staticmethod, property))  # fmt: skip


class FakeBase:
    """What a class gets in the place of stand-ins among its bases: an ordinary class, without a metaclass."""

    def __init__(self, *_: Any, **__: Any) -> None:
        super().__init__()

    def __init_subclass__(cls, **_: Any) -> None:
        super().__init_subclass__()

    def __class_getitem__(cls, _: Any) -> type:
        return cls

    @classmethod
    def apply(cls, *_: Any, **__: Any) -> None:
        """Do nothing (autograd functions are called this way)."""


class FakeAttribute:
    """Anything found in a stand-in: it can be called, subscripted, derived from, entered, and used as a decorator.

    It is no number and no string: given as the value of a parameter, it is refused like any other wrong value.
    """

    def __init__(self, path: str) -> None:
        self.__path = path
        self.__known: dict[str, FakeAttribute] = {}

    def __getattr__(self, name: str) -> FakeAttribute:
        if name.startswith("_"):
            raise AttributeError(f"{self!r} is a stand-in for a module that is not loaded: it has no {name!r}")
        return self.__known.setdefault(name, FakeAttribute(f"{self.__path}.{name}"))

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """Give what is decorated back, else a stand-in of a result."""
        if len(arguments) == 1 and not options and _can_be_decorated(arguments[0]):
            return arguments[0]
        return FakeAttribute(f"{self.__path}(...)")

    def __getitem__(self, key: Any) -> FakeAttribute:
        return FakeAttribute(f"{self.__path}[{key!r}]")

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[type, ...]:
        # One plain base for all stand-ins together, and none where a real base already brings it.
        first = next(base for base in bases if isinstance(base, FakeAttribute))
        brought = any(isinstance(base, type) and issubclass(base, FakeBase) for base in bases)
        return (FakeBase,) if first is self and not brought else ()

    def __instancecheck__(self, instance: Any) -> bool:
        return False

    def __subclasscheck__(self, subclass: type) -> bool:
        return False

    def __or__(self, other: Any) -> Any:
        return typing.Union[self, other]  # noqa: UP007 - at run time, `|` is what is being defined

    def __ror__(self, other: Any) -> Any:
        return typing.Union[other, self]  # noqa: UP007 - likewise

    def _operation(self, _: Any = None) -> FakeAttribute:
        return FakeAttribute(f"<computed from {self.__path}>")

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _operation
    __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __pow__ = __rpow__ = __matmul__ = __rmatmul__ = _operation
    __neg__ = __pos__ = __abs__ = __invert__ = _operation

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __copy__(self) -> FakeAttribute:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> FakeAttribute:
        return self

    def __repr__(self) -> str:
        return self.__path


class FakeModule(types.ModuleType):
    """The stand-in of a module: every public name is there."""

    __path__: MutableSequence[str] = []

    def __getattr__(self, name: str) -> FakeAttribute:
        if name.startswith("_"):
            raise AttributeError(f"{self.__name__} is a stand-in for a module that is not loaded: it has no {name!r}")
        value = FakeAttribute(f"{self.__name__}.{name}")
        setattr(self, name, value)
        return value


class FakeModuleFinder(MetaPathFinder, Loader):
    """Finds stand-ins for some modules and all below them.

    Args:
        modules: their names.
    """

    def __init__(self, modules: Iterable[str]) -> None:
        self.modules = frozenset(modules)

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: types.ModuleType | None = None,  # noqa: ARG002 - Python's signature
    ) -> ModuleSpec | None:
        """A stand-in for the names that this finder knows; None for others."""
        parts = fullname.split(".")
        ours = any(".".join(parts[:length]) in self.modules for length in range(1, len(parts) + 1))
        parent = sys.modules.get(".".join(parts[:-1]))
        if ours and parent is not None and parts[0] in self.modules and not isinstance(parent, FakeModule):
            return None  # it was imported for real before: what is below it is real too
        if not ours and any(module.startswith(f"{fullname}.") for module in self.modules):
            ours = PathFinder.find_spec(fullname, path) is None  # `far`, when `far.away` is what was asked for
        return ModuleSpec(fullname, self, is_package=True) if ours else None

    def create_module(self, spec: ModuleSpec) -> FakeModule:
        """Make the stand-in."""
        return FakeModule(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        """Nothing to run."""

    def remove(self) -> None:
        """Take the stand-ins away; what was made from them stays."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)
        for name, module in list(sys.modules.items()):
            if isinstance(module, FakeModule) and module.__spec__ is not None and module.__spec__.loader is self:
                del sys.modules[name]

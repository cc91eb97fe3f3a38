"""`deprecate`: classes and parameters that other ones have taken the place of, and identifiers that stay."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar, overload

from experimaestro import _core

from .classes import Config, declared_identifier
from .types import DEPRECATION, ObjectType, deprecation_of

if TYPE_CHECKING:
    from typing import NoReturn

    from typing_extensions import Self

logger = logging.getLogger("xpm")

Value = TypeVar("Value")
CONVERT = "__convert__"


class Deprecation(NamedTuple):
    """How a class is deprecated: `A.__xpmtype__._deprecation`."""

    original_identifier: str
    """The type identifier that the class had"""
    target: type[Config]
    """The class that takes over, with its type identifier"""
    replace: bool
    """The constructor answers what `__convert__` returns"""
    converts: bool
    """The identifier is that of what `__convert__` returns"""


# --- attributes


class DeprecatedAttribute(Generic[Value]):
    """The former name of a parameter: takes its value, and cannot be read.

    Args:
        function: the method that was decorated; it is called with the configuration and the value.
    """

    __xpm_deprecated_attribute__ = True

    def __init__(self, function: Callable[[Any, Value], Any]) -> None:
        self.function = function
        self.name: str = getattr(function, "__name__", "?")
        self.__doc__ = function.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __set__(self, instance: Any, value: Value) -> None:
        place = _Place.of_caller()
        cls = type(instance).__xpmtype__.value_type
        _warn_once(place, f"{self.name} of {cls.__module__}.{cls.__qualname__} is deprecated")
        tagged = False
        while isinstance(value, _core.TaggedValue):
            tagged |= not value.stops
            value = value.value
        self.function(instance, value)
        if tagged and isinstance(instance, _core.ConfigBase):
            _core.add_tag(instance, self.name, value)

    if TYPE_CHECKING:

        @overload
        def __get__(self, instance: None, owner: type) -> Self: ...
        @overload
        def __get__(self, instance: object, owner: type) -> NoReturn: ...

    def __get__(self, instance: Any, owner: type) -> Any:
        """The attribute itself, from the class.

        Raises:
            NotImplementedError: asked of a configuration or an object.
        """
        if instance is None:
            return self
        raise NotImplementedError(
            f"{self.name} of {type(instance).__xpmtype__.identifier} is deprecated and cannot be read: "
            "read what replaces it"
        )


class _Place(NamedTuple):
    """A line outside this package."""

    file: str
    line: int

    @classmethod
    def of_caller(cls) -> _Place:
        package = f"{Path(__file__).parents[1]}/"
        frame: Any = sys._getframe(1)
        while frame.f_back is not None and frame.f_code.co_filename.startswith(package):
            frame = frame.f_back
        return cls(frame.f_code.co_filename, frame.f_lineno)


_warned: set[tuple[_Place, str]] = set()


def _warn_once(place: _Place, message: str) -> None:
    """Tell, once for each line of code."""
    if (place, message) not in _warned:
        _warned.add((place, message))
        logger.warning("%s:%d: %s", *place, message)


# --- classes


def convert(config: Any) -> Any:
    """What stands for a configuration of a deprecated class: what `__convert__` returns, and so on along a chain.

    Raises:
        TypeError: that is no configuration of the class that takes over.
    """
    seen = [type(config)]
    while True:
        object_type: ObjectType = type(config).__xpmtype__
        if not object_type._converts:
            return config
        made = getattr(config, CONVERT)()
        if not isinstance(made, _core.ConfigBase) or type(made).__xpmtype__.identifier != object_type.identifier:
            raise TypeError(
                f"__convert__ of {object_type.fullyqualifiedname()} must return a configuration of "
                f"{object_type._deprecation.target.__qualname__}, not {made!r}"  # type: ignore[union-attr]
            )
        if type(made) in seen:
            raise TypeError(f"__convert__ of {object_type.fullyqualifiedname()} returns a {seen[0].__qualname__} again")
        seen.append(type(made))
        config = made


def replacement(old: Any) -> Any:
    """What the constructor of a replaced class answers: the conversion, with the tags of what was written."""
    made = convert(old)
    state = _core.state_of(made)
    state.deprecated_from = old
    known = {name for name, *_ in state.tags}
    for name, value, _ in _core.state_of(old).tags:
        if name not in known:
            _core.add_tag(made, name, value)
    return made


def replacement_of_loaded(old: Any) -> Any:
    """What stands for a stored configuration of a replaced class: its conversion, sealed."""
    made = convert(old)
    state = _core.state_of(made)
    if not state.sealed:
        made.seal()
        state.deprecated_from = old
    return made


def discards(old: Any, config: Any, name: str) -> bool:
    """Whether a name that is set on a configuration is a parameter of the class that it replaces only; then warn."""
    old_type: ObjectType = type(old).__xpmtype__
    if name not in old_type.arguments:
        return False
    import warnings

    place = _Place.of_caller()
    new = type(config).__xpmtype__.value_type.__qualname__
    warnings.warn_explicit(
        f"{name!r} is a parameter of the deprecated class {old_type.value_type.__qualname__}, and {new}, which takes "
        "its place, has none of this name: the value is not used",
        DeprecationWarning,
        *place,
    )
    return True


class _Decorator:
    """What `deprecate(New)` and `deprecate()` answer: it waits for the class that is deprecated."""

    def __init__(self, target: type[Config] | None, replace: bool) -> None:
        self._target, self._replace = target, replace

    def __call__(self, decorated: Any) -> Any:
        if self._target is None and isinstance(decorated, FunctionType):
            return DeprecatedAttribute(decorated)
        if not _is_config_class(decorated):
            raise NotImplementedError(f"deprecate is for Config classes and their methods, not {decorated!r}")
        _mark(decorated, self._target, self._replace)
        return decorated


def _is_config_class(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, Config)


def _parents(cls: type[Config]) -> list[type[Config]]:
    return [base for base in cls.__bases__ if issubclass(base, Config)]


def _is_of_package(cls: type) -> bool:
    return cls.__module__ in ("experimaestro._config.classes", "experimaestro._config.tasks")


def _mark(cls: type[Config], target: type[Config] | None, replace: bool) -> None:
    where = f"{cls.__module__}.{cls.__qualname__}"
    if deprecation_of(cls) is not None:
        raise AssertionError(f"{where} is deprecated already")
    if target is None:
        parents = _parents(cls)
        if len(parents) != 1 or _is_of_package(parents[0]):
            raise RuntimeError(
                f"{where} can be deprecated in favour of its parent only if it has one: write @deprecate(NewClass) and "
                "define __convert__"
            )
        target = parents[0]
        converts = False
    else:
        converts = callable(getattr(cls, CONVERT, None))
        if not converts and (replace or target not in _parents(cls)):
            raise TypeError(
                f"{where} is deprecated in favour of {target.__qualname__}, and does not say how: define "
                f"__convert__(self), which returns a configuration of {target.__qualname__}"
            )
    setattr(cls, DEPRECATION, Deprecation(declared_identifier(cls), target, replace, converts))


def deprecate_type(object_type: ObjectType, target: Any, replace: bool) -> None:
    """Deprecate a class that was compiled already: it is compiled anew."""
    cls = object_type.value_type
    _mark(cls, target.value_type if isinstance(target, ObjectType) else target, replace)
    del cls.__xpm_schema__  # type: ignore[attr-defined]
    object_type.__dict__.update(cls.__xpmtype__.__dict__)


def _is_named(cls: type, frame: Any) -> bool:
    """Whether the class can be reached by its name: then its definition is over, and it is not the decorated one."""
    found: Any = sys.modules.get(cls.__module__)
    for name in cls.__qualname__.split("."):
        found = getattr(found, name, None)
    if found is cls:
        return True
    while frame is not None:
        if frame.f_locals.get(cls.__name__) is cls or frame.f_globals.get(cls.__name__) is cls:
            return True
        frame = frame.f_back
    return False


# Without a return type, for type checkers a class that is decorated stays what it is; `Any` would not do that.
@overload
def deprecate(decorated: None = None, /): ...  # type: ignore[no-untyped-def]
@overload
def deprecate(decorated: type[Config], /, *, replace: bool = ...): ...  # type: ignore[no-untyped-def]
@overload
def deprecate(decorated: Callable[[Any, Value], Any], /) -> DeprecatedAttribute[Value]: ...
def deprecate(decorated: Any = None, /, *others: Any, replace: bool | None = None, **options: Any) -> Any:
    """Let a new class or parameter take the place of an old one, without running anything again.

    * ``@deprecate`` above ``class Old(New)``: `Old` has the type identifier of its parent.
    * ``@deprecate(New)`` above a class with a method ``__convert__(self)`` that returns a configuration of `New`: an
      `Old` stays one, and is identified as what it converts to.
    * ``@deprecate(New, replace=True)``: `Old.C(...)` answers what ``__convert__`` returns.
    * ``@deprecate`` above a method ``old(self, value)``: values given to the former parameter `old` go there.

    A target that has no name where it is used needs `replace`, as in ``@deprecate(make_class(), replace=False)``.

    Raises:
        AssertionError: the class is deprecated already.
        RuntimeError: a class that is deprecated in favour of its parent has several, or none.
        TypeError: there is no ``__convert__``.
        NotImplementedError: other arguments.

    >>> from experimaestro import Config, Param
    >>> class Adam(Config):
    ...     __xpmid__ = "demo.adam"
    ...     lr: Param[float]
    ...     @deprecate
    ...     def learning_rate(self, value):
    ...         self.lr = value
    >>> @deprecate
    ... class AdamOptimizer(Adam):
    ...     __xpmid__ = "demo.optimizer"
    >>> AdamOptimizer.C(lr=0.1).__identifier__() == Adam.C(learning_rate=0.1).__identifier__()
    True
    """
    if others or options or (decorated is None and replace is not None):
        raise NotImplementedError("deprecate takes nothing, or the class that takes over and replace=...")
    if decorated is None:
        return _Decorator(None, False)
    if isinstance(decorated, FunctionType) and replace is None:
        return DeprecatedAttribute(decorated)
    return _deprecate_class(decorated, replace, sys._getframe(1))


def _deprecate_class(cls: Any, replace: bool | None, frame: Any) -> Any:
    if not _is_config_class(cls):
        raise NotImplementedError(f"deprecate is for Config classes and their methods, not {cls!r}")
    # `@deprecate class Old(New)` and `@deprecate(New)` are the same call.
    if replace is None and not _is_named(cls, frame):
        _mark(cls, None, False)
        return cls
    return _Decorator(cls, bool(replace))


def deprecateClass(cls: Any) -> Any:  # noqa: N802 - the name of the first versions
    """Deprecate a class in favour of its parent; returns the class."""
    _mark(cls, None, False)
    return cls

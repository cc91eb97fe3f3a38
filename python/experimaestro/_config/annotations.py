"""What one writes in a class body: `Param[int]`, `Meta[...]`, `field(...)`, `Annotated[..., default(3)]`.

Ground floor of configurations: imports nothing of ours.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, overload
from typing import Annotated as Annotated

T = TypeVar("T")


class TypeAnnotation:
    """Base of everything that makes an `Annotated` type a parameter."""

    def apply(self, options: ArgumentOptions) -> None:
        """Write what this annotation says into the options of the parameter."""
        raise NotImplementedError(f"{type(self).__name__}.apply")


class ArgumentOptions:
    """What the annotations of one parameter say, collected before it is compiled."""

    __slots__ = ("checker", "default", "generator", "has_default", "help", "ignored", "is_constant", "is_data")

    def __init__(self) -> None:
        self.ignored = False
        self.is_constant = False
        self.is_data = False
        self.has_default = False
        self.default: Any = None
        self.generator: Any = None
        self.help: str | None = None
        self.checker: Any = None


class _Mark(TypeAnnotation):
    """Marks a parameter as one of a kind."""

    def __init__(self, name: str, *, ignored: bool = False, constant: bool = False, data: bool = False) -> None:
        self._name = name
        self._ignored = ignored
        self._constant = constant
        self._data = data

    def apply(self, options: ArgumentOptions) -> None:
        options.ignored |= self._ignored
        options.is_constant |= self._constant
        options.is_data |= self._data

    def __repr__(self) -> str:
        return self._name


Param = Annotated[T, _Mark("Param")]
"""A parameter that counts in the identifier (paths never count)."""

Meta = Annotated[T, _Mark("Meta", ignored=True)]
"""A parameter that never counts in the identifier."""

Option = Annotated[T, _Mark("Option", ignored=True)]
"""The same as `Meta`."""

Constant = Annotated[T, _Mark("Constant", constant=True)]
"""A value that always counts and cannot be set: change it when the meaning of the code changes."""

DataPath = Annotated[Path, _Mark("DataPath", ignored=True, data=True)]
"""A file or folder that belongs to the configuration: copied when it is saved, never counted."""

OptionalDataPath = Annotated["Path | None", _Mark("OptionalDataPath", ignored=True, data=True)]
"""A `DataPath` that may be absent."""


class default(TypeAnnotation):  # noqa: N801 - the name is what users write
    """Default value of a parameter, left out of the identifier when equal.

    >>> Annotated[int, default(3)].__metadata__[0].value
    3
    """

    def __init__(self, value: Any) -> None:
        self.value = value

    def apply(self, options: ArgumentOptions) -> None:
        options.has_default = True
        options.default = self.value


class help(TypeAnnotation):  # noqa: A001, N801 - the name is what users write
    """Help text of a parameter: `Annotated[int, help("number of layers")]`."""

    def __init__(self, text: str) -> None:
        self.text = text

    def apply(self, options: ArgumentOptions) -> None:
        options.help = self.text


class PathGenerator:
    """A path inside the job directory, made when the configuration is sealed.

    Args:
        path: relative path, or a function of the context and the configuration, or empty for the folder itself.
        partial: partial identifier whose shared folder is used instead of the job directory.
    """

    def __init__(self, path: str | Path | Callable[[Any, Any], Any] = "", *, partial: Any = None) -> None:
        self.path = path
        self.partial = partial

    def __call__(self, context: Any, config: Any) -> Path:
        """The path for a configuration, in its place below the root."""
        path = self.path(context, config) if callable(self.path) else self.path
        if self.partial is not None:
            folder = context.partial_path(self.partial, config)
        else:
            folder = context.currentpath()
        return Path(folder / path) if path else Path(folder)

    def __repr__(self) -> str:
        return f"PathGenerator({self.path!r})"


Generator = PathGenerator
"""The name of version 1."""


class pathgenerator(TypeAnnotation):  # noqa: N801 - the name is what users write
    """Annotation form: `Annotated[Path, pathgenerator("model.pt")]`."""

    def __init__(self, path: str | Path | Callable[[Any, Any], Any] = "", *, partial: Any = None) -> None:
        self.generator = PathGenerator(path, partial=partial)

    def apply(self, options: ArgumentOptions) -> None:
        options.generator = self.generator


class Checker(TypeAnnotation):
    """Base of checkers: `check` says whether a value, already of the right type, is accepted."""

    def check(self, value: Any) -> bool:
        """Whether the value is accepted."""
        raise NotImplementedError(f"{type(self).__name__}.check")

    def apply(self, options: ArgumentOptions) -> None:
        options.checker = self


class Choices(Checker):
    """Accepts only the listed values: `Annotated[str, Choices(["sgd", "adam"])]`."""

    def __init__(self, choices: Iterable[Any]) -> None:
        self.choices = list(choices)

    def check(self, value: Any) -> bool:
        """Whether the value is one of the choices."""
        return value in self.choices

    def __str__(self) -> str:
        return "choices " + ", ".join(repr(choice) for choice in self.choices)


class Field:
    """What `field(...)` leaves in the class body until the class is compiled."""

    __slots__ = (
        "converter",
        "default",
        "default_factory",
        "groups",
        "has_default",
        "ignore_default",
        "ignore_generated",
        "overrides",
    )

    def __init__(
        self,
        *,
        default: Any = None,
        default_factory: Any = None,
        ignore_default: Any = None,
        ignore_generated: bool = False,
        overrides: bool = False,
        groups: Iterable[Any] | None = None,
        converter: Callable[[Any], Any] | None = None,
    ) -> None:
        has_default = default is not None
        if has_default and default_factory is not None:
            raise AssertionError("field(): give default or default_factory, not both")
        if ignore_default is not None and not isinstance(ignore_default, bool):
            if has_default or default_factory is not None:
                raise AssertionError("field(): ignore_default must be True or False beside a default")
            warnings.warn(
                "field(ignore_default=value) is an old spelling: write field(default=value, ignore_default=True)",
                DeprecationWarning,
                stacklevel=3,
            )
            default, has_default, ignore_default = ignore_default, True, True
        self.default = default
        self.has_default = has_default
        self.default_factory = default_factory
        self.ignore_default = bool(ignore_default)
        self.ignore_generated = ignore_generated
        self.overrides = overrides
        self.groups = tuple(groups or ())
        self.converter = converter

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        # On an object the parameter was not set: the class-level field must not pass for its value.
        if instance is None:
            return self
        raise AttributeError("this parameter is not set")


if TYPE_CHECKING:

    @overload
    def field(
        *,
        default: T,
        ignore_default: bool | None = None,
        ignore_generated: bool = False,
        overrides: bool = False,
        groups: Iterable[Any] | None = None,
        converter: Callable[[Any], Any] | None = None,
    ) -> T: ...
    @overload
    def field(
        *,
        default_factory: Callable[[], T] | PathGenerator,
        ignore_default: bool | None = None,
        ignore_generated: bool = False,
        overrides: bool = False,
        groups: Iterable[Any] | None = None,
        converter: Callable[[Any], Any] | None = None,
    ) -> T: ...
    @overload
    def field(
        *,
        ignore_default: Any = None,
        ignore_generated: bool = False,
        overrides: bool = False,
        groups: Iterable[Any] | None = None,
        converter: Callable[[Any], Any] | None = None,
    ) -> Any: ...
    def field(**_: Any) -> Any:
        """Options of a parameter.

        Args:
            default: default value; it counts in the identifier even when it is not changed.
            default_factory: called for the default; for a `Meta` or a generator, when the configuration is sealed.
            ignore_default: leave the parameter out of the identifier while it equals its default.
            ignore_generated: this parameter may hold a configuration whose paths were generated elsewhere.
            overrides: this parameter overrides one of a parent on purpose (no warning).
            groups: parameter groups, for partial identifiers.
            converter: called on a value before it is validated.
        """
else:

    def field(**options):
        """Options of a parameter: see the overloads for type checkers above."""
        return Field(**options)

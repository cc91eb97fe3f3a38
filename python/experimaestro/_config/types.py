"""What a class is, for those who look at it from outside: `ObjectType` and `Argument`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from experimaestro import _core

    from .annotations import ArgumentOptions
    from .classes import Config


class Argument:
    """One parameter of a class."""

    __slots__ = (
        "annotation",
        "checker",
        "default",
        "field",
        "generator",
        "groups",
        "has_default",
        "help",
        "ignore_default",
        "ignore_generated",
        "ignored",
        "is_constant",
        "is_data",
        "name",
        "overrides",
        "read_only",
        "spec",
    )

    def __init__(self, name: str, annotation: Any, spec: tuple[Any, ...], options: ArgumentOptions) -> None:
        self.name = name
        self.annotation = annotation
        self.spec = spec
        self.ignored = options.ignored
        self.is_constant = options.is_constant
        self.is_data = options.is_data
        self.generator = options.generator
        self.read_only = options.generator is not None
        self.checker = options.checker
        self.help = options.help
        self.has_default = False
        self.default: Any = None
        self.ignore_default = False
        self.overrides = False
        self.ignore_generated = False
        self.groups: tuple[Any, ...] = ()
        self.field: Any = None
        if options.has_default:
            self.set_default(options.default, ignore=True)

    def set_default(self, value: Any, *, ignore: bool) -> None:
        """Give a default; `ignore` leaves the parameter out of the identifier while it equals that."""
        self.has_default = True
        self.default = value
        self.ignore_default = ignore and not self.is_constant

    @property
    def kind(self) -> str:
        """What Rust is told: constant, generated, data, meta or param."""
        if self.is_constant:
            return "constant"
        if self.read_only:
            return "generated"
        if self.is_data:
            return "data"
        return "meta" if self.ignored else "param"

    @property
    def required(self) -> bool:
        """Whether a configuration without a value for it is refused."""
        return not (self.has_default or self.generator is not None or self.spec[0] == "optional")

    @property
    def ignore_default_in_identifier(self) -> bool:
        """Whether the parameter is left out of the identifier while it equals its default."""
        return self.ignore_default

    @property
    def constant(self) -> bool:
        """Whether it is a `Constant`."""
        return self.is_constant

    def __repr__(self) -> str:
        return f"Argument({self.name!r}, {self.annotation!r})"


class ObjectType:
    """A configuration class, described: `A.__xpmtype__`."""

    def __init__(
        self, identifier: str, value_type: type[Config], config_type: type[Config], arguments: dict[str, Argument]
    ) -> None:
        self.identifier = identifier
        self.value_type = value_type
        self.originaltype = value_type
        self.config_type = config_type
        self.arguments: Mapping[str, Argument] = MappingProxyType(arguments)
        self.schema: _core.Schema

    def getArgument(self, name: str) -> Argument:  # noqa: N802 - the name is part of the public interface
        """A parameter by name; `KeyError` if there is none."""
        return self.arguments[name]

    def parents(self) -> list[ObjectType]:
        """The types of the parent configuration classes."""
        from .classes import Config

        return [
            base.__xpmtype__ for base in self.value_type.__bases__ if issubclass(base, Config) and base is not Config
        ]

    def name(self) -> str:
        """Last component of the type identifier."""
        return self.identifier.rsplit(".", 1)[-1]

    def fullyqualifiedname(self) -> str:
        """`module.qualname` of the class."""
        return f"{self.value_type.__module__}.{self.value_type.__qualname__}"

    @property
    def title(self) -> str:
        """First line of the docstring, or the type identifier."""
        lines = (self.value_type.__dict__.get("__doc__") or "").strip().splitlines()
        return lines[0] if lines else self.identifier

    @property
    def description(self) -> str:
        """The docstring after its first line."""
        lines = (self.value_type.__dict__.get("__doc__") or "").strip().splitlines()
        return "\n".join(line.strip() for line in lines[1:]).strip()

    def is_deprecated_attribute(self, name: str) -> bool:
        """Whether a name that is no parameter has a handler that takes its value."""
        attribute = getattr(self.value_type, name, None)
        return attribute is not None and hasattr(type(attribute), "__xpm_deprecated_attribute__")

    def suggest(self, name: str) -> str:
        """What the user may have meant by a name that is no parameter."""
        import difflib

        close = difflib.get_close_matches(name, self.arguments, n=1)
        if close:
            return f"; did you mean '{close[0]}'?"
        known = ", ".join(self.arguments) or "none"
        return f"; its parameters are: {known}"

    def __repr__(self) -> str:
        return f"ObjectType({self.identifier!r})"

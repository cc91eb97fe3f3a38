"""What a class is, for those who look at it from outside: `ObjectType` and `Argument`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

HOOKS = "__xpm_submit_hooks__"
"""Class attribute with the submit hooks that decorate a class."""

HOOKED: list[type] = []
"""Classes with submit hooks: while there are none, submission looks for none."""

if TYPE_CHECKING:
    from experimaestro import _core

    from .annotations import ArgumentOptions
    from .classes import Config
    from .deprecation import Deprecation
    from .documentation import Documentation
    from .typeclasses import Type


DEPRECATION = "__xpm_deprecation__"
"""Class attribute that tells how a class is deprecated."""


def deprecation_of(cls: type) -> Deprecation | None:
    """How a class itself is deprecated; sub-classes of a deprecated class are not."""
    return cls.__dict__.get(DEPRECATION)


class Argument:
    """One parameter of a class."""

    __slots__ = (
        "annotation",
        "checker",
        "converter",
        "default",
        "field",
        "generator",
        "groups",
        "has_default",
        "help_text",
        "ignore_default",
        "ignore_generated",
        "ignored",
        "is_constant",
        "is_data",
        "name",
        "objecttype",
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
        self.help_text: str | None = options.help
        self.has_default = False
        self.default: Any = None
        self.ignore_default = False
        self.overrides = False
        self.ignore_generated = False
        self.groups: tuple[Any, ...] = ()
        self.field: Any = None
        self.converter: Any = None
        self.objecttype: ObjectType
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

    def of(self, object_type: ObjectType) -> Argument:
        """The same parameter as one of a (sub-)class."""
        made = object.__new__(Argument)
        for name in Argument.__slots__:
            if name != "objecttype":
                setattr(made, name, getattr(self, name))
        made.objecttype = object_type
        return made

    @property
    def type(self) -> Type:
        """The type, as an object that validates."""
        from .typeclasses import Type

        return Type.from_annotation(self.annotation)

    @property
    def help(self) -> str | None:
        """What the class says of the parameter, or else what the nearest parent says."""
        return self.objecttype.help_of(self.name)

    @property
    def generic(self) -> Any:
        """The annotation, if it has type variables or a generic class with arguments; else None."""
        # Only these two kinds of types have an annotation to look at, and most parameters are neither.
        return self.annotation if _is_generic(self.spec) else None

    def validate(self, value: Any) -> Any:
        """The value to store; `ValidationError` if it does not fit."""
        return self.objecttype.schema.coerce(self.name, value)

    def isoutput(self) -> bool:
        """Whether it is a path that the job fills."""
        return self.generator is not None and self.spec[0] == "path"

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


def _is_generic(spec: tuple[Any, ...]) -> bool:
    return spec[0] in ("variable", "generic") or any(_is_generic(item) for item in spec[1:] if isinstance(item, tuple))


class ObjectType:
    """A configuration class, described: `A.__xpmtype__`."""

    def __init__(
        self, identifier: str, value_type: type[Config], config_type: type[Config], arguments: dict[str, Argument]
    ) -> None:
        self.identifier = identifier
        self.originaltype = value_type
        self.config_type = config_type
        arguments = {name: argument.of(self) for name, argument in arguments.items()}
        self.arguments: Mapping[str, Argument] = MappingProxyType(arguments)
        self.schema: _core.Schema
        self._documentation: Documentation | None = None

    # --- deprecation: see `deprecation.py`

    @property
    def _deprecation(self) -> Deprecation | None:
        """How the class is deprecated."""
        return deprecation_of(self.originaltype)

    @property
    def deprecated(self) -> bool:
        """Whether the class is deprecated."""
        return self._deprecation is not None

    @property
    def _deprecated_identifier(self) -> str | None:
        """The type identifier that the class had before it was deprecated."""
        return None if self._deprecation is None else self._deprecation.original_identifier

    @property
    def _converts(self) -> bool:
        return self._deprecation is not None and self._deprecation.converts

    @property
    def _replaces(self) -> bool:
        return self._deprecation is not None and self._deprecation.replace

    def deprecate(self, target: Any = None, replace: bool = False) -> None:
        """Deprecate the class; see `experimaestro.deprecate`. Configurations of it that exist already stay as they are.

        Args:
            target: the class (or its description) that takes over; without it, the parent.
            replace: let the constructor answer what `__convert__` returns.
        """
        from .deprecation import deprecate_type

        deprecate_type(self, target, replace)

    @property
    def value_type(self) -> type[Config]:
        """The class that the user wrote."""
        return self.originaltype

    @property
    def __xpm_spec__(self) -> tuple[Any, ...]:
        return ("config", self.originaltype)

    @property
    def basetype(self) -> type[Config]:
        """The class that the user wrote (name of version 1)."""
        return self.originaltype

    @property
    def objecttype(self) -> type:
        """The class of objects (name of version 1)."""
        return self.schema.value_class

    @property
    def configtype(self) -> type[Config]:
        """The class of configurations (name of version 1)."""
        return self.config_type

    @property
    def returntype(self) -> Any:
        """What `submit()` returns, as `task_outputs` is annotated; the class itself without that."""
        outputs = getattr(self.originaltype, "task_outputs", None)
        annotation = getattr(outputs, "__annotations__", {}).get("return")
        if annotation is None:
            return self.originaltype
        from .compile import resolve

        return resolve(annotation, self.originaltype)

    @property
    def task(self) -> bool:
        """Whether configurations of the class can be submitted."""
        return self.schema.is_task

    @property
    def submit_hooks(self) -> tuple[Any, ...]:
        """Hooks of the class and of its parents, each once."""
        return tuple(dict.fromkeys(hook for cls in self.originaltype.__mro__ for hook in cls.__dict__.get(HOOKS, ())))

    @property
    def field_names(self) -> set[str]:
        """Parameters whose class attribute is a `field(...)`."""
        return {name for name, argument in self.arguments.items() if argument.field is not None}

    def set_value_type(self, cls: type[Config]) -> None:
        """Make objects of this class from now on (see `A.value_class()`)."""
        from .compile import lifecycle_of

        self.schema.set_value_class(cls, lifecycle_of(cls)[:3])

    def validate(self, value: Any) -> Any:
        """The value, if it is a configuration of the class."""
        from experimaestro import _core

        return _core.coerce(self.__xpm_spec__, value)

    def getArgument(self, name: str) -> Argument:  # noqa: N802 - the name is part of the public interface
        """A parameter by name; `KeyError` if there is none."""
        return self.arguments[name]

    def parents(self) -> list[ObjectType]:
        """The types of the parent configuration classes."""
        from .classes import Config

        bases = self.originaltype.__bases__
        return [base.__xpmtype__ for base in bases if issubclass(base, Config) and base is not Config]

    def name(self) -> str:
        """Last component of the type identifier."""
        return self.identifier.rsplit(".", 1)[-1]

    def fullyqualifiedname(self) -> str:
        """`module.qualname` of the class."""
        return f"{self.value_type.__module__}.{self.value_type.__qualname__}"

    @property
    def documentation(self) -> Documentation:
        """What the class says of itself, read at first need."""
        if self._documentation is None:
            from .documentation import read_documentation

            self._documentation = read_documentation(self)
        return self._documentation

    @property
    def title(self) -> str:
        """First paragraph of the docstring, or the type identifier."""
        return self.documentation.title or self.identifier

    @property
    def description(self) -> str:
        """The docstring after that, without the sections on parameters."""
        return self.documentation.description

    def help_of(self, name: str) -> str | None:
        """Help of a parameter: literal after its annotation, docstring, `help(...)`; else what a parent says."""
        own = self.documentation.parameters.get(name)
        if own is not None:
            return own
        if name in self.originaltype.__dict__.get("__annotations__", ()):
            written = self.arguments[name].help_text
            if written is not None:
                return written
        for parent in self.parents():
            if name in parent.arguments:
                inherited = parent.help_of(name)
                if inherited is not None:
                    return inherited
        return None

    def is_deprecated_attribute(self, name: str) -> bool:
        """Whether a name that is no parameter has a handler that takes its value."""
        return hasattr(type(getattr(self.value_type, name, None)), "__xpm_deprecated_attribute__")

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

"""From a class to its schema: reads the annotations once, at first use."""

from __future__ import annotations

import logging
import operator
import sys
import typing
from typing import Any

from experimaestro import _core

from .annotations import ArgumentOptions, Field, PathGenerator, TypeAnnotation
from .classes import ANNOTATION_SCOPE, Config, InstanceConfig, LightweightTask, Task, type_identifier
from .contents import is_a
from .mixin import ConfigMixin
from .types import Argument, ObjectType
from .typespec import UNIONS, UnsupportedType, spec_of

logger = logging.getLogger("xpm")


def compile_class(cls: type[Config]) -> _core.Schema:
    """Compile a class that the user wrote (or find the schema of a configuration class).

    Raises:
        NameError: an annotation names something that does not exist.
        UnsupportedType: an annotation cannot be the type of a parameter.
        ValidationError: a default does not fit its parameter.
    """
    if not issubclass(cls, Config):
        raise TypeError(f"{cls!r} is no Config class")
    identifier = type_identifier(cls)
    arguments: dict[str, Argument] = {}
    for parent in cls.__bases__:
        if issubclass(parent, Config):
            for name, argument in _object_type(parent).arguments.items():
                arguments.setdefault(name, argument)
    own = own_arguments(cls, identifier)
    for name, argument in own.items():
        if name in arguments:
            check_override(argument, arguments[name], cls)
        arguments[name] = argument
    config_class = make_config_class(cls, own)
    object_type = ObjectType(identifier, cls, config_class, arguments)
    schema = _core.Schema(
        identifier,
        cls,
        config_class,
        cls,
        list(object_type.arguments.values()),
        object_type,
        is_task=issubclass(cls, Task),
        is_lightweight=issubclass(cls, LightweightTask),
        lifecycle=lifecycle_of(cls),
        is_instance=issubclass(cls, InstanceConfig),
    )
    object_type.schema = schema
    type.__setattr__(config_class, "__xpm_schema__", schema)
    type.__setattr__(cls, "__xpm_schema__", schema)
    return schema


def _object_type(cls: type[Config]) -> ObjectType:
    return cls.__xpmtype__


def lifecycle_of(cls: type[Config]) -> tuple[bool, bool, bool, bool]:
    """Whether `__new__` is the plain one, and whether `__init__`, `__post_init__`, `__validate__` are defined."""
    makers = [klass for klass in cls.__mro__ if "__new__" in klass.__dict__]
    return (
        makers == [Config, object],
        cls.__init__ is not object.__init__,
        cls.__post_init__ is not Config.__post_init__,
        cls.__validate__ is not Config.__validate__,
    )


def make_config_class(cls: type[Config], own: dict[str, Argument]) -> type[Config]:
    """The class of configurations: `A.XPMConfig`, derived from the parents' ones, the mix-in and the class itself."""
    parents: list[type] = [base.C for base in cls.__bases__ if issubclass(base, Config) and base is not Config]
    if not parents:
        parents.append(ConfigMixin)
    namespace: dict[str, Any] = {name: _core.UnsetParameter(name) for name in own}
    namespace["__module__"] = cls.__module__
    namespace["__qualname__"] = f"{cls.__qualname__}.XPMConfig"
    namespace["__doc__"] = cls.__doc__
    metaclass: Any = type(cls)
    made = metaclass(f"{cls.__name__}.XPMConfig", (*parents, cls), namespace)
    return typing.cast("type[Config]", made)


_TAKEN = frozenset({"C", "cls", "execute", "instance", "submit", "tags", "task_outputs"})
"""What is called on configurations and tasks, or could not be given by keyword."""


def own_arguments(cls: type[Config], identifier: str) -> dict[str, Argument]:
    """The parameters that a class itself declares, in the order of its annotations."""
    found: dict[str, Argument] = {}
    annotations = cls.__annotations__
    for name, annotation in annotations.items():
        hint = resolve(annotation, cls)
        if typing.get_origin(hint) is not typing.Annotated:
            continue
        marks = [mark for mark in hint.__metadata__ if isinstance(mark, TypeAnnotation)]
        if not marks:
            continue
        if name in _TAKEN or name.startswith("__"):
            raise _core.ValidationError(
                f"{name!r} cannot be the name of a parameter of {identifier}: every configuration needs what has "
                "this name already; choose another"
            )
        options = ArgumentOptions()
        for mark in marks:
            mark.apply(options)
        found[name] = compile_argument(cls, identifier, name, hint.__origin__, options)
    return found


def resolve(annotation: Any, cls: type) -> Any:
    """An annotation as an object: strings are evaluated where the class was written."""
    # Twice a string: quoted although every annotation of the module is one already.
    while isinstance(annotation, str):
        module = sys.modules.get(cls.__module__)
        scope = dict(vars(cls))
        scope.update(getattr(cls, ANNOTATION_SCOPE, {}))
        scope.setdefault(cls.__name__, cls)
        annotation = eval(annotation, getattr(module, "__dict__", {}), scope)
    try:
        return _resolve_inside(annotation, cls)
    except RecursionError:
        raise UnsupportedType(f"{annotation!r} of {cls!r} holds itself: such a type has no end") from None


_annotated: Any = typing.Annotated  # not seen as a special form, so that it takes a tuple that is made at run time


def _resolve_inside(annotation: Any, cls: type) -> Any:
    """Forward references inside subscripts: `Param[Optional["Node"]]`."""
    if isinstance(annotation, typing.ForwardRef):
        return resolve(annotation.__forward_arg__, cls)
    if typing.get_origin(annotation) is typing.Annotated:
        inner = _resolve_inside(annotation.__origin__, cls)
        return operator.getitem(_annotated, (inner, *annotation.__metadata__))
    arguments = typing.get_args(annotation)
    if not arguments or typing.get_origin(annotation) is typing.Literal:
        return annotation
    resolved = tuple(
        resolve(argument, cls) if isinstance(argument, (str, typing.ForwardRef)) else _resolve_inside(argument, cls)
        for argument in arguments
    )
    if all(new is old for new, old in zip(resolved, arguments, strict=True)):
        return annotation
    if typing.get_origin(annotation) in UNIONS:
        return typing.Union[resolved]  # noqa: UP007 - built at run time
    return (
        annotation.copy_with(resolved) if hasattr(annotation, "copy_with") else typing.get_origin(annotation)[resolved]
    )


def compile_argument(
    cls: type[Config], identifier: str, name: str, annotation: Any, options: ArgumentOptions
) -> Argument:
    """One parameter, from its type, its annotations and what stands in the class body."""
    try:
        spec = spec_of(annotation)
    except UnsupportedType as error:
        raise UnsupportedType(f"parameter '{name}' of {identifier}: {error}") from None
    argument = Argument(name, annotation, spec, options)
    written = cls.__dict__.get(name, _NOTHING)
    if is_a(written, Field):
        apply_field(argument, written)
    elif written is not _NOTHING:
        argument.set_default(written, ignore=True)
    if options.is_constant and not argument.has_default:
        raise AssertionError(f"constant '{name}' of {identifier} needs a value: write {name}: Constant[...] = value")
    if argument.has_default:
        coerce_default(argument, cls, identifier)
    return argument


_NOTHING = object()


def apply_field(argument: Argument, written: Field) -> None:
    """What `field(...)` says of a parameter."""
    argument.overrides = written.overrides
    argument.groups = written.groups
    argument.ignore_generated = written.ignore_generated
    argument.field = written
    argument.converter = written.converter
    if written.has_default:
        argument.set_default(written.default, ignore=written.ignore_default)
    factory = written.default_factory
    if isinstance(factory, PathGenerator):
        argument.generator = factory
        argument.read_only = True
    elif factory is not None and argument.ignored:
        # A Meta is not part of the identity: its value can wait until the configuration is sealed.
        argument.generator = factory
    elif factory is not None:
        argument.set_default(factory(), ignore=written.ignore_default)


def coerce_default(argument: Argument, cls: type, identifier: str) -> None:
    """Store the default as a set value would be stored, or refuse the class."""
    if argument.default is None and not argument.required:
        return
    try:
        argument.default = _core.coerce(argument.spec, argument.default)
        reason = _refusal(argument)
    except _core.ValidationError as error:
        reason = str(error)
    if reason is not None:
        place = declared_at(cls, argument.name)
        raise _core.ValidationError(f"default of parameter '{argument.name}' of {identifier}: {reason}{place}")


def _refusal(argument: Argument) -> str | None:
    """Why the checker does not want the default, if so."""
    if argument.checker is None:
        return None
    try:
        if argument.checker.check(argument.default):
            return None
        why = f"refused by {argument.checker}"
    except Exception as error:  # noqa: BLE001 - a checker is the user's code
        why = f"{type(error).__name__}: {error}"
    return f"expected {argument.type}, got {_core.short_text(argument.default)}: {why}"


def declared_at(cls: type, name: str) -> str:
    """Where a class declares a parameter, for messages; nothing if its source cannot be found.

    >>> declared_at(type("Made", (), {}), "x")
    ''
    """
    import inspect
    import re

    try:
        file = inspect.getsourcefile(cls)
        lines, first = inspect.getsourcelines(cls)
    except (OSError, TypeError):
        return ""
    declaration = re.compile(rf"\s+{re.escape(name)}\s*:")
    inside = next((index for index, line in enumerate(lines) if declaration.match(line)), 0)
    return f"; declared at {file}:{first + inside}"


def check_override(argument: Argument, parent: Argument, cls: type[Config]) -> None:
    """A parameter of a parent may be declared again with a type that is at least as narrow."""
    new, old = argument.annotation, parent.annotation
    where = f"parameter '{argument.name}' of {cls.__module__}.{cls.__qualname__}"
    if not is_narrower(argument.spec, parent.spec):
        both_configs = _kind(argument.spec) == _kind(parent.spec)
        reason = "is not a subtype of" if both_configs else "is not compatible with"
        raise TypeError(f"{where}: {new!r} {reason} {old!r}, the type of the parent's parameter")
    if not argument.overrides:
        logger.warning(
            "%s overrides parent parameter '%s': write field(overrides=True) if this is meant", where, argument.name
        )


def _kind(spec: tuple[Any, ...]) -> str:
    return "config" if spec[0] == "generic" else str(spec[0])


def arguments_narrower(new: Any, old: Any) -> bool:
    """Whether the arguments of a generic class fit those of another one."""
    from .generics import _fits

    pairs = zip(typing.get_args(new), typing.get_args(old), strict=False)
    return all(isinstance(wanted, typing.TypeVar) or _fits(kind, wanted) for kind, wanted in pairs)


def is_narrower(new: tuple[Any, ...], old: tuple[Any, ...]) -> bool:
    """Whether every value of the first type fits the second.

    >>> is_narrower(("list", ("int",)), ("list", ("any",)))
    True
    >>> is_narrower(("list", ("int",)), ("list", ("str",)))
    False
    """
    if old[0] == "any" or new == old:
        return True
    if old[0] == "optional":
        return is_narrower(new[1] if new[0] == "optional" else new, old[1])
    if old[0] == "union":
        members = new[1:] if new[0] == "union" else (new,)
        return all(any(is_narrower(member, other) for other in old[1:]) for member in members)
    if new[0] == "generic" and old[0] in ("config", "generic"):
        return issubclass(new[1], old[1]) and (old[0] == "config" or arguments_narrower(new[2], old[2]))
    if new[0] == "config" and old[0] == "generic":
        return issubclass(new[1], old[1])
    if new[0] == old[0] and new[0] in ("config", "enum"):
        return issubclass(new[1], old[1])
    if new[0] == old[0] == "variable":
        return is_narrower(new[2], old[2])
    if new[0] != old[0]:
        return old[0] == "variable" and is_narrower(new, old[2])
    if new[0] == "literal":
        return set(new[1:]) <= set(old[1:])
    return len(new) == len(old) and all(is_narrower(a, b) for a, b in zip(new[1:], old[1:], strict=True))

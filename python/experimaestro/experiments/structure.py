"""From what was written in YAML to objects of the user's configuration classes, driven by their annotations."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections import abc
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple

from experimaestro.experiments.document import LocatedDict, LocatedList, Origin, parse, parse_float, parse_integer
from experimaestro.experiments.errors import ConfigurationError, ExperimentFileError, Problem
from experimaestro.experiments.merge import CONF_SOURCE

_INVALID: Any = object()
_NOWHERE = Origin("")
_TRUTH = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
_LISTS: dict[Any, Callable[[Iterable[Any]], Any]] = {
    list: list, abc.Sequence: list, abc.MutableSequence: list, abc.Iterable: list, abc.Collection: list,
    set: set, abc.Set: frozenset, abc.MutableSet: set, frozenset: frozenset,
}  # fmt: skip
_MAPPINGS = (dict, abc.Mapping, abc.MutableMapping)


def structure(document: LocatedDict, schema: Any, ignored: Iterable[str] = ()) -> Any:
    """Build an object of a configuration class.

    :param document: what was written
    :param schema: a configuration class (data classes and attrs classes too), or any annotation such as `dict`
    :param ignored: keys of the top level that are not meant for the schema
    :raises ConfigurationError: with every mistake: unknown keys, missing keys, values that do not fit

    >>> from experimaestro.experiments import configuration
    >>> @configuration
    ... class Learning:
    ...     rate: float
    ...     steps: int = 10
    >>> structure(LocatedDict({"rate": "1e-3"}), Learning)
    Learning(rate=0.001, steps=10)
    """
    reader = _Structurer()
    skipped = set(ignored)
    kept = LocatedDict({key: value for key, value in document.items() if key not in skipped}, document.origins)
    value = reader.value(kept, schema, _NOWHERE, "")
    if reader.problems:
        raise ConfigurationError(_name(schema), reader.problems)
    return value


class Field(NamedTuple):
    """One parameter of a configuration class."""

    name: str
    type: Any
    required: bool


def fields_of(schema: Any) -> list[Field] | None:
    """Parameters of a data class or attrs class, in order; None for anything else.

    :raises ExperimentFileError: when an annotation names something that does not exist
    """
    if not isinstance(schema, type):
        return None
    attributes = getattr(schema, "__attrs_attrs__", None)
    if attributes is None and not dataclasses.is_dataclass(schema):
        return None
    try:
        hints = typing.get_type_hints(schema)
    except NameError as error:
        raise ExperimentFileError(
            f"{_name(schema)}: an annotation uses {error.name!r}, which its module does not define "
            "(is it imported under TYPE_CHECKING only?)"
        ) from None
    if attributes is not None:
        return [
            Field(getattr(a, "alias", None) or a.name, hints.get(a.name, Any), type(a.default).__name__ == "_Nothing")
            for a in attributes
            if a.init
        ]
    missing = dataclasses.MISSING
    return [
        Field(f.name, hints.get(f.name, Any), f.default is missing and f.default_factory is missing)
        for f in dataclasses.fields(schema)
        if f.init
    ]


class _Structurer:
    """Converts values, collecting what is wrong instead of stopping at the first mistake."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def wrong(self, origin: Origin, message: str, hint: str | None = None) -> Any:
        self.problems.append(Problem(str(origin), message, hint))
        return _INVALID

    def unfit(self, value: Any, expected: str, origin: Origin, path: str, hint: str | None = None) -> Any:
        return self.wrong(origin, f"{path or 'the configuration'} must be {expected}, not {_shown(value)}", hint)

    def value(self, value: Any, annotation: Any, origin: Origin, path: str) -> Any:
        annotation = _unwrapped(annotation)
        if annotation is Any or annotation is object or isinstance(annotation, typing.TypeVar):
            return value
        if annotation is None or annotation is type(None):
            return None if value is None else self.unfit(value, "empty", origin, path)
        origin_type = typing.get_origin(annotation)
        arguments = typing.get_args(annotation)
        if origin_type in (typing.Union, types.UnionType):
            return self.union(value, arguments, origin, path)
        if origin_type is typing.Literal:
            return self.literal(value, arguments, origin, path)
        kind = origin_type or annotation
        own = getattr(kind, "__xpm_structure__", None)  # types that know their forms in YAML, such as GridSearch
        if own is not None:
            return own(self, value, arguments, origin, path)
        scalar = self.scalar(value, kind, origin, path)
        if scalar is not NotImplemented:
            return scalar
        return self.container(value, kind, arguments, origin, path)

    def scalar(self, value: Any, kind: Any, origin: Origin, path: str) -> Any:
        """A value of a type written as one scalar; NotImplemented when `kind` is not such a type."""
        if kind is str:
            return self.text(value, origin, path)
        if kind is bool:
            return self.boolean(value, origin, path)
        if kind is int:
            return self.integer(value, origin, path)
        if kind is float:
            return self.number(value, origin, path)
        if isinstance(kind, type) and issubclass(kind, Enum):
            return self.enumeration(value, kind, origin, path)
        if isinstance(kind, type) and issubclass(Path, kind):
            text = self.text(value, origin, path)
            return text if text is _INVALID else Path(text)
        return NotImplemented

    def container(self, value: Any, kind: Any, arguments: tuple[Any, ...], origin: Origin, path: str) -> Any:
        fields = fields_of(kind)
        if fields is None and kind not in _LISTS and kind is not tuple and kind not in _MAPPINGS:
            if isinstance(kind, type) and isinstance(value, kind):
                return value
            return self.wrong(origin, f"{path} has the type {_name(kind)}, which a YAML file cannot express")
        if isinstance(value, str) and origin.source.startswith(CONF_SOURCE):
            try:
                value = parse(value, str(origin), origin.folder)
            except ExperimentFileError as error:
                return self.wrong(_NOWHERE, str(error))
        if fields is not None:
            return self.instance(value, kind, fields, origin, path)
        if kind is tuple:
            return self.fixed(value, arguments, origin, path)
        if kind in _LISTS:
            return self.sequence(value, _LISTS[kind], arguments, origin, path)
        return self.mapping(value, arguments, origin, path)

    def text(self, value: Any, origin: Origin, path: str) -> Any:
        if isinstance(value, str):
            return value
        if isinstance(value, (bool, int, float)):
            return origin.text if origin.text is not None else str(value)
        return self.unfit(value, "text", origin, path, 'write "" for an empty text' if value is None else None)

    def boolean(self, value: Any, origin: Origin, path: str) -> Any:
        truth = value if isinstance(value, bool) else None
        if isinstance(value, (str, int)) and truth is None:
            truth = _TRUTH.get(str(value).strip().lower())
        return self.unfit(value, "true or false", origin, path) if truth is None else truth

    def integer(self, value: Any, origin: Origin, path: str) -> Any:
        if isinstance(value, str):
            try:
                value = parse_integer(value.strip())
            except ValueError:
                number = _number(value)
                value = value if number is None else number
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if isinstance(value, float) and value.is_integer():
            return int(value)
        return self.unfit(value, "an integer", origin, path)

    def number(self, value: Any, origin: Origin, path: str) -> Any:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return float(value)
        number = _number(value) if isinstance(value, str) else None
        return self.unfit(value, "a number", origin, path) if number is None else number

    def enumeration(self, value: Any, kind: type[Enum], origin: Origin, path: str) -> Any:
        for member in kind:
            if type(member.value) is type(value) and member.value == value:
                return member
        written = origin.text if origin.text is not None else value
        for name, member in kind.__members__.items():
            if written in (name, str(member.value)):
                return member
        choices = [member.name.lower() for member in kind]
        for name, member in kind.__members__.items():
            if isinstance(written, str) and written.lower() == name.lower():
                return member
        return self.unfit(value, f"one of {', '.join(choices)}", origin, path, _suggestion(written, choices))

    def literal(self, value: Any, choices: tuple[Any, ...], origin: Origin, path: str) -> Any:
        for choice in choices:
            if type(choice) is type(value) and choice == value:
                return choice
        for choice in choices:
            if isinstance(choice, (str, int)) and origin.text is not None and origin.text == _written(choice):
                return choice
        names = [_written(choice) for choice in choices]
        return self.unfit(value, f"one of {', '.join(names)}", origin, path, _suggestion(value, names))

    def union(self, value: Any, members: tuple[Any, ...], origin: Origin, path: str) -> Any:
        others = [member for member in members if member is not type(None)]
        if len(others) < len(members):
            written = value if isinstance(value, str) and origin.source.startswith(CONF_SOURCE) else None
            if value is None or written in ("null", "~"):
                return None
        if len(others) == 1:
            return self.value(value, others[0], origin, path)
        for member in others:
            if type(value) is _unwrapped(member):
                return value
        attempts = []
        for member in others:
            attempt = _Structurer()
            converted = attempt.value(value, member, origin, path)
            if not attempt.problems:
                return converted
            attempts.append((member, attempt.problems))
        objects = [problems for member, problems in attempts if fields_of(_unwrapped(member)) is not None]
        if isinstance(value, dict) and len(objects) == 1:
            self.problems.extend(objects[0])
            return _INVALID
        return self.unfit(value, " or ".join(_expected(member) for member in others), origin, path)

    def instance(self, value: Any, kind: type, fields: list[Field], origin: Origin, path: str) -> Any:
        if value is None:
            value = LocatedDict()
        if not isinstance(value, dict):
            return self.unfit(value, f"a mapping with keys of {kind.__name__}", origin, path)
        origins = value.origins if isinstance(value, LocatedDict) else {}
        known = {field.name: field for field in fields}
        before = len(self.problems)
        arguments = {}
        for key, item in value.items():
            place = origins.get(key, origin)
            field = known.get(key)
            if field is None:
                self.unknown(key, list(known), place, path)
            else:
                arguments[key] = self.value(item, field.type, place, _joined(path, key))
        for field in fields:
            if field.required and field.name not in value:
                self.wrong(origin, f"the key {_joined(path, field.name)} is missing ({_expected(field.type)})")
        if len(self.problems) > before:
            return _INVALID
        try:
            return kind(**arguments)
        except (TypeError, ValueError) as error:
            return self.wrong(origin, f"{path or kind.__name__} is refused by {kind.__name__}: {error}")

    def unknown(self, key: Any, known: list[str], origin: Origin, path: str) -> None:
        inside = f" in {path}" if path else ""
        hint = _suggestion(key, known) or (f"known keys: {', '.join(known)}" if known else "no key is expected here")
        self.wrong(origin, f"unknown key {key!r}{inside}", hint)

    def sequence(
        self, value: Any, build: Callable[[Iterable[Any]], Any], arguments: tuple[Any, ...], origin: Origin, path: str
    ) -> Any:
        if not isinstance(value, list):
            return self.unfit(value, "a list", origin, path)
        item_type = arguments[0] if arguments else Any
        return build(self.items(value, [item_type] * len(value), origin, path))

    def fixed(self, value: Any, arguments: tuple[Any, ...], origin: Origin, path: str) -> Any:
        if not isinstance(value, list):
            return self.unfit(value, "a list", origin, path)
        if not arguments:
            return tuple(value)
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return tuple(self.items(value, [arguments[0]] * len(value), origin, path))
        if len(value) != len(arguments):
            return self.wrong(origin, f"{path} must have {len(arguments)} items, not {len(value)}")
        return tuple(self.items(value, list(arguments), origin, path))

    def items(self, value: Any, annotations: Any, origin: Origin, path: str) -> Any:
        origins = value.origins if isinstance(value, LocatedList) else [origin] * len(value)
        return [
            self.value(item, annotation, place, f"{path}[{position}]")
            for position, (item, annotation, place) in enumerate(zip(value, annotations, origins, strict=True))
        ]

    def mapping(self, value: Any, arguments: tuple[Any, ...], origin: Origin, path: str) -> Any:
        if not isinstance(value, dict):
            return self.unfit(value, "a mapping", origin, path)
        key_type, value_type = arguments or (Any, Any)
        origins = value.origins if isinstance(value, LocatedDict) else {}
        result = {}
        for key, item in value.items():
            place = origins.get(key, origin)
            converted = self.value(key, key_type, Origin(place.source, place.line), f"the key {key!r} of {path}")
            result[converted] = self.value(item, value_type, place, _joined(path, key))
        return result


def _unwrapped(annotation: Any) -> Any:
    """What stands behind NewType, Annotated and type aliases."""
    while True:
        if hasattr(annotation, "__supertype__"):
            annotation = annotation.__supertype__
        elif hasattr(annotation, "__metadata__"):
            annotation = annotation.__origin__
        elif type(annotation).__name__ == "TypeAliasType":
            annotation = annotation.__value__
        else:
            return annotation


def _number(text: str) -> float | None:
    try:
        return parse_float(text.strip())
    except ValueError:
        return None


def _joined(path: str, key: Any) -> str:
    return f"{path}.{key}" if path else str(key)


def _written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _suggestion(given: Any, choices: list[str]) -> str | None:
    """A hint naming the closest choice."""
    import difflib

    lowered = {choice.lower(): choice for choice in choices}
    close = difflib.get_close_matches(str(given).lower(), lowered, n=1)
    return f"did you mean {lowered[close[0]]!r}?" if close else None


def _shown(value: Any) -> str:
    if value is None:
        return "empty (null)"
    if isinstance(value, bool):
        return _written(value)
    if isinstance(value, (int, float)):
        return f"the number {value!r}"
    if isinstance(value, str):
        return f"the text {value[:60]!r}"
    if isinstance(value, Mapping):
        return "a mapping"
    return "a list" if isinstance(value, list) else f"{value!r}"[:60]


def _expected(annotation: Any) -> str:
    annotation = _unwrapped(annotation)
    names = {str: "text", int: "an integer", float: "a number", bool: "true or false"}
    return names.get(annotation) or _name(annotation)


def _name(annotation: Any) -> str:
    if typing.get_origin(annotation) is None and isinstance(annotation, type):
        return annotation.__qualname__
    return str(annotation).replace("typing.", "")

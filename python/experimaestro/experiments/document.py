"""YAML documents that remember where each value was written, so that mistakes can be pointed at.

Scalars follow YAML 1.2 where 1.1 surprises: ``1e-3`` is a number, ``010`` is ten, ``1:30`` and dates are text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from experimaestro.experiments.errors import ExperimentFileError

if TYPE_CHECKING:
    import yaml


class Origin(NamedTuple):
    """Where a value was written."""

    source: str
    """File as the user named it, or the option (``--conf``)."""
    line: int | None = None
    """Line number, from 1."""
    text: str | None = None
    """Source text of a scalar; lets a text parameter keep ``1.10`` as it was written."""
    folder: Path | None = None
    """Folder that relative paths of this value refer to."""

    def __str__(self) -> str:
        return self.source if self.line is None else f"{self.source}:{self.line}"


class LocatedDict(dict[Any, Any]):
    """A mapping that knows the origin of each entry."""

    def __init__(self, values: Mapping[Any, Any] | None = None, origins: Mapping[Any, Origin] | None = None) -> None:
        super().__init__(values or {})
        self.origins: dict[Any, Origin] = dict(origins or {})

    def put(self, key: Any, value: Any, origin: Origin) -> None:
        """Set an entry together with its origin."""
        self[key] = value
        self.origins[key] = origin


class LocatedList(list[Any]):
    """A list that knows the origin of each item."""

    def __init__(self, values: Iterable[Any] = (), origins: Iterable[Origin] = ()) -> None:
        super().__init__(values)
        self.origins: list[Origin] = list(origins)


def load_document(path: Path, shown: str | None = None) -> LocatedDict:
    """Read one YAML file.

    :param path: the file
    :param shown: how messages name it (default: the path)
    :return: its mapping; empty for an empty file
    :raises ExperimentFileError: when it cannot be read, is not YAML, or is not a mapping
    """
    shown = shown or str(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ExperimentFileError(f"{shown}: there is no such file") from None
    except IsADirectoryError:
        raise ExperimentFileError(f"{shown}: this is a folder, not a YAML file") from None
    except UnicodeDecodeError as error:
        raise ExperimentFileError(f"{shown}: not a text file in UTF-8 (byte {error.start})") from None
    except OSError as error:
        raise ExperimentFileError(f"{shown}: cannot be read: {error.strerror}") from None

    document = parse(text, shown, path.parent)
    if document is None:
        return LocatedDict()
    if not isinstance(document, LocatedDict):
        raise ExperimentFileError(f"{shown}: expected `key: value` lines, got a {_kind(document)}")
    return document


def parse(text: str, source: str, folder: Path | None = None) -> Any:
    """Parse YAML text into located values.

    :raises ExperimentFileError: with the place of the mistake
    """
    import yaml

    try:
        loader = _loader_class()(text)
    except yaml.YAMLError as error:
        raise ExperimentFileError(_yaml_message(error, source)) from None
    try:
        node = loader.get_single_node()
        return None if node is None else _Reader(loader, source, folder).read(node)
    except yaml.YAMLError as error:
        raise ExperimentFileError(_yaml_message(error, source)) from None
    except RecursionError:
        raise ExperimentFileError(f"{source}: nested too deeply") from None
    finally:
        loader.dispose()


def _kind(value: Any) -> str:
    return "list" if isinstance(value, list) else f"single value ({value!r})"


def _yaml_message(error: yaml.YAMLError, source: str) -> str:
    import yaml

    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        place = f"{source}:{mark.line + 1}" if mark else source
        parts = [part for part in (error.context, error.problem) if part]
        snippet = mark.get_snippet() if mark else None
        tail = f"\n{snippet}" if snippet else ""
        return f"{place}: not valid YAML: {', '.join(parts)}{tail}"
    return f"{source}: not valid YAML: {error}"


_TAG = "tag:yaml.org,2002:"
_BOOLEANS = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}


def parse_integer(text: str) -> int:
    """Integer of a YAML 1.2 scalar: decimal (leading zeros allowed), ``0x``, ``0o`` or ``0b``; ``_`` separates.

    >>> parse_integer("010"), parse_integer("0x1F"), parse_integer("-1_000")
    (10, 31, -1000)
    """
    digits = text.replace("_", "")
    sign = -1 if digits.startswith("-") else 1
    digits = digits.lstrip("+-")
    if digits[:2].lower() in ("0x", "0o", "0b"):
        return sign * int(digits, 0)
    return sign * int(digits, 10)


def parse_float(text: str) -> float:
    """Floating-point number of a YAML scalar, ``.inf`` and ``.nan`` included.

    >>> parse_float("1e-3"), parse_float("-.inf")
    (0.001, -inf)
    """
    lowered = text.replace("_", "").lower()
    return float(lowered.replace(".inf", "inf").replace(".nan", "nan"))


_SCALARS: dict[str, Callable[[str], Any]] = {
    _TAG + "bool": lambda text: _BOOLEANS[text.lower()],
    _TAG + "int": parse_integer,
    _TAG + "float": parse_float,
    _TAG + "null": lambda _: None,
    _TAG + "str": str,
}

_LOADER: type[yaml.SafeLoader] | None = None


def _loader_class() -> type[yaml.SafeLoader]:
    """The safe loader with our resolution of plain scalars; made on first use because importing yaml takes a while."""
    global _LOADER
    if _LOADER is not None:
        return _LOADER
    import re

    import yaml

    class ExperimentLoader(yaml.SafeLoader):
        yaml_implicit_resolvers: dict[str, Any] = {}

    number = r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?|[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+"
    rules: list[tuple[str, str, str]] = [
        ("bool", r"(?i:yes|no|true|false|on|off)", "yYnNtTfFoO"),
        ("float", rf"{number}|[-+]?\.(?i:inf)|\.(?i:nan)", "-+0123456789."),
        ("int", r"[-+]?(?:0x[0-9a-fA-F_]+|0o[0-7_]+|0b[01_]+|[0-9][0-9_]*)", "-+0123456789"),
        ("null", r"~|(?i:null)|", "~nN\0"),
        ("merge", r"<<", "<"),
    ]
    for tag, pattern, first in rules:
        firsts: list[Any] = [*first.replace("\0", ""), *([""] if "\0" in first else [])]
        ExperimentLoader.add_implicit_resolver(_TAG + tag, re.compile(rf"^(?:{pattern})$"), firsts)
    _LOADER = ExperimentLoader
    return ExperimentLoader


class _Reader:
    """Turns the nodes of one document into located values; anchors are shared, not copied."""

    def __init__(self, loader: yaml.SafeLoader, source: str, folder: Path | None) -> None:
        self.loader = loader
        self.source = source
        self.folder = folder
        self.finished: dict[int, Any] = {}
        self.open: set[int] = set()

    def origin(self, node: yaml.Node, text: str | None = None) -> Origin:
        return Origin(self.source, node.start_mark.line + 1, text, self.folder)

    def read(self, node: yaml.Node) -> Any:
        import yaml

        key = id(node)
        if key in self.finished:
            return self.finished[key]
        if key in self.open:
            raise ExperimentFileError(f"{self.origin(node)}: this anchor contains itself")
        self.open.add(key)
        value: Any
        if not isinstance(node, yaml.ScalarNode) and node.tag not in (_TAG + "map", _TAG + "seq"):
            value = self.loader.construct_object(node, deep=True)
        elif isinstance(node, yaml.MappingNode):
            value = self.mapping(node)
        elif isinstance(node, yaml.SequenceNode):
            items = [self.read(item) for item in node.value]
            value = LocatedList(items, [self.origin(item, _text(item)) for item in node.value])
        else:
            value = self.scalar(node)
        self.open.discard(key)
        self.finished[key] = value
        return value

    def scalar(self, node: yaml.Node) -> Any:
        convert = _SCALARS.get(node.tag)
        if convert is None:
            return self.loader.construct_object(node)
        try:
            return convert(node.value)
        except (KeyError, ValueError):
            kind = node.tag.removeprefix(_TAG)
            raise ExperimentFileError(f"{self.origin(node)}: {node.value!r} is not of the type {kind}") from None

    def mapping(self, node: yaml.MappingNode) -> LocatedDict:
        lines: dict[Any, int] = {}
        for key_node, _ in node.value:
            if key_node.tag == _TAG + "merge":
                continue
            key = self.read(key_node)
            try:
                first = lines.get(key)
            except TypeError:
                raise ExperimentFileError(f"{self.origin(key_node)}: a key must be a single value") from None
            if first is not None:
                raise ExperimentFileError(
                    f"{self.origin(key_node)}: the key {key!r} was already given at line {first}; keep one of the two"
                )
            lines[key] = key_node.start_mark.line + 1
        self.loader.flatten_mapping(node)
        result = LocatedDict()
        for key_node, value_node in node.value:
            result.put(self.read(key_node), self.read(value_node), self.origin(key_node, _text(value_node)))
        return result


def _text(node: yaml.Node) -> str | None:
    """Source text of a plain or quoted scalar."""
    return node.value if isinstance(node.value, str) else None

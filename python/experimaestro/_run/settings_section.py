"""A section of the settings file: values are taken out by name and kind, and mistakes told with their line.

Floor: `_run`. Imported only when there is such a file: it needs YAML.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import yaml

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Section"]

_VARIABLE = re.compile(r"\$\{(?:oc\.)?env[:.]([A-Za-z_][A-Za-z0-9_]*)\}")
_LIKENESS = 0.75  # of a key that nobody knows to one that is known, to be worth a warning

Made = TypeVar("Made")


class Section:
    """A mapping of the file: values are taken out by name and kind; what is left over is unknown.

    Whatever is asked for and not there is None: defaults belong to what is made of the section.
    """

    def __init__(self, path: Path, place: str, values: Any, lines: dict[str, int]) -> None:
        self.path, self.place, self.lines = path, place, lines
        if not isinstance(values, dict):
            self.fail(None, f"keys and values are expected, not {type(values).__name__}")
        self.values: dict[str, Any] = {str(key): value for key, value in values.items()}
        self.known: list[str] = []

    @classmethod
    def of_file(cls, path: Path) -> Section:
        loader = None
        try:
            loader = yaml.SafeLoader(path.read_text(encoding="utf-8"))
            node = loader.get_single_node()
            lines: dict[str, int] = {}
            if node is not None:
                _note_lines(node, "", lines, path, ())
            content = loader.construct_document(node) if node is not None else {}
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise ValueError(f"{path}: not valid YAML: {error}") from None
        finally:
            if loader is not None:
                loader.dispose()
        return cls(path, "", _expand(content if content is not None else {}), lines)

    def fail(self, name: str | None, text: str) -> NoReturn:
        """Refuse the file, for the sake of a key or of the whole section."""
        place = self._key(name) if name is not None else self.place
        where, line = place, self.lines.get(place)
        while line is None and where:
            where = where.rpartition(".")[0]
            line = self.lines.get(where)
        at = f", line {line}" if line is not None else ""
        raise ValueError(f"{self.path}{at}: {place}{': ' if place else ''}{text}")

    def _key(self, name: str) -> str:
        return f"{self.place}.{name}" if self.place else name

    def take(self, name: str) -> Any:
        self.known.append(name)
        return self.values.get(name)

    def section(self, name: str) -> Section | None:
        value = self.take(name)
        return None if value is None else Section(self.path, self._key(name), value, self.lines)

    def items(self, name: str, what: str) -> list[Any]:
        value = self.take(name)
        if value is None:
            return []
        if not isinstance(value, list):
            self.fail(name, f"a list of {what} is expected, not {type(value).__name__}")
        return value

    def sections(self, name: str) -> list[Section]:
        found = self.items(name, name)
        return [Section(self.path, f"{self._key(name)}[{n}]", item, self.lines) for n, item in enumerate(found)]

    def texts(self, name: str, what: str) -> list[str]:
        return [str(item) for item in self.items(name, what)]

    def text(self, name: str) -> str | None:
        value = self.take(name)
        if value is not None and not isinstance(value, str):
            self.fail(name, f"{value!r} is not text")
        return value

    def needed(self, name: str) -> str:
        value = self.take(name)
        if not isinstance(value, str) or not value:
            self.fail(None, f"the key {name!r} is missing, or is not text")
        return value

    def number(self, name: str, *, least: float, most: float = float("inf"), whole: bool = True) -> Any:
        value = self.take(name)
        if value is None:
            return None
        kinds = int if whole else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds) or not least <= value <= most:
            bounds = f"{least} or more" if most == float("inf") else f"{least} to {most}"
            self.fail(name, f"{value!r} is not a {'whole ' if whole else ''}number ({bounds})")
        return value

    def flag(self, name: str) -> bool | None:
        value = self.take(name)
        if value is not None and not isinstance(value, bool):
            self.fail(name, f"{value!r} is neither true nor false")
        return value

    def choice(self, name: str, choices: list[str]) -> str | None:
        value = self.take(name)
        if value is not None and value not in choices:
            self.fail(name, f"{value!r} is none of {', '.join(choices)}")
        return None if value is None else str(value)

    def variables(self, name: str) -> dict[str, str]:
        value = self.take(name)
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.fail(name, f"keys and values are expected, not {type(value).__name__}")
        return {str(key): str(text) for key, text in value.items()}

    def make(self, cls: Callable[..., Made], **values: Any) -> Made:
        """Make an object of what was taken, with its own defaults for the rest; warn of misspellings."""
        self.finish()
        return cls(**{name: value for name, value in values.items() if value is not None})

    def finish(self) -> None:
        """Warn of keys that look like misspellings of those that were asked for."""
        import difflib

        for name in self.values:
            if name in self.known:
                continue
            unused = [key for key in self.known if key not in self.values]
            for close in difflib.get_close_matches(name, unused, n=1, cutoff=_LIKENESS):
                self.warn(name, f"this key is not known and is ignored; did you mean {close!r}?")

    def warn(self, name: str, text: str) -> None:
        import logging

        key = self._key(name)
        line = self.lines.get(key)
        at = f", line {line}" if line is not None else ""
        logging.getLogger("xpm").warning("%s%s: %s: %s", self.path, at, key, text)


def _note_lines(node: yaml.Node, place: str, lines: dict[str, int], path: Path, above: tuple[int, ...]) -> None:
    """Note where each key stands; a key that is given twice is a mistake that YAML would hide."""
    lines.setdefault(place, node.start_mark.line + 1)
    if id(node) in above:
        raise ValueError(f"{path}, line {node.start_mark.line + 1}: {place}: it holds itself")
    above = (*above, id(node))
    if isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            _note_lines(item, f"{place}[{number}]", lines, path, above)
    elif isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.value == "<<":
                continue
            name = f"{place}.{key.value}" if place else key.value
            line = key.start_mark.line + 1
            if name in seen:
                raise ValueError(f"{path}, line {line}: {name}: this key is given twice")
            seen.add(name)
            lines[name] = line
            _note_lines(value, name, lines, path, above)


def _expand(value: Any) -> Any:
    """Replace `${env:NAME}` in every text; a variable that is not set is left as written."""
    if isinstance(value, str):
        return _VARIABLE.sub(lambda match: os.environ.get(match[1], match[0]), value)
    if isinstance(value, list):
        return [_expand(item) for item in value]
    if isinstance(value, dict):
        return {key: _expand(item) for key, item in value.items()}
    return value

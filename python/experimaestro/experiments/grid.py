"""Grids: from one configuration that gives several values for some parameters, to one configuration per combination."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from itertools import product
from math import ceil
from typing import Any, Generic, TypeVar

T = TypeVar("T")

CONFIG_DICTS = "config_dicts"
"""Key of `grid_search` with values that vary together."""

Axis = list[dict[str, Any]]
"""Alternatives, each giving values to one or more paths."""


class GridSearch(Generic[T]):
    """The values of one parameter: declare `rate: GridSearch[float] = 0.1` in a configuration class.

    Args:
        specification: a value, a list of values, or a mapping with one of the keys `value`, `values_list`,
            `values_range` (or `range`: start, stop, step; the stop is left out), `values_mult` (or `range_mult`:
            start, how many, factor).

    Raises:
        ValueError: the mapping has another key, or numbers that make no range.

    >>> GridSearch([1, 2]).values
    [1, 2]
    >>> GridSearch({"range": [0.1, 0.4, 0.1]}).values
    [0.1, 0.2, 0.3]
    >>> GridSearch({"values_mult": [1e-4, 3, 10]}).values
    [0.0001, 0.001, 0.01]
    """

    def __init__(self, specification: Any) -> None:
        self.values: list[T] = grid_values(specification)

    @classmethod
    def __xpm_structure__(cls, reader: Any, value: Any, arguments: tuple[Any, ...], origin: Any, path: str) -> Any:
        """Read what a YAML file says; each value must fit the type in brackets."""
        annotation = arguments[0] if arguments else Any
        try:
            values = grid_values(value)
        except ValueError as error:
            return reader.wrong(origin, f"{path}: {error}")
        before = len(reader.problems)
        read = [reader.value(each, annotation, origin, path) for each in values]
        return cls(read) if len(reader.problems) == before else read[0]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GridSearch) and self.values == other.values

    def __hash__(self) -> int:
        return hash(repr(self.values))

    def __repr__(self) -> str:
        return f"GridSearch({self.values!r})"


def grid_values(specification: Any) -> list[Any]:
    """The values that a specification stands for; see `GridSearch`."""
    if isinstance(specification, GridSearch):
        return list(specification.values)
    if isinstance(specification, (list, tuple)):
        if not specification:
            raise ValueError("a grid needs at least one value, got an empty list")
        return list(specification)
    if not isinstance(specification, Mapping):
        return [specification]
    if len(specification) != 1 or next(iter(specification)) not in _FORMS:
        raise ValueError(f"a grid is a value, a list, or a mapping with one key of {', '.join(_FORMS)}; "
                         f"got {', '.join(map(str, specification)) or 'an empty mapping'}")  # fmt: skip
    key, given = next(iter(specification.items()))
    return list(_FORMS[key](key, given))


def _value(_: str, given: Any) -> list[Any]:
    return [given]


def _list(key: str, given: Any) -> list[Any]:
    if not isinstance(given, (list, tuple)) or not given:
        raise ValueError(f"{key} must be a list of one value or more, not {given!r}")
    return list(given)


def _range(key: str, given: Any) -> list[Any]:
    start, stop, step = _numbers(key, given, "[start, stop] or [start, stop, step]", (2, 3))
    if step == 0 or (stop - start) * step <= 0:
        raise ValueError(f"{key}: {given!r} is an empty range")
    count = ceil(Fraction(stop - start) / Fraction(step))
    return [_as_written(start + index * step, given) for index in range(count)]


def _geometric(key: str, given: Any) -> list[Any]:
    start, count, factor = _numbers(key, given, "[start, how many, factor]", (3,))
    if count < 1 or count != int(count):
        raise ValueError(f"{key}: the number of values must be an integer from 1 on, not {given[1]!r}")
    return [_as_written(start * factor**index, [given[0], given[2]]) for index in range(int(count))]


_FORMS = {
    "value": _value, "values_list": _list, "values_range": _range, "range": _range, "values_mult": _geometric,
    "range_mult": _geometric,
}  # fmt: skip


def _numbers(key: str, given: Any, form: str, lengths: tuple[int, ...]) -> list[Decimal]:
    """The numbers as they were written: in binary, 0.1 + 2 * 0.1 would not be 0.3, hence another identifier."""
    if isinstance(given, (list, tuple)) and len(given) in lengths:
        try:
            numbers = [Decimal(str(number)) for number in given if not isinstance(number, bool)]
        except ArithmeticError:
            numbers = []
        if len(numbers) == len(given) and all(number.is_finite() for number in numbers):
            return numbers if len(numbers) == 3 else [*numbers, Decimal(1)]
    raise ValueError(f"{key} must be {form}, not {given!r}")


def _as_written(number: Decimal, given: Iterable[Any]) -> Any:
    """An integer when all that was given are integers."""
    integers = all(isinstance(each, int) or (isinstance(each, str) and each.strip("+-").isdigit()) for each in given)
    return int(number) if integers else float(number)


def generate_grid(configuration: Any) -> tuple[list[Any], list[dict[str, Any]]]:
    """Every combination of the values of a configuration's grids.

    Grids are the fields declared as `GridSearch`, and the entries of the field `grid_search`: dotted paths with their
    values; under `config_dicts`, a list of mappings from paths to values that vary together.

    Returns:
        The configurations, copies without grids, and for each its tags: the value of every path that varies.

    Raises:
        ValueError: a path leads nowhere, or is varied twice.

    >>> from experimaestro.experiments import configuration
    >>> @configuration
    ... class Learning:
    ...     rate: GridSearch[float] = GridSearch([0.1, 0.2])
    ...     layers: int = 2
    >>> configurations, tags = generate_grid(Learning())
    >>> [c.rate for c in configurations], tags
    ([0.1, 0.2], [{'rate': 0.1}, {'rate': 0.2}])
    """
    declared = dict(_lookup(configuration, "grid_search", None) or {})
    coupled = declared.pop(CONFIG_DICTS, None)
    axes = [[{path: value} for value in grid.values] for path, grid in _inline(configuration, "")]
    axes += [[{path: value} for value in grid_values(given)] for path, given in declared.items()]
    if coupled is not None:
        axes.append(_coupled(coupled))
    _check_paths(configuration, axes)
    varying = {path for axis in axes for path in axis[0] if any(each[path] != axis[0][path] for each in axis)}
    configurations, tags = [], []
    for choice in product(*axes):
        made = copy.deepcopy(configuration)
        values = {path: value for each in choice for path, value in each.items()}
        values = {path: _assign(made, path, value) for path, value in values.items()}
        if hasattr(made, "grid_search"):
            made.grid_search = None
        elif isinstance(made, dict):
            made.pop("grid_search", None)
        configurations.append(made)
        tags.append({path: value for path, value in values.items() if path in varying})
    return configurations, tags


def _inline(node: Any, path: str) -> Iterable[tuple[str, GridSearch[Any]]]:
    """Grids among the fields, with their paths."""
    if isinstance(node, GridSearch):
        yield path, node
        return
    for name, value in _children(node):
        if not (path == "" and name == "grid_search"):
            yield from _inline(value, f"{path}.{name}" if path else name)


def _children(node: Any) -> list[tuple[str, Any]]:
    if isinstance(node, Mapping):
        return [(str(key), value) for key, value in node.items()]
    if isinstance(node, list):
        return [(str(index), value) for index, value in enumerate(node)]
    if isinstance(node, type):
        return []
    if dataclasses.is_dataclass(node):
        return [(each.name, getattr(node, each.name)) for each in dataclasses.fields(node)]
    return [(each.name, getattr(node, each.name)) for each in getattr(node, "__attrs_attrs__", ())]


def _coupled(given: Any) -> Axis:
    if not isinstance(given, list) or not given or not all(isinstance(each, Mapping) for each in given):
        raise ValueError(f"grid_search.{CONFIG_DICTS} must be a list of mappings from paths to values, not {given!r}")
    first = set(given[0])
    for index, each in enumerate(given):
        if set(each) != first:
            different = ", ".join(sorted(set(each) ^ first))
            raise ValueError(f"grid_search.{CONFIG_DICTS}: all mappings must have the same keys; entry {index + 1} "
                             f"differs from the first one by {different}")  # fmt: skip
    return [dict(each) for each in given]


def _check_paths(configuration: Any, axes: list[Axis]) -> None:
    taken: set[str] = set()
    for axis in axes:
        for path in axis[0]:
            clash = next((t for t in taken if t == path or t.startswith(f"{path}.") or path.startswith(f"{t}.")), None)
            if clash is not None:
                raise ValueError(f"the grid varies {path!r} twice" + (f" (through {clash!r})" if clash != path else ""))
            taken.add(path)
            _parent(configuration, path)


_ABSENT = object()


def _lookup(node: Any, name: str, missing: Any = _ABSENT) -> Any:
    if isinstance(node, list) and name.isdigit() and int(name) < len(node):
        return node[int(name)]
    return dict(_children(node)).get(name, missing)


def _parent(configuration: Any, path: str) -> tuple[Any, str]:
    """What holds the last component of a path."""
    node, (*components, last) = configuration, str(path).split(".")
    for depth, component in enumerate((*components, last)):
        if _lookup(node, component) is _ABSENT:
            known = ", ".join(name for name, _ in _children(node)) or "nothing"
            where = ".".join(str(path).split(".")[:depth]) or "the configuration"
            raise ValueError(f"grid path {path!r}: {where} has no {component!r}; it has {known}")
        if depth < len(components):
            node = _lookup(node, component)
    return node, last


def _assign(configuration: Any, path: str, value: Any) -> Any:
    """Set a value where a path leads; returns it as it was stored."""
    node, last = _parent(configuration, path)
    value = copy.deepcopy(value)
    if isinstance(node, list):
        node[int(last)] = value
    elif isinstance(node, dict):
        key = next(key for key in node if str(key) == last)
        node[key] = value
    else:
        value = _fitted(node, last, path, value)
        setattr(node, last, value)
    return value


def _fitted(node: Any, name: str, path: str, value: Any) -> Any:
    """A value as the type of the field asks (`1e-3` is text in YAML), or a message that names the path."""
    from experimaestro.experiments.structure import _NOWHERE, _Structurer, fields_of

    declared = next((field.type for field in fields_of(type(node)) or () if field.name == name), Any)
    if getattr(declared, "__origin__", declared) is GridSearch:
        return value  # read already, with the type in brackets
    reader = _Structurer()
    read = reader.value(value, declared, _NOWHERE, path)
    if reader.problems:
        raise ValueError("; ".join(str(problem.message) for problem in reader.problems))
    return read

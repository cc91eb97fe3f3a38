"""What a configuration means, as a plain value of Python: equal meanings are what equal identifiers stand for.

Written from docs/identifiers.md, "What counts". Nothing is hashed, and nothing is asked of the library but the values
of the parameters, the linked task, the init tasks, the pre-tasks and the meta flag. How parameters were declared is in
`cls.DECLARED`.
"""

from __future__ import annotations

import enum
import os
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from experimaestro import Config

MISSING: Any = object()


@dataclass(frozen=True)
class Declared:
    """How a parameter was written.

    Attributes:
        kind: `param`, `meta`, `constant`, `path`, `generated` or `data`.
        optional: it may be missing.
        default: what it is when it is not given; `MISSING` without default.
        ignored: it is left out while it equals its default.
    """

    kind: str
    optional: bool = False
    default: Any = MISSING
    ignored: bool = False


def meaning(value: Any) -> Any:
    """What counts of a value."""
    if isinstance(value, Config):
        return _configuration(value, counting=True)
    return _value(value, counting=True)


def content(value: Any) -> Any:
    """Everything that a value holds, what does not count included; but not what is made for a job."""
    if isinstance(value, Config):
        return _configuration(value, counting=False)
    return _value(value, counting=False)


def _flag(value: Any) -> bool | None:
    information = getattr(value, "__xpm__", None) if isinstance(value, Config) else None
    return getattr(information, "meta", None)


def _value(value: Any, counting: bool) -> Any:
    def kept(item: Any) -> bool:
        return not (counting and _flag(item) is True)

    def inside(item: Any) -> Any:
        return _configuration(item, counting) if isinstance(item, Config) else _value(item, counting)

    if value is None:
        return ("none",)
    if isinstance(value, enum.Enum):
        return ("enum", type(value).__module__, type(value).__qualname__, value.name)
    if isinstance(value, (bool, np.bool_)):
        return ("bool", bool(value))
    if isinstance(value, (int, np.integer)):
        return ("int", int(value))
    if isinstance(value, (float, np.floating)):
        return ("float", repr(float(value)))
    if isinstance(value, str):
        return ("str", str(value))
    if isinstance(value, bytes):
        return ("bytes", bytes(value))
    if isinstance(value, PurePath):
        return ("path", os.fsencode(value))
    if isinstance(value, (list, tuple)):
        return (type(value).__name__, *(inside(item) for item in value if kept(item)))
    if isinstance(value, (set, frozenset)):
        return ("set", frozenset(inside(item) for item in value if kept(item)))
    if isinstance(value, dict):
        return ("dict", frozenset((inside(key), inside(item)) for key, item in value.items() if kept(item)))
    if isinstance(value, np.ndarray):
        little = np.ascontiguousarray(value.astype(value.dtype.newbyteorder("<")))
        return ("array", little.dtype.str, value.shape, little.tobytes())
    raise TypeError(f"no meaning: {type(value)}")


def _configuration(config: Any, counting: bool) -> Any:
    cls = type(config).__xpmtype__.value_type if hasattr(type(config), "__xpmtype__") else type(config)
    parameters = {}
    for name, declared in cls.DECLARED.items():
        if declared.kind == "generated":
            continue
        value = getattr(config, name)
        if declared.kind == "data":
            if not counting:
                parameters[name] = _files(value)
            continue
        flag = _flag(value)
        if not counting or flag is False or (flag is None and _counts(value, declared)):
            parameters[name] = _configuration(value, counting) if isinstance(value, Config) else _value(value, counting)
    information = getattr(config, "__xpm__", None)
    task = getattr(information, "task", None)
    if not counting and task is not None:
        return ("configuration", cls.TYPE, frozenset(parameters.items()))
    return (
        "configuration",
        cls.TYPE,
        frozenset(parameters.items()),
        ("none",) if task is None or task is config else _configuration(task, counting),
        tuple(_configuration(item, counting) for item in getattr(information, "init_tasks", None) or ()),
        frozenset(_configuration(item, counting) for item in getattr(information, "pre_tasks", None) or ()),
    )


def _files(path: Path | None) -> Any:
    """What the files of a `DataPath` hold: they may be elsewhere."""
    if path is None:
        return ("none",)
    if path.is_dir():
        return ("folder", frozenset((item.name, _files(item)) for item in path.iterdir()))
    return ("file", path.read_bytes())


def _counts(value: Any, declared: Declared) -> bool:
    if declared.kind == "constant":
        return True
    if declared.kind != "param":
        return False
    if declared.default is MISSING:
        return not (declared.optional and value is None)
    return not (declared.ignored and meaning(value) == meaning(declared.default))

"""Configuration classes: what may stand in an experiment's YAML file, as keyword-only data classes."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from copy import deepcopy
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

if TYPE_CHECKING:
    from typing_extensions import dataclass_transform
elif sys.version_info >= (3, 11):
    from typing import dataclass_transform
else:

    def dataclass_transform(**_: Any) -> Callable[[Any], Any]:
        """Python 3.10 has no use for it."""
        return lambda decorated: decorated


T = TypeVar("T")


@overload
def configuration(cls: type[T], /) -> type[T]: ...
@overload
def configuration() -> Callable[[type[T]], type[T]]: ...
@dataclass_transform(kw_only_default=True, field_specifiers=(dataclasses.field,))
def configuration(cls: Any = None, /) -> Any:
    """Declare a configuration class: keyword-only, comparable, hashable; lists and dicts are allowed as defaults.

    >>> @configuration
    ... class Learning:
    ...     rate: float = 1e-3
    ...     layers: list[int] = [64]
    >>> Learning(rate=0.1)
    Learning(rate=0.1, layers=[64])
    """
    return _make if cls is None else _make(cls)


def _make(cls: type[T]) -> type[T]:
    for name in _annotations(cls):
        if name in cls.__dict__:
            default = _default(cls.__dict__[name])
            if default is not cls.__dict__[name]:
                setattr(cls, name, default)
    return dataclasses.dataclass(kw_only=True, unsafe_hash=True)(cls)


def _annotations(cls: type) -> dict[str, Any]:
    """The annotations of the class itself, not evaluated where Python allows that."""
    if sys.version_info >= (3, 14):
        import annotationlib

        return annotationlib.get_annotations(cls, format=annotationlib.Format.FORWARDREF)
    import inspect

    return inspect.get_annotations(cls)


def _default(value: Any) -> Any:
    """What a data class accepts for this default: a copy per object of what can change, and the forms of attrs."""
    if type(value).__module__.partition(".")[0] in ("attr", "attrs"):
        return _from_attrs(value)
    if getattr(value, "__hash__", None) is None and not isinstance(value, dataclasses.Field):
        return dataclasses.field(default_factory=lambda: deepcopy(value))
    return value


def _from_attrs(value: Any) -> Any:
    """Projects written for the older package declare defaults with attrs; read them without importing it."""
    if hasattr(value, "factory"):
        if getattr(value, "takes_self", False):
            raise TypeError("a default that depends on the object (takes_self) is not supported: use __post_init__")
        return dataclasses.field(default_factory=value.factory)
    default = getattr(value, "_default", value)
    if type(default).__module__.partition(".")[0] in ("attr", "attrs"):
        return _from_attrs(default) if hasattr(default, "factory") else dataclasses.field()
    return _default(default)


@configuration
class ConfigurationBase:
    """Keys that every experiment file may have; subclass it with your own."""

    id: str = ""
    """Name of the experiment: its folder in the workspace."""

    file: str = "experiment"
    """Python file with `run`, relative to the YAML file; `.py` may be left out."""

    module: str | None = None
    """Python module with `run`, instead of `file`."""

    pythonpath: list[str] | None = None
    """Folders put in front of the Python path, relative to the YAML file (default: the folder of `file`)."""

    pre_experiment: str | None = None
    """Python file (or module) that is run before the experiment's code is imported."""

    parent: str | None = None
    """An experiment file that this one refines; replaced by `imports`."""

    imports: list[str] | None = None
    """Experiment files that this one refines; later ones win."""

    title: str = ""
    """For people: a title."""

    subtitle: str = ""
    """For people: a second line."""

    paper: str = ""
    """For people: the paper that the experiment belongs to."""

    description: str = ""
    """For people: what it is about."""

    add_timestamp: bool = False
    """Add `-YYYYmmdd-HHMM` to the identifier, so that each start is an experiment of its own."""

    dirty_git: Literal["ignore", "warn", "error"] = "warn"
    """What to do when the experiment's code has uncommitted changes."""

    grid_search: dict[str, Any] | None = None
    """Values for paths such as `model.rate`, and `config_dicts`: see `generate_grid`."""

"""Stored form of what a service is made of: plain data in, plain data out; nothing is executed but the class itself.

Floor: `_run`.
"""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from experimaestro.exceptions import LoadError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["UNSERIALIZABLE", "decode", "encode", "is_stored", "resolve_service", "said", "translator"]

PATH, UNSERIALIZABLE = "__path__", "__unserializable__"


def encode(value: Any) -> Any:
    """Return a value as it is stored.

    >>> encode({"p": Path("a"), "n": [1, None]})
    {'p': {'__path__': 'a'}, 'n': [1, None]}
    >>> encode(object)
    {'__unserializable__': "type: <class 'object'>"}
    """
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, PurePath):
        return {PATH: str(value)}
    if isinstance(value, (list, tuple)):
        return [encode(item) for item in value]
    if isinstance(value, dict) and all(isinstance(key, str) and not key.startswith("__") for key in value):
        return {key: encode(item) for key, item in value.items()}
    return {UNSERIALIZABLE: f"{type(value).__name__}: {value!r}"[:200]}


def decode(value: Any, path_translator: Callable[[Path], str | Path] | None = None, *, where: str = "the value") -> Any:
    """Return the value that was stored.

    Raises:
        ValueError: it had no stored form.
    """
    if isinstance(value, list):
        return [decode(item, path_translator, where=where) for item in value]
    if not isinstance(value, dict):
        return value
    if UNSERIALIZABLE in value:
        raise ValueError(
            f"{where} has no stored form ({value[UNSERIALIZABLE]}): the state_dict() of a service may hold paths, "
            "texts, numbers, lists and dictionaries"
        )
    if set(value) == {PATH}:
        path = Path(value[PATH])
        return path if path_translator is None else Path(path_translator(path))
    return {key: decode(item, path_translator, where=f"{where}.{key}") for key, item in value.items()}


def said(describe: Callable[[], Any]) -> str:
    """What the user's `description()` returns; that it fails must not keep the service from being known.

    >>> said(lambda: 1 / 0)
    '(description() failed: ZeroDivisionError: division by zero)'
    """
    try:
        return str(describe())
    except Exception as error:  # noqa: BLE001 - the user's code
        return f"(description() failed: {type(error).__name__}: {error})"


def is_stored(state: Any) -> bool:
    """Whether nothing in a stored value is without stored form."""
    if isinstance(state, list):
        return all(map(is_stored, state))
    return not isinstance(state, dict) or (UNSERIALIZABLE not in state and all(map(is_stored, state.values())))


def resolve_service(name: str, module: str | None = None, file: str | None = None) -> type:
    """Return the class of a service.

    Args:
        name: `module.Class`, where the class may be inside others.
        module: the part of the name that is the module; by default as much as can be imported.
        file: source of a module that is in no package.

    Raises:
        LoadError: it cannot be imported, or is no service.
    """
    from experimaestro._config.loading import resolve_class
    from experimaestro._run.services import Service

    if module is None:
        module = _module_of(name)
    if not name.startswith(f"{module}."):
        raise LoadError(f"{name!r} is not the name of a class in the module {module!r}")
    cls = resolve_class(module, name[len(module) + 1 :], file)
    if not issubclass(cls, Service):
        raise LoadError(f"{name} is no service: only classes that derive from Service are made from stored data")
    return cls


def _module_of(name: str) -> str:
    """As much of a dotted name as is a module."""
    import sys
    from importlib.util import find_spec

    parts = name.split(".")
    for length in range(len(parts) - 1, 0, -1):
        module = ".".join(parts[:length])
        try:
            if module in sys.modules or find_spec(module) is not None:
                return module
        except (ImportError, ValueError):  # a parent is no package
            continue
    raise LoadError(
        f"the class {name} cannot be imported: there is no module {name.rpartition('.')[0] or name!r}; "
        "add its folder to PYTHONPATH"
    )


def translator(stored_root: str, root: Path) -> Callable[[Path], Path]:
    """Return what turns a path below a workspace into one below the place where the workspace is now.

    A path that was below it stays below it, whatever dots it contains; others are kept as they are.

    >>> moved = translator("/old/ws", Path("/new/ws"))
    >>> [str(moved(Path(path))) for path in ("/old/ws/jobs/a", "/old/ws/../x", "/data")]
    ['/new/ws/jobs/a', '/old/x', '/data']
    """
    import os

    def translate(path: Path) -> Path:
        plain = Path(os.path.normpath(path))
        if plain.is_relative_to(stored_root):
            return root / plain.relative_to(stored_root)
        return plain

    return translate

"""Decorators of methods: `cache`, `initializer`, `config_only`, `documentation`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from experimaestro import _core

if TYPE_CHECKING:
    from typing import Concatenate, ParamSpec

    P = ParamSpec("P")
R = TypeVar("R")
F = TypeVar("F", bound=Callable[..., Any])


def initializer(method: F) -> F:
    """The method runs once per object; later calls return what the first returned."""
    name = f"__xpm_initialised_{method.__name__}__"

    @functools.wraps(method)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        known = self.__dict__
        if name not in known:
            # Raw, so that it also works on a configuration.
            known[name] = method(self, *args, **kwargs)
        return known[name]

    return wrapper  # type: ignore[return-value]


def config_only(method: F) -> F:
    """The method is for configurations: on an object it raises `AttributeError`."""

    @functools.wraps(method)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(self, _core.ConfigBase):
            raise AttributeError(f"{method.__qualname__}() is for configurations, and this is an object: {self!r}")
        return method(self, *args, **kwargs)

    return wrapper  # type: ignore[return-value]


def documentation(member: F) -> F:
    """Mark a method (or a class) as part of what users should read about."""
    target: Any = getattr(member, "__func__", getattr(member, "fget", member))
    target.__xpm_documented__ = True
    return member


def cache(filename: str) -> Callable[[Callable[Concatenate[Any, Path, P], R]], Callable[Concatenate[Any, P], R]]:
    """The method gets, first, the path of a file that is the same for all objects with this configuration.

    The file lies in the workspace, `config/<type id>/<identifier>/<filename>`. One process at a time is inside the
    method. The method looks whether the file exists, and makes it if not.

    >>> class Index(Config):  # doctest: +SKIP
    ...     @cache("index.bin")
    ...     def load(self, path: Path):
    ...         if not path.exists():
    ...             ...
    """

    def decorate(method: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(method)
        def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
            path = cache_folder(self) / filename
            path.parent.mkdir(parents=True, exist_ok=True)
            with _Lock(path.with_name(f"{path.name}.lock")):
                return method(self, path, *args, **kwargs)

        return wrapper

    return decorate


def cache_folder(value: Any) -> Path:
    """The folder of a configuration's cached files.

    Raises:
        AttributeError: neither the identifier nor the workspace of the object is known.
    """
    from experimaestro.taskglobals import Env

    config = value if isinstance(value, _core.ConfigBase) else getattr(value, "__config__", None)
    identifier = getattr(value, "__xpmidentifier__", None) if config is None else _core.identifier(config)
    if identifier is None:
        raise AttributeError(f"{value!r} does not know its configuration: make it with instance(keep=True)")
    workspace: Path | None = Env.wspath or _submission_workspace()
    if workspace is None:
        raise AttributeError("no workspace is known: cached methods work in a job, or inside an experiment")
    type_id: str = type(value).__xpmtype__.identifier
    return workspace / "config" / type_id / str(identifier)


_workspaces: list[Callable[[], Path | None]] = []


def add_workspace_source(source: Callable[[], Path | None]) -> None:
    """Let cached methods find the workspace in a process that is no job: the floor above knows the experiment."""
    _workspaces.append(source)


def _submission_workspace() -> Path | None:
    found = (source() for source in _workspaces)
    return next((path for path in found if path is not None), None)


class _Lock:
    """One process at a time: a lock on an open file, released by the system when the process ends."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        import fcntl
        import os

        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
        fcntl.lockf(self._file, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        import os

        os.close(self._file)

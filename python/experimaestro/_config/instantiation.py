"""`config.instance()` and the store of its objects."""

from __future__ import annotations

from typing import Any

from experimaestro import _core

from .generation import ConfigWalkContext, EmptyContext


class ObjectStore:
    """Objects by configuration, shared between calls of `instance(objects=store)`."""

    def __init__(self) -> None:
        # Holds the configurations too: an address is only a name while its object lives.
        self._made: dict[int, tuple[Any, Any]] = {}

    def retrieve(self, config: Any) -> Any:
        """The object made for a configuration; `None` if there is none."""
        made = self._made.get(id(config))
        return None if made is None else made[1]

    def add_stub(self, config: Any, value: Any) -> None:
        """Use this object for a configuration."""
        self._made[id(config)] = (config, value)


def instance(config: Any, context: Any = None, *, objects: ObjectStore | None = None, keep: bool = True) -> Any:
    """An object with the parameters of a configuration, which is validated and sealed first."""
    if context is None:
        context = EmptyContext()
    elif not isinstance(context, ConfigWalkContext):
        raise AssertionError(f"context must be a ConfigWalkContext, such as DirectoryContext(folder), not {context!r}")
    store = ObjectStore() if objects is None else objects
    _core.validate(config)
    _core.seal(config, context)
    return _core.build_instance(config, store._made, keep)

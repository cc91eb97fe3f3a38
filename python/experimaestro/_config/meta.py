"""The meta flag: whether a configuration counts in identifiers, whatever its parameter says."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from experimaestro import _core

if TYPE_CHECKING:
    from .classes import Config

T = TypeVar("T", bound="Config")


def setmeta(config: T, flag: bool | None) -> T:
    """Force a configuration to be metadata (True), to count (False), or to follow its parameter (None); returns it.

    Raises:
        AssertionError: the configuration is sealed, or is none.
    """
    if not isinstance(config, _core.ConfigBase):
        raise AssertionError(f"setmeta() takes a configuration, not {config!r}")
    state = _core.state_of(config)
    if state.sealed:
        raise AssertionError(f"{config!r} is sealed: set its meta flag before it is submitted or made into an instance")
    state.meta = flag
    return config

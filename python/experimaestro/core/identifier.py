"""Identifiers of configurations."""

from __future__ import annotations

from typing import Any

from experimaestro import _core
from experimaestro._core import Identifier

__all__ = ["Identifier", "IdentifierComputer"]


class IdentifierComputer:
    """The way older projects ask for an identifier."""

    @staticmethod
    def compute(config: Any) -> Identifier:
        """The identifier of a configuration."""
        return _core.identifier(config)

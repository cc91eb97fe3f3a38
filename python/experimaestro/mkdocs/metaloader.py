"""Stand-ins for the modules that a documentation does not need: see `experimaestro.experiments.mock_modules`."""

from __future__ import annotations

import re
import sys
import types
from collections.abc import Sequence
from importlib.machinery import ModuleSpec

from experimaestro.experiments.mocks import FakeModule as Module
from experimaestro.experiments.mocks import FakeModuleFinder

__all__ = ["DependencyInjectorFinder", "Module"]


class DependencyInjectorFinder(FakeModuleFinder):
    """Gives stand-ins for all modules whose name matches.

    Args:
        pattern: regular expression, matched from the start of the dotted name.
    """

    def __init__(self, pattern: str) -> None:
        super().__init__(())
        self.pattern = re.compile(pattern)

    @classmethod
    def install(cls, pattern: str) -> DependencyInjectorFinder:
        """Put a finder in front of `sys.meta_path`; returns it."""
        finder = cls(pattern)
        sys.meta_path.insert(0, finder)
        return finder

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,  # noqa: ARG002 - Python's signature
        target: types.ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        """A stand-in for a name that matches."""
        return ModuleSpec(fullname, self, is_package=True) if self.pattern.match(fullname) else None

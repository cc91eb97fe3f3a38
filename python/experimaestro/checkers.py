"""Checkers: what a value must satisfy beyond its type."""

from experimaestro._config.annotations import Checker, Choices

__all__ = ["Checker", "Choices"]

"""Dotted names for type identifiers: `Identifier("my.project").model.small`."""

from __future__ import annotations


class Identifier:
    """Builds a dotted, lower-case name by attribute, item or call.

    >>> Identifier("Demo").models["Small"]("v1")
    demo.models.small.v1
    """

    def __init__(self, name: str) -> None:
        self.name = str(name).lower()

    def __getattr__(self, key: str) -> Identifier:
        if key.startswith("__"):
            raise AttributeError(key)
        return self[key]

    def __getitem__(self, key: object) -> Identifier:
        return Identifier(f"{self.name}.{key}")

    def __call__(self, key: object) -> Identifier:
        return self[key]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Identifier) and self.name == other.name

    def __hash__(self) -> int:
        return hash(self.name)

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return self.name

"""A task that holds a tree of configurations, in a package."""

from __future__ import annotations

from experimaestro import Config, Param, Task


class Node(Config):
    """A node of a binary tree."""

    value: Param[float]
    name: Param[str]
    left: Param[Node | None]
    right: Param[Node | None]


class Holder(Task):
    """A task that holds a tree."""

    tree: Param[Node]

    def execute(self) -> None:
        """Do nothing."""

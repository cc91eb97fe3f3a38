"""The tasks that the benches of running submit: they do nothing."""

from __future__ import annotations

from experimaestro import Param, Task


class Independent(Task):
    """A task that needs nothing."""

    index: Param[int]

    def execute(self) -> None:
        """Do nothing."""


class Layered(Task):
    """A task that needs tasks of the layer above."""

    index: Param[int]
    parents: Param[list[Layered]]

    def execute(self) -> None:
        """Do nothing."""


def submit_independent(count: int) -> None:
    """Submit tasks that need nothing."""
    for index in range(count):
        Independent.C(index=index).submit()


def submit_layers(count: int, *, width: int = 10, parents: int = 3) -> None:
    """Submit tasks in layers, each task with three parents in the layer above."""
    above: list[Layered] = []
    for start in range(0, count, width):
        layer = []
        for index in range(start, min(start + width, count)):
            chosen = [above[(index + step) % width] for step in range(parents)] if above else []
            layer.append(Layered.C(index=index, parents=chosen).submit())
        above = layer


def submit_chain(count: int) -> None:
    """Submit tasks each of which needs the one before."""
    submit_layers(count, width=1, parents=1)

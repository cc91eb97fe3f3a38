"""Learning."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from experimaestro import Config, Constant, Meta, Param, PathGenerator, Task, field


class Optimizer(Config):
    """How weights change.

    It is asked after each batch.

    Args:
        rate: not the text to show, the literal below it wins
    """

    rate: Param[float] = 1e-3
    """Size of a step"""

    momentum: Param[float | None]
    """Inertia, if any"""

    def step(self, size: int) -> int:
        """Change the weights once."""
        return size

    def undocumented(self) -> None: ...

    class Schedule(Config):
        """When the rate changes."""

        every: Param[int]


class Model(Config):
    """What was learnt."""

    width: Param[int]


class Learn(Task):
    """Learn a model."""

    optimizer: Param[Optimizer]
    layers: Param[list[int]]
    version: Constant[int] = 2
    weights: Meta[Path] = field(default_factory=PathGenerator("weights.pt"))

    def task_outputs(self, dep: Callable[[Model], Model]) -> Model:
        """The model."""
        return dep(Model.C(width=1))

    def execute(self) -> None:
        """Learn."""


class _Private(Config):
    x: Param[int]

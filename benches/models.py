"""The same data five times: configurations, pydantic models, dataclasses, and plain values.

Each function `flat`, `tree`, .. takes a family: a namespace with `Flat`, `Node`, `Floats`, `Table` and `Shared`.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from experimaestro import Config, Param

SCALARS = {
    "learning_rate": 1e-3,
    "weight_decay": 0.01,
    "dropout": 0.1,
    "epochs": 40,
    "batch_size": 64,
    "layers": 12,
    "name": "transformer",
    "activation": "relu",
    "shuffle": True,
    "bias": False,
}
FLOATS = [index / 7 for index in range(1000)]
ENTRIES = {f"key-{index}": index for index in range(1000)}


class FlatConfig(Config):
    """Ten scalars."""

    learning_rate: Param[float]
    weight_decay: Param[float]
    dropout: Param[float]
    epochs: Param[int]
    batch_size: Param[int]
    layers: Param[int]
    name: Param[str]
    activation: Param[str]
    shuffle: Param[bool]
    bias: Param[bool]


class NodeConfig(Config):
    """A node of a binary tree."""

    value: Param[float]
    name: Param[str]
    left: Param[NodeConfig | None]
    right: Param[NodeConfig | None]


class FloatsConfig(Config):
    """A list of floats."""

    values: Param[list[float]]


class TableConfig(Config):
    """A dictionary."""

    entries: Param[dict[str, int]]


class SharedConfig(Config):
    """A list of nodes."""

    nodes: Param[list[NodeConfig]]


@dataclass
class FlatData:
    """Ten scalars."""

    learning_rate: float
    weight_decay: float
    dropout: float
    epochs: int
    batch_size: int
    layers: int
    name: str
    activation: str
    shuffle: bool
    bias: bool


@dataclass
class NodeData:
    """A node of a binary tree."""

    value: float
    name: str
    left: NodeData | None = None
    right: NodeData | None = None


@dataclass
class FloatsData:
    """A list of floats."""

    values: list[float]


@dataclass
class TableData:
    """A dictionary."""

    entries: dict[str, int]


@dataclass
class SharedData:
    """A list of nodes."""

    nodes: list[NodeData]


CONFIGURATIONS = SimpleNamespace(
    Flat=FlatConfig.C, Node=NodeConfig.C, Floats=FloatsConfig.C, Table=TableConfig.C, Shared=SharedConfig.C
)
DATACLASSES = SimpleNamespace(Flat=FlatData, Node=NodeData, Floats=FloatsData, Table=TableData, Shared=SharedData)
PLAIN = SimpleNamespace(Flat=dict, Node=dict, Floats=dict, Table=dict, Shared=dict)


def pydantic_models() -> SimpleNamespace:
    """Return the family of pydantic models (the older package's environment need not have pydantic)."""
    import pydantic_models as models

    return SimpleNamespace(
        Flat=models.FlatModel,
        Node=models.NodeModel,
        Floats=models.FloatsModel,
        Table=models.TableModel,
        Shared=models.SharedModel,
    )


def flat(family: Any) -> Any:
    """Make an object with ten scalars."""
    return family.Flat(**SCALARS)


def tree(family: Any, depth: int = 5) -> Any:
    """Make a binary tree: 31 nodes when `depth` is 5."""
    if depth == 1:
        return family.Node(value=1.5, name="leaf")
    return family.Node(value=0.5 * depth, name="inner", left=tree(family, depth - 1), right=tree(family, depth - 1))


def floats(family: Any) -> Any:
    """Make an object with 1,000 floats."""
    return family.Floats(values=FLOATS)


def table(family: Any) -> Any:
    """Make an object with a dictionary of 1,000 entries."""
    return family.Table(entries=ENTRIES)


def shared(family: Any) -> Any:
    """Make an object that holds the same tree of 7 nodes 100 times."""
    return family.Shared(nodes=[tree(family, 3)] * 100)


def diamond(family: Any, depth: int) -> Any:
    """Make a chain of nodes each of which holds the next one twice: 2 ** depth paths, depth + 1 nodes."""
    node = family.Node(value=0.0, name="end")
    for level in range(depth):
        node = family.Node(value=float(level), name="inner", left=node, right=node)
    return node


CASES = {
    "10 scalars": flat,
    "31 nested nodes": tree,
    "1,000 floats": floats,
    "dictionary of 1,000 entries": table,
    "node shared 100 times": shared,
}

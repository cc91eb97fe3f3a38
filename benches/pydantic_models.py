"""The pydantic models that hold the same data as the configurations of `models.py`."""

from __future__ import annotations

from pydantic import BaseModel


class FlatModel(BaseModel):
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


class NodeModel(BaseModel):
    """A node of a binary tree."""

    value: float
    name: str
    left: NodeModel | None = None
    right: NodeModel | None = None


class FloatsModel(BaseModel):
    """A list of floats."""

    values: list[float]


class TableModel(BaseModel):
    """A dictionary."""

    entries: dict[str, int]


class SharedModel(BaseModel):
    """A list of nodes."""

    nodes: list[NodeModel]

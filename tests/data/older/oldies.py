"""Classes whose stored objects are in tests/data/older: imported by both releases."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Dict, List, Optional

from experimaestro import Config, DataPath, LightweightTask, Meta, Param, Task


class Colour(Enum):
    RED = 1


class Part(Config):
    n: Param[int]
    note: Meta[Optional[str]]


class Model(Config):
    parts: Param[List[Part]]
    table: Param[Dict[str, float]]
    colour: Param[Colour]
    where: Meta[Optional[Path]]


class Weights(Config):
    w: DataPath
    part: Param[Part]


class Loader(LightweightTask):
    model: Param[Model]

    def execute(self):
        self.model.is_loaded = True


class Learn(Task):
    model: Param[Model]
    rate: Param[float]

    def task_outputs(self, dep):
        return dep(self.model), dep(Loader.C(model=self.model))

    def execute(self):
        pass


class Evaluate(Task):
    model: Param[Model]
    k: Param[int]

    def execute(self):
        pass

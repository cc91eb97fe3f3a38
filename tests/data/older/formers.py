"""Classes whose objects with tags and pre-tasks are in tests/data/older: imported by both releases."""

from __future__ import annotations

from experimaestro import Config, LightweightTask, Meta, Param, Task


class Model(Config):
    size: Param[int]


class Load(LightweightTask):
    model: Param[Model]
    seed: Param[int]

    def execute(self):
        self.model.seed = self.seed


class Learn(Task):
    model: Param[Model]
    rate: Param[float]
    note: Meta[str] = ""

    def execute(self):
        pass

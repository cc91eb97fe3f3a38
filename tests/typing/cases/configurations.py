"""Definition and construction."""

from pathlib import Path

from typing_extensions import assert_type

from experimaestro import Config, Meta, Param, PathGenerator, Task, field, tag


class Optimizer(Config):
    learning_rate: Param[float] = 1e-3
    momentum: Param[float | None] = None


class Learn(Task):
    optimizer: Param[Optimizer]
    layers: Param[list[int]]
    seed: Param[int] = 0
    name: Param[str] = field(default="base")
    weights: Meta[Path] = field(default_factory=PathGenerator("weights.npz"))

    def execute(self) -> None:
        assert_type(self.optimizer, Optimizer)
        assert_type(self.optimizer.learning_rate, float)
        assert_type(self.layers, list[int])
        assert_type(self.weights, Path)


# Both ways of construction give a configuration, which is seen as an object of the class.
optimizer = Optimizer.C(learning_rate=0.1)
assert_type(optimizer, Optimizer)
assert_type(Optimizer(learning_rate=0.1), Optimizer)
assert_type(optimizer.learning_rate, float)
assert_type(optimizer.momentum, float | None)

# A tagged value has the type of the value.
Optimizer.C(learning_rate=tag(0.1))

learn = Learn.C(optimizer=optimizer, layers=[1, 2])
assert_type(learn, Learn)
assert_type(learn.weights, Path)
learn.seed = 3
learn.seed = "three"  # error: assignment

print(learn.unknown)  # error: attr-defined
Optimizer(learning_rate="high")  # error: arg-type
Optimizer(unknown=1)  # error: call-arg
Optimizer(0.1)  # error: call-arg
Learn(optimizer=optimizer)  # error: call-arg
Learn(optimizer=3, layers=[1])  # error: arg-type

"""Generic classes, composition, pre-tasks, cached methods, value classes."""

from pathlib import Path
from typing import Generic, TypeVar

from typing_extensions import assert_type

from experimaestro import (
    Config,
    LightweightTask,
    Param,
    PathSerializationLWTask,
    SubmitHook,
    Task,
    cache,
    initializer,
    sealed_set,
)

T = TypeVar("T")


class Model(Config):
    size: Param[int] = 1

    @cache("index.bin")
    def index(self, path: Path, limit: int) -> str:
        return str(path / str(limit))

    @initializer
    def prepare(self, seed: int) -> float:
        return float(seed)


class Holder(Config, Generic[T]):
    item: Param[T]


class Loader(LightweightTask):
    def execute(self) -> None: ...


class Weights(PathSerializationLWTask):
    def execute(self) -> None: ...


@Model.value_class()
class ModelValue(Model): ...


class Hook(SubmitHook):
    def process(self, job: object, launcher: object) -> None: ...


@Hook()
class Learn(Task):
    model: Param[Model]


model = Model.C(size=2)
# `Holder.C` does not tell what its variable stands for, and takes anything: the direct call and the brackets tell.
print(Holder.C(item=model).item.size)
assert_type(Holder(item=model).item, Model)
assert_type(Holder[Model].C(item=model).item, Model)
Holder[Model].C(item=3)  # error: arg-type
assert_type(Learn.C(model=model) @ model, Learn)
assert_type(model.add_pretasks(Loader.C()), Model)
assert_type(Weights.construct(model, "weights.pt", lambda config: config), Model)
assert_type(sealed_set(model), set[Model])

# The first parameter of a cached method is given by the decorator.
assert_type(model.index(3), str)
assert_type(model.prepare(3), float)
model.index("all")  # error: arg-type
Hook()(int)  # error: type-var

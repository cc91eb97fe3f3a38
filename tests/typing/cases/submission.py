"""Submitting tasks, and what comes back."""

from collections.abc import Callable
from pathlib import Path

from typing_extensions import assert_type

from experimaestro import Config, Param, RunMode, Task, experiment, tags


class Prepare(Task):
    size: Param[int]

    def execute(self) -> None: ...


class Learn(Task):
    data: Param[Prepare]

    def execute(self) -> None: ...


class Model(Config):
    data: Param[Prepare]


class Train(Task):
    data: Param[Prepare]

    def task_outputs(self, dep: Callable[[Model], Model]) -> Model:
        return dep(Model.C(data=self.data))

    def execute(self) -> None: ...


class Shape(Config):
    width: Param[int]


with experiment("workspace", "typing", run_mode=RunMode.DRY_RUN) as xp:
    prepared = Prepare.C(size=3).submit()
    assert_type(prepared, Prepare)
    learned = Learn.C(data=prepared).submit()
    assert_type(learned.data.size, int)
    assert_type(xp.resultspath, Path)
    assert_type(learned.jobpath, Path)
    tags(learned).items()

    # `submit()` returns what `task_outputs` says.
    model = Train.C(data=prepared).submit()
    assert_type(model, Model)
    print(model.layers)  # error: attr-defined
    xp.wait()

Shape.C(width=1).submit()  # error: attr-defined
Learn(data=Shape.C(width=1)).submit()  # error: arg-type

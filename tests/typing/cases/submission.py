"""Submitting tasks, and what comes back."""

from pathlib import Path

from typing_extensions import assert_type

from experimaestro import Config, Param, RunMode, Task, experiment, tags


class Prepare(Task):
    size: Param[int]

    def execute(self) -> None: ...


class Learn(Task):
    data: Param[Prepare]

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
    xp.wait()

Shape.C(width=1).submit()  # error: attr-defined
Learn(data=Shape.C(width=1)).submit()  # error: arg-type

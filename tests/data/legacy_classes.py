"""Configurations whose identifiers releases 1.4 and 2.7 of the older package computed: see legacy_identifiers.json."""

from enum import Enum, IntEnum
from typing import Dict, List, Optional

from experimaestro import Any, Config, Constant, LightweightTask, Meta, Param, Task, setmeta


class Colour(Enum):
    RED = 1


class Text(str, Enum):
    X = "x"


class Number(IntEnum):
    THREE = 3


class Pair(Config):
    __xpmid__ = "s"
    a: Param[int]
    b: Param[int]


class Holder(Config):
    __xpmid__ = "h"
    x: Param[Any]


class Adam(Config):
    __xpmid__ = "__main__.adam"
    lr: Param[float] = 1e-3


class Options(Config):
    __xpmid__ = "options"
    version: Constant[int] = 2
    left_out: Param[float] = 1
    listed: Param[List[int]] = [1, 2]
    maybe: Param[Optional[str]]
    note: Meta[Optional[str]]


class Nested(Config):
    __xpmid__ = "n"
    x: Param[Pair]


class Listed(Config):
    __xpmid__ = "l"
    x: Param[List[Pair]]


class Named(Config):
    __xpmid__ = "dd"
    x: Param[Dict[str, Pair]]


class Noted(Config):
    __xpmid__ = "m"
    x: Meta[Pair]
    y: Param[int]


class Loop(Config):
    __xpmid__ = "self"
    n: Param[int]
    other: Param["Loop"]


Loop.__annotations__["other"] = Param[Loop]


class Part(Config):
    __xpmid__ = "part"
    n: Param[int]


class Model(Config):
    __xpmid__ = "model"
    part: Param[Part]


class Loader(LightweightTask):
    __xpmid__ = "loader"
    model: Param[Model]

    def execute(self):
        pass


class Learn(Task):
    __xpmid__ = "learn"
    model: Param[Model]

    def task_outputs(self, dep):
        return dep(self.model), dep(make(Loader, model=self.model))

    def execute(self):
        pass


class Evaluate(Task):
    __xpmid__ = "evaluate"
    model: Param[Model]

    def execute(self):
        pass


class Both(Task):
    __xpmid__ = "both"
    model: Param[Model]
    task: Param[Learn]

    def execute(self):
        pass


def make(cls, **values):
    return (cls.C if hasattr(cls, "C") else cls)(**values)


VALUES = {
    "float": 1.5,
    "minus zero": -0.0,
    "nan": float("nan"),
    "true": True,
    "one": 1,
    "negative": -5,
    "largest": 2**63 - 1,
    "smallest": -(2**63),
    "text": "héé\U0001f600",
    "empty text": "",
    "list": [1, "a", [2.0, False]],
    "empty list": [],
    "dict": {"b": 1, "a": {"c": 2}, "é": [{}], "": "x"},
    "flat dict": {"b": 1, "a": {"c": 2, "d": 3}},
    "empty dict": {},
    "enum": Colour.RED,
    "text enum": Text.X,
    "number enum": Number.THREE,
    "list of enums": [Colour.RED, Text.X, Number.THREE],
    "set": {1, 2, "a"},
    "dict of numbers": {10: 1, 9: 2},
}


def pair(a=1, b=2):
    return make(Pair, a=a, b=b)


def two(which):
    one, other = make(Loop, n=1), make(Loop, n=2)
    one.other, other.other = other, one
    return (one, other)[which]


def alone():
    one = make(Loop, n=1)
    one.other = one
    return one


def lasso():
    first, one, other = make(Loop, n=1), make(Loop, n=2), make(Loop, n=3)
    first.other, one.other, other.other = one, other, one
    return first


PLAIN = {
    "pair": pair,
    "adam": lambda: make(Adam),
    "adam 1e-2": lambda: make(Adam, lr=1e-2),
    "options": lambda: make(Options),
    "options given": lambda: make(Options, left_out=1.0, listed=[1, 2], note="x"),
    "options other": lambda: make(Options, left_out=2, listed=[2], maybe="z"),
    "nested": lambda: make(Nested, x=pair()),
    "listed": lambda: make(Listed, x=[pair(), pair(5)]),
    "listed meta": lambda: make(Listed, x=[pair(), setmeta(pair(5), True)]),
    "named": lambda: make(Named, x={"a": pair(), "b": pair(5)}),
    "named meta": lambda: make(Named, x={"a": pair(), "b": setmeta(pair(5), True)}),
    "noted": lambda: make(Noted, x=pair(), y=2),
    "noted forced": lambda: make(Noted, x=setmeta(pair(), False), y=2),
    "nested meta": lambda: make(Nested, x=setmeta(pair(), True)),
    "loop of one": alone,
    "loop of two": lambda: two(0),
    "loop of two, other": lambda: two(1),
    "lasso": lasso,
    **{name: lambda value=value: make(Holder, x=value) for name, value in VALUES.items()},
}


def loader(n):
    return make(Loader, model=make(Model, part=make(Part, n=n)))


def submitted(pre_tasks):
    """Names and configurations, to be called inside an experiment."""
    learn = make(Learn, model=make(Model, part=make(Part, n=1)))
    model, load = learn.submit()
    yield "learn", learn
    yield "output", model
    yield "second output", load
    evaluate = make(Evaluate, model=model)
    evaluate.submit()
    yield "evaluate", evaluate
    both = make(Both, model=model, task=learn)
    both.submit()
    yield "both", both
    init = make(Evaluate, model=make(Model, part=make(Part, n=3)))
    init.submit(init_tasks=[load, loader(8)])
    yield "init tasks", init
    if pre_tasks:
        before = make(Model, part=make(Part, n=3))
        before.add_pretasks(loader(4), loader(7))
        before.part.add_pretasks(loader(9))
        task = make(Evaluate, model=before)
        task.submit()
        yield "pre-tasks", task
        last = loader(6)
        last.model.add_pretasks(loader(5))
        task = make(Evaluate, model=make(Model, part=make(Part, n=1)))
        task.add_pretasks(loader(2))
        task.submit(init_tasks=[last])
        yield "pre-tasks of init tasks", task

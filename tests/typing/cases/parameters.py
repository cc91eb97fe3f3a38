"""Every kind of parameter, every form of `field`, and what is done with configurations."""

from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal

from typing_extensions import assert_type

from experimaestro import (
    Choices,
    Config,
    Constant,
    DataPath,
    InstanceConfig,
    LightweightTask,
    Meta,
    Option,
    OptionalDataPath,
    Param,
    PathGenerator,
    ResumableTask,
    TagDict,
    Task,
    copyconfig,
    default,
    deprecate,
    field,
    load,
    save,
    setmeta,
    stop_tags,
    tag,
    tags,
    tagspath,
)


class Colour(Enum):
    RED = 1


class Layer(Config):
    width: Param[int]


class Every(Config):
    size: Param[int]
    mode: Param[Literal["fast", "slow"]]
    layers: Param[list[Layer]]
    named: Param[dict[str, Layer]]
    pair: Param[tuple[int, str]]
    chosen: Param[set[int]]
    colour: Param[Colour]
    anything: Param[Any]
    maybe: Param[int | None] = None
    bare: Param[int] = 3
    annotated: Annotated[int, default(3)] = 3
    picked: Annotated[str, Choices(["a", "b"])] = "a"
    kept: Param[int] = field(default=3)
    ignored: Param[int] = field(default=3, ignore_default=True)
    made: Param[list[int]] = field(default_factory=list)
    late: Meta[list[int]] = field(default_factory=list)
    converted: Param[float] = field(default=0.5, converter=float)
    shared: Param[Layer | None] = field(default=None, ignore_generated=True)
    weights: DataPath = Path("weights")
    more: OptionalDataPath = None
    verbose: Option[bool] = False
    log: Meta[Path] = field(default_factory=PathGenerator("log.txt"))
    version: Constant[int] = 2


class Narrower(Every):
    bare: Param[int] = field(default=4, overrides=True)


every = Every.C(
    size=1,
    mode="fast",
    layers=[Layer.C(width=1)],
    named={"a": Layer.C(width=2)},
    pair=(1, "a"),
    chosen={1},
    colour=Colour.RED,
    anything=object(),
)
assert_type(every.mode, Literal["fast", "slow"])
assert_type(every.layers, list[Layer])
assert_type(every.named["a"].width, int)
assert_type(every.pair, tuple[int, str])
assert_type(every.chosen, set[int])
assert_type(every.maybe, int | None)
assert_type(every.picked, str)
assert_type(every.made, list[int])
assert_type(every.weights, Path)
assert_type(every.more, Path | None)
assert_type(every.verbose, bool)
assert_type(every.log, Path)
assert_type(every.version, int)
every.mode = "slow"
every.mode = "other"  # error: assignment
every.layers = [1]  # error: list-item
every.pair = (1, 2)  # error: assignment
every.colour = 1  # error: assignment
every.maybe = "x"  # error: assignment
Narrower.C(layers=[])  # error: call-arg

# What is done with configurations.
assert_type(copyconfig(every, size=2), Every)
assert_type(setmeta(every, True), Every)
assert_type(every.tag("size", 1), Every)
assert_type(tags(every), TagDict)
assert_type(tagspath(every), str)
assert_type(every.seal(), Every)
assert_type(every.copy(), Every)
assert_type(every.instance(), Every)
assert_type(tag(3), int)
assert_type(stop_tags(every), Every)
print(every.diff(every).counted[0].path.upper(), every.diff("jobs/every/3f2a").same_identifier)
print(every.diff(every).nothing)  # error: attr-defined
save(every, Path("folder"))
load(Path("folder"))
copyconfig(3)  # error: type-var
setmeta("x", True)  # error: type-var


# Deprecated classes, of both kinds, and parameters.
class New(Config):
    width: Param[int]

    @deprecate
    def size(self, value: int) -> None:
        self.width = value


@deprecate
class Old(New): ...


@deprecate(New)
class Older(Config):
    size: Param[int]

    def __convert__(self) -> New:
        return New.C(width=self.size)


assert_type(Old.C(width=1), Old)
assert_type(Older.C(size=1), Older)
Older.C(size="x")  # error: arg-type


# Tasks of all kinds.
class Part(InstanceConfig):
    width: Param[int]


class Load(LightweightTask):
    part: Param[Part]

    def execute(self) -> None: ...


class Learn(ResumableTask):
    part: Param[Part]
    out: Meta[Path] = field(default_factory=PathGenerator("out"))

    def execute(self) -> None:
        assert_type(self.remaining_time(), float | None)


class Make(Task):
    def execute(self) -> None: ...


assert_type(Part.C(width=1), Part)
Learn.C(part=Part.C(width=1)).submit(init_tasks=[Load.C(part=Part.C(width=1))], max_retries=3)
Learn.C(part=Part.C(width=1)).submit(init_tasks=[Part.C(width=1)])  # error: list-item
Learn.C(part=Part.C(width=1)).submit(unknown=3)  # error: call-arg
Part.C(width="x")  # error: arg-type

"""What only the plugin knows: which attributes a constructor takes, and which of them are required."""

from pathlib import Path
from typing import Annotated, Generic, TypeVar

from typing_extensions import assert_type

from experimaestro import (
    Config,
    Constant,
    DataPath,
    Meta,
    Option,
    Param,
    PathGenerator,
    Task,
    default,
    field,
    pathgenerator,
    tag,
)


class Node(Config):
    width: Param[int]
    children: Param["list[Node]"]
    parent: Param["Later | None"]
    note: Meta[str]
    depth: Annotated[int, default(3)]
    file: Annotated[Path, pathgenerator("node.pt")]
    weights: Meta[Path] = field(default_factory=PathGenerator("weights.pt"))
    version: Constant[int] = 1
    cached: int
    """No parameter: a plain attribute of objects."""


class Later(Config):
    size: Param[float] = 0.5
    groups: Param[int] = field(overrides=False)
    legacy: Param[int] = field(ignore_default=4)
    kept: Param[int] = field(default=3)
    made: Param[list[int]] = field(default_factory=list)


class Wider(Node):
    height: Option[int]
    depth: Param[int]


class Legacy(Config):
    x: Param[int]

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[int] = []


class Child(Legacy):
    y: Param[int]

    def __init__(self) -> None:
        super().__init__()


class Learn(Task):
    data: DataPath
    model: Param[Legacy]

    def execute(self) -> None: ...


@Node.value_class()
class NodeObject(Node):
    """What objects of `Node` are."""

    def total(self) -> int:
        return self.width + len(self.children)


T = TypeVar("T")


class Box(Config, Generic[T]):
    content: Param[T]


Node(width=1, children=[])
Node.C(width=1, children=[], note="n", parent=Later(groups=1), depth=2)
Node.XPMConfig(width=tag(1), children=[Node(width=1, children=[])])
Node.Config(width=1, children=[])
Node(width=1)  # mypy: call-arg
Node(1, children=[])  # mypy: call-arg
Node.C(width="1", children=[])  # mypy: arg-type
Node.C(width=1, children=[1])  # mypy: list-item
Node.C(width=1, children=[], version=2)  # mypy: call-arg
Node.C(width=1, children=[], weights=Path("x"))  # mypy: call-arg
Node.C(width=1, children=[], cached=2)  # mypy: call-arg

Later(groups=1)
Later.C()  # mypy: call-arg
Later.C(groups=1, legacy=2, kept=1, made=[2])
Later.C(groups=1, made=["a"])  # mypy: list-item

Wider.C(width=1, children=[], depth=3)
Wider.C(width=1, children=[])  # mypy: call-arg
Wider.C(width=1, children=[], depth=1, version=2)  # mypy: call-arg

# A class may have an `__init__` for its objects: the constructor still takes the parameters.
assert_type(Legacy.C(x=1), Legacy)
Legacy.C(x="1")  # mypy: arg-type
Child.C(x=1, y=2)
Child.C(x=1, z=2)  # mypy: call-arg

learn = Learn.C(data=Path("x"), model=Legacy.C(x=1)).tag("a", 1)
assert_type(learn, Learn)
assert_type(learn.submit(), Learn)
assert_type(learn @ Legacy.C(x=1), Learn)
learn @ 3  # mypy: operator
assert_type(learn.add_pretasks().pre_tasks[0].to_str(max_depth=1), str)
assert_type(learn.tags(), dict[str, object])  # mypy: assert-type
Learn.C(model=Legacy.C(x=1))  # mypy: call-arg

assert_type(Box(content=3).content, int)
assert_type(Box.C(content="a").content, str)
assert_type(Box[int].C(content=3), Box[int])
Box[int].C(content="a")  # mypy: arg-type
Box.C()  # mypy: call-arg
assert_type(Node.C, type[Node])
assert_type(Node.XPMValue, type[Node])

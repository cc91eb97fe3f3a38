"""Random classes of configurations, and plans of values for them, for tests of laws.

A plan is built to a configuration as often as needed, and varied a little before. Classes are written as source text
and live in the module `property_made`, where pickle and loading find them.
"""

from __future__ import annotations

import enum
import itertools
import sys
import tempfile
import types
import typing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st
from meaning import MISSING, Declared

import experimaestro
from experimaestro import Config, _core, sealed_set, setmeta
from experimaestro._config.lifecycle import prepare_submission
from experimaestro._config.outputs import mark_output
from experimaestro.exceptions import ValidationError


class Colour(enum.Enum):
    RED = "r"
    BLUE = "b"


class Name(str, enum.Enum):
    ADAM = "adam"


class Level(enum.IntEnum):
    ONE = 1
    TWO = 2


MODULE = types.ModuleType("property_made")
MODULE.__dict__.update({name: getattr(typing, name) for name in typing.__all__})
MODULE.__dict__.update({name: getattr(experimaestro, name) for name in experimaestro.__all__ if name != "Any"})
MODULE.__dict__.update(np=np, Path=Path, Colour=Colour, Name=Name, Level=Level, default=experimaestro.default)
sys.modules[MODULE.__name__] = MODULE
_serial = itertools.count()


@dataclass(frozen=True)
class Typed:
    """A type, as it is written, with values for it."""

    text: str
    values: st.SearchStrategy[Any]
    hashable: bool = False


@dataclass(eq=False)
class Plan:
    """A configuration to be built.

    Attributes:
        cls: its class.
        given: the values that are given, with plans in them.
        flag: that of `setmeta`.
        tagged: whether it has a tag.
        task: number of the task that it is an output of.
        init: numbers of the init tasks of that task.
        before: numbers of the pre-tasks.
    """

    cls: Any
    given: dict[str, Any] = field(default_factory=dict)
    flag: bool | None = None
    tagged: bool = False
    task: int | None = None
    init: tuple[int, ...] = ()
    before: tuple[int, ...] = ()


@dataclass(eq=False)
class Elements:
    """A set of configurations to be built: they are sealed, as elements of sets have to be."""

    plans: list[Any]


FOLDER = tempfile.TemporaryDirectory()
FILES = [Path(FOLDER.name, name) for name in ("one", "two", "folder")]
for _file in FILES[:2]:
    _file.write_text(_file.name)
FILES[2].mkdir()
(FILES[2] / "inside").write_text("in a folder")

NUMBERS = st.lists(st.integers(1, 3), max_size=2).map(tuple)
TEXTS = st.sampled_from(["", "1", "a", "true", "é", "x\x03b", "type"]) | st.text(
    st.characters(exclude_categories=["Cs"]), max_size=4
)
INTEGERS = st.sampled_from([0, 1, -1, 127, 128, 255, 2**63, -(2**63), 2**64]) | st.integers()
FLOATS = st.sampled_from([0.0, -0.0, 1.0, float("nan"), float("inf")]) | st.floats()
PATHS = TEXTS.filter(lambda text: "\0" not in text).map(Path)
SCALARS = st.none() | st.booleans() | INTEGERS | FLOATS | TEXTS | st.binary(max_size=3) | PATHS
# Several NaNs are several elements of a set of Python, and have no identifier.
KEYS = (
    st.booleans()
    | INTEGERS
    | FLOATS.filter(lambda number: number == number)
    | TEXTS
    | st.none()
    | st.tuples(INTEGERS, TEXTS)
)
ARRAYS = st.sampled_from(
    [
        np.array([1, 2]),
        np.array([[1], [2]]),
        np.array([1.0, 2.0]),
        np.array([1, 2], ">i8"),
        np.array([True]),
        np.array(1),
    ]
)
ENUMS = st.sampled_from([Colour.RED, Colour.BLUE, Name.ADAM, Level.ONE, Level.TWO])
ANYTHING = st.recursive(
    SCALARS | ENUMS | ARRAYS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(KEYS, inner, max_size=3)
        | st.sets(KEYS, max_size=3)
    ),
    max_leaves=5,
)
LEAVES = [
    Typed("int", INTEGERS, True),
    Typed("float", FLOATS, True),
    Typed("bool", st.booleans(), True),
    Typed("str", TEXTS, True),
    Typed("bytes", st.binary(max_size=3), True),
    Typed("Colour", st.sampled_from(Colour), True),
    Typed("Level", st.sampled_from(Level), True),
    Typed("Path", PATHS, True),
    Typed("Literal['a', 1, None]", st.sampled_from(["a", 1, None])),
    Typed("Union[bool, int, str]", st.booleans() | INTEGERS | TEXTS),
    Typed("Union[int, Dict[str, int]]", INTEGERS | st.dictionaries(TEXTS, INTEGERS, max_size=2)),
    Typed("Any", ANYTHING),
    Typed("np.ndarray", ARRAYS),
    Typed("dict", st.dictionaries(KEYS, SCALARS, max_size=3)),
]


@st.composite
def typed(draw: Any, classes: list[Any], depth: int = 2) -> Typed:
    """A type, nested at most `depth` deep, that may mention the classes."""
    form = draw(st.integers(0, 7 if depth else 1))
    if form == 1 and classes:
        cls = draw(st.sampled_from(classes))
        return Typed(cls.__name__, plans([other for other in classes if issubclass(other, cls)]))
    if form <= 2:
        return draw(st.sampled_from(LEAVES))
    inner = draw(typed(classes, depth - 1))
    if form == 3:
        return Typed(f"Optional[{inner.text}]", st.none() | inner.values)
    if form == 4:
        return Typed(f"List[{inner.text}]", st.lists(inner.values, max_size=3))
    if form == 5:
        key = draw(st.sampled_from([leaf for leaf in LEAVES if leaf.hashable]))
        return Typed(
            f"Dict[{key.text}, {inner.text}]",
            st.dictionaries(key.values.filter(lambda item: item == item), inner.values, max_size=3),
        )
    if form == 6:
        second = draw(typed(classes, 0))
        return draw(
            st.sampled_from(
                [
                    Typed(f"Tuple[{inner.text}, {second.text}]", st.tuples(inner.values, second.values)),
                    Typed(f"Tuple[{inner.text}, ...]", st.lists(inner.values, max_size=3).map(tuple)),
                ]
            )
        )
    if classes and draw(st.booleans()):
        cls = draw(st.sampled_from(classes))
        element = plans([other for other in classes if issubclass(other, cls)])
        return Typed(f"Set[{cls.__name__}]", st.lists(element, max_size=3).map(Elements))
    element = draw(st.sampled_from([leaf for leaf in LEAVES if leaf.hashable]))
    return Typed(f"Set[{element.text}]", st.sets(element.values.filter(lambda item: item == item), max_size=3))


@st.composite
def plans(draw: Any, classes: list[Any]) -> Plan:
    """A configuration of one of the classes."""
    cls = draw(st.sampled_from(classes))
    given = {}
    for name, strategy in cls.VALUES.items():
        required = cls.DECLARED[name].default is MISSING and not cls.DECLARED[name].optional
        if strategy is not None and (required or draw(st.booleans())):
            given[name] = draw(strategy)
    flag = draw(st.sampled_from([None, None, None, True, False]))
    task = draw(st.sampled_from([None, None, 1, 2]))
    before = draw(st.just(()) | NUMBERS)
    return Plan(cls, given, flag, draw(st.booleans()), task, draw(NUMBERS) if task else (), before)


@st.composite
def hierarchies(draw: Any) -> list[Any]:
    """One to four classes; later ones may derive from earlier ones, and mention them."""
    classes: list[Any] = []
    for _ in range(draw(st.integers(1, 4))):
        classes.append(_class(draw, classes))
    return classes


FORMS = ("required", "optional", "bare", "annotated", "field", "ignored", "factory")
KINDS = ("param", "param", "param", "param", "meta", "constant", "path", "generated", "factory-meta", "data")


def _class(draw: Any, classes: list[Any]) -> Any:
    parent = draw(st.sampled_from([None, *classes]))
    name = f"Made{next(_serial)}"
    declared: dict[str, Declared] = dict(parent.DECLARED) if parent else {}
    values: dict[str, Any] = dict(parent.VALUES) if parent else {}
    lines = [f"class {name}({parent.__name__ if parent else 'Config'}):", f"    __xpmid__ = 'Made.{name}'"]
    start = len(declared)
    for index in range(start, start + draw(st.integers(0, 3))):
        _parameter(draw, f"p{index}", classes, lines, declared, values, f"{name}_default_{index}")
    if parent and parent.SIMPLE and draw(st.booleans()):
        again = draw(st.sampled_from(sorted(parent.SIMPLE)))
        lines.append(f"    {again}: Param[int] = field(default=7, overrides=True)")
        declared[again], values[again] = Declared("param", default=7), INTEGERS
    simple = {"whole"} if parent is None and draw(st.booleans()) else set()
    if simple:
        lines.append("    whole: Param[int] = 3")
        declared["whole"], values["whole"] = Declared("param", default=3, ignored=True), INTEGERS
    exec("\n".join(lines), MODULE.__dict__)
    cls = MODULE.__dict__[name]
    cls.DECLARED, cls.VALUES, cls.TYPE = declared, values, f"made.{name.lower()}"
    cls.SIMPLE = simple | (parent.SIMPLE if parent else set())
    cls.__module__ = MODULE.__name__
    return cls


def _parameter(
    draw: Any, name: str, classes: list[Any], lines: list[str], declared: Any, values: Any, here: str
) -> None:
    kind = draw(st.sampled_from(KINDS))
    if kind == "path":
        lines.append(f"    {name}: Param[Optional[Path]]")
        declared[name], values[name] = Declared("path", optional=True), st.none() | PATHS
        return
    if kind == "generated":
        lines.append(f"    {name}: Meta[Path] = field(default_factory=PathGenerator('file'))")
        declared[name], values[name] = Declared("generated", optional=True), None
        return
    if kind == "factory-meta":
        lines.append(f"    {name}: Meta[int] = field(default_factory=lambda: 5)")
        declared[name], values[name] = Declared("meta", default=5), INTEGERS
        return
    if kind == "data":
        form = draw(st.sampled_from(["DataPath", "OptionalDataPath", "DataPath = "]))
        MODULE.__dict__[here] = FILES[0]
        lines.append(f"    {name}: {form}{here if form.endswith(' ') else ''}")
        optional = form.startswith("Optional")
        declared[name] = Declared("data", optional, FILES[0] if form.endswith(" ") else MISSING)
        values[name] = st.sampled_from([*FILES, None] if optional else FILES)
        return
    what = draw(typed(classes))
    optional = what.text.startswith("Optional[")
    path = what.text in ("Path", "Optional[Path]")
    form = "bare" if kind == "constant" else draw(st.sampled_from(FORMS))
    values[name] = None if kind == "constant" else what.values
    if form in ("required", "optional"):
        text = what.text
        if form == "optional":
            text, optional, values[name] = f"Optional[{text}]", True, st.none() | what.values
            path = path or text == "Optional[Path]"
        default, ignored = MISSING, False
        written = ""
    else:
        plan = draw(what.values)
        assume(plan is not None)
        default = built(plan, plain=True)
        MODULE.__dict__[here] = default
        ignored = form in ("bare", "annotated", "ignored")
        text = what.text
        written = {
            "bare": f" = {here}",
            "annotated": "",
            "field": f" = field(default={here})",
            "ignored": f" = field(default={here}, ignore_default=True)",
            "factory": f" = field(default_factory=lambda: {here})",
        }[form]
        if form == "annotated":
            text = f"Annotated[{text}, default({here})]"
    if form == "annotated" and kind == "param":
        lines.append(f"    {name}: {text}")
    else:
        outer = {"param": "Param", "meta": "Meta", "constant": "Constant"}[kind]
        lines.append(f"    {name}: {outer}[{text}]{written}")
    declared[name] = Declared("path" if path and kind == "param" else kind, optional, default, ignored)


class Produce(experimaestro.Task):
    """Where linked configurations come from."""

    __xpmid__ = "made.produce"
    n: experimaestro.Param[int]
    TYPE = "made.produce"
    DECLARED = {"n": Declared("param")}


class Prepare(experimaestro.LightweightTask):
    """What a producing task is started with."""

    __xpmid__ = "made.prepare"
    n: experimaestro.Param[int]
    TYPE = "made.prepare"
    DECLARED = {"n": Declared("param")}

    def execute(self) -> None: ...


def built(plan: Any, *, plain: bool = False, shared: dict[int, Any] | None = None, backwards: bool = False) -> Any:
    """The value that a plan stands for.

    Args:
        plan: a plan, or containers and values with plans in them.
        plain: without linked tasks, pre-tasks and flags.
        shared: what was built; a plan that is met again is the same object then.
        backwards: dict entries, keyword arguments, pre-tasks and elements of sets the other way round.
    """

    def turned(items: Any) -> list[Any]:
        return list(items)[::-1] if backwards else list(items)

    def again(value: Any) -> Any:
        return built(value, plain=plain, shared=shared, backwards=backwards)

    if isinstance(plan, Plan):
        if shared is not None and id(plan) in shared:
            return shared[id(plan)]
        config = plan.cls.C(**{name: again(value) for name, value in turned(plan.given.items())})
        if plan.tagged:
            config.tag("tagged", 1)
        if not plain:
            if plan.flag is not None:
                setmeta(config, plan.flag)
            config.add_pretasks(*(Prepare.C(n=number) for number in turned(plan.before)))
            if plan.task is not None:
                producer = Produce.C(n=plan.task)
                prepare_submission(producer, Path("/w"), [Prepare.C(n=number) for number in plan.init])
                _core.state_of(producer).submitted = True
                mark_output(producer, config)
        if shared is not None:
            shared[id(plan)] = config
        return config
    if isinstance(plan, Elements):
        return sealed_set(*(again(item) for item in turned(plan.plans)))
    if isinstance(plan, list):
        return [again(item) for item in plan]
    if isinstance(plan, tuple):
        return tuple(again(item) for item in plan)
    if isinstance(plan, dict):
        return {key: again(item) for key, item in turned(plan.items())}
    return plan


ALIKE: list[Any] = [
    None, True, 1, 1.0, "1", b"1", Path("1"), 0, 0.0, -0.0, False, "", [], (), {}, set(), [1], (1,), {1},
    {1: 1}, {True: 1}, {"1": 1}, {1.0: 1}, float("nan"), [[]], [None], {"a": {"b": 1}, "d": 2}, {"a": {"b": 1, "d": 2}},
    Level.ONE, Name.ADAM, "adam",
]  # fmt: skip


@st.composite
def near(draw: Any, plan: Any) -> Any:
    """The plan with at most one thing changed, somewhere in it."""
    if isinstance(plan, Plan):
        ways = [
            "flag",
            "tag",
            "task",
            "init",
            "before",
            "none",
            *(["inside"] * 4 if plan.given else []),
            "drop",
            "default",
        ]
        way = draw(st.sampled_from(ways))
        if way == "flag":
            return replace(plan, flag=draw(st.sampled_from([None, True, False])))
        if way == "tag":
            return replace(plan, tagged=not plan.tagged)
        if way == "task":
            return replace(plan, task=draw(st.sampled_from([None, 1, 2])))
        if way == "init":
            return replace(plan, init=draw(NUMBERS | st.just(plan.init[::-1])))
        if way == "before":
            return replace(plan, before=draw(NUMBERS | st.just(plan.before[::-1])))
        if way == "inside":
            name = draw(st.sampled_from(sorted(plan.given)))
            fresh = plan.cls.VALUES[name]
            changed = draw(near(plan.given[name]) | fresh)
            return replace(plan, given={**plan.given, name: changed})
        declared = plan.cls.DECLARED
        if way == "drop":
            names = [name for name in plan.given if declared[name].default is not MISSING or declared[name].optional]
            gone = draw(st.sampled_from(sorted(names))) if names else None
            return replace(plan, given={name: value for name, value in plan.given.items() if name != gone})
        if way == "default":
            names = [n for n, d in declared.items() if d.default is not MISSING and d.kind in ("param", "meta", "data")]
            if names:
                name = draw(st.sampled_from(sorted(names)))
                return replace(plan, given={**plan.given, name: declared[name].default})
        return replace(plan)
    if isinstance(plan, Elements) and plan.plans:
        changed = draw(near(plan.plans))
        return Elements(changed if isinstance(changed, list) and changed != [plan.plans] else plan.plans)
    if isinstance(plan, (list, tuple)) and plan and draw(st.integers(0, 3)):
        index = draw(st.integers(0, len(plan) - 1))
        items = list(plan)
        if draw(st.booleans()):
            items[index] = draw(near(items[index]))
        elif draw(st.booleans()):
            del items[index]
        elif draw(st.booleans()):
            items.append(items[index])
        else:
            items.reverse()
        return type(plan)(items)
    if isinstance(plan, dict) and plan and draw(st.integers(0, 3)):
        key = draw(st.sampled_from(list(plan)))
        return {**plan, key: draw(near(plan[key]))}
    return draw(st.sampled_from(ALIKE) | st.just([plan]) | st.just(plan))


def attempt(plan: Any, **options: Any) -> Any:
    """The configuration of a plan; the example is given up when a changed value does not fit its type."""
    try:
        return built(plan, **options)
    except ValidationError:
        assume(False)
        raise


__all__ = ["ANYTHING", "Config", "Plan", "attempt", "built", "hierarchies", "near", "plans"]

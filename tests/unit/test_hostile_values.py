"""Values whose own code raises, lies, never ends or changes what is looked at: stored, or refused as any other value.

The test's own tools must not look at the values: places are told by the names of the cases.
"""

from __future__ import annotations

import collections
import enum
import re
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PosixPath
from typing import Annotated, Any, Dict, Generic, List, Literal, Optional, Set, Tuple, TypeVar, Union

import numpy as np
import pytest

from experimaestro import Choices, Config, Param, Task, field, tags
from experimaestro.exceptions import ValidationError

T = TypeVar("T")


class Colour(enum.Enum):
    RED = "r"


class Inner(Config):
    x: Param[int] = 1


class Job(Task):
    x: Param[int] = 1


class Box(Config, Generic[T]):
    item: Param[T]


TYPES = {
    "integer": int, "number": float, "truth": bool, "text": str, "octets": bytes, "path": Path, "anything": Any,
    "colour": Colour, "inner": Inner, "job": Job, "array": np.ndarray, "one_of": Literal["a", 1, None],
    "plain_list": list, "plain_dict": dict, "plain_tuple": tuple, "plain_set": set,
    "numbers": List[int], "floats": Set[float], "whole": Set[int], "texts": Set[str], "mapped": Dict[str, int],
    "keyed": Dict[int, int], "nested": Dict[str, List[int]], "two": Tuple[int, str], "many": Tuple[float, ...],
    "either": Union[int, Dict[int, str]], "box": Box[int], "variable": T, "configs": List[Optional[Inner]],
    "by_config": Dict[Inner, int], "sealed": Set[Inner], "paths": List[Path], "colours": List[Colour],
    "one": Union[bool, int, float, str, List[int], Inner, Path],
}  # fmt: skip


USED = ("anything", "array", "path", "one")
"""Types of which configurations are used once they are made."""


class Everything(Config, Generic[T]):
    __annotations__ = {name: Param[Optional[kind]] for name, kind in TYPES.items()}
    __annotations__["chosen"] = Annotated[Any, Choices(["a", 1])]
    chosen = "a"


def explode(*_: Any, **__: Any) -> Any:
    raise RuntimeError("hostile")


BASES = (object, int, str, float, dict, list, set, tuple, bytes, frozenset, bytearray, complex, Decimal, PosixPath)
METHODS = [
    "__eq__", "__hash__", "__repr__", "__str__", "__bool__", "__len__", "__iter__", "__index__", "__int__", "__float__",
    "__fspath__", "__getattr__", "__getattribute__", "__add__", "__lt__", "__contains__", "__getitem__", "is_integer",
    "item", "items", "keys", "adjusted", "__trunc__", "__array__", "__reduce_ex__", "__format__",
]  # fmt: skip
ANSWERS: dict[str, Callable[..., Any]] = {
    "raises": explode,
    "none": lambda *_: None,
    "five": lambda *_: 5,
    "itself": lambda self, *_: self,
}


def overridden(base: type, method: str, answer: Callable[..., Any]) -> Any:
    body = {method: answer}
    if method == "__eq__":
        body["__hash__"] = base.__hash__ or object.__hash__
    return type("Hostile", (base,), body)


def lying(kind: Any) -> Any:
    return type("Liar", (), {"__class__": property(lambda _: kind)})()


def endless(*_: Any) -> Iterator[int]:
    while True:
        yield 1


class ClassRaises:
    __class__ = property(explode)  # type: ignore[assignment]


class Lies:
    __index__ = __float__ = __int__ = __bool__ = __hash__ = __eq__ = lambda *_: "no"  # type: ignore[assignment]
    __repr__ = __str__ = __fspath__ = __iter__ = lambda *_: 5  # type: ignore[assignment]
    __len__ = lambda _: -5  # noqa: E731


class RaisingMeta(type):
    __instancecheck__ = __subclasscheck__ = __repr__ = __getattribute__ = explode


class OfRaisingMeta(metaclass=RaisingMeta):
    pass


class WithoutName:
    pass


WithoutName.__qualname__ = "\ud800"
WithoutName.__module__ = 5  # type: ignore[assignment]


class Recursing:
    def __repr__(self) -> str:
        return repr(self)

    def __eq__(self, other: object) -> bool:
        return self == other

    __hash__ = object.__hash__


class ErrorWithoutText(Exception):
    __str__ = explode


def explode_without_text(*_: Any) -> Any:
    raise ErrorWithoutText


class RaisesWithoutText:
    __hash__ = __index__ = __float__ = __eq__ = explode_without_text  # type: ignore[assignment]


class LikeNumpy:
    __module__ = "numpy"
    dtype, ndim = "float", 0
    item = tobytes = explode


class LongText:
    def __repr__(self) -> str:
        return "long\n" * 10**5


class SurrogateText:
    def __repr__(self) -> str:
        return "\ud800"

    __hash__ = explode


class Changing(int):
    """Changes the container that it is in while it is looked at."""

    def __new__(cls, change: Callable[[], Any]) -> Any:
        made = int.__new__(cls, 3)
        made.change = change
        return made

    def _look(self, *_: Any) -> int:
        self.change()
        return 1

    __add__ = __index__ = __int__ = __eq__ = _look  # type: ignore[assignment]
    __hash__ = int.__hash__


def changing(container: Any, *changes: Callable[[], Any]) -> Any:
    values = [Changing(change) for change in changes]
    if isinstance(container, dict):
        container.update(enumerate(values))
    elif isinstance(container, list):
        container.extend(values)
    else:
        container.update(values)
    return container


def changed_list() -> Any:
    made: list[Any] = []
    return changing(made, lambda: made.append(1), made.clear, lambda: made.append(2))


def changed_dict() -> Any:
    made: dict[Any, Any] = {}
    return changing(made, lambda: made.setdefault(len(made) + 10, 1), made.clear, made.clear)


def changed_set() -> Any:
    made: set[Any] = set()
    return changing(made, lambda: made.add(len(made) + 10), made.clear)


def nested(depth: int, kind: type) -> Any:
    made: Any = 1
    for _ in range(depth):
        made = [made] if kind is list else (made,) if kind is tuple else {"a": made}
    return made


def holding_itself(kind: type) -> Any:
    made = kind()
    if kind is dict:
        made["a"] = made
    else:
        made.append((made,))
    return made


def without_state(how: str) -> Any:
    config = Inner.C()
    if how == "none":
        del config.__dict__["__xpm_state__"]
    elif how == "other":
        config.__dict__["__xpm_state__"] = 5
    else:
        config.__dict__.clear()
    return config


def subclass(base: type, **body: Any) -> Any:
    return type("Endless", (base,), body)


OVERRIDDEN: dict[str, Callable[[], Any]] = {
    f"{b.__name__}.{m} {a}": overridden(b, m, f) for b in BASES for m in METHODS for a, f in ANSWERS.items()
}
ASKING = ("integer", "number", "truth", "text", "path", "anything", "one_of", "whole", "keyed", "two", "one", "inner")
"""Types that ask values something."""

CASES: dict[str, Callable[[], Any]] = {
    **{
        f"says it is {kind!r}": lambda kind=kind: lying(kind)
        for kind in (
            int,
            str,
            float,
            bool,
            bytes,
            list,
            dict,
            set,
            tuple,
            Path,
            Inner,
            Inner.C,
            Colour,
            Job,
            np.ndarray,
        )
    },
    **{f"numpy {kind}": lambda kind=kind: np.array([1, 0], kind)[:1] for kind in ("i1", "O", "U3", "M8[s]", "g", "?")},
    "class raises": ClassRaises,
    "lies": Lies,
    "metaclass raises": OfRaisingMeta,
    "class whose class raises": lambda: OfRaisingMeta,
    "class without name": WithoutName,
    "recurses": Recursing,
    "raises without text": RaisesWithoutText,
    "like numpy": LikeNumpy,
    "long text": LongText,
    "surrogate text": SurrogateText,
    "generator": endless,
    "endless list": lambda: subclass(list, __iter__=endless)([1]),
    "endless dict": lambda: subclass(dict, __iter__=endless, items=endless, keys=endless)(a=1),
    "endless set": lambda: subclass(set, __iter__=endless)([1]),
    "endless frozenset": lambda: subclass(frozenset, __iter__=endless)([1]),
    "list that changes": changed_list,
    "dict that changes": changed_dict,
    "set that changes": changed_set,
    "deep list": lambda: nested(5000, list),
    "deep tuple": lambda: nested(1000, tuple),
    "deep dict": lambda: nested(3000, dict),
    "list in itself": lambda: holding_itself(list),
    "dict in itself": lambda: holding_itself(dict),
    "surrogate": lambda: "\ud800",
    "nul": lambda: "a\0b",
    "huge": lambda: 10**5000,
    "many digits": lambda: "9" * 6000,
    "nan": lambda: float("nan"),
    "huge decimal": lambda: Decimal("1e100000000"),
    "signalling nan": lambda: Decimal("sNaN"),
    "huge fraction": lambda: Fraction(10**400, 3),
    "long range": lambda: range(10**18),
    "0-d array": lambda: np.array(3),
    "array of objects": lambda: np.array(Lies(), object),
    "structured": lambda: np.zeros(1, [("a", int)]),
    "record": lambda: np.rec.array([(1, 2)], dtype=[("a", int), ("b", int)])[0],
    "void": lambda: np.zeros(1, [("a", int)])[0],
    "masked": lambda: np.ma.array([1, 2], mask=[True, False]),
    "the masked": lambda: np.ma.masked,
    "matrix": lambda: np.matrix([1]),
    "not a time": lambda: np.datetime64("NaT"),
    "long double": lambda: np.longdouble(1.5),
    "complex scalar": lambda: np.complex128(1j),
    "empty": lambda: np.zeros((0, 3)),
    "default dict": lambda: collections.defaultdict(explode),
    "counter": lambda: collections.Counter("aa"),
    "class": lambda: Inner,
    "object": lambda: Inner.C().instance(),
    "unsubmitted": Job.C,
    "module": lambda: sys,
    "without state": lambda: without_state("none"),
    "with another state": lambda: without_state("other"),
    "without values": lambda: without_state("all"),
}

PLACES: dict[str, tuple[Callable[[Any], Any], str]] = {
    "itself": (lambda value: value, ""),
    "in a list": (lambda value: [1, value], "[1]"),
    "in a tuple": (lambda value: (value, "a"), "[0]"),
    "in a dict": (lambda value: {"a": value}, "['a']"),
    "in a list in a dict": (lambda value: {"a": [value]}, "['a'][0]"),
    "as a key": (lambda value: {value: 1}, "[key "),
    "in a set": (lambda value: {value}, "{element}"),
    "in a configuration": (lambda value: Box.C(item=value), ""),
}


def check_refusal(error: ValidationError, case: str, name: str) -> None:
    assert isinstance(error, TypeError), case
    assert isinstance(error, ValueError), case
    message = str(error)
    assert re.match(rf"parameter '{name}' of \S+everything( at \S.*)?: expected .+, got .+; set at ", message), case
    assert re.search(rf"; set at {re.escape(__file__)}:\d+$", message), case
    assert len(message) < 700, case
    assert isinstance(error.loc, tuple), case
    assert error.errors()[0]["msg"] == message, case


def is_refused(case: str, name: str, give: Callable[[], Any]) -> bool:
    """Whether a value is refused as it should be. Another error is the test's failure."""
    try:
        give()
    except ValidationError as error:
        check_refusal(error, case, name)
        return True
    return False


def use(config: Any, case: str) -> None:
    """What one does with a configuration: it works, or is refused."""
    for step in (
        str,
        tags,
        lambda it: it._repr_html_(),
        lambda it: it.__identifier__(),
        lambda it: it.__json__(),
        lambda it: it.seal(),
    ):
        try:
            step(config)
        except ValidationError as error:
            told = str(error)
        else:
            continue
        assert "parameter '" in told or "was not made by its class" in told, case


def give(case: str, value: Any, name: str) -> bool:
    """Give a value to a parameter in both ways; whether it is stored."""
    config = Everything.C(integer=7)
    before = dict(config.__dict__)
    refused = is_refused(case, name, lambda: setattr(config, name, value))
    if refused:
        assert config.__dict__.keys() == before.keys(), case
        assert all(config.__dict__[key] is kept for key, kept in before.items()), case
    elif name in USED:
        use(config, case)
    is_refused(case, name, lambda: Everything.C(**{name: value}))
    return not refused


def put(make: Callable[[], Any], place: str) -> Any:
    """A value in its place; `None` if Python does not put it there."""
    try:
        return PLACES[place][0](make())
    except Exception:  # noqa: BLE001 - no hash, for instance
        return None


@pytest.mark.contract("configurations 4: hostile values are stored or refused, wherever they are given")
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.filterwarnings("ignore")
def test_hostile_values(place: str) -> None:
    stored = 0
    for case, make in CASES.items():
        for name in TYPES:
            stored += give(f"{case} {place} for {name}", put(make, place), name)
    assert stored


@pytest.mark.contract("configurations 4: values that override what validation asks")
@pytest.mark.parametrize("place", ["itself", "in a list", "as a key"])
@pytest.mark.filterwarnings("ignore")
def test_hostile_methods(place: str) -> None:
    for case, make in OVERRIDDEN.items():
        value = put(make, place)
        for name in ASKING:
            is_refused(f"{case} {place} for {name}", name, lambda: setattr(Everything.C(), name, value))  # noqa: B023


@pytest.mark.contract("configurations 4: the place inside a value is told, whatever the value says of itself")
@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("numbers", "in a list"),
        ("two", "in a tuple"),
        ("mapped", "in a dict"),
        ("nested", "in a list in a dict"),
        ("keyed", "as a key"),
        ("texts", "in a set"),
    ],
)
def test_place(name: str, place: str) -> None:
    put, position = PLACES[place]
    value = put(overridden(object, "__repr__", explode)())
    with pytest.raises(ValidationError) as caught:
        Everything.C(**{name: value})
    assert f" at {position}" in str(caught.value)
    assert "Hostile without repr> " in str(caught.value)


@pytest.mark.contract("configurations 4: a class with a hostile default is refused where it is used")
@pytest.mark.filterwarnings("ignore")
def test_defaults() -> None:
    for case, make in CASES.items():
        for kind in (int, Dict[str, int], np.ndarray):
            for written in (make(), field(default=make())):
                body = {"__annotations__": {"x": Param[kind]}, "x": written, "__xpmid__": "hostile.made"}
                made: Any = type("Made", (Config,), body)
                try:
                    made.C()
                except ValidationError as error:
                    told = str(error)
                else:
                    continue
                assert re.match("default of parameter 'x' of hostile.made: .*expected .+, got ", told), case


class Declared(Config):
    fine: Param[int] = 1
    wrong: Param[int] = "a"  # type: ignore[assignment]


@pytest.mark.contract("configurations 3: a wrong default is told with the line that declares it")
def test_line_of_a_default() -> None:
    line = next(
        index for index, text in enumerate(Path(__file__).read_text().splitlines(), 1) if "wrong: Param" in text
    )
    with pytest.raises(
        ValidationError, match=rf"expected int, got 'a' \(str\); declared at {re.escape(__file__)}:{line}$"
    ):
        Declared.C()


class Converted(Config):
    x: Param[int] = field(default=1, converter=lambda value: int(value) if value != 13 else explode())


@pytest.mark.contract("configurations 4: what a converter raises is a refusal, with the error as its cause")
def test_converter() -> None:
    config = Converted.C(x="3")
    with pytest.raises(
        ValidationError, match=r"parameter 'x' of \S+: expected int, got 13 \(int\): RuntimeError: hostile; set at"
    ) as caught:
        config.x = 13
    assert isinstance(caught.value.__cause__, RuntimeError)
    assert config.x == 3

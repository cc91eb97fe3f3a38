"""Any value given to any type is stored or refused: never a panic, a hang, or another kind of error."""

from __future__ import annotations

import datetime as dt
import enum
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Dict, Generic, List, Literal, Optional, Set, Tuple, TypeVar, Union

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experimaestro import Choices, Config, Param
from experimaestro.exceptions import ValidationError

T = TypeVar("T")


class Colour(enum.Enum):
    RED = "r"


class Inner(Config):
    x: Param[int] = 1


class Box(Config, Generic[T]):
    item: Param[T]


class Hostile:
    """Everything that can be asked of it raises."""

    def _raise(self, *_: Any) -> Any:
        raise RuntimeError("hostile")

    __eq__ = __hash__ = __repr__ = __str__ = __float__ = __int__ = __index__ = __bool__ = __len__ = _raise  # type: ignore[assignment]
    __iter__ = __fspath__ = item = _raise

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)


class HostileText(str):
    def __repr__(self) -> str:
        raise RuntimeError("hostile")


class HostileNumber(int):
    def __add__(self, other: object) -> Any:
        raise RuntimeError("hostile")

    __eq__ = __repr__ = __add__  # type: ignore[assignment]
    __hash__ = int.__hash__


class HostileClass:
    @property
    def __class__(self) -> Any:  # type: ignore[override]
        raise RuntimeError("hostile")


endless: list[Any] = []
endless.append(endless)

SPECIAL = [
    Colour.RED, Inner, Box, int, object(), Hostile(), HostileText("a"), HostileNumber(3), HostileClass(), endless,
    np.float64(1.5), np.int8(3), np.array([1, 2]), np.array(2.0), np.array("x"), np.bool_(True), np.str_("u"), np.nan,
    np.datetime64("2020-01-01"), Path("a"), Decimal("NaN"), Decimal("1e400"), Fraction(1, 3), dt.date(2020, 1, 1),
    10**5000, "9" * 5000, "\ud800", b"\xff", range(3), iter([1]), len, ..., NotImplemented, 1e308 * 10, {1: endless},
]  # fmt: skip

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.complex_numbers()
    | st.builds(Inner.C, x=st.integers())
    | st.builds(Box.C, item=st.integers() | st.text())
    | st.integers(0, len(SPECIAL) - 1).map(lambda index: SPECIAL[index]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=3) | st.integers() | st.none(), inner, max_size=3)
        | st.frozensets(st.integers() | st.text(max_size=2), max_size=3)
        | st.sets(st.integers() | st.text(max_size=2), max_size=3)
    ),
    max_leaves=8,
)

TYPES = {
    "integer": int, "number": float, "truth": bool, "text": str, "octets": bytes, "path": Path, "anything": Any,
    "colour": Colour, "inner": Inner, "items": list, "table": dict, "pair": tuple, "bag": set, "array": np.ndarray,
    "numbers": List[int], "floats": Set[float], "nested": Dict[str, List[int]], "keyed": Dict[int, Path],
    "two": Tuple[int, str], "many": Tuple[float, ...], "maybe": Optional[bool], "either": Union[int, Dict[int, str]],
    "one_of": Literal["a", 1, None], "box": Box[int], "boxes": List[Box[str]], "variable": T, "variables": Dict[str, T],
    "configs": List[Optional[Inner]], "table_of": Dict[Tuple[int, ...], Inner], "unions": List[Union[Inner, str, None]],
}  # fmt: skip


class Everything(Config, Generic[T]):
    __annotations__ = {name: Param[Optional[kind]] for name, kind in TYPES.items()}


class Checked(Config):
    chosen: Annotated[Any, Choices(["a", 1])] = "a"


def refusal(config: Any, name: str, value: Any) -> str | None:
    """Set a parameter; what the refusal says, `None` if the value was stored. Another error is the test's failure."""
    try:
        setattr(config, name, value)
    except ValidationError as error:
        return str(error)
    return None


@pytest.mark.contract("configurations 4: any value, any type: stored or refused with a ValidationError")
@settings(max_examples=400, deadline=None)
@given(st.sampled_from(sorted(TYPES)), VALUES)
def test_any_value_for_any_type(name: str, value: Any) -> None:
    config = Everything.C()
    before = getattr(config, name)
    message = refusal(config, name, value)
    stored = getattr(config, name)
    if message is not None:
        assert f"parameter '{name}'" in message
        assert __file__ in message
        assert len(message) < 1000
        assert stored is before
        return
    # What was stored is stored again as it is.
    assert refusal(config, name, stored) is None
    assert type(getattr(config, name)) is type(stored)


@pytest.mark.parametrize("name", sorted(TYPES))
def test_special_values(name: str) -> None:
    # The test's own tools must not look at these values: only their positions are told.
    for index in range(len(SPECIAL)):
        for value in (SPECIAL[index], [SPECIAL[index]], {"a": SPECIAL[index]}):
            message = refusal(Everything.C(), name, value)
            assert message is None or f"parameter '{name}'" in message, index


@given(VALUES)
@pytest.mark.contract("configurations 4: any value, any checker")
def test_any_value_for_a_checker(value: Any) -> None:
    config = Checked.C()
    message = refusal(config, "chosen", value)
    assert message is None or "choices" in message
    assert config.chosen in ("a", 1, None)

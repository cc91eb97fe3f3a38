"""Every value goes through validation: what is stored, what is refused, and how it is told."""

from __future__ import annotations

import enum
import inspect
from decimal import Decimal
from pathlib import Path
from typing import Any, Optional, Union

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experimaestro import Choices, Config, Constant, Meta, Param, Task, _core, field
from experimaestro._config.typespec import spec_of
from experimaestro.exceptions import ExperimaestroError, SealedError, ValidationError


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    LOW = 1


class Name(str, enum.Enum):
    ADAM = "adam"


class Inner(Config):
    a: Param[int]


class Outer(Config):
    x: Param[int] = 1
    rate: Meta[float] = 0.5
    name: Constant[str] = "v1"
    inner: Param[Inner | None]
    deep: Param[list[dict[str, Inner]]] = []


class Work(Task):
    x: Param[int]


class Uses(Config):
    work: Param[Work | None]


ACCEPTED = [
    (int, True, 1), (int, 5.0, 5), (int, " 5 ", 5), (int, "5.0", 5), (int, "1_000", 1000), (int, np.int64(3), 3),
    (int, np.float32(3.0), 3), (int, Decimal(4), 4), (int, Level.LOW, 1), (int, 10**40, 10**40),
    (float, 1, 1.0), (float, True, 1.0), (float, "nan", float("nan")), (float, "1e-3", 1e-3),
    (float, np.float32(0.5), 0.5), (float, np.array(2.0), 2.0), (float, Decimal("0.5"), 0.5),
    (bool, 1, True), (bool, 0.0, False), (bool, "yes", True), (bool, "Off", False), (bool, np.bool_(True), True),
    (str, Name.ADAM, "adam"), (str, np.str_("a"), "a"),
    (Path, "a/b", Path("a/b")), (Path, Path("c"), Path("c")),
    (list[int], ["1", 2.0], [1, 2]), (set[int], {"1"}, {1}), (dict[int, float], {"1": 2}, {1: 2.0}),
    (tuple[int, str], [1, "a"], (1, "a")), (tuple[int, ...], (1, "2"), (1, 2)), (Optional[int], None, None),
    (Union[int, str], "5", 5), (Union[int, str], "x", "x"), (bytes, bytearray(b"a"), b"a"), (Any, np.int32(4), 4),
    (list, [1, "a", None], [1, "a", None]), (dict, {1: "a"}, {1: "a"}),
]  # fmt: skip

REFUSED = [
    (int, 1.5), (int, float("nan")), (int, "x"), (int, "0x10"), (int, None), (int, [1]), (int, "inf"),
    (float, "x"), (float, None), (float, [1.0]), (float, 1j), (bool, 2), (bool, []), (bool, None), (bool, "maybe"),
    (str, 1), (str, b"a"), (str, Path("a")), (str, None), (Path, 1), (Path, b"a"),
    (list[int], (1, 2)), (list[int], np.array([1])), (list[int], "12"), (set[int], [1]), (set[int], frozenset({1})),
    (dict[str, int], [("a", 1)]), (tuple[int, str], (1,)), (tuple[int, str], "ab"), (Colour, "red"), (Colour, "RED"),
    (Inner, 1), (Inner, Inner), (Union[int, bool], "x"),
]  # fmt: skip


@pytest.mark.parametrize(("annotation", "given_value", "stored"), ACCEPTED)
@pytest.mark.contract("configurations 4: what types accept")
def test_accepted(annotation: Any, given_value: Any, stored: Any) -> None:
    result = _core.coerce(spec_of(annotation), given_value)
    assert type(result) is type(stored)
    assert result == stored or (result != result and stored != stored)


@pytest.mark.parametrize(("annotation", "given_value"), REFUSED)
@pytest.mark.contract("configurations 4: what types refuse")
def test_refused(annotation: Any, given_value: Any) -> None:
    with pytest.raises(ValidationError):
        _core.coerce(spec_of(annotation), given_value)


def line() -> int:
    frame = inspect.currentframe()
    assert frame is not None
    assert frame.f_back is not None
    return frame.f_back.f_lineno


@pytest.mark.contract("configurations 0: C2, one error class of both kinds")
def test_errors_are_of_both_kinds() -> None:
    for kind in (TypeError, ValueError, ExperimaestroError):
        with pytest.raises(kind):
            Outer.C(x="a")


@pytest.mark.contract("configurations 4: message contract")
def test_message_names_parameter_type_place_and_line() -> None:
    at = line() + 2
    with pytest.raises(ValidationError) as caught:
        Outer.C(deep=[{}, {"b": 3}])
    message = str(caught.value)
    assert "parameter 'deep'" in message
    assert Outer.__xpmtype__.identifier in message
    assert "[1]['b']" in message
    assert "got 3 (int)" in message
    assert f"set at {__file__}:{at}" in message


@pytest.mark.contract("configurations 5: setting a parameter, validated")
def test_message_of_an_assignment_and_object_unchanged() -> None:
    config = Outer.C(x=3)
    at = line() + 2
    with pytest.raises(ValidationError, match="parameter 'x'") as caught:
        config.x = "three"
    assert f"set at {__file__}:{at}" in str(caught.value)
    assert config.x == 3


def test_long_values_are_cut() -> None:
    with pytest.raises(ValidationError) as caught:
        Outer.C(x="a" * 10_000)
    assert len(str(caught.value)) < 400


@pytest.mark.contract("configurations 5: unknown names")
def test_unknown_parameter() -> None:
    with pytest.raises(ValidationError, match="did you mean 'inner'"):
        Outer.C(iner=None)


@pytest.mark.contract("configurations 2.3: positional arguments")
def test_positional_arguments() -> None:
    with pytest.raises(TypeError, match="positional"):
        Outer.C(1)
    with pytest.raises(TypeError, match="positional"):
        Outer(1)


@pytest.mark.contract("configurations 4: value objects are refused")
def test_value_object_instead_of_a_configuration() -> None:
    value = Inner.C(a=1).instance()
    with pytest.raises(AttributeError, match=r"Inner\.C"):
        Outer.C(inner=value)


@pytest.mark.contract("configurations 3: constants are read-only")
def test_read_only_parameters() -> None:
    with pytest.raises(AttributeError, match="read-only"):
        Outer.C(name="v2")
    config = Outer.C()
    with pytest.raises(SealedError, match="read-only"):
        config.name = "v2"
    assert config.name == "v1"


@pytest.mark.contract("configurations 5: unset parameters, None")
def test_none_and_unset() -> None:
    config = Inner.C()
    with pytest.raises(AttributeError, match=r"parameter 'a'.*not set"):
        _ = config.a
    assert not hasattr(config, "a")
    with pytest.raises(AttributeError):
        config.a = None
    with pytest.raises(ValueError, match=r"parameter 'a' of .* is required"):
        config.seal()


@pytest.mark.contract("configurations 5: del")
def test_deletion_is_refused() -> None:
    config = Inner.C(a=1)
    with pytest.raises(AttributeError, match="deleted"):
        del config.a
    assert config.a == 1


@pytest.mark.contract("configurations 5: other attributes")
def test_other_attributes_are_free() -> None:
    config = Inner.C(a=1)
    config.note = "hello"
    config.seal()
    config.note = "still"
    assert config.note == "still"
    del config.note
    assert "note" not in config.__xpm__.values


@pytest.mark.contract("configurations 5: sealed configurations")
def test_sealed_configurations_refuse_changes() -> None:
    outer = Outer.C(inner=Inner.C(a=1))
    assert outer.seal() is outer
    with pytest.raises(SealedError, match="copyconfig"):
        outer.inner.a = 2


@pytest.mark.contract("configurations 9: unsubmitted task as a value")
def test_unsubmitted_task_as_a_value() -> None:
    with pytest.raises(ValueError, match="submit"):
        Uses.C(work=Work.C(x=1))


@pytest.mark.contract("configurations 4: checkers")
def test_checkers() -> None:
    class Checked(Config):
        __xpmid__ = "test.checked"
        kind: Param[str] = field(default="a")
        __annotations__["kind"] = __import__("typing").Annotated[str, Choices(["a", "b"])]

    assert Checked.C(kind="b").kind == "b"
    with pytest.raises(
        ValueError, match=r"'kind' of test.checked: expected str, got 'c' \(str\): refused by choices 'a', 'b'; set at"
    ):
        Checked.C(kind="c")


class Validated(Config):
    batch: Param[int] = 100
    micro: Param[int] = 100
    derived: Param[int | None]

    def __validate__(self) -> None:
        assert self.batch % self.micro == 0, "batch must be a multiple of micro"
        self.derived = self.batch // self.micro


@pytest.mark.contract("configurations 0: C3, __validate__")
def test_validate_hook_is_called_and_may_set_parameters() -> None:
    config = Validated.C(micro=50)
    config.seal()
    assert config.derived == 2
    with pytest.raises(AssertionError, match="multiple of micro"):
        Outer.C(deep=[]).copy() and Validated.C(micro=33).seal()


class Setter(Config):
    inner: Param[Inner | None]

    def __validate__(self) -> None:
        if self.inner is None:
            self.inner = Inner.C()


@pytest.mark.contract("configurations 4: validate()")
def test_what_a_hook_sets_is_validated_too() -> None:
    with pytest.raises(ValidationError, match="parameter 'a'"):
        Setter.C().seal()


def test_list_that_holds_itself() -> None:
    class Loose(Config):
        __xpmid__ = "test.loose"
        x: Param[Any]

    items: list[Any] = []
    items.append(items)
    with pytest.raises(ValidationError, match=r"parameter 'x' of test.loose.*hold themselves"):
        Loose.C(x=items).seal()


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.complex_numbers()
    | st.sampled_from(
        [Colour.RED, Level.LOW, Name.ADAM, Inner, int, object(), np.float64(1.5), np.array([1, 2]), Path("a")]
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=3)
        | st.frozensets(st.integers(), max_size=3)
    ),
    max_leaves=8,
)
TYPES = st.sampled_from(
    [int, float, bool, str, bytes, Path, Any, Colour, Inner, list, dict, list[int], set[float], dict[str, list[int]],
     tuple[int, str], tuple[float, ...], Optional[bool], Union[int, dict[int, str]]]
)  # fmt: skip


@given(TYPES, VALUES)
@pytest.mark.contract("configurations 4: every value is stored or refused in one way")
def test_any_value_is_stored_or_refused_in_one_way(annotation: Any, value: Any) -> None:
    spec = spec_of(annotation)
    try:
        stored = _core.coerce(spec, value)
    except ValidationError:
        return
    # What was stored is stored as it is.
    again = _core.coerce(spec, stored)
    assert type(again) is type(stored)
    assert repr(again) == repr(stored)

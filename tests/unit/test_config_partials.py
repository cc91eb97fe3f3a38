"""A partial identifier is that of a class without the parameters that are left out."""

from __future__ import annotations

from typing import Any

import pytest

from experimaestro import Config, InstanceConfig, Param, field, param_group, partial
from experimaestro.core.partial import ParameterGroup

pytestmark = pytest.mark.contract("configurations 10: partial identifiers")

A, B = param_group("a"), param_group("b")


class Inner(Config):
    __xpmid__ = "partials.inner"
    x: Param[int]
    y: Param[int] = field(groups=[A])


class Model(Config):
    __xpmid__ = "partials.model"
    none: Param[int]
    a: Param[int] = field(groups=[A])
    b: Param[int] = field(groups=[B])
    ab: Param[int] = field(groups=[A, B])
    inner: Param[Inner | None]
    without_a = partial(exclude_groups=[A])


class Sub(Model):
    pass


NAMES = {"none", "a", "b", "ab", "inner"}


def model(**changes: Any) -> Model:
    values: dict[str, Any] = {"none": 1, "a": 2, "b": 3, "ab": 4, **changes}
    return Model.C(**values)


def lacking(*names: str) -> type[Config]:
    """The class without some parameters."""
    body = {"__xpmid__": "partials.model", "__annotations__": {}}
    body["__annotations__"] = {name: Param[int] for name in ("none", "a", "b", "ab") if name not in names}
    return type("Lacking", (Config,), body)


@pytest.mark.parametrize(
    ("options", "left_out"),
    [
        ({}, set()),
        ({"exclude_groups": [A]}, {"a", "ab"}),
        ({"exclude_groups": [A], "include_groups": [B]}, {"a"}),
        ({"exclude_no_group": True}, {"none", "inner"}),
        ({"exclude_all": True}, NAMES),
        ({"exclude_all": True, "include_groups": [A]}, {"none", "b", "inner"}),
        ({"exclude_groups": [A, B], "exclude_no_group": True}, NAMES),
    ],
)
def test_it_equals_that_of_a_class_without_the_parameters(options: dict[str, object], left_out: set[str]) -> None:
    choice = partial(**options)  # type: ignore[arg-type]
    assert choice.excluded(model()) == left_out
    values = {"none": 1, "a": 2, "b": 3, "ab": 4}
    kept = {name: value for name, value in values.items() if name not in left_out}
    smaller = lacking(*left_out).C(**kept)
    assert model().__xpm__.get_partial_identifier(choice) == smaller.__identifier__()


@pytest.mark.parametrize("sealed", [False, True])
def test_only_what_stays_counts_and_the_whole_identifier_is_kept(sealed: bool) -> None:
    one, two, other = model(), model(a=7, ab=8), model(b=9)
    before = str(one.__identifier__())
    if sealed:
        for config in (one, two, other):
            config.seal()
    first, second, third = (c.__xpm__.get_partial_identifier(Model.without_a) for c in (one, two, other))
    assert first == second != third
    assert str(one.__identifier__()) == before != str(first)


def test_nested_configurations_count_whole() -> None:
    one, two = model(inner=Inner.C(x=1, y=1)), model(inner=Inner.C(x=1, y=2))
    identifiers = [c.__xpm__.get_partial_identifier(Model.without_a) for c in (one, two)]
    assert identifiers[0] != identifiers[1]


def test_subclasses_inherit_it_and_names_are_those_of_attributes() -> None:
    assert Sub.without_a is Model.without_a
    assert Model.without_a.name == "without_a"
    assert partial(exclude_groups=[B, A]).name == partial(exclude_groups=[A, B]).name == "without-a-b"
    assert partial(exclude_all=True, include_groups=[A]).name == "without-all-but-a"


def test_groups_are_equal_by_name_and_fixed() -> None:
    assert param_group("a") == A == ParameterGroup("a") != B
    with pytest.raises(AttributeError):
        A.name = "b"  # type: ignore[misc]
    for wrong in ("", "a/b", "..", "a\nb"):
        with pytest.raises(ValueError, match="name of a folder"):
            param_group(wrong)


def test_instances_are_told_apart_in_what_stays() -> None:
    class Layer(InstanceConfig):
        __xpmid__ = "partials.layer"

    class Net(Config):
        __xpmid__ = "partials.net"
        first: Param[Layer] = field(groups=[A])
        second: Param[Layer]
        third: Param[Layer]

    x, y = Layer.C(), Layer.C()
    choice = partial(exclude_groups=[A])

    def identify(*layers: Layer) -> str:
        net = Net.C(first=layers[0], second=layers[1], third=layers[2])
        return str(net.__xpm__.get_partial_identifier(choice))

    assert identify(x, x, x) == identify(y, x, x) == identify(x, y, y)
    assert identify(x, x, y) != identify(x, x, x)


def test_what_is_no_rule_is_told():
    class Plain(Config):
        x: Param[int] = 1

    with pytest.raises(TypeError, match=r"partial\(\.\.\.\)"):
        Plain.C().__xpm__.get_partial_identifier("cp")

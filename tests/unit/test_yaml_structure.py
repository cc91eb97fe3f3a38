"""From experiment files to configuration objects: what fits, what does not, and where it says so."""

from __future__ import annotations

import dataclasses
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, NewType

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from experimaestro.experiments import ConfigurationBase, ConfigurationError, ExperimentFileError, configuration
from experimaestro.experiments.document import LocatedDict, parse
from experimaestro.experiments.errors import Problem
from experimaestro.experiments.merge import set_dotted
from experimaestro.experiments.structure import structure

try:
    import attrs
except ImportError:  # not a dependency; projects that bring it may go on using it
    attrs = None  # type: ignore[assignment]


class Quoting(yaml.SafeDumper):
    """Writes every text in quotes: what PyYAML leaves plain (`0E0`) follows YAML 1.1."""


Quoting.add_representer(str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"'))


class Colour(Enum):
    RED = "rouge"
    BLUE = 2


Steps = NewType("Steps", int)


@configuration
class Layer:
    size: int
    activation: Literal["relu", "tanh"] = "relu"


@configuration()
class Model(ConfigurationBase):
    rate: float = 1e-3
    steps: Annotated[Steps, "documented"] = Steps(10)
    name: str = "net"
    layers: list[Layer] = []
    schedule: dict[int, float] = {0: 1.0}
    colour: Colour = Colour.RED
    shape: tuple[int, int] | None = None
    seeds: set[int] = {1}
    source: Path | None = None
    mixed: int | str = 0
    either: Layer | list[int] | None = None
    flag: bool = False
    free: Any = None


def build(text: str, *overrides: str) -> Model:
    document = parse(text, "model.yaml") or LocatedDict()
    for override in overrides:
        document = set_dotted(document, override)
    value = structure(document, Model)
    assert isinstance(value, Model)
    return value


def mistakes(text: str, *overrides: str) -> list[tuple[str, str, str | None]]:
    with pytest.raises(ConfigurationError) as caught:
        build(text, *overrides)
    return [tuple(problem) for problem in caught.value.problems]


if attrs is not None:

    @configuration
    class Modern:
        items: list[int] = attrs.Factory(list)
        more: list[int] = attrs.field(factory=list)
        count: int = attrs.field(default=3)
        needed: int = attrs.field()

    @attrs.define
    class Whole:
        inner: Modern
        x: int = 2


LAYERS = st.builds(Layer, size=st.integers(), activation=st.sampled_from(["relu", "tanh"]))
MODELS = st.builds(
    Model,
    id=st.text(max_size=5),
    rate=st.floats(allow_nan=False),
    steps=st.integers().map(Steps),
    name=st.text(max_size=5),
    layers=st.lists(LAYERS, max_size=3),
    schedule=st.dictionaries(st.integers(), st.floats(allow_nan=False), max_size=3),
    shape=st.none() | st.tuples(st.integers(), st.integers()),
    mixed=st.integers() | st.text(max_size=4),
    either=st.none() | LAYERS | st.lists(st.integers(), max_size=2),
    flag=st.booleans(),
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(MODELS)
def test_what_is_written_comes_back(model: Model) -> None:
    data = dataclasses.asdict(model)
    data["colour"], data["seeds"], data["shape"] = data["colour"].name, [1], data["shape"] and list(data["shape"])
    assert structure(parse(yaml.dump(data, Dumper=Quoting), "model.yaml"), Model) == model


def test_defaults_are_not_shared() -> None:
    first, second = build(""), build("")
    first.layers.append(Layer(size=1))
    assert second.layers == []
    assert Model().layers == []
    assert hash(Layer(size=1)) == hash(Layer(size=1))
    with pytest.raises(TypeError):
        Layer(1)  # type: ignore[misc]


def test_values_are_read_as_the_type_says() -> None:
    model = build(
        "rate: 1\nsteps: 1e3\nname: 1.10\nlayers: [{size: '3'}]\ncolour: blue\nshape: [1, 2]\nseeds: [1, 1, 2]\n"
        "source: a/b\nmixed: '5'\nflag: 'off'\neither: {size: 4}\nfree: {a: [1]}\nschedule: {1: 0.5}"
    )
    assert (model.rate, type(model.rate)) == (1.0, float)
    assert (model.steps, type(model.steps)) == (1000, int)
    assert model.name == "1.10"
    assert model.layers == [Layer(size=3)]
    assert model.either == Layer(size=4)
    assert (model.colour, model.shape, model.seeds) == (Colour.BLUE, (1, 2), {1, 2})
    assert (model.source, model.mixed, model.flag, model.free) == (Path("a/b"), "5", False, {"a": [1]})


def test_overrides_are_read_as_the_type_says() -> None:
    model = build(
        "rate: 1",
        "rate=1e-2", "steps=7", "name=007", "layers=[{size: 1}, {size: 2, activation: tanh}]", "shape=[3, 4]",
        "flag=true", "source=null", "schedule={1: 2}", "colour=RED", "free=1", "id=x=y",
    )  # fmt: skip
    assert (model.rate, model.steps, model.name, model.flag, model.source) == (0.01, 7, "007", True, None)
    assert model.layers == [Layer(size=1), Layer(size=2, activation="tanh")]
    assert (model.shape, model.schedule, model.free, model.id) == ((3, 4), {1: 2.0}, "1", "x=y")


def test_a_wrong_key_names_place_and_remedy() -> None:
    [(where, message, hint)] = mistakes("id: a\n\nrat: 0.1\n")
    assert where == "model.yaml:3"
    assert "'rat'" in message
    assert hint == "did you mean 'rate'?"
    [(where, message, hint)] = mistakes("layers:\n- size: 1\n- size: 2\n  activatoin: tanh\n")
    assert where == "model.yaml:4"
    assert "layers[1]" in message
    assert hint == "did you mean 'activation'?"
    [(where, message, hint)] = mistakes("zzz: 1")
    assert "known keys: " in (hint or "")
    assert "rate" in (hint or "")
    [(where, message, hint)] = mistakes("", "model.size=3")
    assert where == "--conf model.size=3"
    assert "'model'" in message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("rate: fast", "rate must be a number, not the text 'fast'"),
        ("rate: true", "rate must be a number, not true"),
        ("steps: 1.5", "steps must be an integer, not the number 1.5"),
        ("steps: true", "steps must be an integer"),
        ("flag: 2", "flag must be true or false"),
        ("name:", "name must be text, not empty"),
        ("name: [a]", "name must be text, not a list"),
        ("layers: 3", "layers must be a list"),
        ("layers: [3]", "layers[0] must be a mapping with keys of Layer"),
        ("layers: [{}]", "layers[0].size is missing (an integer)"),
        ("schedule: {a: 1}", "the key 'a' of schedule must be an integer"),
        ("schedule: {1: a}", "schedule.1 must be a number"),
        ("colour: green", "colour must be one of red, blue"),
        ("shape: [1]", "shape must have 2 items, not 1"),
        ("dirty_git: WARN", "dirty_git must be one of ignore, warn, error"),
        ("mixed: [1]", "mixed must be an integer or text, not a list"),
        ("either: {size: x}", "either.size must be an integer"),
        ("either: x", "either must be Layer or list[int]"),
    ],
)
def test_a_wrong_value_names_its_path(text: str, words: str) -> None:
    [(where, message, _)] = mistakes("id: a\n" + text)
    assert where == "model.yaml:2"
    assert words in message


def test_all_mistakes_are_told_at_once() -> None:
    found = mistakes("rate: x\nlayers:\n- {size: y}\nstepz: 3\n")
    assert [where for where, _, _ in found] == ["model.yaml:1", "model.yaml:3", "model.yaml:4"]


def test_what_the_class_itself_refuses() -> None:
    @configuration
    class Positive:
        value: int

        def __post_init__(self) -> None:
            if self.value <= 0:
                raise ValueError("value must be positive")

    with pytest.raises(ConfigurationError, match="value must be positive"):
        structure(parse("value: 0", "f.yaml"), Positive)


def test_annotations_that_cannot_be_resolved_or_expressed() -> None:
    @dataclasses.dataclass
    class Dangling:
        x: NotThere  # type: ignore[name-defined]  # noqa: F821

    with pytest.raises(ExperimentFileError, match="NotThere"):
        structure(parse("x: 1", "f.yaml"), Dangling)

    odd = dataclasses.make_dataclass("Odd", [("x", complex)])
    with pytest.raises(ConfigurationError, match="complex, which a YAML file cannot express"):
        structure(parse("x: 1", "f.yaml"), odd)


def test_plain_data_classes_and_ignored_keys() -> None:
    @dataclasses.dataclass
    class Plain:
        x: int

    assert structure(parse("x: 1\nid: a", "f.yaml"), Plain, ignored=["id"]) == Plain(1)


@pytest.mark.skipif(attrs is None, reason="attrs is not installed")
def test_attrs_defaults_and_classes() -> None:
    assert structure(parse("inner: {needed: 1}", "f.yaml"), Whole) == Whole(inner=Modern(needed=1))
    with pytest.raises(ConfigurationError, match=r"inner\.needed is missing"):
        structure(parse("inner: {}", "f.yaml"), Whole)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["size", "a", "0"]), inner, max_size=3),
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from([*Model.__dataclass_fields__, "unknown"]), ANYTHING, max_size=4))
def test_any_document_fits_or_is_a_mistake_with_a_place(data: dict[str, Any]) -> None:
    problems: tuple[Problem, ...] = ()
    try:
        model = structure(parse(yaml.dump(data, Dumper=Quoting), "model.yaml"), Model)
        assert isinstance(model.rate, float)
        assert all(isinstance(layer.size, int) for layer in model.layers)
    except ConfigurationError as error:
        problems = error.problems
    assert all(problem.where.startswith("model.yaml:") for problem in problems)
    assert problems or "unknown" not in data


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(alphabet="ab:-[]{}&*<>!|'\"\n #?1.,e\t", max_size=25))
def test_any_text_is_yaml_or_a_mistake_with_a_place(text: str) -> None:
    message = "any.yaml"
    try:
        parse(text, "any.yaml")
    except ExperimentFileError as error:
        message = str(error)
    assert message.startswith("any.yaml")

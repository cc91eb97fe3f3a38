"""Identifiers of older packages: what these computed, a second implementation, and what collided there."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experimaestro import Config, Param, RunMode, experiment
from experimaestro._core import ValidationError, legacy_identifier
from experimaestro.settings import WorkspaceSettings

contract = pytest.mark.contract

TESTS = Path(__file__).parent.parent
GOLDEN: dict[str, dict[str, str]] = json.loads((TESTS / "data" / "legacy_identifiers.json").read_text())
SCHEMES = ("sha256-v1", "sha256-v2")


@pytest.fixture
def classes(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(str(TESTS / "data"))
    yield importlib.import_module("legacy_classes")
    sys.modules.pop("legacy_classes", None)


def identifier(config: Any, scheme: str) -> str:
    return legacy_identifier(config, scheme).hex() if scheme != "md5" else config.__identifier__().hex()


@contract("configurations 0 C1: pinned identifiers")
@pytest.mark.parametrize(
    ("scheme", "default", "given_"),
    [("sha256-v1", "261c59b76d0c", "71848e4693ef"), ("sha256-v2", "76e18817d6a8", "d01a91bc0b35")],
)
def test_the_identifiers_that_were_printed(classes: Any, scheme: str, default: str, given_: str) -> None:
    assert identifier(classes.Adam.C(), scheme).startswith(default)
    assert identifier(classes.Adam.C(lr=1e-2), scheme).startswith(given_)


@contract("configurations 11: identifiers of older packages")
@pytest.mark.parametrize("scheme", SCHEMES)
def test_configurations_have_the_identifiers_that_the_older_package_computed(classes: Any, scheme: str) -> None:
    found = {name: identifier(classes.PLAIN[name](), scheme) for name in GOLDEN[scheme] if name in classes.PLAIN}
    assert found == {name: GOLDEN[scheme][name] for name in found}
    assert len(found) > 30


@contract("configurations 11: identifiers of older packages")
@pytest.mark.parametrize("scheme", SCHEMES)
def test_tasks_and_their_outputs_have_the_identifiers_that_the_older_package_computed(
    classes: Any, scheme: str, tmp_path: Path
) -> None:
    settings = WorkspaceSettings("", tmp_path / "w", scheme=scheme)
    with experiment(settings, "x", run_mode=RunMode.DRY_RUN):
        found = {name: c.__identifier__().hex() for name, c in classes.submitted(scheme == "sha256-v1")}
    assert found == {name: GOLDEN[scheme][name] for name in found}
    assert not (tmp_path / "w").exists()


# --- against the second implementation


def reference() -> Any:
    sys.path.insert(0, str(TESTS / "reference"))
    try:
        return importlib.import_module("legacy_identifiers")
    finally:
        sys.path.pop(0)


class Anything(Config):
    __xpmid__ = "anything"
    x: Param[Any]
    y: Param[Optional[Any]]


class Colour(Enum):
    RED = 1
    BLUE = 2


texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=5)
leaves = st.one_of(
    st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(), texts, st.sampled_from(Colour), st.integers(0, 3)
)


def containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3), st.lists(inner, max_size=2).map(Nest)
    )


class Nest:
    """A configuration to be made, on both sides: values of x and y."""

    def __init__(self, values: list[Any]) -> None:
        self.values = [*values, 0, 0][:2]


values = st.recursive(leaves, containers, max_leaves=12)


def configured(value: Any) -> Any:
    if isinstance(value, Nest):
        x, y = map(configured, value.values)
        return Anything.C(x=x, y=y)
    if isinstance(value, list):
        return [configured(element) for element in value]
    if isinstance(value, dict):
        return {key: configured(element) for key, element in value.items()}
    return value


def referred(value: Any, module: Any) -> Any:
    if isinstance(value, Nest):
        x, y = (referred(one, module) for one in value.values)
        return module.Node("anything", {"x": x, "y": y})
    if isinstance(value, list):
        return [referred(element, module) for element in value]
    if isinstance(value, dict):
        return {key: referred(element, module) for key, element in value.items()}
    if isinstance(value, Enum):
        return module.Member(f"{type(value).__module__}.{type(value).__qualname__}:{value.name}")
    return value


@pytest.mark.parametrize("version", [1, 2])
@given(value=values)
def test_values_have_the_bytes_of_the_tables(version: int, value: Any) -> None:
    module = reference()
    node = module.Node("anything", {"x": referred(value, module)})
    assert identifier(Anything.C(x=configured(value)), f"sha256-v{version}") == module.identifier(node, version)


class Link(Config):
    __xpmid__ = "link"
    n: Param[int]
    links: Param[Any]


@pytest.mark.parametrize("version", [1, 2])
@given(edges=st.lists(st.lists(st.integers(0, 3), max_size=2), min_size=1, max_size=4))
def test_graphs_with_cycles_count_from_where_one_enters(version: int, edges: list[list[int]]) -> None:
    module = reference()
    count = len(edges)
    configs: list[Any] = [Link.C(n=n, links=[]) for n in range(count)]
    nodes = [module.Node("link", {"n": n}) for n in range(count)]
    for n, targets in enumerate(edges):
        configs[n].links = [configs[target % count] for target in targets]
        nodes[n].parameters["links"] = [nodes[target % count] for target in targets]
    for config, node in zip(configs, nodes, strict=True):
        assert identifier(config, f"sha256-v{version}") == module.identifier(node, version)


@contract("configurations 11.3: no depth is too deep, nothing is visited twice")
@pytest.mark.parametrize("scheme", SCHEMES)
def test_long_chains_and_stacked_diamonds_are_identified(scheme: str) -> None:
    chain: Any = Anything.C(x=0)
    for _ in range(20_000):
        chain = Anything.C(x=chain)
    assert len(identifier(chain, scheme)) == 64
    diamond: Any = Anything.C(x=0)
    for _ in range(200):
        diamond = Anything.C(x=diamond, y=diamond)
    assert len(identifier(diamond, scheme)) == 64


# --- collisions


class TextOne(str, Enum):
    A = "x"


class TextTwo(str, Enum):
    A = "x"


class Two(Config):
    __xpmid__ = "two"
    a: Param[Optional[str]]
    b: Param[Optional[str]]


class Control(Config):
    __xpmid__ = "t.z\x03a\x05\x01" + "\x00" * 7 + "\x01"


class Plain(Config):
    __xpmid__ = "t.z"
    a: Param[int]


def anything(value: Any) -> Any:
    return lambda: Anything.C(x=value)


COLLISIONS = {
    "dict of dict": ({"opt": {"name": "adam"}, "sched": "cos"}, {"opt": {"name": "adam", "sched": "cos"}}),
    "dict of numbers": ({"a": {"b": 1}, "d": 2}, {"a": {"b": 1, "d": 2}}),
    "list of dict": ([{}, "a", "b", {"c": "d"}], [{"a": "b"}, {}, "c", "d"]),
    "list": ([{"a": {"b": 1}, "c": 2}], [{"a": {"b": 1, "c": 2}}]),
    "true": (True, 1),
    "member": (TextOne.A, "x"),
    "members": (TextOne.A, TextTwo.A),
    "texts": (["a\x03b", "c"], ["a", "b\x03c"]),
    "entries": ({"a": "b\x03c\x03d"}, {"a": "b", "c": "d"}),
}
PAIRS = {
    **{name: (anything(one), anything(other)) for name, (one, other) in COLLISIONS.items()},
    "parameters": (lambda: Two.C(a="x\x03b\x05\x03y"), lambda: Two.C(a="x", b="y")),
    "type": (lambda: Control.C(), lambda: Plain.C(a=1)),
}


@contract("configurations 11.5: collisions of older packages")
@pytest.mark.parametrize("name", PAIRS)
def test_what_collided_collides_under_the_older_schemes_and_not_under_ours(name: str) -> None:
    one, other = PAIRS[name]
    for scheme in SCHEMES:
        assert identifier(one(), scheme) == identifier(other(), scheme)
    assert identifier(one(), "md5") != identifier(other(), "md5")


@contract("configurations 11.1: what has no bytes is told")
@pytest.mark.parametrize("value", [2**63, (1, 2), b"x", {1: 2, "a": 3}, frozenset([1])])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_what_the_older_packages_could_not_identify_is_refused(scheme: str, value: Any) -> None:
    with pytest.raises(ValidationError, match=rf"parameter 'x' of anything.*{scheme}"):
        identifier(Anything.C(x=value), scheme)

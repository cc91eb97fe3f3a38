"""Identifiers through real classes: what counts, what does not, and that identity.json tells the truth."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import subprocess
import sys
from enum import Enum
from pathlib import Path
from typing import Any, Optional

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experimaestro import Config, Constant, Meta, Param, Task, _core, field, setmeta

ROOT = Path(__file__).parents[2]


def _reference() -> Any:
    found = importlib.util.spec_from_file_location("reference_identifiers", ROOT / "tests/reference/identifiers.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


reference = _reference()


class Color(Enum):
    RED = 1


class Name(str, Enum):
    ADAM = "adam"


class Leaf(Config):
    __xpmid__ = "demo.leaf"
    x: Param[int] = 0
    note: Meta[str] = ""


class Holder(Config):
    __xpmid__ = "demo.holder"
    value: Param[Any]


class Defaults(Config):
    __xpmid__ = "demo.defaults"
    bare: Param[int] = 3
    kept: Param[int] = field(default=3)
    maybe: Param[Optional[int]]
    leaf: Param[Leaf] = Leaf.C(x=1)
    forced: Meta[Optional[Leaf]] = None
    version: Constant[int] = 1


class Link(Config):
    __xpmid__ = "demo.link"
    next: Param[Optional[Link]] = None
    n: Param[int] = 0


class Learn(Task):
    __xpmid__ = "demo.learn"
    leaf: Param[Leaf]


def hexed(config: Any) -> str:
    return str(_core.identifier(config))


def hold(value: Any) -> str:
    return hexed(Holder.C(value=value))


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.binary(),
    st.sampled_from([Color.RED, Name.ADAM]),
)
keys = st.one_of(st.integers(), st.text(), st.binary())
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner), st.lists(inner).map(tuple), st.dictionaries(keys, inner)),
    max_leaves=12,
)


def notation(value: Any) -> Any:
    """A Python value in the notation of the reference implementation."""
    if isinstance(value, Enum):
        return {"enum": [f"{type(value).__module__}.{type(value).__qualname__}", value.name]}
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, list):
        return [notation(item) for item in value]
    if isinstance(value, tuple):
        return {"tuple": [notation(item) for item in value]}
    if isinstance(value, dict):
        return {"dict": [[notation(key), notation(item)] for key, item in value.items()]}
    return value


@given(values)
@pytest.mark.contract("configurations 11.1: bytes of every kind of value")
def test_identifiers_are_those_of_the_specification(value: Any) -> None:
    node = {"type": "demo.holder", "parameters": {"value": notation(value)}}
    assert hold(value) == reference.digest(reference.encode_document([node]))


@given(st.dictionaries(st.text(), st.integers(), min_size=2))
@pytest.mark.contract("configurations 11.2: order of entries and attributes")
def test_order_of_insertion_does_not_count(entries: dict[str, int]) -> None:
    assert hold(entries) == hold(dict(reversed(entries.items())))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, True),
        (1, 1.0),
        (0.0, -0.0),
        ([1], (1,)),
        ({1}, [1]),
        ("a", b"a"),
        (Name.ADAM, "adam"),
        ("/a", Path("/a")),
        ({"a": {"b": 1}, "d": 2}, {"a": {"b": 1, "d": 2}}),
        (["a\x03b", "c"], ["a", "b\x03c"]),
    ],
)
@pytest.mark.contract("configurations 11.5: collisions of the older package")
def test_values_that_look_alike_differ(one: Any, other: Any) -> None:
    assert hold(one) != hold(other)


@pytest.mark.contract("configurations 4: numpy scalars")
def test_numpy_scalars_count_as_what_they_equal() -> None:
    assert hold(np.int64(3)) == hold(3)
    assert hold(np.float64(0.5)) == hold(0.5)
    array = np.arange(4, dtype="<i4")
    assert hold(array) == hold(array.astype(">i4"))
    assert hold(array) != hold(array.reshape(2, 2))


@pytest.mark.contract("configurations 11.1: what has no identity")
def test_what_has_no_identity_is_refused_by_name() -> None:
    with pytest.raises(_core.ValidationError, match=r"parameter 'value' of demo\.holder.*Meta"):
        hexed(Holder.C(value=object()))


@pytest.mark.contract("configurations 11.2: what is left out")
@pytest.mark.contract("configurations 3: in the identifier when equal to the default")
def test_bare_defaults_are_left_out_and_the_others_kept() -> None:
    default = hexed(Defaults.C())
    assert hexed(Defaults.C(bare=3, maybe=None)) == default
    assert hexed(Defaults.C(leaf=Leaf.C(x=1, note="another note"))) == default
    assert (
        len(
            {
                default,
                *(
                    hexed(Defaults.C(**given))
                    for given in ({"bare": 4}, {"kept": 4}, {"maybe": 0}, {"leaf": Leaf.C(x=2)})
                ),
            }
        )
        == 5
    )
    document = json.loads(_core.identity_json(Defaults.C().seal()))["nodes"][0]["document"][0]
    assert document["parameters"] == {"kept": 3, "version": 1}


@pytest.mark.contract("configurations 8: setmeta overrides the declaration")
def test_meta_flags_override_the_declaration() -> None:
    assert hexed(Defaults.C(forced=Leaf.C(x=5))) == hexed(Defaults.C())
    assert hexed(Defaults.C(forced=setmeta(Leaf.C(x=5), False))) != hexed(Defaults.C())
    assert hold([Leaf.C(x=1), setmeta(Leaf.C(x=2), True)]) == hold([Leaf.C(x=1)])
    assert hold({"a": 1, "b": setmeta(Leaf.C(), True)}) == hold({"a": 1})


@pytest.mark.contract("configurations 11.3: cycles")
def test_cycles_look_the_same_from_wherever_they_are_asked() -> None:
    def pair() -> tuple[Any, Any]:
        a, b = Link.C(n=1), Link.C(n=2)
        a.next, b.next = b, a
        return a, b

    (a, b), (c, d) = pair(), pair()
    first = (hexed(a), hexed(b))
    assert first == (hexed(c), hexed(d)) == tuple(reversed((hexed(d), hexed(c))))
    loop = Link.C(n=1)
    loop.next = loop
    twins = Link.C(n=1), Link.C(n=1)
    twins[0].next, twins[1].next = twins[1], twins[0]
    assert hexed(loop) != hexed(twins[0])


@pytest.mark.contract("configurations 11.3: diamonds and long chains")
def test_deep_chains_and_diamonds() -> None:
    chain: Any = None
    for _ in range(10_000):
        chain = Link.C(next=chain)
    hexed(chain)
    diamond: Any = Leaf.C()
    for _ in range(100):
        diamond = Holder.C(value=[diamond, diamond])
    hexed(diamond)


def test_identity_encodes_to_the_identifier_even_after_outputs_were_linked(tmp_path: Path) -> None:
    from experimaestro._config.lifecycle import prepare_submission
    from experimaestro._config.outputs import mark_output

    leaf = Leaf.C(x=7)
    learn = Learn.C(leaf=leaf)
    submission = prepare_submission(learn, tmp_path, [])
    _core.state_of(learn).submitted = True
    plain = hexed(Leaf.C(x=7))
    mark_output(learn, leaf)
    assert hexed(leaf) != plain
    evaluate = Holder.C(value=[leaf]).seal()
    for root, expected in ((learn, submission.identifier), (evaluate, hexed(evaluate))):
        identity = json.loads(_core.identity_json(root))
        nodes = {node["identifier"]: node["document"] for node in identity["nodes"]}
        assert identity["identifier"] == expected
        assert expected in nodes
        assert len(nodes) == 2
        for digest, document in nodes.items():
            assert hashlib.md5(reference.encode_document(document)).hexdigest() == digest
    assert identity["tasks"] == [{"identifier": submission.identifier, "type": "demo.learn"}]


def test_a_change_after_a_failed_submission_is_not_missed(tmp_path: Path) -> None:
    leaf = Leaf.C(x=1)
    _core.identifier(Holder.C(value=leaf), keep=True)
    leaf.x = 2
    _core.identifier(Link.C(), keep=True)
    leaf.seal()
    assert hexed(leaf) == hexed(Leaf.C(x=2))


@pytest.mark.contract("configurations 11: identifiers are those of every process")
def test_another_process_computes_the_same() -> None:
    code = (
        "from experimaestro import Config, Param, _core\n"
        "from typing import Any\n"
        "class Holder(Config):\n    __xpmid__ = 'demo.holder'\n    value: Param[Any]\n"
        "print(_core.identifier(Holder.C(value={'s': {'a', 'b', 'c', 1, 2.5}, 'k': {'z': 1, 'y': (2,)}})))"
    )
    here = hold({"s": {"a", "b", "c", 1, 2.5}, "k": {"z": 1, "y": (2,)}})
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == here

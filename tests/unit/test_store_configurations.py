"""Configurations go out as plain data or files, and come back: sealed, with their identifier, equal."""

from __future__ import annotations

import contextlib
import copy
import json
import math
import pickle
from enum import Enum
from pathlib import Path
from typing import Any, Dict, List, Optional, Set, Tuple

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from experimaestro import (
    Annotated,
    Choices,
    Config,
    Constant,
    LightweightTask,
    Meta,
    Param,
    SerializationContext,
    Task,
    copyconfig,
    deserialize,
    field,
    from_state_dict,
    from_task_dir,
    load,
    save,
    serialize,
    setmeta,
    state_dict,
)
from experimaestro._config.information import ConfigInformation
from experimaestro._config.lifecycle import job_files, prepare_submission
from experimaestro._core import TaskStub, reachable_configurations, state_of
from experimaestro.exceptions import LoadError, ValidationError

contract = pytest.mark.contract


class Colour(Enum):
    RED = 1
    BLUE = 2


class Leaf(Config):
    n: Param[int]
    note: Meta[Optional[str]]


class Box(Config):
    content: Param[Any]
    more: Meta[Any] = None


class Node(Config):
    name: Param[str]
    next: Param[Optional[Node]]
    others: Param[List[Node]] = []


class Typed(Config):
    pair: Param[Tuple[int, float]] = (1, 2.0)
    keys: Param[Dict[int, List[float]]] = {}
    leaves: Param[Set[Leaf]] = field(default_factory=set)
    kind: Annotated[str, Choices(["a", "b"])] = "a"
    version: Constant[int] = 1


class Reader(LightweightTask):
    leaf: Param[Leaf]

    def execute(self) -> None:
        self.leaf.was_read = True


class Learn(Task):
    x: Param[int]
    leaf: Param[Optional[Leaf]]

    def execute(self) -> None: ...


def through_state(config: Any, **options: Any) -> Any:
    return from_state_dict(json.loads(json.dumps(state_dict(SerializationContext(), config))), **options)


def assert_same(one: Any, other: Any) -> None:
    """Both configurations mean the same: class, identifier, and equal (also where the identifier does not look)."""
    assert type(one) is type(other)
    assert other.__xpm__.loaded
    assert other.__xpm__._sealed
    assert one.__identifier__() == other.__identifier__()
    assert one == other
    opened = pickle.loads(pickle.dumps(other))
    for config in reachable_configurations(opened):
        state_of(config).sealed = False
    assert opened.__identifier__() == one.__identifier__()  # recomputed, not remembered


plain = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(st.characters(exclude_categories=["Cs"])),
    st.binary(),
    st.sampled_from(Colour),
    st.builds(lambda parts: Path(*parts), st.lists(st.sampled_from(["a", "b", "..", "é"]), min_size=1)),
)
keys = st.one_of(plain, st.tuples(plain), st.just("type"))
configs = st.builds(lambda n, note: Leaf.C(n=n, note=note), st.integers(), st.none() | st.sampled_from("xy"))
values = st.recursive(
    plain | configs,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.tuples(inner, inner),
        st.dictionaries(keys, inner, max_size=4),
        st.sets(plain, max_size=4),
        st.fixed_dictionaries({"type": inner, "value": inner}),
    ),
    max_leaves=12,
)


@contract("configurations 12.1: state_dict, from_state_dict")
@given(content=values, more=values)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_state_pickle_and_copy_keep_identifier_and_equality(content: Any, more: Any) -> None:
    config = Box.C(content=content, more=more)
    assert_same(config, through_state(config))
    for other in (pickle.loads(pickle.dumps(config)), copy.deepcopy(config)):
        assert other.__identifier__() == config.__identifier__()
        assert other == config
    sealed = config.seal()
    assert pickle.loads(pickle.dumps(sealed)) == sealed


@contract("configurations 12.1: save and load, ConfigInformation.serialize and deserialize, from_task_dir")
@given(content=values)
@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
def test_files_keep_identifier_and_equality(content: Any, tmp_path: Path) -> None:
    config = Box.C(content=content)
    save(config, tmp_path)
    assert_same(config, load(tmp_path))
    config.__xpm__.serialize(tmp_path)
    assert_same(config, ConfigInformation.deserialize(tmp_path))
    task = Held.C(box=config)
    submission = prepare_submission(task, tmp_path, [])
    task.__xpm__.job = object()
    submission.directory.mkdir(parents=True, exist_ok=True)
    (submission.directory / "params.json").write_bytes(job_files(task, tmp_path, submission.directory)[0])
    assert_same(task, from_task_dir(submission.directory))


class Held(Task):
    box: Param[Box]

    def execute(self) -> None: ...


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    from experimaestro.taskglobals import Env

    monkeypatch.setattr(Env, "taskpath", None)
    monkeypatch.setattr(Env, "wspath", None)


@contract("configurations 12.2: numbers")
def test_numbers_that_json_does_not_know_come_back() -> None:
    content = [math.nan, math.inf, -math.inf, -0.0, 10**400, np.arange(6, dtype="<i2").reshape(2, 3)]
    back = through_state(Box.C(content=content)).content
    assert math.isnan(back[0])
    assert back[1:3] == content[1:3]
    assert math.copysign(1, back[3]) == -1
    assert back[4] == content[4]
    assert back[5].dtype == content[5].dtype
    assert (back[5] == content[5]).all()


@contract("configurations 12.2: cycles of any size")
@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_cycles_of_any_size_come_back(size: int) -> None:
    nodes = [Node.C(name=str(i)) for i in range(size)]
    for one, other in zip(nodes, [*nodes[1:], nodes[0]], strict=True):
        one.next = other
        one.others = [nodes[0], one]
    back = through_state(nodes[0])
    assert back.__identifier__() == nodes[0].__identifier__()
    current = back
    for _ in range(size):
        assert current.others[0] is back
        assert current.others[1] is current
        current = current.next
    assert current is back
    value = through_state(nodes[0], as_instance=True)
    current = value
    for _ in range(size):
        current = current.next
    assert current is value


def test_a_chain_of_ten_thousand_comes_back() -> None:
    node = Node.C(name="last")
    for _ in range(10_000):
        node = Node.C(name="n", next=node)
    assert through_state(node).__identifier__() == node.__identifier__()


@pytest.mark.contract("configurations 12.1: what is shared stays shared")
def test_what_is_shared_stays_shared() -> None:
    leaf = Leaf.C(n=1)
    back = through_state({"a": [leaf, leaf], "b": Box.C(content=leaf)})
    assert back["a"][0] is back["a"][1] is back["b"].content


@contract("configurations 12.1: lists of configurations as data")
def test_lists_of_configurations_are_data(tmp_path: Path) -> None:
    leaves = [Leaf.C(n=1), Leaf.C(n=2)]
    save(leaves, tmp_path)
    assert load(tmp_path) == leaves
    assert [type(value) for value in load(tmp_path, as_instance=True)] == [Leaf, Leaf]
    assert through_state(tuple(leaves)) == leaves


@contract("configurations 12.1: a bare scalar is refused")
@pytest.mark.parametrize("nothing", [None, 1, "x", Leaf])
def test_what_is_no_configuration_cannot_be_saved_alone(nothing: Any) -> None:
    with pytest.raises(NotImplementedError, match="a configuration, or a list"):
        state_dict(SerializationContext(), nothing)


@contract("configurations 12.2: tuples, sets, keys that are no strings")
def test_typed_fields_come_back_as_declared() -> None:
    leaf = Leaf.C(n=3).seal()
    config = Typed.C(pair=(1, 2), keys={1: [2, 3]}, leaves={leaf})
    back = through_state(config)
    assert_same(config, back)
    value = through_state(config, as_instance=True)
    assert value.pair == (1, 2.0)
    assert value.keys == {1: [2.0, 3.0]}
    assert [type(item) for item in value.leaves] == [Leaf]


@pytest.mark.contract("configurations 12.2: tuples, keys of older files")
def test_fields_of_older_files_take_the_declared_shape() -> None:
    state = state_dict(SerializationContext(), Typed.C())
    state["objects"][-1]["fields"].update(pair=[4, 5], keys={"1": [2]})
    for options in ({}, {"as_instance": True}):
        back = from_state_dict(state, **options)
        assert back.pair == (4, 5.0)
        assert type(back.pair[1]) is float
        assert back.keys == {1: [2.0]}


@contract("configurations 12.1: configurations are validated again")
def test_loaded_fields_are_validated_again() -> None:
    for wrong in ({"pair": "no"}, {"kind": "c"}):
        state = state_dict(SerializationContext(), Typed.C())
        state["objects"][-1]["fields"].update(wrong)
        with pytest.raises(ValidationError, match=next(iter(wrong))):
            from_state_dict(state)


@contract("configurations 12.1: missing fields")
def test_fields_that_are_missing_take_the_default() -> None:
    state = state_dict(SerializationContext(), Typed.C())
    state["objects"][-1]["fields"] = {}
    for options in ({}, {"as_instance": True}):
        back = from_state_dict(state, **options)
        assert (back.pair, back.keys, back.leaves, back.kind, back.version) == ((1, 2.0), {}, set(), "a", 1)


@contract("configurations 12.1: configurations come back sealed and loaded")
def test_loaded_configurations_are_changed_through_a_copy() -> None:
    back = through_state(Leaf.C(n=1, note="x"))
    with pytest.raises(AttributeError, match="sealed"):
        back.n = 2
    changed = copyconfig(back, n=2)
    assert (changed.n, changed.note) == (2, "x")
    assert changed.__identifier__() == Leaf.C(n=2).__identifier__()
    assert tuple(back.__xpm__.provenance_of("n")) == ("<loaded>", "deserialized")


@contract("configurations 8: the meta flag is saved, true and false")
def test_the_meta_flag_comes_back() -> None:
    for flag in (True, False):
        back = through_state(Box.C(content=0, more=setmeta(Leaf.C(n=1), flag)))
        assert back.more.__xpm__.meta is flag


def linked(tmp_path: Path) -> Leaf:
    task = Learn.C(x=1)
    prepare_submission(task, tmp_path, [])
    task.__xpm__.job = object()
    return task.__xpm__.mark_output(Leaf.C(n=1))


@contract("configurations 12.1: stubs are serialized again")
def test_a_linked_task_comes_back_as_a_stub_and_goes_out_again(tmp_path: Path) -> None:
    leaf = linked(tmp_path)
    back = leaf
    for _ in range(3):
        back = pickle.loads(pickle.dumps(through_state(Box.C(content=back)).content))
        stub = back.__xpm__.task
        assert isinstance(stub, TaskStub)
        assert stub.typename == f"{__name__}.Learn"
        assert stub.identifier == leaf.__xpm__.task.__identifier__().hex()
        assert back.__identifier__() == leaf.__identifier__()
        # What is made of it counts the same: a copy of the stub has the same digest.
        assert Box.C(content=back).__identifier__() == Box.C(content=leaf).__identifier__()
    assert back.__identifier__() != Leaf.C(n=1).__identifier__()


@contract("configurations 12.1: partial loading")
def test_partial_loading_imports_nothing_for_a_linked_task(tmp_path: Path) -> None:
    state = state_dict(SerializationContext(), linked(tmp_path))
    assert [it.get("stub", False) for it in state["objects"]] == [True, False]
    state["objects"][0].update(module="nowhere.at.all", stub=False)
    assert from_state_dict(state, as_instance=True).n == 1
    assert isinstance(from_state_dict(state, partial_loading=True).__xpm__.task, TaskStub)
    with pytest.raises(ModuleNotFoundError, match=r"nowhere\.at\.all"):
        from_state_dict(state)


@contract("configurations 11.3: init tasks are reloaded")
def test_init_tasks_come_back(tmp_path: Path) -> None:
    leaf = Leaf.C(n=1)
    task = Learn.C(x=1, leaf=leaf)
    prepare_submission(task, tmp_path, [Reader.C(leaf=leaf)])
    back = through_state(task)
    assert_same(task, back)
    assert back.__xpm__.init_tasks[0].leaf is back.leaf


@contract("configurations 12.1: serialize, deserialize")
def test_serialize_keeps_init_tasks_and_runs_them_for_an_instance(tmp_path: Path) -> None:
    leaf = Leaf.C(n=1)
    serialize(leaf, tmp_path, init_tasks=[Reader.C(leaf=leaf)])
    back, (task,) = deserialize(tmp_path)
    assert task.leaf is back
    value = deserialize(tmp_path, as_instance=True)
    assert type(value) is Leaf
    assert value.was_read


@contract("configurations 12.1: unknown fields, classes, modules and versions")
def test_every_mistake_of_a_file_is_also_the_plain_python_error() -> None:
    def stored(**changes: Any) -> Any:
        state = state_dict(SerializationContext(), Leaf.C(n=1))
        state["objects"][-1].update(changes)
        return state

    cases = [
        (stored(fields={"n": 1, "m": 2}), KeyError, "no parameter 'm'"),
        (stored(type="Gone"), AttributeError, "no class Gone"),
        (stored(module="nowhere"), ModuleNotFoundError, "nowhere"),
        (stored(type="Colour"), LoadError, "no configuration class"),
        (stored(identifier="12"), LoadError, "no identifier"),
        ({"objects": [], "data": {"type": "python", "value": 7}}, LoadError, "object 7"),
        ({"version": 5, "objects": []}, RuntimeError, "version 5"),
        ({"data": 1}, LoadError, "no list of objects"),
    ]
    for state, expected, message in cases:
        with pytest.raises(expected, match=message) as caught:
            from_state_dict(state)
        assert isinstance(caught.value, LoadError)


@pytest.mark.parametrize("as_instance", [False, True])
@given(data=st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_damaged_files_are_refused_in_one_way(as_instance: bool, data: Any) -> None:
    leaf = Leaf.C(n=1)
    good = state_dict(
        SerializationContext(),
        [
            Box.C(content=[{1: leaf, "type": Colour.RED}, (b"x", {2.5, None}), Path("a"), np.zeros(2)]),
            Typed.C(leaves={leaf.seal()}),
        ],
    )
    mutated = data.draw(mutations(good))
    with contextlib.suppress(LoadError, ValidationError):
        from_state_dict(mutated, as_instance=as_instance)


junk = st.one_of(
    st.none(),
    st.integers(-1, 9),
    st.text(max_size=2),
    st.just([]),
    st.just({}),
    st.sampled_from(["type", "set", "dict", "enum", "ndarray", "path", "bytes", "python", "tuple"]),
)


@st.composite
def mutations(draw: Any, tree: Any) -> Any:
    """The tree with one part of it replaced by junk, or removed."""
    if not isinstance(tree, (list, dict)) or not tree or draw(st.integers(0, 9)) == 0:
        return draw(junk)
    result: Any = copy.copy(tree)
    place = draw(st.sampled_from(list(tree) if isinstance(tree, dict) else range(len(tree))))
    if draw(st.integers(0, 5)) == 0:
        del result[place]
    else:
        result[place] = draw(mutations(tree[place]))
    return result


def test_saving_an_incomplete_configuration_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match=r"'n' of .*leaf is required"):
        save(Box.C(content=Leaf.C()), tmp_path)
    with pytest.raises(ValidationError, match="'content'"):
        save(Box.C(content=object()), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_loading_where_nothing_was_saved_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nothing was saved in"):
        load(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"params\.json"):
        from_task_dir(tmp_path)
    with pytest.raises(FileNotFoundError, match="not a folder"):
        save(Leaf.C(n=1), tmp_path / "nowhere")


@pytest.mark.contract("configurations 9: loaded configurations are transparent")
def test_a_loaded_output_is_used_in_a_new_task(tmp_path: Path) -> None:
    leaf = linked(tmp_path)
    leaf.tag("a", 1)
    fresh = Learn.C(x=2, leaf=leaf)
    again = Learn.C(x=2, leaf=through_state(leaf))
    made = [prepare_submission(task, tmp_path / str(i), []) for i, task in enumerate((fresh, again))]
    assert made[0].identifier == made[1].identifier
    assert [type(task) for task in made[0].dependencies] == [Learn.C]
    assert made[1].dependencies == []  # what was loaded is there
    assert dict(made[1].tags) == {}
    params, identity = job_files(again, tmp_path, tmp_path)
    assert json.loads(params)["objects"][0]["stub"]
    assert str(leaf.__identifier__()) in {node["identifier"] for node in json.loads(identity)["nodes"]}
    assert repr(again.leaf.__xpm__.task).startswith("TaskStub(")


@contract("configurations 5: stored forms of ConfigInformation")
def test_the_parts_of_a_stored_form_can_be_had_alone() -> None:
    config = Box.C(content=[Leaf.C(n=1)])
    objects = config.__xpm__.__get_objects__([], SerializationContext())
    assert [it["type"] for it in objects] == ["Leaf", "Box"]
    assert ConfigInformation.fromParameters(objects, as_instance=False) == config
    value, tasks = ConfigInformation.fromParameters(objects, return_tasks=True)
    assert (value.content[0].n, tasks) == (1, [])
    made = ConfigInformation.load_objects(objects, as_instance=False)
    assert list(made) == [0, 1]
    assert ConfigInformation._objectFromParameters(objects[1]["fields"]["content"], made) == [made[0]]
    assert ConfigInformation._outputjsonvalue((1, {2})) == {
        "type": "tuple",
        "items": [1, {"type": "set", "items": [2]}],
    }
    ConfigInformation.check_params_version({"version": ConfigInformation.PARAMS_JSON_VERSION})
    with pytest.raises(RuntimeError, match="version 4"):
        ConfigInformation.check_params_version({"version": 4})


@contract("configurations 12.1: from_task_dir sets Env")
def test_loading_a_task_folder_tells_the_environment_but_not_inside_a_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from experimaestro.taskglobals import Env

    task = Learn.C(x=1)
    submission = prepare_submission(task, tmp_path, [])
    submission.directory.mkdir(parents=True)
    (submission.directory / "params.json").write_bytes(job_files(task, tmp_path, submission.directory)[0])
    from_task_dir(submission.directory)
    assert (Env.taskpath, Env.wspath) == (submission.directory.resolve(), tmp_path.resolve())
    monkeypatch.setattr(Env, "taskpath", Path("/own"))
    monkeypatch.setattr(Env, "current_task", object())
    from_task_dir(submission.directory)
    assert Env.taskpath == Path("/own")


def test_the_file_in_place_of_its_folder_is_told(tmp_path: Path) -> None:
    save(Leaf.C(n=1), tmp_path)
    with pytest.raises(FileNotFoundError, match=f"is a file: give the folder that it was saved into, {tmp_path}$"):
        load(tmp_path / "experimaestro.json")

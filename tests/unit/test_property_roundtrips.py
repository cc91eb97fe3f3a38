"""Whatever way a configuration takes out of memory and back, it is the same configuration."""

from __future__ import annotations

import copy
import json
import pickle
import tempfile
from pathlib import Path
from typing import Any, Optional

import pytest
from hypothesis import given, settings
from meaning import content, meaning
from property_classes import built, hierarchies, plans

from experimaestro import (
    Config,
    Param,
    Task,
    copyconfig,
    deserialize,
    from_state_dict,
    from_task_dir,
    load,
    save,
    serialize,
    state_dict,
)
from experimaestro._config.lifecycle import job_files, prepare_submission
from experimaestro.core.context import SerializationContext

PLANS = hierarchies().flatmap(plans)


def hexed(config: Any) -> str:
    return str(config.__identifier__())


def by_pickle(config: Any, _: Path) -> Any:
    return pickle.loads(pickle.dumps(config))


def by_folder(config: Any, folder: Path) -> Any:
    save(config, folder)
    return load(folder)


def by_serialize(config: Any, folder: Path) -> Any:
    serialize(config, folder)
    return deserialize(folder)[0]


def by_state(config: Any, _: Path) -> Any:
    context = SerializationContext()
    state = json.loads(json.dumps(state_dict(context, config)))
    return from_state_dict(state, lambda path: context.serialized_paths[Path(path)])


WAYS = {"pickle": by_pickle, "save": by_folder, "serialize": by_serialize, "state_dict": by_state}


@pytest.mark.parametrize("way", sorted(WAYS))
@pytest.mark.contract("configurations 12: round-trips keep identifier, values and equality")
@settings(max_examples=40)
@given(plan=PLANS)
def test_round_trips(way: str, plan: Any) -> None:
    config = built(plan, shared={}).seal()
    with tempfile.TemporaryDirectory() as folder:
        back = WAYS[way](config, Path(folder))
        assert type(back) is type(config)
        assert hexed(back) == hexed(config)
        assert back == config
        assert content(back) == content(config)


@pytest.mark.contract("configurations 5: copies keep identifier, values and equality")
@settings(max_examples=100)
@given(PLANS)
def test_copies(plan: Any) -> None:
    config = built(plan, shared={})
    twin = built(plan)
    expected, held = hexed(twin), content(twin)
    for made in (copy.deepcopy(config), pickle.loads(pickle.dumps(config))):
        assert hexed(made) == expected
        assert content(made) == held
        if "'nan'" not in repr(held):  # a NaN equals no other, as long as nothing is sealed
            assert made == config
    assert content(config) == held


@pytest.mark.contract("configurations 5: copyconfig is the configuration without what is not a parameter")
@settings(max_examples=100)
@given(PLANS)
def test_copyconfig(plan: Any) -> None:
    config = built(plan)
    made = copyconfig(config)
    parts, copied = meaning(config), meaning(made)
    assert copied[:3] == parts[:3]
    assert copied[3] == ("none",)
    assert copied[4:] == ((), frozenset())
    if config.__xpm__.task is None and not config.__xpm__.pre_tasks:
        assert hexed(made) == hexed(config)


@pytest.mark.contract("configurations 12: objects have the values of their configuration")
@settings(max_examples=40)
@given(PLANS)
def test_loaded_objects(plan: Any) -> None:
    config = built(plan, plain=True).seal()
    with tempfile.TemporaryDirectory() as folder:
        save(config, Path(folder))
        assert content(load(Path(folder), as_instance=True)) == content(config)


class Work(Task):
    part: Param[Config]
    again: Param[Optional[Config]]

    def execute(self) -> None: ...


@pytest.mark.contract("configurations 12.2: params.json keeps identifier and values")
@settings(max_examples=40)
@given(PLANS)
def test_jobs(plan: Any) -> None:
    part = built(plan, shared={})
    task = Work.C(part=part, again=part)
    with tempfile.TemporaryDirectory() as name:
        workspace = Path(name)
        submission = prepare_submission(task, workspace, [])
        submission.directory.mkdir(parents=True)
        (submission.directory / "params.json").write_bytes(job_files(task, workspace, submission.directory)[0])
        back = from_task_dir(submission.directory)
    assert hexed(back) == hexed(task)
    assert back.part is back.again
    assert content(back.part) == content(part)


class Ring(Config):
    n: Param[int]
    next: Param[Optional[Ring]]
    shared: Param[list[Any]] = []


@pytest.mark.parametrize("way", sorted(WAYS))
@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.contract("configurations 12: cycles and shared parts come back")
def test_cycles_and_shared_parts(way: str, size: int, tmp_path: Path) -> None:
    ring = [Ring.C(n=index) for index in range(size)]
    for index, node in enumerate(ring):
        node.next = ring[(index + 1) % size]
        node.shared = [ring[0], {"first": ring[0]}]
    ring[0].seal()
    back = WAYS[way](ring[0], tmp_path)
    assert hexed(back) == hexed(ring[0])
    assert back == ring[0]
    node = back
    for index in range(size):
        assert node.n == index
        assert node.shared[0] is node.shared[1]["first"] is back
        node = node.next
    assert node is back

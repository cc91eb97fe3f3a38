"""Files that releases 1.4 and 2.7 of the older package wrote are read."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from experimaestro import from_state_dict, load, load_configs, load_xp_info
from experimaestro._config.information import ConfigInformation
from experimaestro._config.loading import load_task, read_file
from experimaestro._core import TaskStub

contract = pytest.mark.contract


OLDER = Path(__file__).parent.parent / "data" / "older"


@pytest.fixture(autouse=True)
def oldies(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(str(OLDER))
    import oldies

    yield oldies
    sys.modules.pop("oldies", None)


@contract("configurations 12.2: params.json of versions 0 to 3")
@pytest.mark.parametrize("release", ["v1", "v2"])
@pytest.mark.parametrize("version", [None, 0, 1, 2, 3])
def test_a_task_comes_back_under_every_version_number(
    oldies: Any, release: str, version: int | None, tmp_path: Path
) -> None:
    stored = json.loads((OLDER / release / "params.json").read_text())
    stored.pop("version")
    if version is not None:
        stored["version"] = version
    file = tmp_path / "params.json"
    file.write_text(json.dumps(stored))
    task = read_file(file).result
    assert type(task) is oldies.Evaluate.C
    assert task.__identifier__().hex() == stored["objects"][-1]["identifier"]
    assert task.k == 3
    assert task.model.parts[0] is task.model.parts[1]
    assert [part.n for part in task.model.parts] == [1, 1, 2]
    assert task.model.table == {"a": 1.0, "b": 0.5}
    assert task.model.colour is oldies.Colour.RED
    assert task.model.where == Path("/data/x")
    assert task.__xpm__.task is task
    learn = task.model.__xpm__.task
    assert type(learn) is oldies.Learn.C
    assert learn.rate == 0.1
    assert len(task.__xpm__.init_tasks) == (release == "v2")


def test_init_tasks_run_in_the_job_of_an_older_task(oldies: Any, tmp_path: Path) -> None:
    directory = tmp_path / "jobs" / "oldies.evaluate" / "x"
    directory.mkdir(parents=True)
    (directory / "params.json").write_bytes((OLDER / "v2" / "params.json").read_bytes())
    task = load_task(directory)
    assert type(task) is oldies.Evaluate
    assert task.model.is_loaded


def test_identifiers_of_both_lengths_live_side_by_side(oldies: Any) -> None:
    part = load(OLDER / "v2" / "saved").part
    fresh = oldies.Part.C(n=5).seal()
    assert len(part.__identifier__().all) == 32
    assert len(fresh.__identifier__().all) == 16
    assert part != fresh
    holder = oldies.Model.C(parts=[part], table={}, colour=oldies.Colour.RED)
    other = oldies.Model.C(parts=[fresh], table={}, colour=oldies.Colour.RED)
    assert len(holder.__identifier__().all) == 16
    assert holder.__identifier__() != other.__identifier__()


@contract("configurations 12.1: definition.json of older releases")
@pytest.mark.parametrize("folder", ["v1/saved", "v2/saved", "v2/plain"])
def test_saved_configurations_find_their_files(oldies: Any, folder: str) -> None:
    for weights in (load(OLDER / folder), ConfigInformation.deserialize(OLDER / folder)):
        assert type(weights) is oldies.Weights.C
        assert weights.w == OLDER / folder / "w"
        assert weights.w.read_bytes() == b"weights"
    value = load(OLDER / folder, as_instance=True)
    assert type(value) is oldies.Weights
    assert value.part.n == 5


@contract("running 4: objects.jsonl, jobs.jsonl")
def test_a_run_of_an_older_release_is_loaded(oldies: Any) -> None:
    info = load_xp_info(OLDER / "v2" / "run")
    submitted = [json.loads(line)["job_id"] for line in (OLDER / "v2" / "run" / "jobs.jsonl").read_text().splitlines()]
    assert list(info.jobs) == submitted
    learn, evaluate = info.jobs.values()
    assert (type(learn), type(evaluate)) == (oldies.Learn.C, oldies.Evaluate.C)
    assert evaluate.model is learn.model


def test_partial_loading_leaves_a_stub_for_the_linked_task(oldies: Any) -> None:
    state = json.loads((OLDER / "v2" / "params.json").read_text())
    task = from_state_dict(
        {"objects": state["objects"], "data": {"type": "python", "value": state["objects"][-1]["id"]}},
        partial_loading=True,
    )
    stub = task.model.__xpm__.task
    assert isinstance(stub, TaskStub)
    assert stub.typename == "oldies.Learn"
    learn = next(it for it in state["objects"] if it["type"] == "Learn")
    assert stub.identifier == learn["identifier"]


@contract('configurations 12.2: a dictionary with a key "type"')
def test_a_dictionary_with_a_key_type_is_what_it_is() -> None:
    assert from_state_dict({"objects": [], "data": {"type": "adam", "lr": 0.1}}) == {"type": "adam", "lr": 0.1}


@pytest.fixture
def formers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(str(OLDER))
    import formers

    yield formers
    sys.modules.pop("formers", None)


@contract("configurations 12.2: keys tags and pre-tasks of version 2")
@contract("configurations 7: tags in params.json")
def test_pre_tasks_of_an_older_release_come_back(formers: Any) -> None:
    stored = json.loads((OLDER / "v1" / "pretasks.json").read_text())
    assert stored["tags"] == {"rate": 0.5}
    task = read_file(OLDER / "v1" / "pretasks.json").result
    assert type(task) is formers.Learn.C
    (load_task,) = task.__xpm__.pre_tasks
    assert type(load_task) is formers.Load.C
    assert load_task.model is task.model
    assert task.__identifier__().hex() == stored["objects"][-1]["identifier"]
    value = read_file(OLDER / "v1" / "pretasks.json", as_instance=True)
    for lightweight in value.tasks:
        lightweight.execute()
    assert value.result.model.seed == 2


@contract('configurations 12.2: identifiers written as {"main": ..}')
def test_identifiers_in_their_former_form(formers: Any, tmp_path: Path) -> None:
    stored = json.loads((OLDER / "v1" / "pretasks.json").read_text())
    for definition in stored["objects"]:
        definition["identifier"] = {"main": definition["identifier"]}
    (tmp_path / "params.json").write_text(json.dumps(stored))
    task = read_file(tmp_path / "params.json").result
    assert task.__identifier__().hex() == stored["objects"][-1]["identifier"]["main"]


@contract("configurations 12.1: configs.json, load_configs")
def test_saved_configurations_of_a_run(formers: Any) -> None:
    folder = OLDER / "v2" / "configs"
    info = load_xp_info(folder)
    assert [type(job) for job in info.jobs.values()] == [formers.Learn.C] * 2
    assert [job.rate for job in info.jobs.values()] == [0.5, 0.25]
    assert all(job.__identifier__().hex() == identifier for identifier, job in info.jobs.items())
    one, two = info.jobs.values()
    assert one.model is two.model
    with pytest.deprecated_call():
        assert load_configs(folder) == info.jobs

"""The configurations of a past run come back for analysis."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from experimaestro import (
    Config,
    Meta,
    Param,
    PathGenerator,
    RunMode,
    Task,
    experiment,
    field,
    load_configs,
    load_xp_info,
)
from experimaestro.exceptions import LoadError

contract = pytest.mark.contract


class Shared(Config):
    n: Param[int]
    note: Meta[str] = ""


class Loop(Config):
    other: Param[Any] = None


class Work(Task):
    x: Param[int]
    shared: Param[Shared]
    loop: Param[Any] = None
    out: Meta[Path] = field(default_factory=PathGenerator("out.bin"))

    def execute(self) -> None: ...


@pytest.fixture
def run(workspace: Path) -> tuple[Path, list[Any]]:
    shared = Shared.C(n=1)
    first, second = Loop.C(), Loop.C()
    first.other, second.other = second, first
    with experiment(workspace, "xp", run_mode=RunMode.GENERATE_ONLY) as xp:
        tasks = [
            Work.C(x=1, shared=shared),
            Work.C(x=2, shared=shared),
            Work.C(x=3, shared=Shared.C(n=1, note="another"), loop=first),
        ]
        for task in tasks:
            task.submit()
        folder = Path(xp.workdir) if hasattr(xp, "workdir") else workspace / "experiments" / "xp" / "current"
    folder.mkdir(parents=True, exist_ok=True)
    lines = [{"journal": 1, "experiment": "xp", "run_id": "r", "time": 0}]
    for number, task in enumerate(tasks):
        identifier = str(task.__identifier__())
        lines.append(
            {"event": "job", "job": number, "task_id": f"{__name__}.work", "identifier": identifier, "time": 0}
        )
    (folder / "journal.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder, tasks


@contract("configurations 12.1: load_xp_info")
def test_jobs_come_back_in_order_and_share_what_they_shared(run: tuple[Path, list[Any]], workspace: Path) -> None:
    folder, tasks = run
    info = load_xp_info(folder)
    assert list(info.jobs) == [str(task.__identifier__()) for task in tasks]
    one, two, three = info.jobs.values()
    assert [job.x for job in (one, two, three)] == [1, 2, 3]
    assert one.shared is two.shared
    assert three.shared is not one.shared
    assert three.shared.note == "another"
    assert three.loop.other.other is three.loop
    for job, task in zip(info.jobs.values(), tasks, strict=True):
        assert job.__identifier__() == task.__identifier__()
        assert job.out == workspace.resolve() / "jobs" / f"{__name__}.work" / str(task.__identifier__()) / "out.bin"
    assert info.actions == {}
    with pytest.warns(DeprecationWarning, match="load_xp_info"):
        assert list(load_configs(folder)) == list(info.jobs)


def test_a_torn_journal_and_a_removed_job_are_no_obstacle(run: tuple[Path, list[Any]], workspace: Path) -> None:
    folder, tasks = run
    (workspace / "jobs" / f"{__name__}.work" / str(tasks[0].__identifier__()) / "params.json").unlink()
    with (folder / "journal.jsonl").open("a") as stream:
        stream.write('{"event": "job", "jo')
    assert list(load_xp_info(folder).jobs) == [str(task.__identifier__()) for task in tasks[1:]]


def test_damage_is_told_with_its_place(run: tuple[Path, list[Any]]) -> None:
    folder, _ = run
    text = (folder / "journal.jsonl").read_text().split("\n")
    (folder / "journal.jsonl").write_text("\n".join([text[0], "{", *text[1:]]))
    with pytest.raises(LoadError, match="line 2, is damaged"):
        load_xp_info(folder)


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no folder of a run"):
        load_xp_info(tmp_path)

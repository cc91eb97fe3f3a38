"""What a task needs to be prepared is prepared once, before it."""

from __future__ import annotations

import pytest

from experimaestro import Param, Prepare

SCRIPT = "watching.py"


def prepared(place):
    """Names of what was prepared, with how often."""
    return {
        name.rsplit("-", 1)[0]: count
        for name, count in place.executions().items()
        if not name.startswith(("prepare-", "reads-"))
    }


@pytest.mark.contract("configurations 9: Prepare")
@pytest.mark.contract("running 6: Prepare")
def test_equal_preparations_run_once_in_a_process_in_a_thread_before_their_tasks(one_place):
    result = one_place.run("prepared", "cats", "dogs", "cats", script=SCRIPT)
    assert prepared(one_place) == {"cats": 1, "dogs": 1}
    assert "prepare-experimaestro-prepare-0" in one_place.executions()
    assert {job["state"] for job in result["jobs"].values()} == {"done"}
    stamps = {path.name.rsplit("-", 1)[0]: path.stat().st_mtime_ns for path in one_place.records.iterdir()}
    assert max(stamps["cats"], stamps["dogs"]) <= stamps["reads"]


@pytest.mark.contract("running 2.4: PREPARE")
def test_prepare_mode_prepares_and_makes_no_job(one_place):
    result = one_place.run("prepared", "cats", "cats", script=SCRIPT, MODE="prepare")
    assert prepared(one_place) == {"cats": 1}
    assert result["stderr"].count("[prepare] ") == 1
    assert not one_place.workdir.exists()


@pytest.mark.parametrize("mode", ["dry-run", "generate"])
def test_a_simulation_prepares_nothing(one_place, mode):
    one_place.run("prepared", "cats", script=SCRIPT, MODE=mode)
    assert one_place.executions() == {}


@pytest.mark.contract("configurations 9: Prepare.submit")
def test_a_preparation_that_is_submitted_is_a_job_before_those_that_need_it(one_place):
    result = one_place.run("prepared_by_a_job", script=SCRIPT)
    assert result["told"]["itself"] == [1, 1]
    assert one_place.executions() == {"index-a-0": 1, "searches-0": 1}
    assert {job["state"] for job in result["jobs"].values()} == {"done"}
    assert (one_place.workdir / "jobs" / "experimaestro.prepare").is_dir()
    # Nobody needs it any more: it does not run again.
    one_place.run("prepared_by_a_job", script=SCRIPT)
    assert one_place.executions() == {"index-a-0": 1, "searches-0": 1}


@pytest.mark.contract("configurations 9: Prepare.submit")
def test_only_what_knows_whether_it_is_prepared_can_be_submitted():
    with pytest.raises(ValueError, match="is_prepared"):
        Corpus(name="x").submit()


class Corpus(Prepare):
    name: Param[str]

    def prepare(self):
        pass

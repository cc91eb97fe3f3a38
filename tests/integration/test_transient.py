"""Jobs that run for others only, priorities, and what a task says of its own outputs."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.mark.contract("running 6: transient tasks")
def test_a_transient_job_that_nobody_needs_does_not_run(one_place):
    result = one_place.run("transient", "TRANSIENT", "alone")
    [job] = result["jobs"].values()
    assert (job["state"], result["failed"]) == ("transient", False)
    assert not Path(job["path"]).exists()
    assert one_place.executions() == {}


@pytest.mark.parametrize(("mode", "kept"), [("TRANSIENT", True), ("REMOVE", False)])
def test_a_transient_job_runs_for_a_job_that_runs(one_place, mode, kept):
    result = one_place.run("transient", mode, "needed")
    [before] = result["by_name"]["record"]
    [after] = result["by_name"]["after"]
    assert after["state"] == "done"
    assert one_place.executions() == {"record-0": 1, "after-1": 1}
    assert Path(before["path"]).exists() is kept
    assert not list(Path(before["path"]).parent.glob(".*"))


def test_what_was_removed_is_not_made_again_for_a_job_that_is_done(one_place):
    one_place.run("transient", "REMOVE", "needed")
    again = one_place.run("transient", "REMOVE", "needed")
    assert [job["state"] for job in again["by_name"]["record"]] == ["transient"]
    assert one_place.executions() == {"record-0": 1, "after-1": 1}


def test_a_failed_experiment_removes_nothing(one_place):
    result = one_place.run("transient", "REMOVE", "failing")
    [before] = result["by_name"]["record"]
    assert result["failed"]
    assert Path(before["path"]).exists()


@pytest.mark.contract("running 6: the least transient mode wins")
def test_the_least_transient_wish_holds(one_place):
    result = one_place.run("transient", "REMOVE", "twice")
    [job] = result["jobs"].values()
    assert job["state"] == "done"
    assert Path(job["path"]).exists()
    assert one_place.executions() == {"record-0": 1}


def test_a_removed_job_runs_again_for_a_new_one_of_the_same_process(one_place):
    assert one_place.run("removed_between", "REMOVE")["failed"] is False
    assert one_place.executions() == {"record-0": 2, "after-1": 1, "after-2": 1}


def test_the_highest_priority_starts_first(one_place):
    driver = one_place.start("priorities", slots=1)
    one_place.started()
    assert driver.line() == "submitted"
    one_place.release()
    driver.finish()
    order = sorted(one_place.records.glob("record-*"), key=lambda path: path.stat().st_mtime_ns)
    # The first holds the only slot while the others are submitted.
    assert [path.name for path in order] == ["record-3", "record-2", "record-1"]


@pytest.mark.contract("running 6: __xpm_output_valid__")
@pytest.mark.parametrize(
    ("before", "answers", "executions"),
    [
        (False, "True", 0),  # adopted
        (False, "None", 1),
        (True, "False", 2),  # dropped, and run again
        (True, "None", 1),
        (True, "True", 1),
    ],
)
def test_a_task_may_know_better_whether_its_outputs_are_good(one_place, before, answers, executions):
    if before:
        one_place.run("judged", VALID="None")
    [job] = one_place.run("judged", VALID=answers)["jobs"].values()
    assert job["state"] == "done"
    assert (Path(job["path"]) / "judged.done").exists()
    assert one_place.executions() == ({"judged-0": executions} if executions else {})
    [again] = one_place.run("judged", VALID="None")["jobs"].values()
    assert again["state"] == "done", "the outcome outlives the judgement"
    assert sum(one_place.executions().values()) == executions

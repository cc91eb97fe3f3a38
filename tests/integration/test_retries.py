"""What is tried again, what is not, and what is told of it."""

from __future__ import annotations

import json
import os
import re
import signal
from pathlib import Path

import pytest


def the_job(result):
    """The only job of a run."""
    [job] = result["jobs"].values()
    return job


@pytest.mark.contract("running 6: max_retries")
@pytest.mark.parametrize(("max_retries", "executions"), [(0, 1), (1, 1), (3, 3)])
def test_a_resumable_task_has_as_many_executions_as_its_max_retries(place, max_retries, executions):
    job = the_job(place.run("resumable", "99", str(max_retries)))
    assert (job["state"], job["reason"], job["retry_count"]) == ("error", "TIMEOUT", executions)
    assert place.executions() == {"resumable-0": executions}


@pytest.mark.contract("running 6: ResumableTask keeps its folder and its logs")
def test_a_resumable_task_goes_on_where_it_stopped_and_its_logs_are_kept(place):
    job = the_job(place.run("resumable", "2", "3"))
    assert (job["state"], job["retry_count"]) == ("done", 2)
    folder = Path(job["path"])
    assert (folder / "resumable.out").read_text() == "attempt 3\n"
    kept = sorted(path for path in folder.glob("resumable.*.out"))
    assert [path.read_text() for path in kept] == ["attempt 1\n", "attempt 2\n"]
    assert all(re.fullmatch(r"resumable\.\d{14}\.out", path.name) for path in kept)


@pytest.mark.contract("running 6: exhausted resumable tasks")
def test_used_up_tries_are_used_up_for_the_next_driver_and_more_of_them_start_it_again(one_place):
    assert the_job(one_place.run("resumable", "99", "2"))["retry_count"] == 2
    again = the_job(one_place.run("resumable", "99", "2"))
    assert (again["state"], again["reason"], again["retry_count"]) == ("error", "TIMEOUT", 2)
    assert one_place.executions() == {"resumable-0": 2}
    assert the_job(one_place.run("resumable", "99", "3"))["retry_count"] == 3
    assert one_place.executions() == {"resumable-0": 3}


def test_the_journal_tells_each_try(one_place):
    job = the_job(one_place.run("resumable", "1", "3"))
    assert job["state"] == "done"
    [journal] = one_place.workdir.glob("experiments/xp/*_*/journal.jsonl")
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    [retry] = [line for line in lines if line.get("event") == "retry"]
    assert (retry["reason"], retry["interruption"]) == ("TIMEOUT", "timeout")
    assert retry["error"]["type"].endswith("GracefulTimeout")


def test_a_lost_job_is_tried_again(one_place):
    """Nobody sees how a job ends that was taken over: it is lost."""
    driver = one_place.start("gated", "1")
    pid = one_place.started()
    driver.process.kill()
    driver.process.wait()
    second = one_place.start("adopts")
    assert second.line() == "submitted"
    os.kill(pid, signal.SIGKILL)
    one_place.started()
    one_place.release()
    assert the_job(second.finish())["state"] == "done"
    assert one_place.executions() == {"gated-0": 2}


@pytest.mark.parametrize("way", ["memory", "cuda_memory"])
def test_no_memory_is_a_reason_of_its_own(one_place, way):
    job = the_job(one_place.run("ends", way))
    assert (job["state"], job["reason"]) == ("error", "MEMORY")


def test_a_failure_says_what_failures_of_the_same_cause_have_in_common(one_place):
    result = one_place.run("failure")
    [job] = result["by_name"]["raises"]
    error = job["error"]
    assert (error["type"], error["message"]) == ("ValueError", "bad value")
    assert re.search(r"tasks\.py:\d+$", error["place"])
    failed = json.loads((Path(job["path"]) / "raises.failed").read_text())
    assert failed["error"] == error
    rows = one_place.rows()
    assert [row["error"] for row in rows if row["reason"] == "FAILED"] == [error]


def test_a_job_that_is_stopped_is_cancelled_and_not_tried_again(place):
    job = the_job(place.run("killed"))
    assert (job["state"], job["reason"]) == ("error", "CANCELLED")
    assert place.executions() == {"gated-0": 1}


def test_a_job_that_does_not_stop_is_killed(place):
    job = the_job(place.run("stubborn", XPM_KILL_GRACE="0.2"))
    assert (job["state"], job["reason"]) == ("error", "CANCELLED")
    assert "SIGKILL" in job["message"]


@pytest.mark.parametrize(("limit", "executions"), [("1", 1), ("2", 2)])
def test_an_experiment_that_fails_fast_starts_no_more(one_place, limit, executions):
    result = one_place.run("fail_fast", limit, slots=1)
    assert sum(one_place.executions().values()) == executions
    withdrawn = [job for job in result["jobs"].values() if job["reason"] == "CANCELLED"]
    assert len(withdrawn) == 4 - executions
    assert all("fails fast" in job["message"] and "ValueError" in job["message"] for job in withdrawn)

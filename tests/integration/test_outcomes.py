"""How a job may end, and what is said of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest


def the_job(result):
    """The only job of a run."""
    [job] = result["jobs"].values()
    return job


def files(job):
    """Names in a job's folder."""
    return {path.name for path in Path(job["path"]).iterdir()}


def test_a_task_that_returns_is_done(place):
    result = place.run("records", "1")
    job = the_job(result)
    assert (job["state"], result["failed"]) == ("done", False)
    assert place.executions() == {"record-0": 1}
    assert {"params.json", "record.py", "record.out", "record.err", "record.done"} <= files(job)
    assert not {"record.pid", "record.failed"} & files(job)
    assert (Path(job["path"]) / "record.out").read_text() == "out 0\n"
    assert (Path(job["path"]) / "record.err").read_text() == "err 0\n"


@pytest.mark.contract("running 8: DEF: a job inherits the environment, with its own variables over it")
@pytest.mark.parametrize("way", ["exit_zero", "child_returns", "child_raises", "child_terminated", "surroundings"])
def test_these_are_done(place, way):
    job = the_job(place.run("ends", way))
    assert job["state"] == "done", (Path(job["path"]) / "ends.err").read_text()


@pytest.mark.contract("running 6: DELETED")
def test_a_job_whose_folder_is_gone_says_so_and_blames_no_disk(place):
    result = place.run("ends", "removes_its_folder")
    job = the_job(result)
    assert (job["reason"], job["message"]) == ("DELETED", "its folder was removed")


def test_threads_of_the_task_end_before_the_marker(place):
    job = the_job(place.run("ends", "thread_writes_late"))
    assert job["state"] == "done"
    late = Path(job["path"]) / "late.txt"
    assert late.stat().st_mtime_ns <= (Path(job["path"]) / "ends.done").stat().st_mtime_ns


@pytest.mark.contract("running 8: DEF: KeyboardInterrupt raised by code is a failure")
@pytest.mark.contract("running 7.2: an exit with code 0 and no marker is a failure")
@pytest.mark.parametrize(
    ("way", "reason", "code", "message"),
    [
        ("os_exit", "FAILED", 0, ""),
        ("killed", "FAILED", None, ""),
        ("exit_bare", "FAILED", None, "only sys.exit(0) is a success"),
        ("exit_text", "FAILED", None, "no data"),
        ("exit_three", "FAILED", None, "sys.exit(3)"),
        ("no_unicode", "FAILED", None, r"no file \udc80"),
        ("keyboard", "FAILED", None, "KeyboardInterrupt"),
        ("timeout", "TIMEOUT", None, "saved at epoch 3"),
        ("cancelled", "CANCELLED", None, "SIGTERM"),
        ("cancelled_swallowed", "CANCELLED", None, "SIGTERM"),
    ],
)
def test_these_are_errors_and_say_why(place, way, reason, code, message):
    result = place.run("ends", way)
    job = the_job(result)
    assert (job["state"], job["reason"], result["failed"]) == ("error", reason, True)
    assert job["message"]
    assert message in job["message"]
    if code is not None:
        assert job["exit_code"] == code
    assert "ends.done" not in files(job)
    failed = json.loads((Path(job["path"]) / "ends.failed").read_text())
    assert failed["reason"].upper() == reason
    assert "ends.pid" not in files(job)


def test_an_exception_names_the_users_line_and_the_log_holds_the_traceback(place):
    job = the_job(place.run("ends", "nothing_of_this_name"))
    assert "AttributeError" in job["message"]
    assert "tasks.py:" in job["message"]
    log = (Path(job["path"]) / "ends.err").read_text()
    assert "Traceback" in log
    assert "runner.py" not in log


def test_dependents_of_a_failure_do_not_run_and_the_others_do(place):
    result = place.run("failure")
    names = result["by_name"]
    assert [job["reason"] for job in names["raises"]] == ["FAILED"]
    assert [(job["state"], job["reason"]) for job in names["after"]] == [("error", "DEPENDENCY")] * 2
    assert [job["state"] for job in names["record"]] == ["done"]
    assert place.executions() == {"raises-1": 1, "record-1": 1}
    assert "ValueError: bad value" in result["stderr"]
    assert "1 of 4 jobs failed" in result["stderr"]
    assert "Traceback" not in result["stderr"]


def test_a_failed_task_runs_again_with_the_next_start(place):
    place.run("failure")
    place.run("failure")
    assert place.executions() == {"raises-1": 2, "record-1": 1}


@pytest.mark.contract("running 9: Listener")
def test_a_callback_that_calls_exit_does_not_keep_the_next_ones_from_being_called(one_place):
    result = one_place.run("exits_in_callback")
    assert one_place.executions() == {"record-0": 1, "record-1": 1}
    assert "SystemExit: not here" in result["stderr"]

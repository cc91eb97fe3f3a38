"""A task runs once, whatever happens to those who drive it."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest


def once(count, kind="record"):
    """What `executions` tells when each of these tasks ran once."""
    return {f"{kind}-{x}": 1 for x in range(count)}


def states(result):
    """The states of all jobs, each once."""
    return {job["state"] for job in result["jobs"].values()}


def is_alive(pid):
    """Whether a process exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_second_start_runs_nothing(place):
    place.run("records", "6")
    again = place.run("records", "6")
    assert states(again) == {"done"}
    assert place.executions() == once(6)


def test_only_what_is_new_runs(place):
    place.run("records", "3")
    place.run("records", "5")
    assert place.executions() == once(5)


def test_a_chain_runs_in_order(place):
    place.run("chain", "5")
    stamps = [path.stat().st_mtime_ns for path in sorted(place.records.glob("after-*"))]
    assert stamps == sorted(stamps)
    assert len(stamps) == 4


def test_never_more_at_once_than_there_are_slots(place):
    driver = place.start("gated", "3", slots=2)
    first, second = place.started(), place.started()
    assert is_alive(first)
    assert is_alive(second)
    assert len(place.executions()) == 2
    place.release()
    place.started()
    place.release(2)
    assert states(driver.finish()) == {"done"}
    assert place.executions() == once(3, "gated")


def test_a_killed_driver_leaves_its_jobs_and_the_next_one_takes_them_over(place):
    driver = place.start("gated", "1")
    pid = place.started()
    driver.process.kill()
    driver.process.wait()
    assert is_alive(pid)
    second = place.start("gated", "1")
    assert second.line() == "submitted"
    place.release()
    assert states(second.finish()) == {"done"}
    assert place.executions() == once(1, "gated")


@pytest.mark.contract("running 7.2: two drivers, twelve jobs: none runs twice")
def test_two_drivers_at_once_run_each_task_once(place):
    drivers = [place.start("records", "12", name=f"xp{number}") for number in range(2)]
    for driver in drivers:
        assert states(driver.finish()) == {"done"}
    assert place.executions() == once(12)


def test_a_driver_waits_for_the_job_of_another(place):
    first = place.start("gated", "1", name="one")
    place.started()
    second = place.start("gated", "1", name="two")
    assert second.line() == "submitted"
    place.release()
    assert states(first.finish()) == states(second.finish()) == {"done"}
    assert place.executions() == once(1, "gated")


def test_a_killed_job_is_an_error_and_runs_again_next_time(place):
    driver = place.start("gated", "1")
    os.kill(place.started(), signal.SIGKILL)
    [job] = driver.finish()["jobs"].values()
    assert (job["state"], job["reason"]) == ("error", "FAILED")
    assert "SIGKILL" in job["message"] or "signal 9" in job["message"]
    again = place.start("gated", "1")
    place.started()
    place.release()
    assert states(again.finish()) == {"done"}
    assert place.executions() == {"gated-0": 2}


def test_ctrl_c_leaves_running_jobs_and_says_how_to_come_back(place):
    driver = place.start("gated", "2", slots=1)
    assert driver.line() == "submitted"
    pid = place.started()
    driver.process.send_signal(signal.SIGINT)
    _, err = driver.process.communicate(timeout=60)
    assert driver.process.returncode != 0
    assert "KeyboardInterrupt" in err
    assert "come back" in err
    assert "driver.py" in err
    assert is_alive(pid)
    again = place.start("gated", "2", slots=2)
    place.started()  # the one that had not started
    place.release(2)
    assert states(again.finish()) == {"done"}
    assert place.executions() == once(2, "gated")


def test_the_loss_of_the_fork_server_is_nobodys_loss(tmp_path, one_place):
    one_place.launcher = "fork-server"
    driver = one_place.start("gated", "3", slots=2)
    job = one_place.started()
    one_place.started()
    server = int(Path(f"/proc/{job}/stat").read_text().rpartition(")")[2].split()[1])
    assert "forkserver" in Path(f"/proc/{server}/cmdline").read_text()
    os.kill(server, signal.SIGKILL)
    one_place.release(2)
    one_place.started()
    one_place.release()
    assert states(driver.finish()) == {"done"}
    assert one_place.executions() == once(3, "gated")

"""An experiment goes on without its script: resumed after a crash, detached, retried by cause."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

contract = pytest.mark.contract


def xpm(place, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "HOME": str(place.home), "RECORDS": str(place.records), "XPM_SLOTS": "2",
                   "XPM_LAUNCHER": place.launcher, **variables}  # fmt: skip
    command, *rest = arguments
    return subprocess.run(
        [sys.executable, "-m", "experimaestro.cli", command, "--workdir", str(place.workdir), *rest],
        env=environment, cwd=place.home, capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def states(place, name: str = "xp") -> dict[str, str]:
    listed = xpm(place, "jobs", "list", "--experiment", name, "--json")
    assert listed.returncode == 0, listed.stderr
    return {f"{row['task_id'].rpartition('.')[2]}-{n}": row["state"] for n, row in enumerate(json.loads(listed.stdout))}


def runs(place, name: str = "xp") -> list[str]:
    return sorted(path.name for path in (place.workdir / "experiments" / name).iterdir() if path.name[0].isdigit())


def test_a_run_goes_on_after_its_driver_was_killed(place):
    driver = place.start("gated_chain", "3", slots=1)
    assert driver.line() == "submitted"
    first = place.started()
    driver.process.kill()
    driver.process.wait()
    os.kill(first, signal.SIGKILL)
    place.release(3)
    resumed = xpm(place, "resume", "xp")
    assert resumed.returncode in (0, 1), resumed.stderr
    # What was running was killed with no fault of its own: it runs again, and all that waits for it runs once.
    assert place.executions()["gated-0"] == 2
    assert states(place) == {"gated-0": "done", "after-1": "done", "after-2": "done"}
    assert {name: count for name, count in place.executions().items() if name.startswith("after")} == {
        "after-1": 1,
        "after-2": 1,
    }
    assert len(runs(place)) == 1, "it is the same run that goes on"


def test_a_job_that_still_runs_is_taken_over(place):
    driver = place.start("gated_chain", "2")
    assert driver.line() == "submitted"
    place.started()
    driver.process.kill()
    driver.process.wait()
    place.release(1)
    assert xpm(place, "resume", "xp").returncode == 0
    assert place.executions() == {"gated-0": 1, "after-1": 1}
    status = json.loads((place.workdir / "experiments" / "xp" / "current" / "status.json").read_text())
    assert (status["status"], status["done"], status["total"]) == ("completed", 2, 2)


def test_a_detached_experiment_ends_by_itself(place):
    driver = place.start("gated_chain", "3", "--detach")
    place.started()
    result = driver.finish()
    assert "goes on in process" in result["stderr"]
    assert sorted(job["state"] for job in result["jobs"].values()) != ["done", "done", "done"]
    place.release(3)
    status = place.workdir / "experiments" / "xp" / "current" / "status.json"
    deadline = time.monotonic() + 60
    while json.loads(status.read_text())["status"] != "completed":
        assert time.monotonic() < deadline, (status.parent / "driver.log").read_text()
        time.sleep(0.05)
    assert place.executions() == {"gated-0": 1, "after-1": 1, "after-2": 1}
    assert states(place) == {"gated-0": "done", "after-1": "done", "after-2": "done"}


def test_resuming_leaves_failures_alone_and_retrying_does_not(one_place):
    assert one_place.run("failure", name="xp")["failed"]
    before = one_place.executions()
    resumed = xpm(one_place, "resume", "xp")
    assert resumed.returncode == 1
    assert one_place.executions() == before
    listed = xpm(one_place, "retry", "xp", "--list", "--json")
    [cause] = json.loads(listed.stdout)
    assert (cause["cause"], len(cause["jobs"])) == (1, 1)
    assert "ValueError: bad value" in cause["message"]
    # The code was mended: what depended on it runs too.
    retried = xpm(one_place, "retry", "xp", "--cause", "1", MENDED="1")
    assert retried.returncode == 0, retried.stderr
    after = one_place.executions()
    assert after["raises-1"] == before["raises-1"] + 1
    assert (after["after-1"], after["after-2"]) == (1, 1)
    assert after["record-1"] == before["record-1"]
    assert xpm(one_place, "retry", "xp").returncode == 0, "nothing is left to retry"


def test_what_cannot_be_resumed_is_one_sentence(one_place):
    one_place.run("records", "1")
    for arguments, told in [
        (("resume", "nobody"), "is no experiment"),
        (("resume", "xp", "--run", "20000101_000000"), "has no run 20000101_000000"),
        (("retry", "xp", "--cause", "0"), "0 is not in the range"),
        (("retry", "nobody"), "has no jobs"),
    ]:
        failed = xpm(one_place, *arguments)
        assert failed.returncode != 0
        assert told in failed.stderr
        assert "Traceback" not in failed.stderr
    assert runs(one_place, "xp") != []
    assert not (one_place.workdir / "experiments" / "nobody").exists()


def test_a_run_that_a_live_driver_has_is_waited_for(one_place):
    driver = one_place.start("gated", "1")
    one_place.started()
    waiting = subprocess.Popen(
        [sys.executable, "-m", "experimaestro.cli", "resume", "--workdir", str(one_place.workdir), "xp"],
        env={**os.environ, "HOME": str(one_place.home), "RECORDS": str(one_place.records)},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert waiting.stderr is not None
    assert "is being run by another process" in waiting.stderr.readline()
    one_place.release(1)
    driver.finish()
    assert waiting.wait(timeout=60) == 0
    assert one_place.executions() == {"gated-0": 1}
    waiting.stderr.close()


def test_the_journal_tells_on_what_terms_jobs_were_submitted(one_place):
    one_place.run("records", "1")
    journal = Path(one_place.workdir / "experiments" / "xp" / "current" / "journal.jsonl").read_text()
    events = [json.loads(line).get("event") for line in journal.splitlines()]
    assert events.count("planned") == 1
    assert events.count("surroundings") == 1


@contract("running 16: failures told by cause, with the command that retries them")
def test_the_summary_says_how_to_retry_each_cause(one_place, tmp_path):
    project = Path(__file__).parent / "project"
    (tmp_path / "experiment.py").write_text(
        f"import sys; sys.path.insert(0, {str(project)!r})\n"
        "from tasks import Ends, Raises\n"
        "from experimaestro.experiments import ConfigurationBase, ExperimentHelper, configuration\n"
        "@configuration\nclass Conf(ConfigurationBase):\n    pass\n"
        "def run(helper: ExperimentHelper, cfg: Conf):\n"
        "    for x in range(3):\n        Raises.C(x=x).submit()\n"
        "    Ends.C(how='exit_three').submit()\n"
    )
    (tmp_path / "experiment.yaml").write_text("id: xp\nfile: experiment\n")
    failed = xpm(one_place, "run-experiment", str(tmp_path / "experiment.yaml"))
    assert failed.returncode == 1
    assert "3 times ValueError: bad value" in failed.stderr
    assert "xp --cause 1" in failed.stderr
    assert "xp --cause 2" in failed.stderr
    before = one_place.executions()
    retried = xpm(one_place, "retry", "xp", "--cause", "1", MENDED="1")
    assert retried.returncode == 1, "the other cause is still there"
    after = one_place.executions()
    assert [after[f"raises-{x}"] - before[f"raises-{x}"] for x in range(3)] == [1, 1, 1]
    assert after["exit_three-0"] == before["exit_three-0"]


@contract("running 2.1: fail fast")
def test_failing_fast_starts_nothing_after_the_same_mistake(one_place):
    result = one_place.run("raises_in_a_row", "6", slots=1)
    reasons = [job["reason"] for job in result["by_name"]["raises"]]
    assert reasons.count("FAILED") == 2
    assert sum(one_place.executions().values()) == 2


@contract("running 6: transient tasks")
def test_a_job_that_nobody_needs_is_not_said_to_wait(one_place):
    one_place.run("transient", "TRANSIENT", "alone")
    ended = xpm(one_place, "resume", "xp").stderr
    assert "1 job (1 not needed)" in ended
    assert "waiting" not in ended


def test_the_advice_after_a_failure_is_a_command_that_runs_it_again(one_place):
    one_place.run("failure")
    resumed = xpm(one_place, "resume", "xp")
    assert resumed.returncode == 1
    # `resume` leaves failures as they are.
    assert "the same command" not in resumed.stderr
    assert "retry    xpm retry --workdir" in resumed.stderr
    before = one_place.executions()["raises-1"]
    xpm(one_place, "retry", "xp")
    assert one_place.executions()["raises-1"] == before + 1

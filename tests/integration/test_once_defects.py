"""Ways in which the older package lost a job, or ran it twice: each would show there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

RUN = "import sys; from experimaestro._core import Attempt; Attempt.begin(sys.argv[1]).finish('done')"


def attempt(folder, **variables):
    """Begin and finish a job in a process of its own; its exit code."""
    command = [sys.executable, "-c", RUN, str(folder)]
    return subprocess.run(command, env={**os.environ, **variables}, stderr=subprocess.DEVNULL, check=False).returncode


@pytest.mark.contract("running 7.2: .pid goes after .done is there, whenever the process is killed")
def test_at_no_moment_a_job_that_began_has_neither_its_process_nor_its_marker(tmp_path):
    deaths = 0
    for moment in range(1, 100):
        folder = tmp_path / "t.learn" / f"{moment:032x}"
        folder.mkdir(parents=True)
        code = attempt(folder, XPM_FAULT=f"at={moment}:kill")
        pid, done = folder / "learn.pid", folder / "learn.done"
        ends = [json.loads(path.read_text())["outcome"] for path in (folder / ".experimaestro").glob("*.end")]
        if done.exists():
            assert ends == ["done"], f"killed at operation {moment}: a marker without a recorded success"
        elif ends:
            assert pid.exists(), f"killed at operation {moment}: neither .pid nor .done"
        if code == 0:
            break
        assert code == -signal.SIGKILL
        deaths += 1
        # Whoever comes next finds it done, or does it: in the end there is one success and its marker.
        attempt(folder)
        assert done.exists()
        outcomes = [json.loads(path.read_text())["outcome"] for path in (folder / ".experimaestro").glob("*.end")]
        assert outcomes.count("done") == 1
    assert code == 0
    assert deaths > 10


@pytest.mark.contract("running 7.2: a .pid is believed only with its host and its process's start")
@pytest.mark.parametrize("host", [None, "another-host"])
def test_the_number_of_an_unrelated_process_is_not_waited_for(place, host):
    first = place.run("records", "1")
    [job] = first["jobs"].values()
    folder = Path(job["path"])
    for path in (folder / ".experimaestro").glob("0*"):
        path.unlink()
    (folder / "record.done").unlink()
    with subprocess.Popen(["sleep", "600"]) as unrelated:
        text = {"type": "local", "pid": unrelated.pid, **({"host": host} if host else {})}
        (folder / "record.pid").write_text(json.dumps(text))
        again = place.run("records", "1")
        unrelated.kill()
    assert [job["state"] for job in again["jobs"].values()] == ["done"]
    assert place.executions() == {"record-0": 2}


@pytest.mark.contract("running 7.2: a job that was SIGKILLed leaves .failed and no .pid")
def test_a_killed_job_leaves_a_marker_of_failure_and_no_pid(one_place):
    driver = one_place.start("gated", "1")
    os.kill(one_place.started(), signal.SIGKILL)
    [job] = driver.finish()["jobs"].values()
    folder = Path(job["path"])
    assert sorted(path.name for path in folder.glob("gated.*") if path.suffix in (".done", ".failed", ".pid")) == [
        "gated.failed"
    ]
    assert json.loads((folder / "gated.failed").read_text())["reason"] == "failed"

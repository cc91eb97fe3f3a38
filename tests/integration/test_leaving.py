"""How a driver is left: by a signal, with a full disk; and what is then known of its run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

contract = pytest.mark.contract
SIGNALS = [signal.SIGTERM, signal.SIGHUP]


def run_status(place, name: str = "xp") -> str:
    from experimaestro._core import list_runs

    return list_runs(str(place.workdir), name)[-1]["status"]


def command(place, *arguments: str, **variables: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "HOME": str(place.home), "RECORDS": str(place.records), "XPM_SLOTS": "1", **variables}
    return subprocess.Popen(
        [sys.executable, "-m", "experimaestro.cli", *arguments],
        env=environment, cwd=place.home, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


@contract("running 2.1: register_signals")
@contract("running 7.3: restart, pinned for SIGTERM and SIGINT")
@pytest.mark.parametrize("number", [*SIGNALS, signal.SIGINT])
def test_a_driver_that_is_asked_to_end_says_how_it_left_its_run(one_place, number):
    driver = one_place.start("gated_chain", "2", slots=1)
    assert driver.line() == "submitted"
    job = one_place.started()
    driver.process.send_signal(number)
    _, told = driver.process.communicate(timeout=60)
    # Whoever waits for the process learns what ended it.
    assert driver.process.returncode == -number
    assert run_status(one_place) == "detached"
    assert "xp is left: 1 job goes on running, 1 was not started" in told
    assert is_alive(job)
    if number is not signal.SIGINT:
        assert "Traceback" not in told
    again = one_place.start("gated_chain", "2", slots=1)
    assert again.line() == "submitted"
    one_place.release(1)
    assert not again.finish()["failed"]
    assert one_place.executions() == {"gated-0": 1, "after-1": 1}


@contract("running 2.3: DEF: Ctrl-C during job.wait() comes through, and the run is not recorded as completed")
@pytest.mark.parametrize("number", [*SIGNALS, signal.SIGINT])
def test_who_waits_for_a_job_is_interrupted(one_place, number):
    driver = one_place.start("waits")
    job = one_place.started()
    driver.process.send_signal(number)
    _, told = driver.process.communicate(timeout=60)
    assert driver.process.returncode == -number
    assert run_status(one_place) == "detached"
    assert "1 job goes on running, 0 were not started" in told
    assert is_alive(job)


@pytest.mark.parametrize("number", SIGNALS)
def test_commands_that_are_asked_to_end_say_so_too(one_place, number):
    driver = one_place.start("gated_chain", "2", slots=1)
    job = one_place.started()
    driver.process.kill()
    driver.process.wait()
    assert run_status(one_place) == "unknown", "nobody could say how it was left"
    resumed = command(one_place, "resume", "--workdir", str(one_place.workdir), "xp")
    assert resumed.stderr is not None
    assert "gated" in resumed.stderr.readline()
    resumed.send_signal(number)
    _, told = resumed.communicate(timeout=60)
    assert resumed.returncode == -number
    assert "xp is left" in told
    assert "Traceback" not in told
    assert run_status(one_place) == "detached"
    assert is_alive(job)


def test_a_second_signal_does_not_wait(tmp_path):
    """What the block does on its way out may hang."""
    code = (
        "import os, signal, sys, time\n"
        "from experimaestro._run.termination import TerminationGuard\n"
        "with TerminationGuard():\n"
        "    try:\n"
        "        signal.raise_signal(signal.SIGTERM)\n"
        "    finally:\n"
        "        signal.raise_signal(signal.SIGHUP)\n"
        "        print('never')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (-signal.SIGHUP, "")


def test_signals_of_others_are_left_to_them():
    """`nohup` ignores SIGHUP; a programme may have its own SIGTERM."""
    code = (
        "import signal\n"
        "from experimaestro._run.termination import TerminationGuard\n"
        "signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "signal.signal(signal.SIGTERM, lambda *_: print('mine'))\n"
        "with TerminationGuard():\n"
        "    signal.raise_signal(signal.SIGHUP)\n"
        "    signal.raise_signal(signal.SIGTERM)\n"
        "print(signal.getsignal(signal.SIGHUP) == signal.SIG_IGN)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines() == ["mine", "True"]


@pytest.fixture
def small_disk(one_place):
    """The workspace lies on a file system of its own, of 4 MB."""
    one_place.workdir.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(one_place.workdir)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("file systems cannot be mounted here")
    yield one_place
    subprocess.run(["umount", "-l", str(one_place.workdir)], check=True)


SCRIPT = """
import sys; sys.path.insert(0, {project!r})
from pathlib import Path
from tasks import Record
from experimaestro import experiment
from experimaestro.experiments import ConfigurationBase, ExperimentHelper, configuration

def fill(folder):
    # A block at a time, down to the last one.
    with open(Path(folder) / "filling", "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass

@configuration
class Conf(ConfigurationBase):
    pass

def run(helper: ExperimentHelper, cfg: Conf):
    Record.C(x=1).submit().wait()
    fill(helper.xp.workspace.path)

if __name__ == "__main__":
    with experiment(sys.argv[1], "xp") as xp:
        Record.C(x=1).submit().wait()
        fill(sys.argv[1])
    print("after", xp.failed, xp.unrecorded is not None)
"""


def _script(place) -> Path:
    path = place.home / "experiment.py"
    path.write_text(SCRIPT.format(project=str(Path(__file__).parent / "project")))
    (place.home / "experiment.yaml").write_text("id: xp\nfile: experiment\n")
    return path


def _recorded_once_there_is_room(place) -> None:
    assert run_status(place) == "unknown"
    (place.workdir / "filling").unlink()
    resumed = command(place, "resume", "--workdir", str(place.workdir), "xp")
    assert resumed.wait(timeout=60) == 0
    resumed.communicate()
    assert run_status(place) == "completed"
    assert place.executions() == {"record-1": 1}


def test_a_full_disk_at_the_end_is_one_paragraph_and_the_script_goes_on(small_disk):
    done = subprocess.run(
        [sys.executable, str(_script(small_disk)), str(small_disk.workdir)],
        env={**os.environ, "HOME": str(small_disk.home), "RECORDS": str(small_disk.records)},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "after False True\n")
    assert "Traceback" not in done.stderr
    assert "how xp ended could not be recorded" in done.stderr
    assert "No space left on device" in done.stderr
    assert "1 of 1 are done" in done.stderr
    assert f"xpm resume --workdir {small_disk.workdir} xp" in done.stderr
    _recorded_once_there_is_room(small_disk)


def test_a_full_disk_at_the_end_is_told_by_the_exit_code_of_the_command(small_disk):
    _script(small_disk)
    ran = command(
        small_disk, "run-experiment", "--workdir", str(small_disk.workdir), str(small_disk.home / "experiment")
    )
    _, told = ran.communicate(timeout=60)
    assert ran.returncode == 1
    assert "Traceback" not in told
    assert told.count("could not be recorded") == 1
    resumed = command(small_disk, "resume", "--workdir", str(small_disk.workdir), "xp")
    _, told = resumed.communicate(timeout=60)
    assert resumed.returncode == 1
    assert "Traceback" not in told
    _recorded_once_there_is_room(small_disk)


@contract("running 2.3: environment.json says how the run ended")
def test_the_environment_tells_how_the_run_ended(one_place):
    one_place.run("records", "1")
    run = one_place.workdir / "experiments" / "xp" / "current"
    environment = json.loads((run / "environment.json").read_text())
    assert environment["run"]["status"] == "completed"
    assert environment["run"]["started_at"] <= environment["run"]["ended_at"]
    assert environment["run"]["hostname"] == os.uname().nodename

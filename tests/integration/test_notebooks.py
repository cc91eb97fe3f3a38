"""Experiments in a real Jupyter kernel: several cells, and a kernel that lives on after each."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

jupyter_client = pytest.importorskip("jupyter_client")
pytest.importorskip("ipykernel")

PROJECT = Path(__file__).parent / "project"
SECONDS = 60  # only a broken test waits that long
contract = pytest.mark.contract

SETUP = """
import sys
sys.path.insert(0, {project!r})
from experimaestro import experiment
from tasks import After, Gated, Record
"""


class Notebook:
    """A kernel, cell by cell."""

    def __init__(self, place):
        self.place = place
        self.manager = jupyter_client.KernelManager(transport="ipc", ip=str(place.home / "kernel"))
        self.manager.kernel_spec.argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        variables = {"HOME": str(place.home), "RECORDS": str(place.records), "XPM_SLOTS": "1",
                     "XPM_LAUNCHER": place.launcher, "IPYTHONDIR": str(place.home)}  # fmt: skip
        self.manager.start_kernel(env={**os.environ, **variables}, cwd=str(place.home))
        self.client = self.manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=SECONDS)
        self.cell(SETUP.format(project=str(PROJECT)))

    def begin(self, code: str) -> str:
        """Run a cell; do not wait for its end."""
        return self.client.execute(code.replace("WORKDIR", repr(str(self.place.workdir))), store_history=False)

    def end(self, cell: str) -> dict:
        """Wait for the end of a cell; its streams, and the name of the exception that ended it."""
        told = {"stdout": "", "stderr": "", "error": None}
        while True:
            message = self.client.get_iopub_msg(timeout=SECONDS)
            if message["parent_header"].get("msg_id") != cell:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "stream":
                told[content["name"]] += content["text"]
            elif kind == "error":
                told["error"] = content["ename"]
            elif kind == "status" and content["execution_state"] == "idle":
                return told

    def cell(self, code: str, error: str | None = None) -> str:
        """Run a cell that ends in this way; what it printed."""
        told = self.end(self.begin(code))
        assert told["error"] == error, told
        return told["stdout"]

    def close(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


@pytest.fixture
def notebook(one_place, monkeypatch):
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    notebook = Notebook(one_place)
    yield notebook
    notebook.close()


@contract("running 2: notebooks: a Ctrl-C ends that experiment only")
@contract("running 2.2: stop() is of one experiment, not of the process")
def test_an_interrupted_cell_ends_its_experiment_and_the_next_one_runs(notebook):
    place = notebook.place
    cell = notebook.begin(
        "with experiment(WORKDIR, 'one') as one:\n"
        "    gated = Gated.C(x=0).submit()\n"
        "    waiting = Record.C(x=1).submit()\n"
    )
    place.started()
    notebook.manager.interrupt_kernel()
    told = notebook.end(cell)
    assert told["error"] == "KeyboardInterrupt"
    assert "1 job goes on running, 1 was not started" in told["stderr"]
    assert notebook.cell("print(one.status, waiting.job.state.name)") == "detached unscheduled\n"
    place.release(1)
    # The one slot is free again: what was left must not start by itself, however long the kernel lives.
    assert notebook.cell("print(gated.job.wait().name)") == "done\n"
    assert (
        notebook.cell("with experiment(WORKDIR, 'two') as two: Record.C(x=2).submit()\nprint(two.failed)") == "False\n"
    )
    assert place.executions() == {"gated-0": 1, "record-2": 1}
    # The same cell again takes up what was left.
    again = "with experiment(WORKDIR, 'one') as one: Record.C(x=1).submit(); Gated.C(x=0).submit()\nprint(one.status)"
    assert notebook.cell(again) == "completed\n"
    assert place.executions() == {"gated-0": 1, "record-1": 1, "record-2": 1}


@contract("running 2.2: stop() is of one experiment, not of the process")
def test_a_stop_from_another_thread_ends_that_experiment_only(notebook):
    told = notebook.cell(
        "import os, threading\n"
        "def stop_once_it_runs(inner):\n"
        "    open(os.environ['RECORDS'] + '/started.fifo').readline()\n"
        "    inner.stop()\n"
        "with experiment(WORKDIR, 'outer') as outer:\n"
        "    try:\n"
        "        with experiment(WORKDIR, 'inner') as inner:\n"
        "            Gated.C(x=0).submit()\n"
        "            threading.Thread(target=stop_once_it_runs, args=(inner,)).start()\n"
        "            inner.wait()\n"
        "    except KeyboardInterrupt:\n"
        "        print('inner', inner.status)\n"
        "    open(os.environ['RECORDS'] + '/gate.fifo', 'w').write('.')\n"
        "    after = Record.C(x=1).submit()\n"
        "    print('runs', after.job.wait().name)\n"
        "print('outer', outer.status)\n"
    )
    assert told.splitlines() == ["inner detached", "runs done", "outer completed"]


def test_what_others_wait_for_is_run_though_its_experiment_was_left(notebook):
    """A job of an open experiment depends on one that was submitted to an experiment that was left."""
    assert (
        notebook.cell(
            "from experimaestro import GracefulExperimentExit\n"
            "with experiment(WORKDIR, 'outer') as outer:\n"
            "    with experiment(WORKDIR, 'inner'):\n"
            "        gated = Gated.C(x=0).submit()\n"
            "        before = Record.C(x=1).submit()\n"
            "        unwanted = Record.C(x=3).submit()\n"
            "        open(__import__('os').environ['RECORDS'] + '/started.fifo').readline()\n"
            "        raise GracefulExperimentExit\n"
            "    after = After.C(x=2, before=before).submit()\n"
            "    open(__import__('os').environ['RECORDS'] + '/gate.fifo', 'w').write('.')\n"
            "print(after.job.state.name, unwanted.job.state.name)\n"
        )
        == "done unscheduled\n"
    )
    assert notebook.place.executions() == {"gated-0": 1, "record-1": 1, "after-2": 1}


@contract("running 2: notebooks: a detached experiment is driven by its successor alone")
def test_a_detached_cell_hands_everything_over(notebook):
    place = notebook.place
    notebook.cell(
        "with experiment(WORKDIR, 'xp', detach=True) as xp:\n"
        "    gated = Gated.C(x=0).submit()\n"
        "    after = After.C(x=1, before=gated).submit()\n"
    )
    place.started()
    assert notebook.cell("print(after.job.state.name)") == "unscheduled\n"
    # The successor is stopped: were the kernel still driving, it would start what waits.
    notebook.cell("import os, signal; os.kill(xp.successor, signal.SIGSTOP)")
    place.release(1)
    assert notebook.cell("print(gated.job.wait().name)") == "done\n"
    assert (
        notebook.cell("with experiment(WORKDIR, 'two'): Record.C(x=2).submit()\nprint(after.job.state.name)")
        == "unscheduled\n"
    )
    assert "after-1" not in place.executions()
    notebook.cell("os.kill(xp.successor, signal.SIGCONT)")
    assert notebook.cell("print(after.job.wait().name)") == "done\n"
    assert place.executions() == {"gated-0": 1, "after-1": 1, "record-2": 1}
    [claim] = (place.workdir / "jobs").glob("*.after/*/.experimaestro/00001.claim")
    successor = int(notebook.cell("print(xp.successor)"))
    assert json.loads(claim.read_text())["owner"]["pid"] == successor


def test_waiting_for_a_job_that_nobody_drives_says_so(notebook):
    cell = (
        "from experimaestro import GracefulExperimentExit\n"
        "with experiment(WORKDIR, 'xp'):\n"
        "    gated = Gated.C(x=0).submit()\n"
        "    left = Record.C(x=1).submit()\n"
        "    raise GracefulExperimentExit\n"
        "try:\n"
        "    left.job.wait()\n"
        "except RuntimeError as error:\n"
        "    print(error)\n"
    )
    assert "nothing drives it now; submit it again" in notebook.cell(cell)
    notebook.place.release(1)

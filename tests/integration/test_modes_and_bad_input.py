"""Simulation, and what is said of a workspace or a job that is not as it should be."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


def test_a_dry_run_writes_nothing_and_says_what_would_run(one_place):
    result = one_place.run("chain", "--mode=dry-run", "3")
    assert not one_place.workdir.exists()
    assert one_place.executions() == {}
    assert result["stderr"].count("[not run]") == 3
    assert result["stderr"].count("no dependencies") == 1
    assert "\033[" not in result["stderr"]


def test_a_dry_run_knows_what_is_done(one_place):
    one_place.run("failure")
    before = {path: path.lstat().st_mtime_ns for path in one_place.workdir.rglob("*")}
    err = one_place.run("failure", "--mode=dry-run")["stderr"]
    assert err.count("[done] ") == 1
    assert err.count("[failed] ") == 1
    assert {path: path.lstat().st_mtime_ns for path in one_place.workdir.rglob("*")} == before


def test_generating_writes_the_job_folders_and_runs_nothing(one_place):
    result = one_place.run("records", "--mode=generate", "1")
    [job] = result["jobs"].values()
    assert {"params.json", "record.py"} <= {path.name for path in Path(job["path"]).iterdir()}
    assert one_place.executions() == {}
    assert one_place.run("records", "1")["failed"] is False
    assert one_place.executions() == {"record-0": 1}


def test_a_job_runs_by_hand_once(one_place):
    import subprocess
    import sys

    result = one_place.run("records", "--mode=generate", "1")
    [job] = result["jobs"].values()
    environment = {**os.environ, "RECORDS": str(one_place.records)}
    command = [sys.executable, str(Path(job["path"]) / "record.py")]
    first = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (first.returncode, first.stdout) == (0, "out 0\n"), first.stderr
    again = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (again.returncode, again.stdout) == (0, "")
    assert "done" in again.stderr
    assert one_place.run("records", "1")["failed"] is False
    assert one_place.executions() == {"record-0": 1}


def test_a_workspace_that_is_not_writable_is_refused(one_place):
    one_place.workdir = Path("/proc/workspace")  # not even root may write there
    _refused(one_place, "give a folder that you may write to")


def test_a_workspace_that_is_a_file_is_refused(one_place):
    one_place.workdir.write_text("not a folder")
    _refused(one_place, "it is a file; give the path of a folder")
    assert one_place.workdir.read_text() == "not a folder"


def _refused(place, remedy):
    driver = place.start("records", "1")
    _, err = driver.process.communicate(timeout=60)
    assert driver.process.returncode != 0
    assert "WorkspaceError" in err
    assert str(place.workdir) in err
    assert remedy in err


def test_a_task_class_that_is_gone_is_told_in_one_paragraph(place):
    (place.home / "vanishing.py").write_text(
        "import os, sys\n"
        "from experimaestro import Param, Task\n"
        "if 'XPM_GONE' not in os.environ:\n"
        "    class Vanishing(Task):\n"
        "        x: Param[int]\n"
        "        def execute(self): pass\n"
    )
    (place.home / "drive.py").write_text(
        "import sys\n"
        "from experimaestro import experiment\n"
        "from vanishing import Vanishing\n"
        "with experiment(sys.argv[1], 'xp') as xp:\n"
        "    xp.setenv('XPM_GONE', '1')\n"
        "    task = Vanishing(x=1).submit()\n"
        "job = task.__xpm__.job\n"
        "print(job.state.name, job.path, job.message, sep='|')\n"
    )
    state, path, message = _drive(place, "drive.py").split("|")
    assert state == "error"
    assert "Vanishing" in message
    assert "\n" not in message.strip()
    log = (Path(path) / "vanishing.err").read_text()
    assert "Vanishing" in log
    assert "Traceback" not in log


def test_params_cut_in_half_is_told(place):
    (place.home / "drive.py").write_text(
        "import os, pathlib, subprocess, sys\n"
        "from experimaestro import Param, RunMode, Task, experiment\n"
        "class Whole(Task):\n"
        "    x: Param[int]\n"
        "    def execute(self): pass\n"
        "if __name__ == '__main__':\n"
        "    with experiment(sys.argv[1], 'xp', run_mode=RunMode.GENERATE_ONLY):\n"
        "        job = Whole(x=1).submit().__xpm__.job\n"
        "    params = job.path / 'params.json'\n"
        "    params.write_bytes(params.read_bytes()[: params.stat().st_size // 2])\n"
        "    done = subprocess.run([sys.executable, job.basepath.with_suffix('.py')], capture_output=True, text=True)\n"
        "    print(done.returncode, done.stderr.replace('\\n', ' '), sep='|')\n"
        "    print(job.state, job.failedpath.read_text(), sep='|', file=sys.stderr)\n"
    )
    code, message = _drive(place, "drive.py").split("|")
    assert code == "1"
    assert "params.json" in message
    assert "Traceback" not in message


def test_processes_spawned_by_a_task_of_a_script_find_its_functions(place):
    (place.home / "drive.py").write_text(
        "import multiprocessing, sys\n"
        "from concurrent.futures import ProcessPoolExecutor\n"
        "from experimaestro import Param, Task, experiment\n"
        "def double(x): return 2 * x\n"
        "class Spawns(Task):\n"
        "    x: Param[int]\n"
        "    def execute(self):\n"
        "        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context('spawn')) as pool:\n"
        "            print(pool.submit(double, self.x).result(), __name__)\n"
        "if __name__ == '__main__':\n"
        "    with experiment(sys.argv[1], 'xp'):\n"
        "        job = Spawns(x=21).submit().__xpm__.job\n"
        "    print(job.state.name, (job.stdout.read_text() + job.stderr.read_text()).replace(chr(10), ' '))\n"
    )
    assert _drive(place, "drive.py").startswith("done 42 __mp_main__")


def test_a_module_that_raises_is_told_with_its_traceback(place):
    (place.home / "breaks.py").write_text(
        "import os\n"
        "from experimaestro import Task\n"
        "if os.environ.get('BREAKS'):\n"
        "    1 / 0\n"
        "class Breaks(Task):\n"
        "    def execute(self): pass\n"
    )
    (place.home / "drive.py").write_text(
        "import sys\n"
        "from experimaestro import experiment\n"
        "from breaks import Breaks\n"
        "with experiment(sys.argv[1], 'xp') as xp:\n"
        "    xp.setenv('BREAKS', '1')\n"
        "    job = Breaks().submit().__xpm__.job\n"
        "print(job.state.name, job.message, job.stderr.read_text().replace(chr(10), ' '), sep='|')\n"
    )
    state, message, log = _drive(place, "drive.py").split("|")
    assert state == "error"
    assert "ZeroDivisionError" in message
    assert "PYTHONPATH" not in message  # the module was found
    assert "Traceback" in log
    assert "breaks.py" in log


def _drive(place, script):
    """Run a script of the test's own on the workspace; the last line it prints."""
    import subprocess
    import sys

    environment = {**os.environ, "HOME": str(place.home), "XPM_LAUNCHER": place.launcher}
    done = subprocess.run(
        [sys.executable, str(place.home / script), str(place.workdir)],
        env=environment, cwd=place.home, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


@pytest.mark.contract("running 2: notebooks")
def test_a_class_that_was_typed_by_hand_is_told_where_to_live(one_place, tmp_path):
    typed = (
        "from experimaestro import *\n"
        "class Typed(Task):\n"
        "    x: Param[int]\n"
        "    def execute(self): pass\n"
        "\n"
        f"with experiment({str(one_place.workdir)!r}, 'typed') as xp: task = Typed.C(x=1).submit()\n"
        "\n"
    )
    told = subprocess.run([sys.executable, "-i"], input=typed, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert "its class Typed was typed in an interactive session" in told.stderr
    assert not list(one_place.workdir.glob("jobs/*/*"))

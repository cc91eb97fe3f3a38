"""A script that begins its experiment wherever it is imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import sys
import tempfile
from pathlib import Path

from experimaestro import Param, Task, experiment

with Path(sys.argv[1] if len(sys.argv) > 1 else "begun").open("a") as file:
    file.write("begun\\n")
if Path("begun").read_text().count("begun") > 3:
    sys.exit("jobs start jobs without end")


class Add(Task):
    x: Param[int]

    def execute(self):
        print(self.x)


with experiment(tempfile.mkdtemp(dir="."), "unguarded") as xp:
    Add.C(x=1).submit()
    xp.wait()
"""


@pytest.mark.contract("running 2.3: enter")
def test_jobs_of_a_script_without_a_guard_start_no_jobs(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    command = [sys.executable, "script.py", str(tmp_path / "begun")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False)
    assert "__main__" in done.stderr, done.stderr
    assert "while a job imports this file" in done.stderr
    assert len(list(tmp_path.glob("*/jobs/*/*"))) == 1

"""Tasks executed by hand, and what they know about themselves."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

contract = pytest.mark.contract

TASKS = """
import os
from pathlib import Path
from experimaestro import Meta, Param, PathGenerator, Task, field, tag, experiment

class Learn(Task):
    x: Param[int]
    out: Meta[Path] = field(default_factory=PathGenerator("out.txt"))

    def execute(self):
        if self.x < 0:
            raise ValueError("negative")
        self.out.write_text(f"{self.__tags__} {self.__taskdir__ == self.out.parent}")
        Path("where.txt").write_text(os.getcwd())

def main(workdir):
    with experiment(workdir, "xp"):
        for x in (1, -1):
            print(Learn.C(x=tag(x)).submit().job.path)
"""


@pytest.fixture
def folders(one_place):
    (one_place.home / "learning.py").write_text(TASKS)
    done = python(one_place, "-c", f"import learning; learning.main({str(one_place.workdir)!r})")
    return done.stdout.splitlines()


def python(place, *arguments):
    return subprocess.run(
        [sys.executable, *arguments], cwd=place.home, env={**os.environ, "HOME": str(place.home)},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def snapshot(folder):
    found = {}
    for parent, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(parent, name)
            with open(path, "rb") as file:
                found[os.path.relpath(path, folder)] = file.read()
    return found


@contract("running 8: DEF: self.__tags__")
def test_a_task_knows_its_tags_and_its_folder(folders):
    with open(os.path.join(folders[0], "out.txt")) as file:
        assert file.read() == "{'x': 1} True"


@contract("running 8: experimaestro run PARAMS")
@contract("running 8: DEF: a run by hand leaves nothing behind")
def test_a_run_by_hand_records_nothing_and_stays_where_it_is(one_place, folders):
    os.remove(os.path.join(folders[0], "out.txt"))
    before = snapshot(one_place.workdir)
    for given in (folders[0], os.path.join(folders[0], "params.json")):
        done = python(one_place, "-m", "experimaestro.cli", "run", given)
        assert (done.returncode, done.stderr) == (0, "")
        after = snapshot(one_place.workdir)
        [made] = after.keys() - before.keys()
        assert made.endswith("/out.txt")
        assert {name: after[name] for name in before} == before
    assert (one_place.home / "where.txt").read_text() == str(one_place.home)


@contract("running 8: experimaestro run PARAMS")
def test_what_goes_wrong_by_hand_is_shown_with_its_traceback(one_place, folders):
    failed = python(one_place, "-m", "experimaestro.cli", "run", folders[1])
    assert failed.returncode == 1
    assert "Traceback" in failed.stderr
    assert "ValueError: negative" in failed.stderr
    missing = python(one_place, "-m", "experimaestro.cli", "run", "nowhere")
    assert missing.returncode == 1
    assert "there is no such file" in missing.stderr
    assert "Traceback" not in missing.stderr

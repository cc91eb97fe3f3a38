"""What is written of a task's progress, and what is not."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experimaestro import notifications, progress
from experimaestro._core import read_progress
from experimaestro._run import progress as module
from experimaestro.taskglobals import Env


@pytest.fixture
def job(tmp_path, monkeypatch):
    """The folder of a running job."""
    (tmp_path / ".experimaestro").mkdir()
    monkeypatch.setattr(Env, "taskpath", tmp_path)
    monkeypatch.setattr(module, "_written", [])
    return tmp_path


def levels(job):
    return [(row["level"], row["value"], row["description"]) for row in read_progress(str(job))]


def lines(job):
    return (job / ".experimaestro" / "progress.jsonl").read_text().splitlines()


def test_outside_a_task_it_is_refused():
    with pytest.raises(AssertionError, match="task path undefined"):
        progress(0.5)


def test_the_last_value_of_each_level_is_read(job):
    progress(0.5, desc="epochs")
    progress(0.25, level=1, desc="batches")
    assert levels(job) == [(0, 0.5, "epochs"), (1, 0.25, "batches")]


def test_a_shallow_step_ends_the_deeper_levels(job):
    progress(0.5)
    progress(0.9, level=1)
    progress(0.6)
    assert levels(job) == [(0, 0.6, None)]


def test_small_steps_are_not_written_but_the_end_is(job):
    for step in range(10_000):
        progress(step / 10_000)
    progress(1.0)
    assert len(lines(job)) <= 102
    assert levels(job) == [(0, 1.0, None)]


def test_another_description_is_written(job):
    progress(0.5, desc="one")
    progress(0.5, desc="two")
    progress(0.5, desc="two")
    assert len(lines(job)) == 2


def test_ranks_above_zero_write_nothing(job, monkeypatch):
    monkeypatch.setattr(Env, "slave", True)
    progress(0.5)
    assert not (job / ".experimaestro" / "progress.jsonl").exists()


@given(value=st.floats(allow_nan=False))
def test_values_are_brought_inside(value):
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        (Path(folder) / ".experimaestro").mkdir()
        patch.setattr(Env, "taskpath", Path(folder))
        patch.setattr(module, "_written", [])
        progress(value)
        [(_, read, _)] = levels(Path(folder))
        assert 0 <= read <= 1


def test_a_bar_of_the_library_reports_its_start_and_its_end(job):
    library = pytest.importorskip("tqdm.auto")
    assert issubclass(notifications.tqdm, library.tqdm)
    seen = []
    for item in notifications.tqdm(range(10), desc="items"):
        seen.append(item)
        if item == 0:
            assert levels(job) == [(0, 0.0, "items")]
    assert seen == list(range(10))
    assert levels(job) == [(0, 1.0, "items")]


def test_without_the_library_a_bar_works_the_same():
    code = (
        "import sys, tempfile, pathlib\n"
        "sys.modules['tqdm'] = sys.modules['tqdm.auto'] = None\n"
        "from experimaestro import tqdm\n"
        "from experimaestro._core import read_progress\n"
        "from experimaestro._run.plain_bar import PlainBar\n"
        "from experimaestro.taskglobals import Env\n"
        "assert issubclass(tqdm, PlainBar)\n"
        "folder = pathlib.Path(tempfile.mkdtemp())\n"
        "(folder / '.experimaestro').mkdir()\n"
        "Env.taskpath = folder\n"
        "for x in tqdm(range(4), desc='outer'):\n"
        "    with tqdm(total=3, desc='inner') as inner:\n"
        "        inner.update(3)\n"
        "        inner.set_postfix(loss=0.5)\n"
        "    if x == 2: print(read_progress(str(folder)))\n"
        "print(read_progress(str(folder)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    middle, end = (ast.literal_eval(line) for line in done.stdout.splitlines())
    assert middle[-1] == {"level": 1, "value": 1.0, "description": "inner"}
    assert end == [{"level": 0, "value": 1.0, "description": "outer"}]
    assert "outer: 4/4 it (100%)" in done.stderr


def test_outside_a_task_a_bar_is_only_a_bar():
    assert list(notifications.tqdm(range(3), disable=False)) == [0, 1, 2]

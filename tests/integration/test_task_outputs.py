"""What running tasks announce reaches whoever watches: each line once per callback and run, before the end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from experimaestro import Config, Param, Task

SCRIPT = "watching.py"


def run(place, scenario, *arguments, **options):
    return place.run(scenario, *arguments, script=SCRIPT, **options)


@pytest.mark.contract("running 11: watch_output")
@pytest.mark.contract("configurations 9: dynamic outputs")
def test_each_line_reaches_the_callback_once_in_order_on_the_worker_thread(one_place):
    result = run(one_place, "before", "20")
    assert result["told"]["before"] == list(range(20))
    assert result["threads"] == ["task-outputs-worker"]
    assert result["told"]["queue"] == [0]


@pytest.mark.contract("running 11: finished jobs are replayed")
def test_a_job_that_was_finished_before_is_replayed_in_every_process_and_run(one_place):
    for _ in range(3):
        assert run(one_place, "before", "3")["told"]["before"] == [0, 1, 2]
    assert one_place.executions() == {"learn-0": 1}
    # Twice in one process: each run is told all of it.
    assert run(one_place, "before", "3", RUNS="2")["told"]["before"] == [0, 1, 2, 0, 1, 2]


@pytest.mark.contract("running 11: late callbacks")
def test_callbacks_that_come_late_are_told_everything(one_place):
    told = run(one_place, "late", "4")["told"]
    assert told["first"] == told["second"] == [0, 1, 2, 3]


@pytest.mark.contract("running 11: errors of callbacks are isolated")
def test_a_callback_that_fails_is_told_and_keeps_nobody_else_from_being_called(one_place):
    result = run(one_place, "failing_callback", "2")
    assert result["told"]["other"] == [0, 1]
    assert "ValueError: step 0" in result["stderr"]
    assert "ValueError: step 1" in result["stderr"]


@pytest.mark.contract("running 11: errors of callbacks are isolated")
def test_a_callback_that_calls_exit_ends_neither_the_others_nor_the_waiting(one_place):
    result = run(one_place, "exiting_callback", "2")
    assert result["told"]["other"] == [0, 1]
    assert "SystemExit: step 1" in result["stderr"]


@pytest.mark.contract("running 11: the link does not block")
def test_a_callback_submits_and_what_it_submits_does_not_wait_for_the_producer(one_place):
    driver = one_place.start("validations", "2", script=SCRIPT)
    one_place.started()
    # The producer stands at its gate until both validations have run.
    validations = [one_place.records / "validate-0", one_place.records / "validate-1"]
    wait_for(driver, validations)
    one_place.release()
    result = driver.finish()
    assert {job["state"] for job in result["jobs"].values()} == {"done"}
    assert len(result["by_name"]["validate"]) == 2
    # Restarted, nothing runs again: the validations are the same tasks.
    run(one_place, "validations", "2")
    assert set(one_place.executions().values()) == {1}


def wait_for(driver, files):
    """Wait for files that another process makes; ends with the driver."""
    while not all(file.exists() for file in files):
        assert driver.process.poll() is None, driver.process.communicate()


@pytest.mark.contract("running 11: several processes")
def test_two_drivers_are_told_all_of_the_same_job(one_place):
    drivers = [one_place.start("before", "5", name=name, script=SCRIPT) for name in ("a", "b")]
    for driver in drivers:
        assert driver.finish()["told"]["before"] == list(range(5))
    assert one_place.executions() == {"learn-0": 1}


@pytest.mark.contract("running 11: torn lines")
@pytest.mark.parametrize(
    ("tail", "expected"),
    [
        (b'{"key": "', [0, 1]),
        (b'{"key": "x/y", "args": [], "kwargs": {}}', [0, 1]),
        (b'{"ke\n{"key": "KEY", "args": [], "kwargs": {"step": 7}}\n', [0, 1, 7]),
        (b'{"key": "KEY", "args": [], "kwargs": {"step": 7}}', [0, 1, 7]),
    ],
)
def test_a_line_that_a_crash_cut_off_loses_no_other_line(one_place, tail, expected):
    (job,) = run(one_place, "before", "2")["jobs"].values()
    file = Path(job["path"]) / ".experimaestro" / "task-outputs.jsonl"
    key = json.loads(file.read_bytes().splitlines()[0])["key"]
    with open(file, "ab") as stream:
        stream.write(tail.replace(b"KEY", key.encode()))
    assert run(one_place, "before", "2")["told"]["before"] == expected


def test_a_writer_ends_the_line_that_was_cut_off_before_it(tmp_path, monkeypatch):
    from experimaestro._config.watching import register_task_output
    from experimaestro.taskglobals import Env

    monkeypatch.setattr(Env, "taskpath", tmp_path)
    file = tmp_path / ".experimaestro" / "task-outputs.jsonl"
    file.parent.mkdir()
    file.write_bytes(b'{"key": "torn')
    value = Announces(x=1)
    register_task_output(value.instance(), value.output, (), {"step": 1})
    assert json.loads(file.read_bytes().splitlines()[1])["kwargs"] == {"step": 1}


class Announces(Config):
    x: Param[int]

    def output(self, dep, step):
        return dep(self)


class Plain(Task):
    announces: Param[Announces]


@pytest.mark.contract("running 11: only resumable tasks")
def test_only_a_resumable_task_can_be_watched():
    task = Plain(announces=Announces(x=1))
    with pytest.raises(TypeError, match="ResumableTask"):
        task.watch_output(task.announces.output, print)


@pytest.mark.contract("running 11: errors of callbacks are isolated")
def test_outputs_that_cannot_be_read_are_told_and_nobody_waits_for_ever(one_place):
    run(one_place, "before", "2")
    (announced,) = one_place.workdir.glob("jobs/*/*/.experimaestro/task-outputs.jsonl")
    announced.unlink()
    announced.mkdir()
    assert "cannot be read" in run(one_place, "before", "2")["stderr"]

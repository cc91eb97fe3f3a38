"""Members that programmes use: of states, jobs, experiments, listeners."""

from __future__ import annotations

import json
import os
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experimaestro import Param, Task, experiment
from experimaestro._run.states import JobFailureStatus, JobState, JobStateError
from experimaestro.exceptions import JobError
from experimaestro.scheduler.interfaces import BaseExperiment, BaseJob, ExperimentStatus
from experimaestro.scheduler.jobs import JobDependency, Listener
from experimaestro.scheduler.services import Service
from experimaestro.scheduler.workspace_state_provider import WorkspaceStateProvider
from experimaestro.utils.jupyter import jobmonitor

contract = pytest.mark.contract
STATES = [JobState.UNSCHEDULED, JobState.TRANSIENT, JobState.WAITING, JobState.READY, JobState.SCHEDULED,
          JobState.RUNNING, JobState.DONE, JobState.ERROR]  # fmt: skip


class Fine(Task):
    x: Param[int]

    def execute(self):
        pass


class Fails(Task):
    def execute(self):
        raise ValueError("as it must")


class Looks(Task):
    """Fails unless another task was done before, of which it does not know."""

    def execute(self):
        from pathlib import Path

        assert Path(os.environ["BEFORE"]).exists()


# --- states


@contract("running 6: from_path")
@pytest.mark.parametrize(
    ("marker", "content", "state"),
    [
        ("done", "", "done"),
        ("failed", '{"code": 15, "reason": "cancelled"}', "CANCELLED"),
        ("failed", '{"failure_status": "TIMEOUT", "reason": "failed"}', "TIMEOUT"),
        ("failed", '{"reason": "unheard of"}', "FAILED"),
        ("failed", "1", "FAILED"),
        ("failed", "0", "done"),
        ("failed", "garbage", "FAILED"),
        ("failed", "", "FAILED"),
        ("failed", "[]", "FAILED"),
        ("failed", "null", "FAILED"),
        (None, "", None),
    ],
)
def test_markers_of_all_releases_are_understood(tmp_path, marker, content, state):
    if marker is not None:
        (tmp_path / f"learn.{marker}").write_text(content)
    found = JobState.from_path(tmp_path, "learn")
    reason = found.failure_reason if found is not None else None
    assert (reason.name if reason is not None else found and found.name) == state


def test_a_success_is_stronger_than_a_failure(tmp_path):
    (tmp_path / "learn.failed").write_text("1")
    (tmp_path / "learn.done").touch()
    assert JobState.from_path(tmp_path, "learn") == JobState.DONE


@contract("running 6: order")
def test_the_order_of_states():
    assert [state.order for state in STATES] == [0, 0, 1, 2, 3, 4, 5, 5]


times = st.none() | st.floats(0, 9)


@contract("running 6: resolve()")
@given(st.sampled_from(STATES), st.sampled_from(STATES), times, times)
def test_of_two_views_the_further_or_the_newer_one_holds_whoever_is_asked(one, two, at_one, at_two):
    found = one.resolve(two, at_one, at_two)
    assert found == two.resolve(one, at_two, at_one)
    if one.order != two.order:
        assert found == max(one, two, key=lambda state: state.order)
    elif one == two:
        assert found == one
    elif at_one is None or at_two is None or at_one == at_two:
        assert found is None
    else:
        assert found == (one if at_one > at_two else two)


@contract("running 6: DEF: DELETED is a reason of its own")
def test_deleted_is_not_called_missing_outputs():
    assert JobFailureStatus(8).name == "DELETED"
    assert JobFailureStatus.MISSING_OUTPUTS is not JobFailureStatus.DELETED
    assert JobStateError(JobFailureStatus.DELETED) == JobState.ERROR


# --- jobs


@contract("running 5: Job attributes")
def test_the_files_of_a_job(workspace):
    with experiment(workspace, "xp") as xp:
        job = Fine.C(x=1).submit().job
    folder = workspace / "jobs" / job.task_id / job.identifier
    assert (job.path, job.jobpath, job.basepath) == (folder, folder, folder / "fine")
    assert workspace / "jobs" / job.relpath == workspace / "jobs" / job.relmainpath == folder
    for path, name in [
        (job.pidpath, "fine.pid"),
        (job.lockpath, "fine.lock"),
        (job.donepath, "fine.done"),
        (job.failedpath, "fine.failed"),
        (job.stdout, "fine.out"),
        (job.stderr, "fine.err"),
        (job.status_path, ".experimaestro/status.json"),
        (job.task_outputs_path, ".experimaestro/task-outputs.jsonl"),
    ]:
        assert path == folder / name
    assert job.hashidentifier.hex() == job.identifier
    assert job.scheduler is xp.scheduler
    assert isinstance(job, BaseJob)
    outside = WorkspaceStateProvider(workspace).get_job(job.task_id, job.identifier)
    assert isinstance(outside, BaseJob)
    assert (outside.donepath, outside.stdout) == (job.donepath, job.stdout)


@contract("running 5: finalState()")
@contract("running 5: DEF: exit_code is kept")
def test_the_final_state_can_be_waited_for_elsewhere(workspace):
    with experiment(workspace, "xp"):
        fine, fails = Fine.C(x=1).submit().job, Fails.C().submit().job
        states = [job.finalState() for job in (fine, fails)]
        assert [state.result(60).name for state in states] == ["done", "error"]
    assert (fine.exit_code, fails.exit_code) == (0, 1)


@contract("running 5: set_progress")
def test_progress_beyond_the_end_is_cut_with_a_warning(workspace, caplog):
    with experiment(workspace, "xp"):
        job = Fine.C(x=1).submit().job
        job.wait()
        job.set_progress(0, 0.25, "a quarter")
        assert [(one["level"], one["value"], one["description"]) for one in job.progress] == [(0, 0.25, "a quarter")]
        assert "not between" not in caplog.text
        job.set_progress(0, 7)
    assert job.progress[0]["value"] == 1.0
    assert "not between 0 and 1" in caplog.text


@contract("running 5: DEF: on_completed calls exactly once")
def test_a_callback_is_called_once_whenever_it_comes(workspace):
    calls = []
    with experiment(workspace, "xp"):
        task = Fine.C(x=1).submit()
        task.on_completed(lambda: calls.append("early"))
        task.wait()
        task.on_completed(lambda: calls.append("late"))
        Fine.C(x=1).submit()
        Fails.C().submit().on_completed(lambda: calls.append("never"))
    with experiment(workspace, "xp"):
        Fine.C(x=1).submit()
    assert sorted(calls) == ["early", "late"]


@contract("running 10: JobDependency")
def test_a_job_waits_for_another_one_that_its_task_does_not_know(workspace):
    with experiment(workspace, "xp") as xp:
        before = Fine.C(x=1).submit()
        xp.setenv("BEFORE", str(before.job.donepath))
        after = Looks.C().add_dependencies(JobDependency(before)).submit()
    assert after.job.dependencies == [before.job]
    assert after.job.state.name == "done"
    assert not JobDependency(before.job).is_dynamic()
    with pytest.raises(ValueError, match="was not submitted"):
        JobDependency(Fine.C(x=2))


@contract("running 2.2: submit(job), prepare(job)")
def test_an_experiment_takes_a_job_of_another_one(workspace, tmp_path):
    with experiment(workspace, "first"):
        job = Fine.C(x=1).submit().job
    with experiment(workspace, "second") as second:
        assert second.submit(job) is job
        second.prepare(job)
        assert job.donepath.exists(), "a job that is done is left as it is"
    assert list(second.jobs.values()) == [job]
    with experiment(tmp_path / "other", "third") as third, pytest.raises(ValueError, match="is a job of"):
        third.submit(job)


# --- experiments and listeners


@contract("running 2.2: the BaseExperiment interface")
def test_an_experiment_tells_the_same_inside_and_outside(workspace):
    with experiment(workspace, "xp") as xp:
        fine, fails = Fine.C(x=1).submit().job, Fails.C().submit().job
    told = xp.state_dict()
    json.dumps(told)
    assert told["status"] == ExperimentStatus.FAILED
    assert told["job_states"] == {fine.identifier: "done", fails.identifier: "error:FAILED"}
    outside = WorkspaceStateProvider(workspace).get_experiment("xp")
    assert isinstance(outside, BaseExperiment)
    assert isinstance(xp, BaseExperiment)
    same = outside.state_dict()
    assert same == {name: told[name] for name in same}
    assert xp.get_job_state(fine.identifier) == JobState.DONE
    assert xp.get_job_state("nobody") is None
    assert xp.jobs_jsonl_path == xp.workdir / "jobs.jsonl"
    assert list(xp.alt_jobspaths) == []


class Shown(Service):
    id = "shown"


@contract("running 9: Listener")
def test_listeners_hear_of_jobs_and_services_one_call_at_a_time(workspace):
    busy, heard = threading.Lock(), []

    class Heard(Listener):
        def _note(self, *what):
            assert busy.acquire(blocking=False), "two calls at once"
            heard.append(what)
            busy.release()

        def on_job_submitted(self, job):
            self._note("submitted", job.config.x)

        def on_job_state_changed(self, job):
            self._note("changed", job.config.x)

        def on_service_added(self, service):
            self._note("service", service.id)
            raise RuntimeError("a listener that fails")

        # The names of older versions.
        def job_submitted(self, job):
            self._note("old submitted", job.config.x)

        def service_add(self, service):
            self._note("old service", service.id)

    listener = Heard()
    with experiment(workspace, "xp") as xp:
        xp.scheduler.addlistener(listener)
        try:
            xp.add_service(Shown())
            xp.add_service(next(iter(xp.services.values())))
            for x in range(3):
                Fine.C(x=x).submit()
            xp.wait()
        finally:
            xp.scheduler.removelistener(listener)
    assert heard.count(("service", "shown")) == heard.count(("old service", "shown")) == 1
    for x in range(3):
        assert heard.count(("submitted", x)) == heard.count(("old submitted", x)) == 1
        assert heard.index(("submitted", x)) < heard.index(("changed", x))


@contract("running 19: Jupyter: jobmonitor")
def test_a_monitor_waits_for_jobs_and_tells_failures(workspace, capsys):
    with experiment(workspace, "xp"):
        fine, fails = Fine.C(x=1).submit(), Fails.C().submit()
        jobmonitor(fine)
        assert fine.job.state.finished()
        with pytest.raises(JobError, match="as it must"):
            jobmonitor(fine, fails)
    with pytest.raises(AssertionError, match="was not submitted"):
        jobmonitor(Fine.C(x=2))

"""A workspace seen from outside of its experiments, after real runs."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from experimaestro._run.offline import OfflineJob
from experimaestro.exceptions import WorkspaceError
from experimaestro.scheduler.interfaces import JobState
from experimaestro.scheduler.workspace_state_provider import WorkspaceStateProvider

contract = pytest.mark.contract


@contract("running 18: WorkspaceStateProvider")
def test_what_ran_is_seen_from_outside(one_place):
    one_place.run("failure", name="broken")
    one_place.run("chain", "3", name="chain")
    provider = WorkspaceStateProvider(one_place.workdir)

    experiments = {run.experiment_id: run for run in provider.get_experiments()}
    assert set(experiments) == {"broken", "chain"}
    assert (experiments["chain"].status, experiments["chain"].finished_jobs) == ("completed", 3)
    assert (experiments["broken"].total_jobs, experiments["broken"].failed_jobs) == (4, 3)
    assert experiments["chain"].workdir.is_dir()
    assert provider.get_current_run("chain") == experiments["chain"].run_id
    assert provider.get_experiment("nobody") is None
    assert provider.get_experiments(since=datetime.now() + timedelta(days=1)) == []  # noqa: DTZ005

    first, second, third = provider.get_jobs("chain")
    assert [first.dependencies, second.dependencies, third.dependencies] == [
        [],
        [first.identifier],
        [second.identifier],
    ]
    assert provider.get_dependencies_map("chain")[third.identifier] == [second.identifier]
    # Dependencies are told per run, also when the jobs of several experiments are asked for.
    everything = {job.identifier: job for job in provider.get_all_jobs()}
    assert everything[third.identifier].dependencies == [second.identifier]
    assert len(provider.get_jobs(state=JobState.ERROR)) == 3
    assert {job.experiment_id for job in provider.get_jobs(state="done")} == {"broken", "chain"}
    assert provider.get_jobs(task_id=third.task_id, experiment_id="chain") != []

    alone = provider.get_job(first.task_id, first.identifier)
    assert alone is not None
    assert alone.state == JobState.DONE
    assert alone.stdout.read_text() == "out 0\n"
    assert provider.get_job(first.task_id, "0" * 32) is None


def lost_link(experiment):
    (experiment / "current").unlink()


def lost_run(experiment):
    (experiment / "current").unlink()
    (experiment / "current").symlink_to("20200101_000000")


def torn_status(experiment):
    (experiment / "current" / "status.json").write_text('{"version')


@contract("running 18: WorkspaceStateProvider")
@pytest.mark.parametrize("damage", [lost_link, lost_run, torn_status])
def test_an_experiment_that_lost_a_small_file_is_still_seen(one_place, damage):
    one_place.run("records", "2", name="hurt")
    damage(one_place.workdir / "experiments" / "hurt")
    provider = WorkspaceStateProvider(one_place.workdir)
    (run,) = provider.get_experiments()
    assert (run.experiment_id, run.total_jobs, run.finished_jobs) == ("hurt", 2, 2)
    assert len(provider.get_jobs("hurt")) == len(provider.get_jobs()) == 2
    # What nobody seems to know of would be offered for removal.
    shutil.rmtree(one_place.workdir / "experiments" / "hurt" / run.run_id / "jobs")
    assert provider.get_orphan_jobs() == []


@contract("running 18: orphans and strays")
def test_orphans_and_strays(one_place):
    one_place.run("records", "2", name="kept")
    driver = one_place.start("gated", "1", name="dropped")
    one_place.started()
    provider = WorkspaceStateProvider.get_instance(one_place.workdir)
    assert provider is WorkspaceStateProvider.get_instance(str(one_place.workdir))
    assert provider.get_orphan_jobs() == []
    shutil.rmtree(one_place.workdir / "experiments" / "dropped")
    [orphan] = provider.get_orphan_jobs()
    [stray] = provider.get_stray_jobs()
    assert orphan.path == stray.path
    removed, why = provider.delete_job_safely(stray)
    assert not removed
    assert "running" in why
    assert not provider.clean_job(stray, perform=True)
    assert stray.path.is_dir()
    one_place.release()
    driver.process.wait()
    provider.close()


def test_only_what_has_ended_is_removed(one_place, tmp_path):
    one_place.run("records", "1")
    provider = WorkspaceStateProvider(one_place.workdir)
    [job] = provider.get_jobs()
    assert provider.clean_job(job)
    assert job.path.is_dir()
    assert provider.clean_job(job, perform=True)
    assert not job.path.exists()
    assert provider.delete_job_safely(job) == (False, f"{job.task_id}/{job.identifier} has no folder")
    job = OfflineJob(tmp_path, job.state)
    assert not provider.delete_job_safely(job)[0]
    assert Path(tmp_path).is_dir()


@contract("running 7.3: DEF: read commands never write")
def test_reading_writes_nothing(one_place):
    one_place.run("failure")
    before = sorted((path, path.lstat().st_mtime_ns) for path in one_place.workdir.rglob("*"))
    provider = WorkspaceStateProvider(one_place.workdir)
    provider.get_experiments(), provider.get_all_jobs(), provider.get_orphan_jobs(), provider.get_stray_jobs()
    assert sorted((path, path.lstat().st_mtime_ns) for path in one_place.workdir.rglob("*")) == before


def test_a_folder_that_is_no_workspace(tmp_path):
    with pytest.raises(WorkspaceError, match="no workspace"):
        WorkspaceStateProvider(tmp_path)

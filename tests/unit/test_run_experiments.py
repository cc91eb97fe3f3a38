"""Experiments one after the other, inside one another, in several workspaces; how they begin and are left."""

from __future__ import annotations

import json
import os
import subprocess
import threading

import pytest

from experimaestro import DirtyGitAction, DirtyGitError, GracefulExperimentExit, Param, RunMode, Task, experiment
from experimaestro._core import list_jobs, list_runs
from experimaestro._run.workspace import Workspace
from experimaestro.exceptions import ExperimentStopped, HandledException
from experimaestro.settings import RetrySettings, Settings, WorkspaceSettings

contract = pytest.mark.contract


class Counts(Task):
    """Appends a line to a file in its own folder."""

    x: Param[int]

    def execute(self):
        with open("executions.txt", "a") as file:
            file.write("once\n")


class Needs(Task):
    counts: Param[Counts]

    def execute(self):
        pass


class MayFail(Task):
    """Fails unless the experiment says otherwise."""

    def execute(self):
        if "MENDED" not in os.environ:
            raise ValueError("not yet")


def executions(job) -> int:
    return len((job.path / "executions.txt").read_text().splitlines())


def status(workspace, name: str = "xp") -> str:
    return list_runs(str(workspace), name)[-1]["status"]


def runs(workspace, name: str = "xp") -> list[str]:
    folder = workspace / "experiments" / name
    return sorted(entry.name for entry in folder.iterdir() if entry.name[0].isdigit()) if folder.exists() else []


# --- several


@contract("running 2.2: CURRENT, current()")
@contract("running 2.3: nesting is restored at exit")
def test_what_is_submitted_belongs_to_the_innermost_experiment(workspace):
    with pytest.raises(AssertionError, match="no experiment is open"):
        experiment.current()
    with experiment(workspace, "outer") as outer:
        first = Counts.C(x=1).submit().job
        with experiment(workspace, "inner") as inner:
            assert experiment.current() is inner
            second = Counts.C(x=2).submit().job
        assert experiment.current() is outer
        assert Workspace.CURRENT is outer.workspace
        third = Counts.C(x=3).submit().job
        assert second.state.finished(), "the inner one has waited for its own"
    assert experiment.CURRENT is None
    assert Workspace.CURRENT is None
    assert list(outer.jobs.values()) == [first, third]
    assert list(inner.jobs.values()) == [second]
    assert [row["experiment"] for row in list_jobs(str(workspace))] == ["inner", "outer", "outer"]


@contract("running 6: re-submission: one job, several experiments")
def test_a_job_of_several_experiments_runs_once_and_ends_in_all(workspace):
    with experiment(workspace, "outer") as outer:
        one = Counts.C(x=1).submit()
        with experiment(workspace, "inner") as inner:
            same = Counts.C(x=1).submit()
            need = Needs.C(counts=same).submit()
        assert same.job is one.job
        assert one.job.experiments == [outer, inner]
    with experiment(workspace, "later") as later:
        again = Counts.C(x=1).submit()
        assert again.job.wait().name == "done"
    assert executions(one.job) == 1
    assert need.job.state.name == "done"
    assert (outer.status, inner.status, later.status) == ("completed",) * 3
    assert [row["state"] for row in list_jobs(str(workspace))] == ["done"] * 4


@contract("running 6: DEF: jobs are known by workspace, task and identifier")
def test_the_same_task_in_two_workspaces_of_one_process_is_two_jobs(tmp_path):
    jobs = []
    for name in ("one", "two"):
        with experiment(tmp_path / name, "xp"):
            jobs.append(Counts.C(x=1).submit().job)
    assert jobs[0] is not jobs[1]
    assert [executions(job) for job in jobs] == [1, 1]
    assert [job.path.parts[-4] for job in jobs] == ["one", "two"]


@contract("running 2.3: another workspace cannot be nested")
def test_another_workspace_inside_is_refused_and_nothing_is_made(tmp_path):
    with experiment(tmp_path / "one", "outer") as outer:
        with pytest.raises(RuntimeError, match="cannot be nested"), experiment(tmp_path / "two", "inner"):
            pass
        assert experiment.current() is outer
        assert Counts.C(x=1).submit().job.wait().name == "done"
    assert not (tmp_path / "two").exists()


def test_the_same_experiment_inside_itself_is_refused_and_the_outer_one_goes_on(workspace):
    with experiment(workspace, "xp") as outer:
        with pytest.raises(RuntimeError, match="in the middle of the same experiment"), experiment(workspace, "xp"):
            pass
        assert experiment.current() is outer
        assert Counts.C(x=1).submit().job.wait().name == "done"
    assert len(runs(workspace)) == 1


def test_experiments_of_two_threads_do_not_mix_their_callbacks(workspace):
    """A callback submits to the experiment of its job, whatever is open on the main thread."""
    with experiment(workspace, "outer") as outer:
        first = Counts.C(x=1).submit()
        submitted = threading.Event()
        first.on_completed(lambda: (Counts.C(x=2).submit(), submitted.set()))
        with experiment(workspace, "inner") as inner:
            assert submitted.wait(60)
            Counts.C(x=3).submit()
    assert [job.config.x for job in outer.jobs.values()] == [1, 2]
    assert [job.config.x for job in inner.jobs.values()] == [3]


@contract("running 4: DEF: a job that runs again leaves the finished runs as they are")
def test_the_history_of_a_finished_run_is_not_touched_by_a_later_one(workspace):
    with experiment(workspace, "first"):
        before = MayFail.C().submit().job
        before.wait()
    [run] = (workspace / "experiments" / "first").glob("2*")
    journal = (run / "journal.jsonl").read_bytes()
    with experiment(workspace, "second") as second:
        second.setenv("MENDED", "1")
        after = MayFail.C().submit().job
        assert after.wait().name == "done"
    assert after is before
    assert (run / "journal.jsonl").read_bytes() == journal
    assert status(workspace, "first") == "failed"
    assert [row["state"] for row in list_jobs(str(workspace), "second")] == ["done"]


@contract("running 4: DEF: dependencies are recorded")
def test_the_journal_says_what_depends_on_what(workspace):
    with experiment(workspace, "xp") as xp:
        counts = Counts.C(x=1).submit()
        needs = Needs.C(counts=counts).submit()
    assert [row["dependencies"] for row in list_jobs(str(workspace), "xp")] == [[], [0]]
    assert xp.dependencies == {counts.job.identifier: [], needs.job.identifier: [counts.job.identifier]}


# --- how they are left


@contract("running 2.3: GracefulExperimentExit")
def test_a_graceful_exit_waits_for_nothing_and_raises_nothing(workspace):
    with experiment(workspace, "xp") as xp:
        job = Counts.C(x=1).submit().job
        job.wait()
        raise GracefulExperimentExit
    environment = json.loads((xp.workdir / "environment.json").read_text())
    assert (environment["run"]["status"], status(workspace)) == ("detached", "detached")
    with experiment(workspace, "xp"):
        assert Counts.C(x=1).submit().job is job


@contract("running 2.3: HandledException")
@contract("running 2.3: other exception")
@pytest.mark.parametrize("kind", [HandledException, ZeroDivisionError])
def test_an_exception_comes_out_and_the_run_has_failed(workspace, kind):
    with pytest.raises(kind), experiment(workspace, "xp"):
        raise kind("told already")
    assert status(workspace) == "failed"
    assert experiment.CURRENT is None
    with experiment(workspace, "xp"):
        pass  # the lock was given back


@contract("running 2.2: DEF: stop() is of one experiment, not of the process")
def test_after_a_stop_nothing_more_is_submitted_and_the_next_experiment_runs(workspace):
    xp = experiment(workspace, "xp")

    def stopped() -> None:
        with xp:
            xp.stop()
            with pytest.raises(ExperimentStopped):
                Counts.C(x=1).submit()
            xp.wait()

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert status(workspace) == "detached"
    with xp:  # the same object, once more
        assert Counts.C(x=1).submit().job.wait().name == "done"
    assert status(workspace) == "completed"


# --- how they begin


@pytest.fixture
def dirty(tmp_path):
    """A repository with a change that is not committed."""
    root = tmp_path / "project"
    root.mkdir()
    (root / "model.py").write_text("x = 1\n")
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    for command in (["init", "-q", "-b", "trunk"], ["add", "."], [*identity, "commit", "-q", "-m", "First"]):
        subprocess.run(["git", "-C", root, *command], check=True)
    (root / "model.py").write_text("x = 2\n")
    return root


def test_dirty_code_may_be_refused_before_anything_is_made(workspace, dirty):
    opened = experiment(workspace, "xp", project_paths=[dirty], dirty_git=DirtyGitAction.ERROR)
    with pytest.raises(DirtyGitError, match="uncommitted changes"), opened:
        pass
    assert not workspace.exists()
    assert experiment.CURRENT is None


@contract("running 2.3: DEF: DirtyGitError leaves no run and no lock behind")
def test_after_dirty_code_was_refused_the_next_one_begins_at_once(workspace, dirty):
    with experiment(workspace, "xp"):
        job = Counts.C(x=1).submit().job
    before = runs(workspace)
    opened = experiment(workspace, "xp", project_paths=[dirty], dirty_git=DirtyGitAction.ERROR)
    with pytest.raises(DirtyGitError), opened:
        Counts.C(x=2).submit()
    assert runs(workspace) == before
    assert len(list((workspace / "jobs").glob("*/*"))) == 1, "no job was made"
    # While the refused one is still referred to: its lock was never taken.
    subprocess.run(["git", "-C", dirty, "checkout", "-q", "model.py"], check=True)
    with opened:
        assert Counts.C(x=1).submit().job is job
    assert status(workspace) == "completed"


@contract("running 2.1: project_paths, dirty_git")
@pytest.mark.parametrize("action", [DirtyGitAction.WARN, DirtyGitAction.IGNORE])
def test_dirty_code_is_warned_of_once_and_recorded(workspace, dirty, caplog, action):
    (dirty / "src").mkdir()
    with experiment(workspace, "xp", project_paths=[dirty, dirty / "src"], dirty_git=action) as xp:
        pass
    [project] = json.loads((xp.workdir / "environment.json").read_text())["projects"]
    assert (project["path"], project["dirty"], project["branch"], project["message"], project["author"]) == (
        str(dirty), True, "trunk", "First", "Ada",
    )  # fmt: skip
    assert project["commit"].startswith(project["commit_short"])
    assert caplog.text.count("has uncommitted changes") == (1 if action is DirtyGitAction.WARN else 0)


@contract("running 4: environment.json")
def test_the_environment_is_that_of_the_driver(workspace, tmp_path, monkeypatch):
    import importlib.metadata
    import platform

    project, installed = tmp_path / "project", tmp_path / "installed" / "own_tools-1.2.dist-info"
    project.mkdir()
    installed.mkdir(parents=True)
    origin = {"url": project.as_uri(), "dir_info": {"editable": True}}
    (installed / "direct_url.json").write_text(json.dumps(origin))
    for command in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "first"]):
        identity = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
        subprocess.run(["git", "-C", str(project), *identity, *command], check=True)
    monkeypatch.syspath_prepend(installed.parent)
    with experiment(workspace, "xp") as xp:
        pass
    environment = json.loads((xp.workdir / "environment.json").read_text())
    assert environment["python_version"] == platform.python_version()
    assert environment["packages"]["numpy"] == importlib.metadata.version("numpy")
    own = environment["editable_packages"]["own-tools"]
    assert (own["version"], own["path"]) == ("1.2", str(project))
    assert own["git"]["commit"] == _head(str(project))


def _head(folder: str) -> str:
    return subprocess.run(
        ["git", "-C", folder, "rev-parse", "HEAD"], capture_output=True, text=True, check=True
    ).stdout.strip()


@contract("running 2.4: DEF: a simulation leaves no trace, and its jobs cannot be waited for")
@pytest.mark.parametrize("mode", [RunMode.DRY_RUN, RunMode.PREPARE])
def test_a_simulation_leaves_no_trace(workspace, mode):
    with experiment(workspace, "xp", run_mode=mode) as xp:
        assert (xp.run_id, xp.run) == ("dry-run", None)
        job = Counts.C(x=1).submit().job
        with pytest.raises(AssertionError, match="was not submitted"):
            job.wait()
        with pytest.raises(RuntimeError, match="no results folder"):
            _ = xp.resultspath
    assert not workspace.exists()


@contract("running 2.1: env may be WorkspaceSettings")
@contract("running 2.2: setenv")
def test_variables_of_the_workspace_are_those_of_its_tasks_unless_the_experiment_has_its_own(workspace):
    settings = WorkspaceSettings("main", workspace, env={"MENDED": "by the workspace", "OTHER": "1"})
    with experiment(settings, "xp") as xp:
        xp.setenv("OTHER", "2")
        xp.setenv("OTHER", "3", override=False)
        job = MayFail.C().submit().job
        assert (job.environ["MENDED"], job.environ["OTHER"]) == ("by the workspace", "2")
    assert job.state.name == "done"


class Hungry(Task):
    """Never has enough memory."""

    x: Param[int]

    def execute(self):
        with open("executions.txt", "a") as file:
            file.write("once\n")
        raise MemoryError


def _executions_of(xp) -> int:
    with xp:
        job = Hungry.C(x=1).submit().job
    assert job.state.failure_reason.name == "MEMORY"
    return executions(job)


def test_budgets_for_retries_come_from_the_settings_and_the_experiment(tmp_path, monkeypatch):
    from experimaestro._run import settings as module

    monkeypatch.setattr(module, "_cached", Settings(retries=RetrySettings(memory=1, lost=7)))
    assert _executions_of(experiment(tmp_path / "all", "xp")) == 2
    one = WorkspaceSettings("one", tmp_path / "one", retries=RetrySettings(memory=2))
    assert _executions_of(experiment(one, "xp")) == 3
    wanted = experiment(WorkspaceSettings("two", tmp_path / "two"), "xp", retries=RetrySettings(memory=0))
    assert _executions_of(wanted) == 1
    assert wanted.workspace.retries == {"memory": 0, "lost": 7}
    for wrong in ({"lost": -1}, {"memory_growth": 0.5}):
        with pytest.raises(ValueError, match="or more"):
            RetrySettings(**wrong)

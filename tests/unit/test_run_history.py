"""Runs of an experiment: which are kept, what they saved, how they are named."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from experimaestro import Config, Param, RunMode, Task, experiment
from experimaestro._run.history import cleanup_experiment_history
from experimaestro._run.run_folders import order, remove_run, run_folders
from experimaestro._run.settings import HistorySettings, Settings, WorkspaceSettings
from experimaestro._run.settings_file import read_settings
from experimaestro.cli.root import xpm


class Saved(Config):
    x: Param[int]


class Fine(Task):
    x: Param[int]

    def execute(self):
        pass


class Fails(Task):
    def execute(self):
        raise ValueError("no")


def make_runs(base, statuses):
    """Runs with these statuses, the oldest first."""
    for number, status in enumerate(statuses):
        run = base / f"20260101_0000{number:02}"
        run.mkdir(parents=True)
        (run / "status.json").write_text(json.dumps({"status": status}))
    return [run.name for run in run_folders(base)]


def clean(base, status, max_done=5, max_failed=1, current="20260202_000000"):
    removed = cleanup_experiment_history(
        base, current_run_id=current, current_status=status, history=HistorySettings(max_done, max_failed)
    )
    return sorted(path.name[-2:] for path in removed)


@pytest.mark.contract("running 19: history clean-up")
@pytest.mark.parametrize(
    ("statuses", "current", "limits", "removed"),
    [
        (["failed", "failed"], "completed", (5, 1), ["00", "01"]),
        (["failed", "completed", "failed"], "failed", (5, 1), ["00"]),
        (["failed", "failed", "failed"], "failed", (5, 1), ["00", "01"]),
        (["completed"] * 4, "completed", (2, 1), ["00", "01"]),
        (["detached", "unknown", "running"], "completed", (0, 0), []),
        (["completed", "failed"], "failed", (0, 0), ["00", "01"]),
        (["done", "failed"], "completed", (1, 1), ["01"]),
    ],
)
def test_what_is_kept(tmp_path, statuses, current, limits, removed):
    make_runs(tmp_path, statuses)
    assert clean(tmp_path, current, *limits) == removed
    assert sorted(run.name[-2:] for run in run_folders(tmp_path)) == [
        f"{number:02}" for number in range(len(statuses)) if f"{number:02}" not in removed
    ]


@pytest.mark.contract("running 19: the current link is no run")
def test_neither_the_current_run_nor_the_link_to_it_counts(tmp_path):
    names = make_runs(tmp_path, ["completed", "completed"])
    (tmp_path / "current").symlink_to(names[1])
    assert clean(tmp_path, "completed", max_done=1, current=names[1]) == []
    assert (tmp_path / "current" / "status.json").exists()


def test_a_run_that_has_a_name_stays(tmp_path):
    names = make_runs(tmp_path, ["failed", "failed"])
    (tmp_path / "tags.json").write_text(json.dumps({"look": names[0]}))
    assert clean(tmp_path, "completed") == ["01"]


@given(st.lists(st.integers(0, 30), unique=True, min_size=1))
def test_runs_of_one_second_are_ordered_by_their_numbers(numbers):
    names = [f"20260101_000000.{number}" if number else "20260101_000000" for number in numbers]
    assert [name.partition(".")[2] or "0" for name in sorted(names, key=order)] == [str(n) for n in sorted(numbers)]


@pytest.mark.contract("running 2.3: failed runs are recorded as failed")
def test_a_run_with_failed_jobs_is_recorded_as_failed_and_a_success_forgets_it(workspace):
    with experiment(workspace, "xp") as failing:
        Fails().submit()
    assert failing.status == "failed"
    assert failing.failed_jobs == 1
    assert failing.ended_at is not None
    with experiment(workspace, "xp") as fine:
        Fine(x=1).submit()
    assert fine.status == "completed"
    assert [run.name for run in run_folders(fine.experiment_base)] == [fine.run_id]
    # The jobs are results: they stay.
    assert all(job.path.is_dir() for job in failing.jobs.values())


@pytest.mark.contract("running 3: history of a workspace")
def test_the_settings_of_the_workspace_win(workspace):
    settings = WorkspaceSettings("w", workspace, history=HistorySettings(max_done=1))
    for _ in range(3):
        with experiment(settings, "xp") as xp:
            pass
    assert len(run_folders(xp.experiment_base)) == 2


@pytest.mark.contract("running 3: settings")
def test_the_keys_of_the_settings_file(tmp_path):
    file = tmp_path / "settings.yaml"
    file.write_text(
        "server: {port: 8080, autohost: fqdn}\nhistory: {max_done: 3}\n"
        "workspaces: [{id: a, path: /a, history: {max_failed: 4}}, {id: b, path: /b}]\n"
    )
    settings = read_settings(file)
    assert (settings.server.port, settings.server.autohost, settings.server.host) == (8080, "fqdn", None)
    assert (settings.history.max_done, settings.history.max_failed) == (3, 1)
    first, second = settings.workspaces
    assert first.history is not None
    assert (first.history.max_done, first.history.max_failed) == (5, 4)
    assert second.history is None
    assert (Settings().history.max_done, Settings().history.max_failed) == (5, 1)


@pytest.mark.parametrize("text", ["history: {max_done: -1}", "history: {max_done: yes}", "server: {port: 99999}",
                                  "server: {autohost: me}", "history: 3"])  # fmt: skip
def test_a_wrong_value_names_its_key(tmp_path, text):
    file = tmp_path / "settings.yaml"
    file.write_text(text)
    with pytest.raises(ValueError, match=text.partition(":")[0]):
        read_settings(file)


@pytest.mark.contract("running 2.2: save, load")
def test_load_takes_the_newest_run_that_has_the_data(workspace):
    for x in (1, 2, None):
        with experiment(workspace, "xp") as xp:
            if x is not None:
                xp.save(Saved(x=x))
                xp.save([Saved(x=x), Saved(x=x + 10)], "both")
                last = xp.run_id
    with experiment(workspace, "later") as later:
        assert later.load("xp").x == 2
        assert [one.x for one in later.load("xp", "both")] == [2, 12]
        assert later.load("xp", run_id=last).x == 2
        with pytest.raises(FileNotFoundError, match="no run"):
            later.load("xp", "other")
        with pytest.raises(FileNotFoundError, match="no experiment"):
            later.load("unknown")
        with pytest.raises(ValueError, match="name"):
            later.save(Saved(x=1), "../up")


@pytest.mark.contract("running 2.2: save, load")
def test_a_simulation_saves_nothing(workspace):
    with experiment(workspace, "xp", run_mode=RunMode.DRY_RUN) as xp, pytest.raises(RuntimeError):
        xp.save(Saved(x=1))


@pytest.fixture
def command(workspace):
    """`xpm experiments` in a workspace where the experiment xp has three runs."""
    runs = []
    for _ in range(3):
        with experiment(workspace, "xp") as xp:
            Fine(x=1).submit()
        runs.append(xp.run_id)

    def call(*arguments, code=0, **options):
        result = CliRunner().invoke(xpm, ["experiments", "--workdir", str(workspace), *arguments], **options)
        assert result.exit_code == code, result.output
        return result.output

    call.runs = runs
    return call


@pytest.mark.contract("running 17: DEF: the link current is no run in the history")
@pytest.mark.contract("running 17: experiments history")
def test_history_lists_each_run_once_the_newest_first(command):
    rows = json.loads(command("history", "xp", "--json"))
    assert [row["run_id"] for row in rows] == command.runs[::-1]
    assert [row["current"] for row in rows] == [True, False, False]
    assert command("history", "xp").splitlines()[0] == f"{command.runs[2]} completed (1/1 jobs)"
    assert "no experiment" in command("history", "unknown", code=1)


@pytest.mark.contract("running 17: experiments tag, untag, tags")
def test_a_name_is_of_one_run_at_a_time(command):
    command("tag", "xp", "latest", "best")
    command("tag", "xp", "oldest", "first")
    assert json.loads(command("tags", "xp", "--json")) == {"best": command.runs[2], "first": command.runs[0]}
    assert "has the name" in command("tag", "xp", "oldest", "best", code=1)
    command("tag", "xp", "oldest", "best", "--force")
    assert json.loads(command("history", "xp", "--json"))[2]["tags"] == ["best", "first"]
    command("untag", "xp", "best")
    assert "no run" in command("untag", "xp", "best", code=1)
    assert "no run" in command("tag", "xp", "19990101_000000", "x", code=1)


@pytest.mark.contract("running 17: experiments history-prune")
def test_prune_removes_what_was_asked_and_never_the_current_run(command):
    assert "Would remove" in command("history-prune", "xp", "--dry-run")
    command("history-prune", "xp", input="n\n", code=1)
    command("tag", "xp", "oldest", "keep")
    command("history-prune", "xp", "--keep-tagged", "--force")
    assert [row["run_id"] for row in json.loads(command("history", "xp", "--json"))] == [
        command.runs[2],
        command.runs[0],
    ]
    command("history-prune", "xp", "--status", "failed", "--force")
    command("history-prune", "xp", "--before", command.runs[0], "--force")
    assert len(json.loads(command("history", "xp", "--json"))) == 2
    command("history-prune", "xp", "--force")
    assert [row["run_id"] for row in json.loads(command("history", "xp", "--json"))] == [command.runs[2]]
    assert json.loads(command("tags", "xp", "--json")) == {}


def test_a_run_of_many_jobs_goes_with_all_its_links_and_no_job(tmp_path):
    jobs = [tmp_path / "jobs" / "task" / str(number) for number in range(100)]
    run = tmp_path / "experiments" / "bench" / "20260101_000000"
    (run / "jobs" / "task").mkdir(parents=True)
    for job in jobs:
        job.mkdir(parents=True)
        (job / "result").touch()
        (run / "jobs" / "task" / job.name).symlink_to(job)
    remove_run(run)
    assert list(run.parent.iterdir()) == []
    assert all((job / "result").exists() for job in jobs)

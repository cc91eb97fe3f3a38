"""Tokens as users meet them: making them, asking for units, seeing who has them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from experimaestro import Meta, Param, Task, experiment
from experimaestro._core import token_state
from experimaestro._run.devices import visible_devices
from experimaestro.connectors.local import LocalConnector
from experimaestro.exceptions import ExperimaestroError, WorkspaceError
from experimaestro.launchers.direct import DirectLauncher
from experimaestro.tokens import CounterToken, ProcessCounterToken, Token, WriterDependency

ROOT = Path(__file__).parents[2]


class Works(Task):
    x: Param[int]

    def execute(self):
        print(os.environ.get("CUDA_VISIBLE_DEVICES", "none"))


class Alone(Task):
    """Fails when another one is at work."""

    x: Param[int]
    folder: Meta[Path]

    def execute(self):
        import time

        busy = self.folder / "busy"
        busy.touch(exist_ok=False)
        time.sleep(0.03)  # the work
        busy.unlink()


@pytest.fixture
def token(tmp_path):
    return CounterToken("licence", tmp_path / "token", 2)


@pytest.mark.contract("running 10: `token.available`, `.total`, `.path`")
def test_a_new_token_is_free(token, tmp_path):
    assert (token.total, token.available, token.path) == (2, 2, tmp_path / "token")
    assert isinstance(token, Token)
    assert json.loads((token.path / "informations.json").read_text()) == {"total": 2}


@pytest.mark.contract("running 10: `CounterToken(name, path, count, force=True)`")
def test_the_first_total_holds_unless_forced(token):
    assert CounterToken("licence", token.path, 5, force=False).total == 2
    assert CounterToken("licence", token.path, 3).total == 3
    assert token.total == 3


@pytest.mark.contract("running 10: `CounterToken.create(name, path, count)`")
def test_create_remembers_by_name(tmp_path):
    known = CounterToken.create(f"known {tmp_path}", tmp_path / "one", 2)
    assert CounterToken.create(f"known {tmp_path}", tmp_path / "one", 2) is known
    with pytest.warns(UserWarning, match="known already, with 2 units"):
        assert CounterToken.create(f"known {tmp_path}", tmp_path / "other", 7) is known
    assert known.total == 2
    assert not (tmp_path / "other").exists()


@pytest.mark.contract("running 10: `token.dependency(n)`; `token(n, task)`")
def test_what_would_wait_for_ever_is_refused(token):
    with pytest.raises(ValueError, match="3 units of the token licence are asked for, and it has 2"):
        token.dependency(3)
    for wrong in (0, -1, True, 1.5):
        with pytest.raises(ValueError, match="a whole number, 1 or more"):
            token.dependency(wrong)
    with pytest.raises(ValueError, match="a whole number, 0 or more"):
        CounterToken("x", token.path, -1)


@pytest.mark.contract("running 10: `token.dependency(n)`; `token(n, task)`")
def test_a_total_that_became_too_small_is_told_at_submission(token, tmp_path):
    task = token(2, Works(x=1))
    CounterToken("licence", token.path, 1)
    with experiment(tmp_path / "ws", "xp") as xp:
        with pytest.raises(ValueError, match="2 units"):
            task.submit()
        assert not xp.failed


def test_a_folder_that_makes_no_sense_is_told(token):
    (token.path / "informations.json").write_text("broken")
    with pytest.raises(WorkspaceError, match=r"informations\.json"):
        _ = token.total


@pytest.mark.contract("running 10: `connector.createtoken(name, total)`, `xp.token(name, total)`")
def test_tokens_of_the_machine_lie_in_the_folder_of_the_connector(tmp_path):
    launcher = DirectLauncher(LocalConnector(tmp_path / "local"))
    with experiment(tmp_path / "ws", "xp", launcher=launcher) as xp:
        token = xp.token("gpu", 3)
        assert token.path == tmp_path / "local" / "tokens" / "gpu.counter"
        assert token.total == 3
        for wrong in ("", "a/b", ".hidden"):
            with pytest.raises(ValueError, match="cannot name a token"):
                xp.token(wrong, 1)


@pytest.mark.contract("running 5: `cfg.add_dependencies(*deps)` → self")
def test_tasks_that_need_units_of_several_tokens_run_and_give_them_back(token, tmp_path):
    process = ProcessCounterToken(1)
    with experiment(tmp_path / "ws", "xp") as xp:
        xp.workspace.python_path.append(ROOT)
        tasks = [Works(x=x).add_dependencies(token.dependency(1), process.dependency(1)) for x in range(5)]
        for task in tasks:
            task.submit()
        xp.wait()
        assert not xp.failed
    for used in (token, process):
        assert (used.available, used.holders) == (used.total, [])


class Flaky(Task):
    """Fails while a file is there."""

    blocker: Meta[Path]

    def execute(self):
        if self.blocker.exists():
            raise RuntimeError("not yet")


@pytest.mark.contract("running 10: DEF: a job that had a token runs again without it")
def test_a_job_that_needed_a_token_runs_again_without_it(token, tmp_path):
    blocker = tmp_path / "blocker"
    blocker.touch()
    with experiment(tmp_path / "ws", "xp") as xp:
        xp.workspace.python_path.append(ROOT)
        first = Flaky(blocker=blocker).add_dependencies(token.dependency(2)).submit()
        assert first.job.wait().is_error()
        blocker.unlink()
        again = Flaky(blocker=blocker).submit()
        assert again.job is first.job
        assert again.job.leases == []
        assert again.job.wait().name == "done"
    assert (token.available, token.holders) == (token.total, [])


@pytest.mark.contract("running 10: `Launcher.addListener(fn(job))`")
def test_a_listener_of_the_launcher_adds_dependencies(token, tmp_path):
    launcher = DirectLauncher()
    seen = []

    def listener(job):
        seen.append(job.task_id)
        job.add_dependencies(token.dependency(2))

    launcher.addListener(listener)
    with experiment(tmp_path / "ws", "xp", launcher=launcher) as xp:
        xp.workspace.python_path.append(ROOT)
        task = Works(x=1)
        task.submit()
        xp.wait()
        assert not xp.failed
    assert seen == [task.job.task_id]
    assert len(list((token.path / "tickets").glob("*.ticket"))) == 1, "it asked"
    with pytest.raises(TypeError, match="a dependency is expected"):
        task.job.add_dependencies(3)


def test_what_the_machine_has_not_is_told_at_once(tmp_path):
    with experiment(tmp_path / "ws", "xp", launcher=DirectLauncher(gpus=1000)) as xp:
        task = Works(x=1)
        task.submit()
        xp.wait()
    assert task.job.state.is_error()
    assert "1000 GPUs of this machine (XPM_GPUS)" in task.job.message


@pytest.mark.parametrize(("variables", "setting", "expected"), [
    ({"XPM_GPUS": "1, GPU-x"}, ["7"], ["1", "GPU-x"]),
    ({"XPM_GPUS": "none", "CUDA_VISIBLE_DEVICES": "0"}, ["7"], []),
    ({"CUDA_VISIBLE_DEVICES": "0,2"}, ["7"], ["7"]),
    ({"CUDA_VISIBLE_DEVICES": "0,2"}, None, ["0", "2"]),
    ({"CUDA_VISIBLE_DEVICES": ""}, None, []),
    ({"CUDA_VISIBLE_DEVICES": "0,-1,2"}, None, ["0"]),
])  # fmt: skip
def test_which_devices_are_handed_out(monkeypatch, variables, setting, expected):
    for name in ("XPM_GPUS", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert visible_devices(setting) == expected


def test_the_command_line_shows_and_releases(monkeypatch, tmp_path):
    from experimaestro.cli.root import xpm

    monkeypatch.setattr(LocalConnector, "_instance", LocalConnector(tmp_path))
    token = LocalConnector.instance().createtoken("gpu", 2)

    def run(*arguments):
        return CliRunner().invoke(xpm, ["tokens", *arguments])

    assert run("list").output == "gpu total=2 free=2 jobs=0 waiting=0\n"
    ticket = {"version": 1, "nonce": "ab", "units": 2, "job": "/w/jobs/t.learn/ab12", "time": 0.0,
              "driver": {"host": "far", "boot_id": "", "pid_namespace": "", "pid": 12, "start": ""}}  # fmt: skip
    (token.path / "tickets" / "0000000001.ticket").write_text(json.dumps(ticket))
    assert json.loads(run("list", "--json").output)[0]["available"] == 0
    shown = run("show", "gpu").output
    assert "0 of 2 units are free" in shown
    assert "t.learn/ab12 has 2 units" in shown
    assert "far" in shown
    assert run("release", "gpu", "7").exit_code != 0
    assert run("release", str(token.path), "1").exit_code == 0
    assert token_state(str(token.path))["holders"] == []
    assert "there is no token 'other'" in run("show", "other").output


@pytest.mark.contract("running 13: `registry.getToken(id)`")
def test_the_registry_knows_the_tokens_of_its_file(monkeypatch, tmp_path):
    from experimaestro.launcherfinder.registry import LauncherRegistry

    monkeypatch.setattr(LocalConnector, "_instance", LocalConnector(tmp_path / "local"))
    (tmp_path / "tokens.yaml").write_text("countertoken:\n  api:\n    tokens: 4\n  bad: {}\n")
    registry = LauncherRegistry(tmp_path)
    assert registry.getToken("api").total == 4
    with pytest.raises(AssertionError, match="no token is called 'other'"):
        registry.getToken("other")
    with pytest.raises(ExperimaestroError, match=r"countertoken\.bad\.tokens"):
        registry.getToken("bad")


def test_a_requirement_takes_slots_and_gpus_of_this_machine(monkeypatch, tmp_path):
    import experimaestro._run.engine as room
    from experimaestro._core import Engine
    from experimaestro.launcherfinder.registry import LauncherRegistry

    monkeypatch.setattr(room, "_engine", Engine(slots=8, gpus=["0", "1"]))
    find = LauncherRegistry(tmp_path).find
    needs = {
        "duration=1h": (1, 0),
        "cpu(cores=4)": (4, 0),
        "cpu(cores=40) & cuda(mem=8G)*2": (8, 2),
        "cuda(mem=8G)*3 | cpu(cores=2)": (1, 2),
    }
    for text, expected in needs.items():
        launcher = find(text)
        assert (launcher.slots, launcher.gpus) == expected, text


@pytest.mark.contract("running 10: partial directories")
def test_one_job_at_a_time_writes_into_a_folder(tmp_path):
    dependency = WriterDependency(tmp_path / "partial")
    folder, units = dependency.lease()
    assert (folder, units) == (str(tmp_path / "partial" / ".experimaestro" / "locks"), 1)
    assert token_state(folder) == {"total": 1, "available": 1, "holders": []}
    with experiment(tmp_path / "ws", "xp") as xp:
        xp.workspace.python_path.append(ROOT)
        for x in range(4):
            Alone(x=x, folder=tmp_path).add_dependencies(dependency).submit()
        xp.wait()
        assert not xp.failed

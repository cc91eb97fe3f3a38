"""Actions: from a task or an experiment to its run, and back as configurations."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from experimaestro import (
    Action,
    CLIInteraction,
    Config,
    DataPath,
    Meta,
    Param,
    PathGenerator,
    RunMode,
    Task,
    experiment,
    field,
    load_xp_info,
)
from experimaestro.exceptions import LoadError, ValidationError
from experimaestro.scheduler.workspace_state_provider import WorkspaceStateProvider

contract = pytest.mark.contract


class Model(Config):
    lr: Param[float]
    weights: DataPath


class Send(Action):
    model: Param[Model]
    log: Meta[Path] = field(default_factory=PathGenerator("log.txt"))

    def describe(self):
        return f"send {self.model.lr}"

    def execute(self, interaction):
        self.log.parent.mkdir(parents=True)
        self.log.write_text(self.model.weights.read_text() + interaction.text("note", "Note"))


class Asks(Action):
    file: Param[Path]
    number: Param[int] = 0

    def execute(self, interaction):
        answers = [
            interaction.choice("c", "Colour", ["red", "blue"]),
            interaction.checkbox("b", "Bold", default=True),
            interaction.text("t", "Title", default="none"),
        ]
        self.file.write_text(json.dumps(answers))


class Learn(Task):
    lr: Param[float]
    weights: Meta[Path] = field(default_factory=PathGenerator("weights.txt"))

    def task_outputs(self, dep):
        return dep(Model.C(lr=self.lr, weights=self.weights))

    def execute(self):
        self.weights.write_text(f"weights {self.lr} ")


class Offers(Learn):
    def __submit__(self, dep, add_action):
        model = dep(Model.C(lr=self.lr, weights=self.weights))
        if add_action is not None:
            add_action(Send.C(model=model))
        return ("offered", model, add_action is not None)


@contract("running 15: `Action(Config)`: precedence `__submit__` > `task_outputs` > self")
def test_a_task_adds_actions_when_it_is_submitted(workspace):
    with experiment(workspace, "xp") as xp:
        said, model, had = Offers.C(lr=0.1).submit()
        assert (said, had) == ("offered", True)
        assert isinstance(Learn.C(lr=0.2).submit(), Model)
        (action,) = xp.actions.values()
        assert action.model is model
    assert list(load_xp_info(xp.workdir).actions) == list(xp.actions)


@contract("running 15: `Action(Config)`: add_action is None outside an experiment")
def test_outside_an_experiment_nothing_can_be_added(workspace):
    with experiment(workspace, "xp", run_mode=RunMode.DRY_RUN) as xp:
        inside = xp.workspace
    said, _, had = Offers.C(lr=0.1).submit(workspace=inside, run_mode=RunMode.DRY_RUN)
    assert (said, had) == ("offered", False)


@contract("running 2.2: add_action")
@contract("running 4: `objects.jsonl`: `load_xp_info(run_dir)` → `.actions`")
def test_an_action_comes_back_with_the_files_that_it_needs(workspace):
    with experiment(workspace, "xp") as xp:
        action = Send.C(model=Learn.C(lr=0.3).submit())
        identifier = xp.add_action(action)
        assert identifier == str(action.__identifier__()) == action.__identifier__().hex()
        before = (xp.workdir / "actions.jsonl").read_bytes()
        assert xp.add_action(action) == identifier
        assert (xp.workdir / "actions.jsonl").read_bytes() == before
    with pytest.raises(AttributeError):
        action.model = None  # sealed
    moved = workspace.rename(workspace.with_name("moved"))
    (again,) = load_xp_info(moved / "experiments" / "xp" / "current").actions.values()
    assert again.__identifier__() == action.__identifier__()
    again.instance().execute(CLIInteraction({"note": "!"}))
    log = moved / "experiments" / "xp" / xp.run_id / "actions" / identifier / "log.txt"
    assert log.read_text() == "weights 0.3 !"
    (told,) = WorkspaceStateProvider(moved).get_actions("xp")
    assert (told.identifier, told.description, told.class_name) == (identifier, "send 0.3", f"{__name__}.Send")


def test_of_actions_that_differ_in_paths_only_the_last_one_holds(workspace):
    with experiment(workspace, "xp") as xp:
        identifier = xp.add_action(Asks.C(file=Path("a")))
        assert xp.add_action(Asks.C(file=Path("b"))) == identifier
        assert [action.file for action in xp.actions.values()] == [Path("b")]
    assert [action.file for action in load_xp_info(xp.workdir).actions.values()] == [Path("b")]


def test_what_is_no_action_or_incomplete_leaves_nothing(workspace):
    with experiment(workspace, "xp") as xp:
        for wrong in (Learn.C(lr=1.0), "text", None, Send):
            with pytest.raises(TypeError, match="no action"):
                xp.add_action(wrong)
        with pytest.raises(ValidationError, match="model"):
            xp.add_action(Send.C())
        assert xp.actions == {}
        assert not (xp.workdir / "actions.jsonl").exists()


def test_a_full_disk_leaves_the_record_as_it_was(workspace, monkeypatch):
    import experimaestro._run.action_records as records

    with experiment(workspace, "xp") as xp:
        kept = xp.add_action(Asks.C(file=Path("a")))
        before = (xp.workdir / "actions.jsonl").read_bytes()

        def full(*_):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(records.os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            xp.add_action(Asks.C(file=Path("b"), number=1))
        monkeypatch.undo()
        assert list(xp.actions) == [kept]
        assert (xp.workdir / "actions.jsonl").read_bytes() == before
        second = xp.add_action(Asks.C(file=Path("b"), number=1))
    assert list(load_xp_info(xp.workdir).actions) == [kept, second]


def test_a_line_that_was_cut_off_is_left_out_and_damage_is_told(workspace):
    with experiment(workspace, "xp") as xp:
        kept = xp.add_action(Asks.C(file=Path("a")))
    file = xp.workdir / "actions.jsonl"
    whole = file.read_bytes()
    file.write_bytes(whole + whole[: len(whole) // 2])
    assert list(load_xp_info(xp.workdir).actions) == [kept]
    file.write_bytes(b"{\n" + whole)
    with pytest.raises(LoadError, match="line 1, is damaged"):
        load_xp_info(xp.workdir)


def test_actions_that_were_added_before_are_recorded(workspace):
    xp = experiment(workspace, "xp")
    identifier = xp.add_action(Asks.C(file=Path("a")))
    with xp:
        assert list(xp.actions) == [identifier]
    assert list(load_xp_info(xp.workdir).actions) == [identifier]


@contract("running 17: actions run prompts when omitted")
def test_in_a_terminal_what_is_missing_is_asked(workspace, tmp_path):
    with experiment(workspace, "xp") as xp:
        first = xp.add_action(Asks.C(file=tmp_path / "one.json"))
        second = xp.add_action(Asks.C(file=tmp_path / "two.json", number=2))
    assert first != second
    command = [sys.executable, "-m", "experimaestro.cli", "actions", "--workdir", str(workspace), "run"]
    master, slave = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent), "HOME": str(tmp_path)}
    process = subprocess.Popen(
        [*command, "--set", "b=n"], stdin=slave, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    )
    try:
        os.close(slave)
        os.write(master, b"2\nblue\nhello\n")
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
        os.close(master)
    assert process.returncode == 0, err
    assert b"Which one" in out
    assert json.loads((tmp_path / "two.json").read_text()) == ["blue", False, "hello"]
    assert not (tmp_path / "one.json").exists()


@contract("running 15: CLIInteraction")
@pytest.mark.parametrize("text", ["true", "YES", "1", "y"])
@pytest.mark.parametrize("negative", ["false", "No", "0", "n"])
def test_yes_and_no(text, negative):
    ask = CLIInteraction({"a": text, "b": negative, "c": "perhaps"})
    assert ask.checkbox("a", "A") is True
    assert ask.checkbox("b", "B", default=True) is False
    with pytest.raises(ValueError, match="perhaps"):
        ask.checkbox("c", "C")

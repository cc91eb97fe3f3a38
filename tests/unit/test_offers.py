"""Services: how they start, fail, stop, and are made again; actions, and where both are recorded."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner

from experimaestro import Action, CLIInteraction, Param, RunMode, Task, experiment, load_xp_info
from experimaestro.cli.root import xpm
from experimaestro.scheduler.services import ProcessWebService, Service, ServiceState, WebService


class Board(Service):
    id = "board"

    def __init__(self, folder: Path, title: str = "board") -> None:
        super().__init__()
        self.folder = folder
        self.title = title

    def description(self) -> str:
        return self.title

    def state_dict(self):
        return {"folder": self.folder, "title": self.title}


class Closed(Service):
    id = "closed"

    def state_dict(self):
        return {"stream": object()}


class Page(WebService):
    id = "page"

    def __init__(self, fails: bool = False) -> None:
        super().__init__()
        self.fails = fails
        self.starts = 0

    def _serve(self, running):
        self.starts += 1
        if self.fails:
            raise OSError("no port")
        self.url = "http://localhost:1"
        running.set()
        while not self.should_stop():
            threading.Event().wait(0.01)


class Served(ProcessWebService):
    id = "served"

    def __init__(self, code: str) -> None:
        super().__init__()
        self.code = code

    def _build_command(self):
        return [sys.executable, "-c", self.code]

    def _wait_for_ready(self):
        while not (self.stdout.exists() and self.stdout.read_text().startswith("ready")):
            if self.process.poll() is not None:
                raise RuntimeError("it ended")
        return "http://localhost:2"


class States:
    def __init__(self) -> None:
        self.seen = []

    def service_state_changed(self, service) -> None:
        self.seen.append(service.state.name)


class Publish(Action):
    name: Param[str]

    def describe(self):
        return f"publish {self.name}"

    def execute(self, interaction):
        Path(interaction.text("file", "File")).write_text(self.name)


class Offers(Task):
    x: Param[int]

    def __submit__(self, dep, add_action):
        if add_action is not None:
            add_action(Publish(name=f"model {self.x}"))
        return self

    def execute(self):
        pass


@pytest.mark.contract("running 15: Service state_dict")
def test_a_service_is_made_again_from_what_is_stored():
    told = json.loads(json.dumps(Board(Path("/w/p"), "b").full_state_dict()))
    assert told["state_dict"]["folder"] == {"__path__": "/w/p"}
    again = Service.from_state_dict(told["class"], {**told["state_dict"], "__ignored__": 1})
    assert isinstance(again, Board)
    assert (again.folder, again.title) == (Path("/w/p"), "b")
    moved = Service.from_state_dict(told["class"], told["state_dict"], lambda path: Path("/here") / path.name)
    assert moved.folder == Path("/here/p")


@pytest.mark.contract("running 15: __unserializable__")
def test_a_service_that_cannot_be_stored_says_so():
    told = Closed().full_state_dict()
    with pytest.raises(ValueError, match="stream"):
        Service.from_state_dict(told["class"], told["state_dict"])


@pytest.mark.contract("running 15: subservices")
def test_a_service_is_its_own_only_part():
    board = Board(Path("/w"))
    assert board.get_subservice("board") is board
    with pytest.raises(KeyError):
        board.get_subservice("other")


@pytest.mark.contract("running 15: WebService")
def test_a_web_service_starts_once_for_all_who_ask_and_stops():
    page, states = Page(), States()
    page.add_listener(states)
    urls = []
    threads = [threading.Thread(target=lambda: urls.append(page.get_url())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert urls == ["http://localhost:1"] * 4
    assert page.starts == 1
    page.stop()
    assert states.seen == ["STARTING", "RUNNING", "STOPPING", "STOPPED"]
    assert page.get_url() == "http://localhost:1"
    page.stop()


@pytest.mark.contract("running 15: ServiceState.ERROR")
def test_a_service_that_fails_to_start_is_in_error_and_never_running():
    page, states = Page(fails=True), States()
    page.add_listener(states)
    with pytest.raises(RuntimeError, match="no port"):
        page.get_url()
    assert states.seen == ["STARTING", "ERROR"]
    assert "no port" in page.error
    page.fails = False
    assert page.get_url() == "http://localhost:1"
    assert page.error is None
    page.stop()


@pytest.mark.contract("running 15: ProcessWebService")
def test_a_process_service_is_killed_at_the_end_and_its_logs_are_kept(workspace):
    with experiment(workspace, "xp") as xp:
        served = xp.add_service(Served("import signal; print('ready', flush=True); signal.pause()"))
        assert served.get_url() == "http://localhost:2"
        process = served.process
        run = xp.workdir
    assert process.poll() is not None
    assert served.state is ServiceState.STOPPED
    assert served.stdout.read_text() == "ready\n"
    assert json.loads((run / "services.json").read_text())["services"]["served"]["state"] == "STOPPED"


def test_a_process_service_whose_process_ends_is_in_error(workspace):
    with experiment(workspace, "xp") as xp:
        served = xp.add_service(Served("raise SystemExit(3)"))
        with pytest.raises(RuntimeError, match=r"it ended|its program ended"):
            served.get_url()
        assert served.state is ServiceState.ERROR


@pytest.mark.contract("running 2.2: add_service")
def test_one_service_per_id_the_last_one(workspace, caplog):
    with experiment(workspace, "xp") as xp:
        first, second = Board(Path("/a")), Board(Path("/b"))
        assert xp.add_service(first) is first
        xp.add_service(first)
        assert "board" not in caplog.text
        xp.add_service(second)
        assert "board" in caplog.text
        assert xp.services == {"board": second}
        recorded = json.loads((xp.workdir / "services.json").read_text())["services"]
        assert recorded["board"]["state_dict"]["folder"] == {"__path__": "/b"}
        assert second.experiment is xp


@pytest.mark.contract("running 2.2: add_action")
@pytest.mark.contract("running 15: Action")
def test_actions_of_a_run_are_found_and_carried_out_later(workspace, tmp_path):
    with experiment(workspace, "xp") as xp:
        identifier = xp.add_action(Publish(name="all"))
        Offers(x=1).submit()
        run = xp.workdir
        assert list(xp.actions) == [identifier, *list(xp.actions)[1:]]
    actions = load_xp_info(run).actions
    assert {name: action.describe() for name, action in actions.items()} == {
        name: action.describe() for name, action in xp.actions.items()
    }
    assert actions[identifier].describe() == "publish all"
    file = tmp_path / "published"
    actions[identifier].instance().execute(CLIInteraction({"file": str(file)}))
    assert file.read_text() == "all"


def test_only_actions_are_actions(workspace):
    with experiment(workspace, "xp", run_mode=RunMode.DRY_RUN) as xp, pytest.raises(TypeError, match="Action"):
        xp.add_action(Offers(x=1))


@pytest.mark.contract("running 17: actions list, actions run")
def test_actions_are_listed_and_carried_out_by_the_command(workspace, tmp_path):
    with experiment(workspace, "xp") as xp:
        identifier = xp.add_action(Publish(name="all"))

    def call(*arguments, code=0):
        result = CliRunner().invoke(xpm, ["experiments", "--workdir", str(workspace), "actions", *arguments])
        assert result.exit_code == code, result.output
        return result.output

    assert call("list") == f"{identifier} [xp] publish all\n"
    file = tmp_path / "published"
    call("run", "xp", identifier[:6], "--set", f"file={file}")
    assert file.read_text() == "all"
    assert "no action" in call("run", "xp", "nothing", code=1)


@pytest.mark.contract("running 17: services list, services start")
def test_services_are_listed_and_made_again_by_the_command(workspace):
    with experiment(workspace, "xp") as xp:
        xp.add_service(Page())
        xp.add_service(Closed())
    runner = CliRunner()
    base = ["experiments", "--workdir", str(workspace), "services"]
    listed = runner.invoke(xpm, [*base, "list", "xp"])
    assert "page [xp] stopped Page" in listed.output
    unknown = runner.invoke(xpm, [*base, "start", "other"])
    assert unknown.exit_code == 1
    assert "page" in unknown.output
    assert runner.invoke(xpm, [*base, "start", "page/part"]).exit_code == 1
    closed = runner.invoke(xpm, [*base, "start", "closed"])
    assert closed.exit_code != 0

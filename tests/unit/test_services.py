"""Services: their states, their stored form, and their life beside an experiment."""

from __future__ import annotations

import contextlib
import itertools
import json
import logging
import os
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experimaestro import GracefulExperimentExit, RunMode, experiment
from experimaestro._run.service_records import read_services
from experimaestro._run.service_state import decode, encode, translator
from experimaestro.exceptions import LoadError
from experimaestro.scheduler.services import (
    ProcessWebService,
    Service,
    ServiceListener,
    ServiceState,
    WebService,
)
from experimaestro.scheduler.workspace_state_provider import WorkspaceStateProvider

contract = pytest.mark.contract
STOPPED, STARTING, RUNNING, STOPPING, ERROR = ServiceState
SECONDS = 60  # only a broken test waits that long


class Curves(Service):
    """Learning curves.

    More about them.
    """

    id = "curves"

    def __init__(self, folder, *, title="t", others=()):
        self.folder = folder  # without a call of the base class's constructor
        self.title = title
        self.others = list(others)

    def state_dict(self):
        return {"folder": self.folder, "title": self.title, "others": self.others}


class Page(WebService):
    id = "page"
    url_to_give = "http://localhost:1/"

    def __init__(self):
        super().__init__()
        self.starts = 0
        self.gate = threading.Event()
        self.gate.set()

    def _serve(self, running):
        self.starts += 1
        assert self.gate.wait(SECONDS)
        self.url = self.url_to_give
        running.set()
        while not self.should_stop():
            self._serving.stopping.wait(SECONDS)


class Broken(WebService):
    id = "broken"

    def _serve(self, running):
        raise OSError("port 1 is taken")


class Seen(ServiceListener):
    def __init__(self):
        self.states = []

    def service_state_changed(self, service):
        self.states.append(service.state)


# --- states


@contract("running 15: ServiceState")
def test_the_numbers_of_the_states():
    assert [state.value for state in (STOPPED, STARTING, RUNNING, STOPPING, ERROR)] == [0, 1, 2, 3, 4]


@contract("running 15: `ServiceState`: DEF: a failed service never becomes RUNNING")
@given(st.lists(st.sampled_from(ServiceState), max_size=30))
def test_from_error_nothing_runs_without_starting_again(wanted):
    service, seen = Curves(Path("x")), Seen()
    service.add_listener(seen)
    for state in wanted:
        before = service.state
        try:
            service.state = state
        except RuntimeError:
            assert service.state is before
            assert state is not before
        else:
            assert service.state is state
    # Listeners hear of every change, and of nothing else.
    history = [STOPPED, *seen.states]
    assert all(one is not other for one, other in itertools.pairwise(history))
    assert all(
        (one, other) not in {(ERROR, RUNNING), (STOPPING, RUNNING)} for one, other in itertools.pairwise(history)
    )
    assert history[-1] is service.state


@contract("running 15: `error`/`set_error`")
def test_an_error_stays_until_the_next_start():
    service = Curves(Path("x"))
    service.set_error(ValueError("no data"))
    assert (service.state, service.error) == (ERROR, "ValueError: no data")
    service.set_error("other")
    assert service.error == "other"
    service.stop()
    assert service.state is ERROR
    service.state = STARTING
    assert service.error is None
    with pytest.raises(TypeError, match="ServiceState"):
        service.state = "running"


@contract("running 15: listeners")
def test_a_listener_that_fails_keeps_nobody_from_hearing(caplog):
    service, seen = Curves(Path("x")), Seen()

    class Bad:
        def service_state_changed(self, service):
            raise ZeroDivisionError

    service.add_listener(Bad())
    service.add_listener(seen)
    service.add_listener(seen)
    service.state = RUNNING
    assert seen.states == [RUNNING]
    assert "ZeroDivisionError" in caplog.text
    service.remove_listener(seen)
    service.stop()
    assert (service.state, seen.states) == (STOPPED, [RUNNING])


# --- stored form

plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.builds(Path, st.text("ab/.")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abc_").filter(lambda k: not k.startswith("__")), inner),
    max_leaves=20,
)


@contract("running 15: `serialize_state_dict`")
@given(plain)
def test_what_is_stored_comes_back(value):
    assert decode(json.loads(json.dumps(encode(value)))) == value


@contract("running 15: `from_state_dict`")
def test_a_service_is_made_again():
    service = Curves(Path("/a/b"), title="x", others=[Path("/c")])
    full = service.full_state_dict()
    name = f"{__name__}.Curves"
    assert full["class"] == name
    stored = json.loads(json.dumps({**full["state_dict"], "__ignored__": 1}))
    assert stored["folder"] == {"__path__": "/a/b"}
    again = Service.from_state_dict(name, stored, lambda path: Path(f"/moved{path}"))
    assert type(again) is Curves
    assert (again.folder, again.title, again.others) == (Path("/moved/a/b"), "x", [Path("/moved/c")])


@contract("running 15: `__unserializable__` → `ValueError`")
def test_what_has_no_stored_form_is_told():
    stored = Curves(Path("a"), others=[{"deep": threading.Lock()}]).full_state_dict()["state_dict"]
    with pytest.raises(ValueError, match=r"others.deep has no stored form .*lock"):
        Service.from_state_dict(f"{__name__}.Curves", stored)


@pytest.mark.parametrize("name", ["pathlib.Path", "os.system", "collections.OrderedDict", "nosuch.Thing", "x", ""])
def test_only_services_are_made(name):
    with pytest.raises(LoadError):
        Service.from_state_dict(name, {})


@given(st.lists(st.sampled_from(["..", "a", ".", "ws"])), st.sampled_from(["/old/ws", "/old", "/data"]))
def test_a_path_leaves_the_workspace_only_if_it_was_outside(parts, start):
    path = "/".join([start, *parts])
    moved = translator("/old/ws", Path("/new/place"))(Path(path))
    inside = Path(os.path.normpath(path)).is_relative_to("/old/ws")
    assert moved.is_relative_to("/new/place") is inside
    assert ".." not in moved.parts


@contract("running 15: `subservices()` (default itself), `get_subservice(id)` (`KeyError`)")
def test_parts():
    service = Curves(Path("a"))
    assert service.subservices() == {"curves": service}
    assert service.get_subservice("curves") is service
    with pytest.raises(KeyError, match="no part 'x'"):
        service.get_subservice("x")
    assert service.description() == "Learning curves."


# --- with an address


@contract("running 15: `WebService`: `get_url()` starts once and blocks")
def test_many_ask_and_it_starts_once():
    page, answers = Page(), []
    page.gate.clear()
    askers = [threading.Thread(target=lambda: answers.append(page.get_url())) for _ in range(8)]
    for asker in askers:
        asker.start()
    assert not answers
    page.gate.set()
    for asker in askers:
        asker.join(SECONDS)
    assert answers == [page.url_to_give] * 8
    assert (page.starts, page.state) == (1, RUNNING)
    page.stop()
    assert (page.state, page.url) == (STOPPED, None)
    assert page.get_url() == page.url_to_give
    assert page.starts == 2
    page.stop()


@contract("running 15: `get_url()`: `RuntimeError` while stopping")
def test_no_address_while_it_stops():
    page, seen = Page(), Seen()
    page.add_listener(seen)
    page.gate.clear()
    told = []

    def ask():
        try:
            page.get_url()
        except RuntimeError as error:
            told.append(str(error))

    asker = threading.Thread(target=ask)
    asker.start()
    while page.state is not STARTING:
        threading.Event().wait(0.001)
    page.stop(timeout=0)
    assert page.state is STOPPING
    with pytest.raises(RuntimeError, match="being stopped"):
        page.get_url()
    page.gate.set()
    asker.join(SECONDS)
    page.stop()
    assert page.state is STOPPED
    assert "was stopped" in told[0]
    assert seen.states == [STARTING, STOPPING, STOPPED]  # it was never said to run


@contract("running 15: `ServiceState`: DEF: a failed service never becomes RUNNING")
def test_who_waits_for_an_address_is_told_why_there_is_none(caplog, tmp_path):
    service, seen = Broken(), Seen()
    service.add_listener(seen)
    service.log_directory = tmp_path / "logs"
    with pytest.raises(RuntimeError, match=r"could not be started: OSError: port 1 is taken \(log: .*logs.err"):
        service.get_url()
    assert seen.states == [STARTING, ERROR]
    assert service.error == "OSError: port 1 is taken"
    assert "in _serve" in service.stderr.read_text()
    assert not caplog.records  # it was told once
    with pytest.raises(RuntimeError, match="port 1"):
        service.get_url()
    assert seen.states == [STARTING, ERROR] * 2


@pytest.mark.parametrize(
    ("serve", "told"),
    [
        (lambda service, running: None, "returned before it called running.set"),
        (lambda service, running: running.set(), "must set self.url"),
        (lambda service, running: sys.exit(3), "SystemExit: 3"),
        (lambda service, running: service.set_error("no page"), "no page"),
    ],
)
def test_every_wrong_end_is_told(serve, told):
    service = type("Wrong", (WebService,), {"id": "wrong", "_serve": serve})()
    with pytest.raises(RuntimeError, match=told):
        service.get_url()
    assert service.state is ERROR


def test_a_failure_after_the_start_is_an_error_and_told_with_its_log(caplog, tmp_path):
    class Later(WebService):
        id = "later"

        def _serve(self, running):
            self.url = "http://x"
            running.set()
            go.wait(SECONDS)
            raise OSError("gone")

    go, ended = threading.Event(), threading.Event()

    class Watch:
        def service_state_changed(self, service):
            if service.state is ERROR:
                ended.set()

    service = Later()
    service.log_directory = tmp_path
    service.add_listener(Watch())
    service.get_url()
    go.set()
    assert ended.wait(SECONDS)
    assert service.error == "OSError: gone"
    assert f"the service later failed: OSError: gone (log: {service.stderr})" in caplog.text
    assert "OSError: gone" in service.stderr.read_text()


def test_a_listener_may_start_it_again():
    class Once(WebService):
        id = "once"
        lives = 0

        def _serve(self, running):
            self.lives += 1
            if self.lives == 1:
                raise OSError("first")
            self.url = f"http://{self.lives}"
            running.set()
            self._serving.stopping.wait(SECONDS)

    urls, done = [], threading.Event()

    class Again:
        def service_state_changed(self, service):
            if service.state is ERROR:
                urls.append(service.get_url())
                done.set()

    service = Once()
    service.add_listener(Again())
    with pytest.raises(RuntimeError):
        service.get_url()
    assert done.wait(SECONDS)
    assert urls == ["http://2"]
    service.stop()


# --- beside an experiment


@contract("running 2.2: add_service")
def test_the_same_is_ignored_and_another_one_replaces(workspace, caplog):
    with experiment(workspace, "xp") as xp:
        page = Page()
        assert xp.add_service(page) is page
        assert xp.add_service(page) is page
        page.get_url()
        other = Page()
        assert "takes the place" not in caplog.text
        xp.add_service(other)
        assert "another service page takes the place" in caplog.text
        assert xp.services == {"page": other}
        assert page.state is STOPPED
        other.get_url()
    assert other.state is STOPPED


@contract("running 15: `set_experiment(xp)`")
def test_logs_are_in_the_run(workspace):
    class Own(Curves):
        def set_experiment(self, xp):
            super().set_experiment(xp)
            self.xp = xp

    with experiment(workspace, "xp") as xp:
        own = xp.add_service(Own(Path("a")))
        assert own.xp is xp
        assert own.log_directory == xp.workdir / "services" / "curves"
        assert (own.stdout, own.stderr) == (own.log_directory / "logs.out", own.log_directory / "logs.err")


@pytest.mark.parametrize("ending", ["returns", "raises", "leaves", "interrupted"])
@contract("running 2.3: services are stopped at the end")
def test_services_end_with_the_experiment(workspace, ending, caplog):
    class Stuck(Curves):
        id = "stuck"

        def stop(self, timeout=2.0):
            raise ZeroDivisionError

    page, other = Page(), type("Other", (Page,), {"id": "other"})()
    raised = {"raises": ValueError, "leaves": GracefulExperimentExit, "interrupted": KeyboardInterrupt}.get(ending)
    try:
        with experiment(workspace, "xp") as xp:
            for service in (page, Stuck(Path("a")), other):
                xp.add_service(service)
            page.get_url()
            other.get_url()
            assert {one.state for one in read_services(xp.workdir).values()} == {"RUNNING", "STOPPED"}
            if raised is not None:
                raise raised
    except (ValueError, KeyboardInterrupt):
        assert ending in ("raises", "interrupted")
    assert (page.state, other.state) == (STOPPED, STOPPED)
    assert "the service stuck cannot be stopped" in caplog.text
    assert {one.state for one in read_services(xp.workdir).values()} == {"STOPPED"}


@contract("running 4: services entry")
def test_what_is_recorded(workspace):
    with experiment(workspace, "xp") as xp:
        xp.add_service(Curves(workspace / "jobs", others=[threading.Lock()]))
        page = xp.add_service(Page())
        page.get_url()
        recorded = {one.service_id: one.as_dict() for one in WorkspaceStateProvider(workspace).get_services("xp")}
        curves = recorded["curves"]
        assert curves.pop("state_dict")["folder"] == {"__path__": str(workspace / "jobs")}
        assert curves == {
            "service_id": "curves",
            "description": "Learning curves.",
            "class": f"{__name__}.Curves",
            "experiment_id": "xp",
            "run_id": xp.run_id,
            "state": "STOPPED",
            "error": None,
            "url": None,
        }
        assert (recorded["page"]["state"], recorded["page"]["url"]) == ("RUNNING", page.url)
    stored = read_services(xp.workdir)
    assert not stored["curves"].can_start
    assert stored["page"].can_start
    assert isinstance(stored["page"].make(), Page)


def test_the_services_of_a_killed_driver_are_not_said_to_run(workspace):
    with experiment(workspace, "xp") as xp:
        xp.add_service(Page()).get_url()
        record = (xp.workdir / "services.json").read_bytes()
    (xp.workdir / "services.json").write_bytes(record)  # the driver's last word, when it is killed
    (one,) = WorkspaceStateProvider(workspace).get_services("xp")
    assert (one.state, one.url, one.as_dict()["url"]) == ("STOPPED", None, None)


def test_users_code_that_fails_is_recorded_as_such(workspace):
    class Odd(Service):
        id = "odd"

        def description(self):
            raise ZeroDivisionError("d")

        def state_dict(self):
            raise ZeroDivisionError("s")

        def subservices(self):
            raise ZeroDivisionError("p")

    with experiment(workspace, "xp") as xp:
        xp.add_service(Odd())
        stored = read_services(xp.workdir)["odd"]
    assert "ZeroDivisionError: d" in stored.description
    with pytest.raises(LoadError, match="no class"):
        stored.make()  # a class inside a function cannot be found again


@pytest.mark.parametrize("name", ["", "a/b", ".hidden", " x", "x\n", None, "x" * 201])
def test_an_id_names_a_folder(workspace, name):
    with experiment(workspace, "xp") as xp:
        with pytest.raises(ValueError, match="can name a folder"):
            xp.add_service(type("Bad", (Service,), {"id": name})())
        with pytest.raises(TypeError, match="no service"):
            xp.add_service(object())
        assert xp.services == {}
        assert not (xp.workdir / "services.json").exists()


def test_what_cannot_be_recorded_is_not_added(workspace, monkeypatch):
    import experimaestro._config.serialization as serialization

    def full(*_):
        raise OSError(28, "No space left on device")

    with experiment(workspace, "xp") as xp:
        xp.add_service(Page())
        before = (xp.workdir / "services.json").read_bytes()
        monkeypatch.setattr(serialization.os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            xp.add_service(Curves(Path("a")))
        monkeypatch.undo()
        assert list(xp.services) == ["page"]
        assert (xp.workdir / "services.json").read_bytes() == before


def test_a_simulation_has_services_too(workspace):
    page = Page()
    with experiment(workspace, "xp", run_mode=RunMode.DRY_RUN) as xp:
        xp.add_service(page)
        assert page.log_directory is None
        assert page.get_url() == page.url_to_give
    assert page.state is STOPPED
    assert not (workspace / "experiments" / "xp").exists()


def test_services_that_were_added_before_are_recorded(workspace):
    xp = experiment(workspace, "xp")
    page = xp.add_service(Page())
    with xp:
        assert page.log_directory == xp.workdir / "services" / "page"
        assert list(read_services(xp.workdir)) == ["page"]


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"version": 1, "services": {"a": {}}}', b'{"version": 2}'])
def test_a_damaged_record_is_told(tmp_path, content):
    (tmp_path / "services.json").write_bytes(content)
    with pytest.raises(LoadError, match=r"services\.json"):
        read_services(tmp_path)


# --- programs


class Program(ProcessWebService):
    id = "program"
    code = "print('ready', flush=True); import time; time.sleep(1000)"
    command: list[str] | None = None

    def _build_command(self):
        return self.command or [sys.executable, "-S", "-c", self.code]

    def _wait_for_ready(self):
        while not self.should_stop():
            if "ready" in self.stdout.read_text():
                return "http://program"
            threading.Event().wait(0.01)
        raise AssertionError("stopped")


@pytest.fixture
def program(tmp_path):
    service = Program()
    service.log_directory = tmp_path / "logs"
    yield service
    service.stop(SECONDS)


@contract("running 15: `ProcessWebService`")
def test_a_program_and_its_children_end_with_the_service(program, tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    program.code = (
        f"import os, time\nout = open({str(fifo)!r}, 'w')\n"
        "if os.fork() == 0:\n    import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "    print('ready', flush=True)\ntime.sleep(1000)"
    )
    with open(os.open(fifo, os.O_RDONLY | os.O_NONBLOCK), closefd=True) as held:
        assert program.get_url() == "http://program"
        os.set_blocking(held.fileno(), True)
        program.stop(SECONDS)
        assert held.read() == ""  # end of file: nobody holds the other end any more
    assert program.state is STOPPED
    assert program.process is None


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import sys; sys.stderr.write('no such option'); sys.exit(3)", "exit code 3: no such option"),
        ("import os; os.kill(os.getpid(), 9)", "killed by signal 9"),
    ],
)
@contract("running 15: `ProcessWebService`")
def test_a_program_that_ends_early_is_not_waited_for(program, code, told):
    program.code = code
    with pytest.raises(RuntimeError, match=told):
        program.get_url()
    assert program.state is ERROR


def test_a_program_that_ends_later_is_an_error(program):
    program.code = "print('ready', flush=True); input()"
    ended = threading.Event()

    class Watch:
        def service_state_changed(self, service):
            if service.state is ERROR:
                ended.set()

    program.add_listener(Watch())
    with contextlib.suppress(RuntimeError):  # it may be so quick that it ends before it is said to be ready
        program.get_url()
    assert ended.wait(SECONDS)
    assert "EOFError" in program.error


def test_a_program_that_does_not_exist(program):
    program.command = ["/no/such/program"]
    with pytest.raises(RuntimeError, match="cannot be started: No such file"):
        program.get_url()


@contract("running 15: `ProcessWebService`: needs `log_directory`")
def test_a_program_needs_a_folder_for_its_logs():
    with pytest.raises(RuntimeError, match="no folder for its logs"):
        Program().get_url()


def test_logging_is_quiet_when_all_is_well(program, caplog):
    with caplog.at_level(logging.WARNING):
        program.get_url()
        program.stop(SECONDS)
    assert not caplog.records

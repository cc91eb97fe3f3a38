"""Services: their states, their stored form, their addresses."""

from __future__ import annotations

import itertools
import json
import os
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experimaestro._run.service_state import decode, encode, translator
from experimaestro.exceptions import LoadError
from experimaestro.scheduler.services import (
    Service,
    ServiceState,
    WebService,
)
from tests.unit.service_examples import Broken, Curves, Page, Seen

contract = pytest.mark.contract
STOPPED, STARTING, RUNNING, STOPPING, ERROR = ServiceState
SECONDS = 60  # only a broken test waits that long


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
    name = f"{Curves.__module__}.Curves"
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
        Service.from_state_dict(f"{Curves.__module__}.Curves", stored)


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

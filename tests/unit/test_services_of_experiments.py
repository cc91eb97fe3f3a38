"""Services beside an experiment: added, recorded, stopped at its end."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from experimaestro import GracefulExperimentExit, RunMode, experiment
from experimaestro._run.service_records import read_services
from experimaestro.exceptions import LoadError
from experimaestro.scheduler.services import (
    Service,
    ServiceState,
)
from experimaestro.scheduler.workspace_state_provider import WorkspaceStateProvider
from tests.unit.service_examples import Curves, Page

contract = pytest.mark.contract
STOPPED, STARTING, RUNNING, STOPPING, ERROR = ServiceState
SECONDS = 60  # only a broken test waits that long


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
            "class": f"{Curves.__module__}.Curves",
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

"""The fork server, spoken to over its socket."""

from __future__ import annotations

import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent / "project"
SECONDS = 60


class Server:
    """A server process, and our end of its socket."""

    def __init__(self, **variables: str) -> None:
        self.stopped = False
        self.stderr = ""
        self.socket, theirs = socket.socketpair()
        self.socket.settimeout(SECONDS)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "experimaestro._run.forkserver", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={**os.environ, **variables},
        )
        theirs.close()
        self._lines = self.socket.makefile("r")

    def send(self, *lines: object) -> None:
        self.socket.sendall(b"".join(_encode(line) for line in lines))

    def receive(self) -> dict:
        return json.loads(self._lines.readline())

    def stop(self) -> str:
        """Close our end; what the server wrote on stderr."""
        if not self.stopped:
            self.stopped = True
            self._lines.close()
            self.socket.close()
            self.stderr = self.process.communicate(timeout=SECONDS)[1].decode()
        return self.stderr


def _encode(line):
    return line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n"


@pytest.fixture
def serve():
    """Starts servers, and stops them after the test."""
    servers = []

    def serve(**variables):
        server = Server(**variables)
        servers.append(server)
        assert server.receive() == {"ready": True, "pid": server.process.pid}
        return server

    yield serve
    for server in servers:
        server.stop()


@pytest.fixture
def server(serve):
    return serve()


@pytest.fixture
def tasks(monkeypatch):
    """The module of the project's tasks."""
    monkeypatch.syspath_prepend(str(PROJECT))
    return importlib.import_module("tasks")


@pytest.fixture
def launch(one_place):
    """Makes the folder of a job and the line that launches it."""
    from experimaestro._config.lifecycle import job_files, prepare_submission

    def launch(number, task):
        submission = prepare_submission(task, one_place.workdir, [])
        submission.directory.mkdir(parents=True, exist_ok=True)
        params, _ = job_files(task, one_place.workdir, submission.directory)
        (submission.directory / "params.json").write_bytes(params)
        return {
            "launch": number,
            "directory": str(submission.directory),
            "workspace": str(one_place.workdir),
            "name": submission.type_id.rpartition(".")[2],
            "attempt": None,
            "environment": {"RECORDS": str(one_place.records), "ONLY": "this"},
            "python_path": [str(PROJECT)],
        }

    return launch


def wait_for_end(pid):
    """Wait until a process that is no child of ours has ended."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    ready, _, _ = select.select([descriptor], [], [], SECONDS)
    os.close(descriptor)
    assert ready, "the process does not end"


def file(job, suffix):
    return Path(job["directory"]) / f"{job['name']}{suffix}"


def test_a_job_is_forked_and_reaped(server, launch, one_place, tasks):
    job = launch(7, tasks.Record(x=1))
    server.send(job)
    started = server.receive()
    assert started["started"] == 7
    assert server.receive() == {"ended": 7, "pid": started["pid"], "code": 0, "signal": None}
    assert file(job, ".out").read_text() == "out 1\n"
    assert file(job, ".err").read_text() == "err 1\n"
    assert file(job, ".done").exists()
    assert one_place.executions() == {"record-1": 1}


def test_failures_and_signals_are_told_apart(server, launch, tasks):
    server.send(launch(1, tasks.Raises(x=1)))
    server.receive()
    ended = server.receive()
    assert (ended["code"], ended["signal"]) == (1, None)
    server.send(launch(2, tasks.Ends(how="killed")))
    server.receive()
    ended = server.receive()
    assert (ended["code"], ended["signal"]) == (None, signal.SIGKILL)


def test_bad_lines_do_not_end_the_server(serve, launch, tasks):
    server = serve()
    server.send(b"\xff\xfe no json\n", b"[]\n", b"3\n", {"unknown": 1}, {"launch": 5}, launch(6, tasks.Record(x=1)))
    refused = server.receive()
    assert refused["refused"] == 5
    assert "incomplete" in refused["message"]
    assert server.receive()["started"] == 6
    assert server.receive()["ended"] == 6
    assert server.stop().count("ignored") == 4


def test_lines_arrive_in_pieces_and_together(server, launch, tasks):
    first, second = launch(1, tasks.Record(x=1)), launch(2, tasks.Record(x=2))
    both = _encode(first) + _encode(second)
    server.send(both[:100])
    server.send(both[100:])
    answers = [server.receive() for _ in range(4)]
    assert {answer["ended"] for answer in answers if "ended" in answer} == {1, 2}


def test_surroundings_are_told_once(server, launch, tmp_path, monkeypatch):
    (tmp_path / "telling.py").write_text(
        "import os, sys\n"
        "from experimaestro import Param, Task\n"
        "class Telling(Task):\n"
        "    x: Param[int]\n"
        "    def execute(self):\n"
        "        print(os.environ['TOLD'], sys.path[0])\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    telling = importlib.import_module("telling")
    expected = None
    for number, is_told in enumerate((True, False, False, True, True, False)):
        job = launch(number, telling.Telling(x=number))
        if is_told:
            expected = [str(number), str(tmp_path / str(number))]
            job["environment"]["TOLD"] = expected[0]
            job["python_path"] = [expected[1], str(tmp_path)]
        else:
            job |= {"environment": None, "python_path": None}
        server.send(job)
        server.receive()
        assert server.receive()["code"] == 0, file(job, ".err").read_text()
        assert file(job, ".out").read_text().split() == expected


def test_surroundings_that_were_never_told_are_asked_for(server, launch, tasks):
    server.send(launch(1, tasks.Record(x=1)) | {"environment": None, "python_path": None})
    assert "environment" in server.receive()["message"]


def test_a_spare_child_that_is_killed_is_nobodys_job(server, launch, one_place, tasks):
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
    server.send(launch(1, tasks.Record(x=1)))
    server.receive()
    server.receive()
    for number in (2, 3):
        (spare,) = children.read_text().split()
        os.kill(int(spare), signal.SIGKILL)
        wait_for_end(int(spare))
        server.send(launch(number, tasks.Record(x=number)))
        assert server.receive()["started"] == number
        assert server.receive()["code"] == 0
    assert one_place.executions() == {"record-1": 1, "record-2": 1, "record-3": 1}


def test_a_spare_child_goes_with_its_server(server):
    (spare,) = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    server.process.kill()
    server.process.wait()
    wait_for_end(int(spare))


def test_children_survive_the_server(server, launch, one_place, tasks):
    job = launch(1, tasks.Gated(x=1))
    server.send(job)
    pid = server.receive()["pid"]
    assert one_place.started() == pid
    server.process.kill()
    server.process.wait()
    one_place.release()
    wait_for_end(pid)
    assert file(job, ".done").exists()


def test_the_server_goes_when_the_engine_does_and_children_go_on(serve, launch, one_place, tasks):
    server = serve()
    job = launch(1, tasks.Gated(x=1))
    server.send(job)
    pid = server.receive()["pid"]
    assert one_place.started() == pid
    server.stop()
    assert server.process.returncode == 0
    one_place.release()
    wait_for_end(pid)
    assert file(job, ".done").exists()


def test_a_refused_fork_is_told_and_the_next_one_works(serve, launch, tmp_path, tasks):
    (tmp_path / "no_fork.py").write_text(
        "import errno, os\n"
        "fork = os.fork\n"
        "left = 3\n"  # the spare child, that of the first job, the next spare child
        "def refuse():\n"
        "    global left\n"
        "    left -= 1\n"
        "    if left < 0:\n"
        "        return fork()\n"
        "    raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))\n"
        "os.fork = refuse\n"
    )
    server = serve(XPM_FORKSERVER_PRELOAD="no_fork", PYTHONPATH=str(tmp_path))
    job = launch(1, tasks.Record(x=1))
    server.send(job)
    assert server.receive() == {"refused": 1, "message": "cannot fork: Resource temporarily unavailable", "again": True}
    server.send(job)
    assert server.receive()["started"] == 1
    assert server.receive()["code"] == 0


def test_a_module_that_cannot_be_preloaded_is_told(serve):
    server = serve(XPM_FORKSERVER_PRELOAD="json, not_a_module")
    assert "not_a_module" in server.stop()


def test_a_child_has_the_surroundings_of_its_script(serve, launch, tmp_path, monkeypatch):
    (tmp_path / "looking.py").write_text(
        "import json, os, random, sys\n"
        "from experimaestro import Param, Task\n"
        "def where(name):\n"
        "    try:\n"
        "        return os.readlink('/proc/self/fd/' + name)\n"
        "    except FileNotFoundError:\n"
        "        return None\n"  # the folder that was listed
        "class Looking(Task):\n"
        "    x: Param[int]\n"
        "    def execute(self):\n"
        "        import numpy\n"
        "        print(json.dumps({'environment': dict(os.environ), 'argv': sys.argv, 'path': sys.path[0],\n"
        "            'session': os.getsid(0) == os.getpid(), 'main': sys.modules['__main__'].__file__,\n"
        "            'draws': [random.random(), numpy.random.random()],\n"
        "            'files': [place for name in os.listdir('/proc/self/fd') if (place := where(name))]}))\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    looking = importlib.import_module("looking")
    server = serve(XPM_FORKSERVER_PRELOAD="numpy.random", PYTHONPATH=str(tmp_path))
    seen = []
    for x in range(2):
        job = launch(x, looking.Looking(x=x))
        server.send(job)
        server.receive()
        assert server.receive()["code"] == 0, file(job, ".err").read_text()
        seen.append(json.loads(file(job, ".out").read_text()))
        assert seen[-1]["environment"] == job["environment"]
        assert seen[-1]["argv"] == [seen[-1]["main"]] == [str(file(job, ".py"))]
        assert seen[-1]["path"] == job["python_path"][0]
        assert seen[-1]["session"]
        # Its own thread may just see to it that params.json is on the disk.
        own = [str(file(job, ".out")), str(file(job, ".err"))]
        assert sorted({*seen[-1]["files"]} - {f"{job['directory']}/params.json"}) == sorted(["/dev/null", *own])
    assert seen[0]["draws"][0] != seen[1]["draws"][0]
    assert seen[0]["draws"][1] != seen[1]["draws"][1]


def test_a_stopped_server_is_given_up_and_nobody_loses_by_it(one_place):
    one_place.launcher = "fork-server"
    driver = one_place.start("stopped_server", XPM_FORKSERVER_PATIENCE="1")
    assert driver.line() == "submitted"
    one_place.release()
    assert {job["state"] for job in driver.finish()["jobs"].values()} == {"done"}
    assert one_place.executions() == {"gated-0": 1, "record-1": 1}


def test_the_end_of_a_job_is_seen_although_its_server_is_stopped(one_place):
    one_place.launcher = "fork-server"
    driver = one_place.start("silent_server", XPM_FORKSERVER_PATIENCE="1")
    assert driver.line() == "submitted"
    one_place.release()
    assert {job["state"] for job in driver.finish()["jobs"].values()} == {"done"}
    assert one_place.executions() == {"gated-0": 1}

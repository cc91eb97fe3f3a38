"""Services that are programs of their own."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading

import pytest

from experimaestro.scheduler.services import (
    ProcessWebService,
    ServiceState,
)

contract = pytest.mark.contract
STOPPED, STARTING, RUNNING, STOPPING, ERROR = ServiceState
SECONDS = 60  # only a broken test waits that long


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

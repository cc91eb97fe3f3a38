"""How the process of a job is asked to end, and how it leaves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from experimaestro import TaskCancelled
from experimaestro._run.cancellation import Cancellation


@pytest.fixture
def cancellation():
    """Handlers of a job's process, taken away after the test."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    cancellation = Cancellation()
    for number in before:
        signal.signal(number, cancellation._on_signal)
    yield cancellation
    for number, handler in before.items():
        signal.signal(number, handler)


def run(code: str) -> subprocess.CompletedProcess[str]:
    """Run a piece of Python in a process of its own."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)


def test_a_signal_before_user_code_is_raised_when_it_would_start(cancellation):
    os.kill(os.getpid(), signal.SIGTERM)
    with pytest.raises(TaskCancelled, match="SIGTERM"), cancellation:
        pytest.fail("user code ran")


def test_a_signal_after_user_code_changes_nothing(cancellation):
    with cancellation:
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    assert cancellation.received is None


def test_a_second_sigterm_lets_the_task_save_its_work(cancellation):
    saved = False
    with cancellation:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        except TaskCancelled:
            os.kill(os.getpid(), signal.SIGTERM)
            saved = True
    assert saved
    assert cancellation.received == signal.SIGTERM


def test_a_second_ctrl_c_does_not(cancellation):
    with pytest.raises(TaskCancelled), cancellation:  # noqa: PT012 - the second signal needs the first
        try:
            os.kill(os.getpid(), signal.SIGINT)
        except TaskCancelled:
            os.kill(os.getpid(), signal.SIGINT)


def test_children_die_of_the_signal_whenever_it_comes():
    done = run(
        "import os, signal\n"
        "from experimaestro._run.cancellation import Cancellation\n"
        "Cancellation().install()\n"
        "for _ in range(50):\n"
        "    child = os.fork()\n"
        "    if child == 0:\n"
        "        while True: signal.pause()\n"
        "    os.kill(child, signal.SIGTERM)\n"
        "    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGTERM\n"
        "assert not signal.pthread_sigmask(signal.SIG_BLOCK, [])\n"
    )
    assert done.returncode == 0, done.stderr


def test_leaving_runs_exit_handlers_and_flushes():
    done = run(
        "import atexit, sys\n"
        "from experimaestro._run.leaving import leave\n"
        "atexit.register(lambda: print('handler', end=''))\n"
        "leave(0)\n"
    )
    assert (done.returncode, done.stdout) == (0, "handler")


def test_a_failing_exit_handler_does_not_change_the_code():
    done = run(
        "import atexit\nfrom experimaestro._run.leaving import leave\natexit.register(lambda: 1 / 0)\nleave(0)\n"
    )
    assert done.returncode == 0
    assert "ZeroDivisionError" in done.stderr


def test_a_failed_job_that_hangs_is_killed():
    done = run(
        "import threading\n"
        "from experimaestro._run import leaving\n"
        "leaving.HANG_SECONDS = 0.1\n"
        "threading.Thread(target=threading.Event().wait).start()\n"
        "leaving.leave(1)\n"
    )
    assert done.returncode == -signal.SIGKILL
    assert "hangs" in done.stderr

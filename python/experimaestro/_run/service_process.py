"""A program that never outlives who started it: run as a script, this looks after it.

Floor: `_run`, but the script imports nothing of this package. `python service_process.py COMMAND...` starts the command
in a process group of its own. Its standard input is a pipe from who wants the service: when that closes, for
whatever reason, or at SIGTERM, the group is ended; and when the program ends, so does what it left behind.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

TYPE_CHECKING = False  # not imported from typing: this starts once per service
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

__all__ = ["end_program", "start_program"]

_GRACE_SECONDS = 1.0


def start_program(command: list[str], out: Path, err: Path) -> subprocess.Popen[Any]:
    """Start a program, looked after, with what it prints added to two files.

    Raises:
        OSError: a log cannot be written, or no process can be made.
    """
    with out.open("ab") as to_out, err.open("ab") as to_err:
        return subprocess.Popen(
            [sys.executable, "-I", "-S", __file__, *command],
            stdin=subprocess.PIPE,
            stdout=to_out,
            stderr=to_err,
            start_new_session=True,  # Ctrl-C in the terminal is for the experiment, which then ends its services
        )


def end_program(process: subprocess.Popen[Any]) -> None:
    """End the program and all of its group; return when it is gone."""
    if process.stdin is not None:
        process.stdin.close()
    if process.poll() is None:
        # A copy of this process that was made by a fork may hold the pipe open.
        process.terminate()
    try:
        process.wait(5 * _GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _look_after(command: list[str]) -> int:
    unwanted = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: unwanted.set())
    threading.Thread(target=_notice_end_of_starter, args=(unwanted,), daemon=True).start()
    try:
        program = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    except OSError as error:
        print(f"{command[0]} cannot be started: {error.strerror}", file=sys.stderr)
        return 127
    ended = threading.Event()
    threading.Thread(target=_end_when_unwanted, args=(program.pid, unwanted, ended), daemon=True).start()
    if hasattr(os, "waitid"):
        # Not reaped yet: nobody else gets the number of the group before the rest of it is killed.
        os.waitid(os.P_PID, program.pid, os.WEXITED | os.WNOWAIT)
        ended.set()
        _signal_group(program.pid, signal.SIGKILL)
    code = program.wait()
    ended.set()
    return code


def _notice_end_of_starter(unwanted: threading.Event) -> None:
    while os.read(0, 4096):
        pass
    unwanted.set()


def _end_when_unwanted(group: int, unwanted: threading.Event, ended: threading.Event) -> None:
    unwanted.wait()
    _signal_group(group, signal.SIGTERM)
    ended.wait(_GRACE_SECONDS)
    _signal_group(group, signal.SIGKILL)


def _signal_group(group: int, number: int) -> None:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):  # all gone, or nothing but what waits to be reaped
        return


def _end_as(code: int) -> None:
    """End with the exit code of the program, or by the signal that ended it, so that who waits is told."""
    if code < 0:
        if -code not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code)


if __name__ == "__main__":
    _end_as(_look_after(sys.argv[1:]))

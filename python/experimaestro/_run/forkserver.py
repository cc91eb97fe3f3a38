"""The fork server: has imported the runner once, and forks one child per job, sparing it the start of an interpreter.

Floor: `_run`. Started by the engine as `python -m experimaestro._run.forkserver FD`; the protocol is in
docs/architecture.md. It is a helper, not a master: when it goes, its children go on, and the engine starts processes.
It must stay single-threaded, or its children could inherit a lock that nobody will release.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

from experimaestro._core import Attempt, fault_point
from experimaestro._run import runner
from experimaestro._run.leaving import leave
from experimaestro._run.rehearsal import Rehearsal

if TYPE_CHECKING:
    from types import FrameType

_CHUNK = 1 << 16
_CANNOT_START = 70
# The runner empties the logs once the claim is confirmed: a stale attempt must not wipe those of a running one.
_APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND


class ForkServer:
    """One end of the socket to the engine, and the children that were forked for it.

    A spare child waits for the next job: what a fork costs is spent while other jobs run.
    """

    def __init__(self, socket: int, python_path: list[str]) -> None:
        self._socket = socket
        self._python_path = python_path
        self._launches: dict[int, int] = {}  # pid -> number of the launch
        self._unread = b""
        self._wake_read, self._wake_write = os.pipe()
        for descriptor in (self._wake_read, self._wake_write):
            os.set_blocking(descriptor, False)
        os.set_inheritable(socket, False)
        self._surroundings: _Surroundings | None = None
        """Those of the last job that came with its own."""
        self._spare: _Spare | None = None
        self._rehearsal = Rehearsal()

    def serve(self) -> None:
        """Answer the engine until it closes its end."""
        signal.signal(signal.SIGCHLD, _ignore)
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        self._keep_spare()
        self._send({"ready": True, "pid": os.getpid()})
        while True:
            # It rehearses when there is nothing else to do.
            wait = 0 if self._rehearsal.left else None
            readable, _, _ = select.select([self._socket, self._wake_read], [], [], wait)
            if not readable:
                self._rehearse()
            if self._wake_read in readable:
                self._reap()
            if self._socket in readable:
                if not self._receive():
                    return
                self._keep_spare()

    def _rehearse(self) -> None:
        # Jobs do not depend on it.
        with suppress(Exception):
            self._rehearsal.go()
        if self._rehearsal.left == 0:
            _leave_nothing_to_collect()

    def _receive(self) -> bool:
        """Read what has come and obey each whole line; False at the end of the file."""
        chunk = os.read(self._socket, _CHUNK)
        if not chunk:
            return False
        *lines, self._unread = (self._unread + chunk).split(b"\n")
        for line in lines:
            self._obey(line)
        return True

    def _obey(self, line: bytes) -> None:
        try:
            request = json.loads(line)
            number = request["launch"]
        except (ValueError, TypeError, KeyError) as error:
            print(
                f"experimaestro: fork server: ignored a line that is no request: {error!r}", file=sys.stderr, flush=True
            )
            return
        try:
            job = _Job(request, self._surroundings)
        except (TypeError, KeyError, ValueError, AttributeError) as error:
            self._send({"refused": number, "message": f"incomplete request: {error!r}"})
            return
        self._surroundings = job.surroundings
        try:
            fault_point("fork", job.directory)
            pid = self._start(job)
        except OSError as error:
            # Too little memory, or too many processes: others will end.
            self._send({"refused": number, "message": f"cannot fork: {error.strerror}", "again": True})
            return
        self._launches[pid] = number
        with suppress(OSError):  # a full disk is nothing to a server
            fault_point("started", job.directory)
        self._send({"started": number, "pid": pid})

    def _start(self, job: _Job) -> int:
        """Give a job to the spare child, or to a new one if that is gone."""
        spare, self._spare = self._spare or self._fork(), None
        try:
            return spare.give(job)
        except BrokenPipeError:
            return self._fork().give(job)

    def _keep_spare(self) -> None:
        if self._spare is None:
            # Without room for one now, there may be for the next job.
            with suppress(OSError):
                self._spare = self._fork()

    def _fork(self) -> _Spare:
        if self._surroundings is not None:
            self._surroundings.take(self._python_path)
        source, sink = os.pipe()
        try:
            pid = os.fork()
        except OSError:
            os.close(source)
            os.close(sink)
            raise
        if pid == 0:
            os.close(sink)
            self._become_job(source)
        os.close(source)
        return _Spare(pid, sink, self._surroundings)

    def _reap(self) -> None:
        try:
            while os.read(self._wake_read, _CHUNK):
                pass
        except BlockingIOError:
            pass
        while self._launches or self._spare:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if self._spare is not None and pid == self._spare.pid:
                self._spare.close()
                self._spare = None
            number = self._launches.pop(pid, None)
            if number is None:
                continue
            code = os.waitstatus_to_exitcode(status)
            self._send(
                {
                    "ended": number,
                    "pid": pid,
                    "code": code if code >= 0 else None,
                    "signal": -code if code < 0 else None,
                }
            )

    def _send(self, message: dict[str, Any]) -> None:
        data = json.dumps(message).encode() + b"\n"
        while data:
            data = data[os.write(self._socket, data) :]

    def _become_job(self, source: int) -> NoReturn:
        """In the child: forget the server, wait for a job, take its place, run it."""
        code = _CANNOT_START
        place = "?"
        try:
            os.setsid()
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for descriptor in (self._socket, self._wake_read, self._wake_write):
                os.close(descriptor)
            line = _read_all(source)
            if not line.endswith(b"\n"):
                os._exit(0)  # the server is gone, and there is no job
            job = _Job(json.loads(line), self._surroundings)
            place = job.directory
            job.take_place()
            if job.surroundings is not self._surroundings:
                job.surroundings.take(self._python_path)
            gc.enable()
            code = runner.run_job(job.directory, job.workspace, job.name, job.attempt)
        except BaseException as error:  # noqa: BLE001 - a child must never return into the server's loop
            print(f"experimaestro: the job in {place} cannot start: {error!r}", file=sys.stderr, flush=True)
        finally:
            leave(code)


class _Surroundings:
    """What the processes of jobs find around them."""

    __slots__ = ("_taken", "environment", "python_path")

    def __init__(self, environment: dict[str, Any], python_path: list[Any]) -> None:
        self.environment = {str(name): str(value) for name, value in environment.items()}
        self.python_path = [str(entry) for entry in python_path]
        self._taken = False

    def take(self, python_path: list[str]) -> None:
        """Make them those of this process, whose own modules are found through `python_path`."""
        if not self._taken:
            self._taken = True
            _replace_environment(self.environment)
            sys.path[:] = list(dict.fromkeys([*self.python_path, *python_path]))


class _Job:
    """What a launch line asks for: one from the engine, or what the server makes of it for a child."""

    def __init__(self, request: dict[str, Any], surroundings: _Surroundings | None) -> None:
        self.directory: str = os.fspath(request["directory"])
        self.workspace: str = os.fspath(request["workspace"])
        self.name: str = os.fspath(request["name"])
        self.attempt = None if request["attempt"] is None else int(request["attempt"])
        environment, python_path = request["environment"], request["python_path"]
        if environment is not None:
            surroundings = _Surroundings(environment, python_path)
        elif surroundings is None:
            raise ValueError("an environment is missing, and there was none before")
        self.surroundings: _Surroundings = surroundings

    def line(self, known: _Surroundings | None) -> bytes:
        """The same as a launch line, for a child that knows these surroundings."""
        new = None if self.surroundings is known else self.surroundings
        request = {
            "directory": self.directory,
            "workspace": self.workspace,
            "name": self.name,
            "attempt": self.attempt,
            "environment": new and new.environment,
            "python_path": new and new.python_path,
        }
        return json.dumps(request).encode() + b"\n"

    def take_place(self) -> None:
        """Make this process look as if `<name>.py` had been started as a program of its own."""
        base = os.path.join(self.directory, self.name)
        self._redirect(f"{base}.out", f"{base}.err")
        script = f"{base}.py"
        sys.argv[:] = [script]
        main = type(sys)("__main__")
        main.__file__ = script
        sys.modules["__main__"] = main
        _reseed()

    @staticmethod
    def _redirect(out: str, err: str) -> None:
        for target, (source, flags) in enumerate(((os.devnull, os.O_RDONLY), (out, _APPEND), (err, _APPEND))):
            descriptor = os.open(source, flags, 0o666)
            if descriptor == target:
                os.set_inheritable(descriptor, True)
            else:
                os.dup2(descriptor, target)
                os.close(descriptor)
        # The server may have been started without streams.
        if sys.stdout is None:
            sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115 - for the whole process
        if sys.stderr is None:
            sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115


class _Spare:
    """A child that waits for its job."""

    __slots__ = ("_sink", "_surroundings", "pid")

    def __init__(self, pid: int, sink: int, surroundings: _Surroundings | None) -> None:
        self.pid = pid
        self._sink = sink
        self._surroundings = surroundings

    def give(self, job: _Job) -> int:
        """Make it the process of a job; its number. It must not be given another one."""
        data = job.line(self._surroundings)
        try:
            while data:
                data = data[os.write(self._sink, data) :]
        finally:
            self.close()
        return self.pid

    def close(self) -> None:
        """Let it go: without a job, it ends."""
        os.close(self._sink)


def _read_all(source: int) -> bytes:
    data = b""
    while chunk := os.read(source, _CHUNK):
        data += chunk
    os.close(source)
    return data


def _replace_environment(environment: dict[str, str]) -> None:
    for name in [name for name in os.environ if name not in environment]:
        del os.environ[name]
    for name, value in environment.items():
        if os.environ.get(name) != value:
            os.environ[name] = value


def _reseed() -> None:
    """Children of one server must not draw the same numbers (`random` sees to itself after a fork)."""
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        numpy_random.seed()


def _ignore(_number: int, _frame: FrameType | None) -> None:
    """Signals must have a handler of Python's to reach the wake-up pipe."""


def _preload() -> None:
    """Import what every job needs, and the modules that the user named: jobs then find them loaded."""
    import importlib.util  # noqa: F401
    import logging  # noqa: F401 - what follows are the modules that nearly every task's module asks for

    import experimaestro._config.compile
    import experimaestro._config.lifecycle
    import experimaestro._config.loading
    import experimaestro._config.tags
    import experimaestro._run.experiment
    import experimaestro._run.progress  # noqa: F401
    from experimaestro._config.classes import Task

    # The base classes are compiled once for all children.
    Task.__getxpmtype__()
    Attempt.know_machine()
    for name in filter(None, os.environ.get("XPM_FORKSERVER_PRELOAD", "").split(",")):
        _import(name.strip())


def _leave_nothing_to_collect() -> None:
    """Objects that live for ever are kept out of the children's collections, which would copy their pages."""
    gc.collect()
    gc.freeze()


def _import(module: str) -> None:
    try:
        __import__(module)
    except Exception as error:  # noqa: BLE001 - any module of the user's; the job itself will say it better
        print(f"experimaestro: fork server: {module} cannot be preloaded: {error!r}", file=sys.stderr, flush=True)


def main() -> None:
    """Serve the socket whose file descriptor is the only argument."""
    socket = int(sys.argv[1])
    # `python -m` puts the current folder first, which is not the job's.
    python_path = sys.path[1:] if sys.path and sys.path[0] in ("", os.getcwd()) else list(sys.path)
    _preload()
    gc.disable()
    _leave_nothing_to_collect()
    with suppress(BrokenPipeError, ConnectionResetError):
        ForkServer(socket, python_path).serve()
    os._exit(0)


if __name__ == "__main__":
    main()

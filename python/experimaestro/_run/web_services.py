"""Services that are looked at in a browser: in a thread, or in a process.

Floor: `_run`.
"""

from __future__ import annotations

import threading
from typing import IO, TYPE_CHECKING, Any

from experimaestro._run.services import Service, ServiceState

if TYPE_CHECKING:
    import subprocess

__all__ = ["ProcessWebService", "WebService"]

_POLL_SECONDS = 0.25


class WebService(Service):
    """A service with an address. Define `_serve(running)`: set `self.url`, then `running.set()`, and serve until
    `should_stop()`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.url: str | None = None
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._settled = threading.Event()
        self._start_lock = threading.Lock()

    def _serve(self, running: threading.Event) -> None:
        """Serve until `should_stop()`."""
        raise NotImplementedError(f"{type(self).__qualname__} must define _serve(running)")

    def should_stop(self) -> bool:
        """Whether `_serve` must return."""
        return self._stopping.is_set()

    def get_url(self) -> str:
        """Start the service unless it runs, and return its address once it has one.

        Raises:
            RuntimeError: it is being stopped, or could not be started; the message tells why.
        """
        with self._start_lock:
            if self.state is ServiceState.STOPPING:
                raise RuntimeError(f"the service {self.id} is being stopped: it can be started again in a moment")
            if self._thread is None or not self._thread.is_alive():
                self._start()
            settled = self._settled
        while not settled.wait(_POLL_SECONDS):
            pass
        if self.state is not ServiceState.RUNNING or self.url is None:
            raise RuntimeError(f"the service {self.id} did not start: {self.error or 'it ended at once'}")
        return self.url

    def stop(self, timeout: float = 2.0) -> None:
        """Ask the service to end, and wait for it.

        Args:
            timeout: seconds to wait; a thread that does not end is left, since threads cannot be killed.
        """
        with self._start_lock:
            thread = self._thread
            if thread is None or not thread.is_alive():
                if self.state is not ServiceState.ERROR:
                    self.state = ServiceState.STOPPED
                return
            self.state = ServiceState.STOPPING
            self._stopping.set()
        self._interrupt()
        thread.join(timeout)
        if not thread.is_alive():
            self._ended()

    def _interrupt(self) -> None:
        """Wake up what `_serve` waits for; called once `should_stop()` holds."""

    def _start(self) -> None:
        self._stopping, self._settled = threading.Event(), threading.Event()
        self.url = None
        self.state = ServiceState.STARTING
        running, settled, stopping = _Running(self), self._settled, self._stopping
        running.settled = settled
        self._thread = threading.Thread(
            target=self._run, args=(running, settled, stopping), name=f"service-{self.id}", daemon=True
        )
        self._thread.start()

    def _run(self, running: threading.Event, settled: threading.Event, stopping: threading.Event) -> None:
        try:
            self._serve(running)
        except BaseException as error:
            import logging

            logging.getLogger("xpm").error("the service %s failed", self.id, exc_info=error)
            self.set_error(f"{type(error).__name__}: {error}")
        else:
            if not running.is_set() and not stopping.is_set():
                self.set_error("it ended before it was running")
            else:
                self._ended()
        finally:
            settled.set()

    def _ended(self) -> None:
        if self.state is not ServiceState.ERROR:
            self.state = ServiceState.STOPPED


class _Running(threading.Event):
    """Given to `_serve`: setting it makes the service RUNNING, before anybody is told its address."""

    settled: threading.Event

    def __init__(self, service: WebService) -> None:
        super().__init__()
        self._service = service

    def set(self) -> None:
        """Say that the service answers at its address."""
        super().set()
        if self._service.url is None:
            self._service.set_error("it says that it runs, and has no address (set self.url first)")
        elif self._service.state is ServiceState.STARTING:
            self._service.state = ServiceState.RUNNING
        self.settled.set()


class ProcessWebService(WebService):
    """A web service in a process of its own. Define `_build_command()` and `_wait_for_ready()`, which returns the url.

    What the process prints goes to `stdout` and `stderr`; it is killed when the experiment ends.
    """

    def __init__(self) -> None:
        super().__init__()
        self.process: subprocess.Popen[bytes] | None = None

    def _build_command(self) -> list[str]:
        """Programme and arguments."""
        raise NotImplementedError(f"{type(self).__qualname__} must define _build_command()")

    def _wait_for_ready(self) -> str:
        """Wait until the process answers, and return the address."""
        raise NotImplementedError(f"{type(self).__qualname__} must define _wait_for_ready()")

    def _serve(self, running: threading.Event) -> None:
        import subprocess

        if self.stdout is None or self.stderr is None or self.log_directory is None:
            raise RuntimeError("it has no folder for its logs: add it to an experiment, or set log_directory")
        self.log_directory.mkdir(parents=True, exist_ok=True)
        command = self._build_command()
        with _append(self.stdout) as out, _append(self.stderr) as err:
            # A session of its own: what it starts ends with it, and a Ctrl-C in the terminal is ours.
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True
            )
        self.process = process
        try:
            self.url = self._wait_for_ready()
            running.set()
            while not self.should_stop():
                try:
                    code = process.wait(_POLL_SECONDS)
                except subprocess.TimeoutExpired:
                    continue
                if not self.should_stop():
                    raise RuntimeError(f"its process ended with code {code} (log: {self.stderr})")
        finally:
            _end(process)

    def _interrupt(self) -> None:
        process = self.process
        if process is not None:
            _signal(process, force=False)


def _append(path: Any) -> IO[bytes]:
    return open(path, "ab")


def _signal(process: subprocess.Popen[bytes], *, force: bool) -> None:
    import contextlib
    import os
    import signal

    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL if force else signal.SIGTERM)


def _end(process: subprocess.Popen[bytes]) -> None:
    import subprocess

    _signal(process, force=False)
    try:
        process.wait(2.0)
    except subprocess.TimeoutExpired:
        _signal(process, force=True)
        process.wait()

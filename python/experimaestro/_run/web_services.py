"""Services with an address: served by a thread of this process, or by a process of their own.

Floor: `_run`.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from experimaestro._run.services import Service, ServiceState, told

if TYPE_CHECKING:
    from collections.abc import Callable
    from subprocess import Popen

__all__ = ["ProcessWebService", "WebService"]

_POLL_SECONDS = 0.1
_LAST_CHARACTERS = 500
_ALIVE = (ServiceState.STARTING, ServiceState.RUNNING)


class WebService(Service):
    """A service with pages: implement `_serve(running)`.

    `_serve` is called in a thread: it sets `self.url`, calls `running.set()`, and returns soon after `should_stop()`.
    """

    url: str | None = None
    """Address of its pages while it runs."""

    _serving: _Serving | None = None

    def _serve(self, running: threading.Event) -> None:
        raise NotImplementedError(f"{type(self).__qualname__} must define _serve(running)")

    def should_stop(self) -> bool:
        """Whether `_serve` should return."""
        serving = self._serving
        return serving is None or serving.stopping.is_set()

    def get_url(self) -> str:
        """Start the service unless it runs, wait until it does, and return its address.

        Raises:
            RuntimeError: it is being stopped, or it could not be started: the message says why.
        """
        with self._state_lock:
            serving = self._serving
            is_new = serving is None or serving.ended.is_set()
            if serving is None or is_new:
                self.url = None
                serving = self._serving = _Serving(self._has_started)
                self._change(ServiceState.STARTING)
            elif serving.stopping.is_set():
                raise RuntimeError(f"the service {self.id} is being stopped: ask for its address again once it is")
        if is_new:
            self._tell()
            serving.thread = threading.Thread(
                target=self._run_server, args=(serving,), name=f"experimaestro-service-{self.id}", daemon=True
            )
            try:
                serving.thread.start()
            except RuntimeError as error:  # no more threads
                self._finish(serving, error)
        if serving.thread is not threading.current_thread():  # it may be a listener that asks
            serving.settled.wait()
        with self._state_lock:
            if serving.url is not None:
                return serving.url
        raise RuntimeError(f"the service {self.id} could not be started: {serving.failure}{self._where_to_look()}")

    def stop(self, timeout: float = 2.0) -> None:
        """Ask `_serve` to return, and wait for that.

        Args:
            timeout: seconds to wait; afterwards the state is STOPPING until `_serve` returns.
        """
        with self._state_lock:
            serving = self._serving
            if serving is None or serving.ended.is_set():
                return
            serving.stopping.set()
            changed = self._state in _ALIVE and self._change(ServiceState.STOPPING)
        if changed:
            self._tell()
        if serving.thread is threading.current_thread():
            return
        if not serving.finished.wait(timeout):
            import logging

            logging.getLogger("xpm").warning(
                "the service %s did not stop within %g s: its _serve() must return soon after should_stop()",
                self.id,
                timeout,
            )

    def _run_server(self, serving: _Serving) -> None:
        failure: BaseException | None = None
        try:
            self._serve(serving.running)
        except BaseException as error:  # noqa: BLE001 - also SystemExit: whoever waits for the address must be told
            failure = error
        self._finish(serving, failure)

    def _finish(self, serving: _Serving, failure: BaseException | None) -> None:
        """Nothing serves any more: say how it ended to all who wait or listen."""
        if failure is not None:
            self._write_traceback(failure)
        with self._state_lock:
            had_started, asked = serving.url is not None, serving.stopping.is_set()
            serving.url = self.url = None
            error = None if failure is None else told(failure)
            if error is None and self._state is ServiceState.ERROR:
                error = self._error
            if error is None and not (had_started or asked):
                error = "_serve() returned before it called running.set()"
            serving.failure = error or "it was stopped"
            self._change(ServiceState.STOPPED if error is None else ServiceState.ERROR, error)
            # Before anybody is told: a listener may start it again.
            serving.ended.set()
        if error is not None and had_started:  # else whoever asked for the address is told
            import logging

            logging.getLogger("xpm").error("the service %s failed: %s%s", self.id, error, self._where_to_look())
        self._tell()
        serving.settled.set()
        serving.finished.set()

    def _has_started(self, serving: _Serving) -> None:
        """What `running.set()` means: the address holds, unless nobody wants it any more."""
        with self._state_lock:
            if serving is not self._serving or serving.stopping.is_set() or serving.url is not None:
                return
            if not self.url:
                raise RuntimeError("_serve() must set self.url before it calls running.set()")
            serving.url = self.url
            self._change(ServiceState.RUNNING)
        self._tell()
        serving.settled.set()

    def _write_traceback(self, failure: BaseException) -> None:
        import traceback

        log = self.stderr
        if log is None:
            return
        try:
            log.parent.mkdir(parents=True, exist_ok=True)
            with log.open("a", encoding="utf-8") as stream:
                traceback.print_exception(type(failure), failure, failure.__traceback__, file=stream)
        except OSError:  # what went wrong is told all the same
            return

    def _where_to_look(self) -> str:
        log = self.stderr
        return f" (log: {log})" if log is not None and log.exists() else ""


class _Serving:
    """One life of a web service, from its start to its end."""

    def __init__(self, started: Callable[[_Serving], None]) -> None:
        self.running = _Running(self, started)
        self.stopping = threading.Event()
        self.settled = threading.Event()
        """Its address is known, or that there will be none."""
        self.ended = threading.Event()
        """It can be started again."""
        self.finished = threading.Event()
        """Everybody was told how it ended."""
        self.thread: threading.Thread | None = None
        self.url: str | None = None
        self.failure = ""


class _Running(threading.Event):
    """The event that `_serve` sets."""

    def __init__(self, serving: _Serving, started: Callable[[_Serving], None]) -> None:
        super().__init__()
        self._serving, self._started = serving, started

    def set(self) -> None:
        """Tell that the address can be used."""
        self._started(self._serving)
        super().set()


class ProcessWebService(WebService):
    """A web service that is a program: implement `_build_command()` and `_wait_for_ready()`.

    What it prints is in `stdout` and `stderr`. The program, and the processes that it starts, are killed when the
    service is stopped and when this process ends, whatever way it ends.
    """

    process: Popen[Any] | None = None
    """What looks after the program while the service runs; it ends when the program does, with its exit code."""

    def _build_command(self) -> list[str]:
        raise NotImplementedError(f"{type(self).__qualname__} must define _build_command()")

    def _wait_for_ready(self) -> str:
        raise NotImplementedError(f"{type(self).__qualname__} must define _wait_for_ready()")

    def _serve(self, running: threading.Event) -> None:
        from experimaestro._run.service_process import end_program, start_program

        out, err = self.stdout, self.stderr
        if out is None or err is None:
            raise RuntimeError(
                "there is no folder for its logs: add it to an experiment that runs (xp.add_service), "
                "or set its log_directory"
            )
        out.parent.mkdir(parents=True, exist_ok=True)
        command = [str(argument) for argument in self._build_command()]
        process = start_program(command, out, err)
        self.process = process
        try:
            url = self._wait_for_url(process)
            if url is None:
                return
            self.url = url
            running.set()
            while not self.should_stop():
                if self._has_ended(process, _POLL_SECONDS):
                    raise RuntimeError(f"its program ended by itself, {_ending(process)}{self._last_words()}")
        finally:
            end_program(process)
            self.process = None

    def _wait_for_url(self, process: Popen[Any]) -> str | None:
        """The address; None when the service is stopped before it is known. A program that ends is not waited for."""
        answer: list[str | BaseException] = []
        is_ready = threading.Event()

        def ask() -> None:
            try:
                answer.append(self._wait_for_ready())
            except BaseException as error:  # noqa: BLE001 - raised again by who waits
                answer.append(error)
            is_ready.set()

        threading.Thread(target=ask, name=f"experimaestro-service-{self.id}-ready", daemon=True).start()
        while not is_ready.wait(_POLL_SECONDS):
            if self.should_stop():
                return None
            if process.poll() is not None:
                raise RuntimeError(f"its program ended before it was ready, {_ending(process)}{self._last_words()}")
        (result,) = answer
        if isinstance(result, BaseException):
            raise result
        return result

    def _has_ended(self, process: Popen[Any], seconds: float) -> bool:
        from subprocess import TimeoutExpired

        try:
            process.wait(seconds)
        except TimeoutExpired:
            return False
        return True

    def _last_words(self) -> str:
        """The end of what the program said, for the message."""
        log = self.stderr
        try:
            text = "" if log is None else log.read_text(encoding="utf-8", errors="replace").strip()
        except OSError:
            return ""
        return f": {text[-_LAST_CHARACTERS:]}" if text else ""


def _ending(process: Popen[Any]) -> str:
    code = process.returncode
    return f"killed by signal {-code}" if code is not None and code < 0 else f"with exit code {code}"

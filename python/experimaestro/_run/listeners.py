"""Who wants to know about jobs: listeners, and the thread that tells them.

Floor: `_run`.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Any, ClassVar

from experimaestro._run.current import working_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from experimaestro._core import JobHandle, Run
    from experimaestro._run.experiment import experiment
    from experimaestro._run.job import Job
    from experimaestro._run.services import Service

__all__ = ["Listener", "Notifier", "Scheduler"]

_POLL_SECONDS = 0.5
# Calls are serialised, even when several experiments are open.
_delivery = threading.Lock()


class Listener:
    """Told about jobs, one call at a time, on a notification thread. Derive from it, or offer some of its methods.

    The names of older versions, `job_submitted(job)`, `job_state(job)` and `service_add(service)`, are called too where
    they exist.
    """

    def on_job_submitted(self, job: Job) -> None:
        """Called once when a job joins an experiment."""

    def on_job_state_changed(self, job: Job) -> None:
        """Called after each change of `job.state`."""

    def on_service_added(self, service: Service) -> None:
        """Called when a service joins an experiment."""


class Scheduler:
    """What is common to all experiments of this process."""

    _instance: ClassVar[Scheduler | None] = None

    def __init__(self) -> None:
        self.listeners: list[Any] = []

    @classmethod
    def instance(cls) -> Scheduler:
        """Return the one of this process."""
        if cls._instance is None:
            cls._instance = cls()
        return cls._instance

    def addlistener(self, listener: Any) -> None:
        """Tell this object about jobs from now on."""
        from experimaestro._run.experiment import experiment

        if listener not in self.listeners:
            self.listeners = [*self.listeners, listener]
        for opened in experiment.opened():
            opened.notifier.start()

    def removelistener(self, listener: Any) -> None:
        """Stop telling this object."""
        self.listeners = [other for other in self.listeners if other is not listener]


class Notifier:
    """Reads the changes of one run on a thread of its own, and tells listeners and `on_completed` callbacks.

    The thread starts when somebody wants to know: what happened before is kept by the run and told then.
    """

    def __init__(self, owner: experiment, run: Run) -> None:
        self._owner = owner
        self._run = run
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._ending = threading.Event()
        self._submitted: set[str] = set()
        self._services: deque[Service] = deque()

    def tell_service(self, service: Service) -> None:
        """Tell listeners, soon, that a service was added."""
        if Scheduler.instance().listeners:
            self._services.append(service)
            self.start()

    def start(self) -> None:
        """Start the thread, unless it runs."""
        with self._lock:
            if self._thread is None:
                self._ending.clear()
                self._thread = threading.Thread(target=self._loop, name="experimaestro-notifications", daemon=True)
                self._thread.start()

    def drain(self) -> None:
        """Return once everything that has happened was told, and the thread has ended."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is None or thread is threading.current_thread():
            return
        self._ending.set()
        while thread.is_alive():
            thread.join(_POLL_SECONDS)  # in pieces, so that Ctrl-C comes through

    def _loop(self) -> None:
        # What callbacks submit belongs to their experiment, whatever is open on the main thread.
        with working_for(self._owner):
            self._tell_all()

    def _tell_all(self) -> None:
        while True:
            ending = self._ending.is_set()
            self._tell_services()
            events = self._run.events(0.0 if ending else _POLL_SECONDS)
            for handle, state in events:
                self._deliver(handle, state)
            if ending and not events:
                return

    def _tell_services(self) -> None:
        while self._services:
            service = self._services.popleft()
            with _delivery:
                for listener in Scheduler.instance().listeners:
                    _tell(listener, ("on_service_added", "service_add"), service)

    def _deliver(self, handle: JobHandle, state: str) -> None:
        job = self._owner.find_job(handle.task_id, handle.identifier)
        if job is None:
            return
        with _delivery:
            for listener in Scheduler.instance().listeners:
                if handle.path not in self._submitted:
                    _tell(listener, ("on_job_submitted", "job_submitted"), job)
                _tell(listener, ("on_job_state_changed", "job_state"), job)
            self._submitted.add(handle.path)
            if state == "done":
                for callback in job.take_callbacks():
                    _safely(callback)
                if self._owner.archives is not None and job.is_archived:
                    self._owner.archives.add(job.path)


def _tell(listener: Any, names: tuple[str, str], told: Job | Service) -> None:
    for name in names:
        method = getattr(listener, name, None)
        if method is not None:
            _safely(method, told)


def _safely(function: Callable[..., object], *arguments: object) -> None:
    """Call what belongs to the user; its failure must not stop the others."""
    try:
        function(*arguments)
    except BaseException:
        import logging

        logging.getLogger("xpm").exception("a listener or callback failed: %r", function)

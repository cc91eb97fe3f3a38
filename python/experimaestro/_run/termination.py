"""SIGTERM and SIGHUP while an experiment is open: what was done is recorded before the process goes.

Floor: `_run`. Without this the run would be found without its driver and without a word of how it was left.
"""

from __future__ import annotations

import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from types import FrameType, TracebackType

__all__ = ["Terminated", "TerminationGuard"]

_NAMES = ("SIGTERM", "SIGHUP")


class Terminated(BaseException):
    """Somebody asked this process to end: experiments are left as on Ctrl-C, then the process ends by the signal."""


class TerminationGuard:
    """Inside the block, SIGTERM and SIGHUP raise `Terminated` in the main thread; after it the process ends by them.

    Signals that somebody else handles, or ignores (`nohup`), are left alone, and so are all of them outside of the main
    thread. A second signal ends the process on the spot. Guards may be nested: the outermost one ends the process.
    """

    def __init__(self) -> None:
        self._taken: list[int] = []
        self._received: int | None = None

    def __enter__(self) -> TerminationGuard:  # noqa: PYI034 - Self is not in Python 3.10
        import signal

        if threading.current_thread() is threading.main_thread():
            for name in _NAMES:
                number = getattr(signal, name, None)
                if number is not None and signal.getsignal(number) == signal.SIG_DFL:
                    signal.signal(number, self._receive)
                    self._taken.append(number)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._give_back()
        if self._received is not None:
            _end_by(self._received)

    def _receive(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        if self._received is not None:
            self._give_back()
            _end_by(number)
        self._received = number
        from experimaestro._run.experiment import experiment

        for one in experiment.opened():
            one.stop()
        raise Terminated(f"signal {number}")

    def _give_back(self) -> None:
        import signal

        taken, self._taken = self._taken, []
        for number in taken:
            if signal.getsignal(number) == self._receive:
                signal.signal(number, signal.SIG_DFL)


def _end_by(number: int) -> NoReturn:
    """End as if the signal had never been caught, so that whoever waits for the process learns what ended it."""
    import os
    import signal

    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError, ValueError):
            stream.flush()
    signal.signal(number, signal.SIG_DFL)
    signal.raise_signal(number)
    os._exit(128 + number)  # the signal is blocked: end all the same

"""SIGTERM and SIGINT in the process of a job: a chance to save one's work, then the end.

Floor: `_run`. The handlers belong to the process of the job alone: its forked children get the default ones back.
"""

from __future__ import annotations

import os
import signal
from _thread import get_ident
from typing import TYPE_CHECKING, Any

from experimaestro.exceptions import TaskCancelled

if TYPE_CHECKING:
    from types import FrameType

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def _remaining_time() -> float | None:
    """Seconds before the launcher ends the job, if it says so."""
    from experimaestro.taskglobals import Env

    ask = getattr(Env.launcher_info, "remaining_time", None)
    seconds: Any = ask() if callable(ask) else ask
    return None if seconds is None else float(seconds)


class Cancellation:
    """Turns the first signal into a `TaskCancelled` raised in the main thread, while user code runs.

    A second SIGTERM is ignored (batch systems repeat themselves, and the task may be saving its work); a second SIGINT
    raises again.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        """The signal that asked the job to stop, or None."""
        self._process = os.getpid()
        self._masks: dict[int, set[signal.Signals | int]] = {}
        self._interruptible = False
        self._over = False

    def install(self) -> None:
        """Take the two signals over, in this process only."""
        for number in _SIGNALS:
            signal.signal(number, self._on_signal)
        os.register_at_fork(before=self._hold, after_in_parent=self._let_go, after_in_child=self._restore)

    @property
    def message(self) -> str:
        """Why the job ends, in one line."""
        return "cancelled" if self.received is None else f"cancelled by {signal.Signals(self.received).name}"

    def __enter__(self) -> Cancellation:  # noqa: PYI034 - Self is not in Python 3.10
        """From here on user code runs, and may be interrupted."""
        self._interruptible = True
        if self.received is not None:
            self._interruptible = False
            raise TaskCancelled(self.message, _remaining_time())
        return self

    def __exit__(self, *_: object) -> None:
        """User code is over: a signal that comes now is too late to change the outcome."""
        self._interruptible, self._over = False, True

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if os.getpid() != self._process:  # a child made without Python's fork hooks
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        if self._over:
            return
        repeated = self.received is not None
        self.received = self.received or number
        # Before user code, it is remembered until that would start.
        if self._interruptible and (not repeated or number == signal.SIGINT):
            raise TaskCancelled(self.message, _remaining_time())

    # A signal to a child that has still our handlers would be lost: it is held back around the fork.

    def _hold(self) -> None:
        self._masks[get_ident()] = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)

    def _let_go(self) -> None:
        mask = self._masks.pop(get_ident(), None)
        if mask is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    def _restore(self) -> None:
        for number in _SIGNALS:
            if signal.getsignal(number) == self._on_signal:
                signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
        self._let_go()

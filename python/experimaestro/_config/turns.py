"""Whose turn it is to complete objects: that of one thread, and of the threads that it starts meanwhile.

A `__post_init__` may use threads and wait for them; these see the object as it is by then, as they would anywhere else.
All other threads wait until it is whole.
"""

from __future__ import annotations

import functools
import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_TURN = "__xpm_turn__"
"""Attribute of threads that were started while it was the turn of another one."""


class _Turn:
    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.is_open = True
        self.depth = 0
        """How many there are around it."""


class _Here(threading.local):
    """What is known of a thread while it has its turn."""

    of_children: _Turn | None = None
    depth = 0
    held_by_fork: _Turn | None = None


_of_all = _Turn()
_here = _Here()


def _current() -> _Turn:
    turn: _Turn | None = getattr(threading.current_thread(), _TURN, None)
    return turn if turn is not None and turn.is_open else _of_all


@contextmanager
def turn() -> Iterator[int]:
    """Wait for the turn of this thread; gives how many there are around it, its own and those of who started it."""
    _hear_of_new_threads()
    current = _current()
    with current.lock:
        around = current.depth + _here.depth
        children = _here.of_children or _Turn()
        _here.depth, _here.of_children, children.depth = _here.depth + 1, children, around + 1
        try:
            yield around
        finally:
            _here.depth, children.depth = _here.depth - 1, around
            if _here.depth == 0:
                children.is_open, _here.of_children = False, None


@functools.cache
def _hear_of_new_threads() -> None:
    """From now on, a thread that is started by one that has its turn is one of its children; once for the process."""
    start = threading.Thread.start

    @functools.wraps(start)
    def start_as_child(self: threading.Thread, *arguments: Any, **options: Any) -> None:
        if _here.of_children is not None:
            setattr(self, _TURN, _here.of_children)
        start(self, *arguments, **options)

    threading.Thread.start = start_as_child  # type: ignore[method-assign]
    # A child process gets no object that a thread, which it does not get, has half completed.
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)


def _before_fork() -> None:
    _here.held_by_fork = _current()
    _here.held_by_fork.lock.acquire()


def _after_fork() -> None:
    held, _here.held_by_fork = _here.held_by_fork, None
    if held is not None:
        held.lock.release()

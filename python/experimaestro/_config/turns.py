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


class _Here(threading.local):
    """What is known of a thread while it has its turn."""

    of_children: _Turn | None = None
    depth = 0


_of_all = _Turn()
_here = _Here()
_held_by_forks: list[_Turn] = []


def _current() -> _Turn:
    turn: _Turn | None = getattr(threading.current_thread(), _TURN, None)
    return turn if turn is not None and turn.is_open else _of_all


@contextmanager
def turn() -> Iterator[int]:
    """Wait for the turn of this thread; gives how many it has around this one."""
    _hear_of_new_threads()
    with _current().lock:
        _here.depth += 1
        if _here.of_children is None:
            _here.of_children = _Turn()
        try:
            yield _here.depth - 1
        finally:
            _here.depth -= 1
            if _here.depth == 0:
                _here.of_children.is_open = False
                _here.of_children = None


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
    current = _current()
    current.lock.acquire()
    _held_by_forks.append(current)


def _after_fork() -> None:
    _held_by_forks.pop().lock.release()

"""How the process of a job ends: threads, exit handlers, streams, and a guard against those that never end.

Floor: `_run`. Used alike by plain processes and by children of the fork server, which must not go back into the server.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import NoReturn

HANG_SECONDS = 60.0
"""A failed job that still lives after this time is killed: its threads or exit handlers hang."""
_CHILDREN_SECONDS = 5.0


def wait_for_threads() -> None:
    """Wait for the user's non-daemon threads, as the interpreter would: what they write comes before the marker."""
    threading = sys.modules.get("threading")
    if threading is not None:
        threading._shutdown()


def flush_streams() -> None:
    """Flush stdout and stderr; a broken stream is nobody's problem any more."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError, ValueError):
            stream.flush()


def leave(code: int) -> NoReturn:
    """End the process: exit handlers run, then it goes without tearing the interpreter down.

    Args:
        code: exit code; a guard kills the process after `HANG_SECONDS` when it is not 0.
    """
    import atexit

    if code != 0:
        _guard_against_hanging()
    try:
        wait_for_threads()
        atexit._run_exitfuncs()
    except BaseException as error:  # noqa: BLE001 - the outcome is recorded; nothing may stop the exit
        print(f"experimaestro: while leaving: {error!r}", file=sys.stderr)
    flush_streams()
    os._exit(code)


def _guard_against_hanging() -> None:
    import threading

    threading.Thread(target=_kill_later, name="experimaestro-hang-guard", daemon=True).start()


def _kill_later() -> None:
    import signal
    import time

    time.sleep(HANG_SECONDS)
    print(f"experimaestro: the job still hangs {HANG_SECONDS:.0f} s after it failed; killing it", file=sys.stderr)
    multiprocessing = sys.modules.get("multiprocessing")
    if multiprocessing is not None:
        children = multiprocessing.active_children()
        for child in children:
            child.terminate()
        deadline = time.monotonic() + _CHILDREN_SECONDS
        for child in children:
            child.join(max(0.0, deadline - time.monotonic()))
    flush_streams()
    os.kill(os.getpid(), signal.SIGKILL)

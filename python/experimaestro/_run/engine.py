"""The one engine of this process.

Floor: `_run`.
"""

from __future__ import annotations

import os
import threading
from typing import Literal, cast

from experimaestro._core import Engine
from experimaestro._run.devices import visible_devices
from experimaestro._run.settings import get_settings

__all__ = ["get_engine"]

_lock = threading.Lock()
_engine: Engine | None = None


def get_engine() -> Engine:
    """Return the engine that drives the jobs of this process, made on first use.

    Slots, GPUs and launcher come from `XPM_SLOTS`, `XPM_GPUS` and `XPM_LAUNCHER`, else from `local` in the settings.

    Raises:
        ValueError: one of the two variables cannot be understood.
    """
    global _engine
    if _engine is None:
        with _lock:
            if _engine is None:
                _engine = Engine(slots=_slots(), gpus=visible_devices(get_settings().local.gpus), launcher=_launcher())
    return _engine


def _slots() -> int | None:
    text = os.environ.get("XPM_SLOTS")
    if not text:
        return get_settings().local.slots
    if not text.isdecimal() or int(text) < 1:
        raise ValueError(f"XPM_SLOTS={text}: a number of jobs at once is expected, 1 or more")
    return int(text)


def _launcher() -> Literal["fork-server", "process"] | None:
    name = os.environ.get("XPM_LAUNCHER") or get_settings().local.launcher
    if name not in (None, "fork-server", "process"):
        raise ValueError(f"XPM_LAUNCHER={name}: either 'fork-server' or 'process' is expected")
    return cast('Literal["fork-server", "process"] | None', name)

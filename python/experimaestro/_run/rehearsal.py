"""What the fork server does beforehand for its children: it goes through what each of them will do, a few times.

Floor: `_run`. The interpreter adapts code that runs repeatedly, and remembers where it found names. What is adapted and
remembered in the server is there in every child; a child that does it anew copies the memory in which it is noted.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Any

ROUNDS = 10
"""After so many times, code has been adapted."""
_TASK = """
from __future__ import annotations

from experimaestro import Param, Task


class Rehearsal(Task):
    index: Param[int]

    def execute(self) -> None:
        pass
"""
_FOLDER = "/rehearsal/jobs/rehearsal/0"


class Rehearsal:
    """Rounds of what jobs do: a task is defined, loaded, and executed. Nothing is written, nothing is left."""

    def __init__(self) -> None:
        self._code = compile(_TASK, "<rehearsal>", "exec")
        self.left = ROUNDS

    def go(self) -> None:
        """Go through it once more."""
        from experimaestro import _core
        from experimaestro._config.loading import read

        self.left -= 1
        names: dict[str, Any] = {"__name__": "experimaestro_rehearsal"}
        exec(self._code, names)
        cls = names["Rehearsal"]
        root = Path(_FOLDER).parent.parent.parent
        data = _core.params_json(cls.C(index=1), str(root), _FOLDER, {})
        task = read(data, workspace=str(root), directory=_FOLDER, as_instance=True, resolver=lambda *_: cls).result
        task.execute()
        signal.signal(signal.SIGCHLD, signal.getsignal(signal.SIGCHLD))
        # The hook of the standard library for forked children; with one thread, it finds nothing to do.
        after_fork = getattr(sys.modules.get("threading"), "_after_fork", None)
        if after_fork is not None:
            after_fork()

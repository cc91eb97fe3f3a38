"""The actions of a run on disk, `actions.jsonl`: one line each, added when the action is.

Floor: `_run`. Read by `_config.actions`, which makes configurations of the lines.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from experimaestro._config.actions import FILE

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["append_action"]


def append_action(run_dir: Path, record: dict[str, Any]) -> None:
    """Add a line, whole or not at all.

    Raises:
        OSError: the file cannot be written; it is then as it was.
    """
    descriptor = os.open(run_dir / FILE, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        end = os.lseek(descriptor, 0, os.SEEK_END)
        rest = json.dumps(record).encode() + b"\n"
        try:
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            os.fsync(descriptor)
        except OSError:
            os.ftruncate(descriptor, end)
            raise
    finally:
        os.close(descriptor)

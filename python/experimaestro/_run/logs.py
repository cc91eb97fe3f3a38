"""The logs of a job across its attempts: emptied, or kept under names with the time.

Floor: `_run`. Part of every job's process.
"""

from __future__ import annotations

import os
import stat
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

ROTATE = "XPM_ROTATE_LOGS"
"""Set in the process of a job that keeps the logs of its earlier attempts."""
_NEW = os.O_WRONLY | os.O_CREAT | os.O_APPEND


def rotated(path: Path) -> Path:
    """The name under which a log is kept: `<stem>.<YYYYmmddHHMMSS><suffix>`, of a moment that no other log has."""
    moment = time.time()
    while True:
        kept = path.with_name(f"{path.stem}.{time.strftime('%Y%m%d%H%M%S', time.localtime(moment))}{path.suffix}")
        if not kept.exists():
            return kept
        moment += 1


def start_logs(base: str, keep: bool) -> None:
    """Drop or keep what earlier attempts wrote; a terminal or a pipe stays what it is.

    Args:
        base: the logs without their suffixes, which are `.out` (standard output) and `.err`.
        keep: keep them under other names, rather than empty them.
    """
    for descriptor, suffix in ((1, ".out"), (2, ".err")):
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size == 0:
            continue
        if not keep:
            os.ftruncate(descriptor, 0)
            continue
        from pathlib import Path

        path = Path(base + suffix)
        path.rename(rotated(path))
        new = os.open(path, _NEW, 0o666)
        os.dup2(new, descriptor)
        os.close(new)

"""`tqdm`: a bar in the log, and the same as progress of the job.

Floor: `_run`. Built on the library of that name where it is installed; else on a small one with the same surface.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from experimaestro._run.progress import progress
from experimaestro.taskglobals import Env

__all__ = ["tqdm", "xpm_tqdm"]

if TYPE_CHECKING:
    from experimaestro._run.plain_bar import PlainBar as _Bar
else:
    try:
        from tqdm.auto import tqdm as _Bar  # noqa: N812
    except ImportError:
        from experimaestro._run.plain_bar import PlainBar as _Bar


class tqdm(_Bar):  # noqa: N801 - name of the library
    """Wraps an iterable and reports how far it is; nested bars are deeper levels.

    Takes the arguments of `tqdm.auto.tqdm`. Progress is reported only if the total is known; outside a running task
    the bar is a bar and nothing more.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._report(0.0)

    def refresh(self, *args: Any, **kwargs: Any) -> Any:
        """Draw the bar, and report the progress."""
        result = super().refresh(*args, **kwargs)
        self._report(None)
        return result

    def update(self, n: float | None = 1) -> Any:
        """Count `n` more; drawn and reported at the rhythm of the bar."""
        drawn = super().update(n)
        if not drawn and self.total and self.n >= self.total:
            self._report(None)  # the end is told at once
        return drawn

    def close(self) -> None:
        """Draw the bar for the last time, and report where it stopped."""
        if not getattr(self, "disable", True):  # closing twice is allowed
            self._report(None)
        super().close()

    def _report(self, value: float | None) -> None:
        total = getattr(self, "total", None)
        if not total or self.disable or Env.taskpath is None:
            return
        description = (getattr(self, "desc", None) or "").removesuffix(": ") or None
        level = abs(getattr(self, "pos", 0) or 0)
        progress(self.n / total if value is None else value, level=level, desc=description)


xpm_tqdm = tqdm

"""A progress bar of our own, for when the library tqdm is not installed: same surface, plain lines in the log.

Floor: `_run`; used by `progress_bar` alone.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import TracebackType

__all__ = ["PlainBar"]


class PlainBar:
    """Counts what passes through an iterable.

    Args:
        iterable: what to loop over; None to call `update` by hand.
        desc: text in front.
        total: how many; the length of the iterable by default.
        leave, ncols, ascii, unit_scale, ...: arguments of tqdm that have no effect here.
        file: where lines go; stderr by default.
        mininterval: seconds between two reports.
        disable: count nothing, print nothing.
        unit: what is counted.
        initial: first count.
    """

    _open: ClassVar[list[PlainBar]] = []
    _line_seconds: ClassVar[float] = 5.0
    """A line is printed this often: a log is no terminal."""

    def __init__(
        self,
        iterable: Iterable[Any] | None = None,
        desc: str | None = None,
        total: float | None = None,
        leave: bool | None = True,
        file: Any = None,
        ncols: int | None = None,  # noqa: ARG002
        mininterval: float = 0.1,
        *,
        disable: bool | None = False,
        unit: str = "it",
        initial: float = 0,
        **_ignored: Any,
    ) -> None:
        if total is None and iterable is not None:
            try:
                total = len(iterable)  # type: ignore[arg-type]
            except (TypeError, AttributeError):
                total = None
        self.iterable = iterable
        self.desc = desc or ""
        self.total = total
        self.n = initial
        self.unit = unit
        self.disable = bool(disable)
        self.leave = leave
        self.pos = -len(self._open)
        self.mininterval = mininterval
        self._file = file
        self._postfix = ""
        self._last = self._last_line = self._start = time.monotonic()
        if not self.disable:
            self._open.append(self)

    def __iter__(self) -> Iterator[Any]:
        if self.iterable is None:
            raise TypeError("this bar has nothing to loop over: it was made without an iterable")
        try:
            for item in self.iterable:
                yield item
                self.update()
        finally:
            self.close()

    def __len__(self) -> int:
        if self.total is None:
            raise TypeError("the total of this bar is not known")
        return int(self.total)

    def __bool__(self) -> bool:
        return self.total is None or self.total > 0

    def __enter__(self) -> Any:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def update(self, n: float | None = 1) -> bool | None:
        """Count `n` more; true when that was reported."""
        if self.disable:
            return None
        self.n += 1 if n is None else n
        now = time.monotonic()
        if now - self._last < self.mininterval:
            return None
        self._last = now
        self.refresh()
        return True

    def refresh(self, *_arguments: Any, **_keywords: Any) -> bool | None:
        """Report now; a line is printed every few seconds."""
        now = time.monotonic()
        if not self.disable and now - self._last_line >= self._line_seconds:
            self._last_line = now
            self._print()
        return True

    def reset(self, total: float | None = None) -> None:
        """Start from zero again."""
        self.n = 0
        if total is not None:
            self.total = total
        self.refresh()

    def set_description(self, desc: str | None = None, refresh: bool | None = True) -> None:
        """Change the text in front."""
        self.desc = f"{desc}: " if desc else ""
        if refresh:
            self.refresh()

    def set_description_str(self, desc: str | None = None, refresh: bool = True) -> None:
        """Change the text in front, without the colon."""
        self.desc = desc or ""
        if refresh:
            self.refresh()

    def set_postfix(self, ordered_dict: Any = None, refresh: bool | None = True, **values: Any) -> None:
        """Show values behind the bar."""
        items = {**(ordered_dict or {}), **values}.items()
        self.set_postfix_str(", ".join(f"{name}={_short(value)}" for name, value in items), bool(refresh))

    def set_postfix_str(self, s: str = "", refresh: bool = True) -> None:
        """Show a text behind the bar."""
        self._postfix = s
        if refresh:
            self.refresh()

    def close(self) -> None:
        """Print the last line, once."""
        if self.disable:
            return
        self.disable = True
        if self in self._open:
            self._open.remove(self)
        if self.leave is not False:
            self._print()

    @classmethod
    def write(cls, s: str, file: Any = None, end: str = "\n", nolock: bool = False) -> None:  # noqa: ARG003
        """Print a line beside the bars."""
        print(s, end=end, file=file or sys.stdout)

    def _print(self) -> None:
        seconds = time.monotonic() - self._start
        count = (
            f"{self.n}/{self.total} {self.unit} ({self.n / self.total:.0%})" if self.total else f"{self.n} {self.unit}"
        )
        front = f"{self.desc.removesuffix(': ')}: " if self.desc else ""
        behind = f", {self._postfix}" if self._postfix else ""
        print(f"{front}{count} [{seconds:.1f}s{behind}]", file=self._file or sys.stderr)


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)

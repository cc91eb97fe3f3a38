"""Who may take the locks of a workspace: the mode of the files that are locked, and the locks that Python takes.

Floor: `_run`. A workspace that several people use needs files that all of them can open.
"""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType

__all__ = ["FileLock", "check_lock_mode", "file_mode", "set_lock_mode"]

_READ_WRITE = 0o666


def check_lock_mode(mode: object) -> str:
    """Return a lock mode as it is understood.

    Args:
        mode: `inherit`, `umask`, or an octal number as text.

    Raises:
        ValueError: it is something else.

    >>> check_lock_mode("inherit"), check_lock_mode("0660")
    ('inherit', '0660')
    """
    text = str(mode)
    is_octal = 3 <= len(text.removeprefix("0o")) <= 4 and all(digit in "01234567" for digit in text.removeprefix("0o"))
    if isinstance(mode, str) and (text in ("inherit", "umask") or is_octal):
        return text
    raise ValueError(f"{mode!r} is neither 'inherit', 'umask' nor an octal mode in quotes, such as '0660'")


def file_mode(workspace: Path, mode: str) -> int | None:
    """Return the permissions that lock files of a workspace get; None leaves them to the umask.

    Args:
        workspace: its folder.
        mode: as in the settings; `XPM_LOCK_MODE` is stronger.

    Raises:
        ValueError: `XPM_LOCK_MODE` is no lock mode.
    """
    chosen = check_lock_mode(os.environ.get("XPM_LOCK_MODE") or mode)
    if chosen == "umask":
        return None
    if chosen == "inherit":
        try:
            return workspace.stat().st_mode & _READ_WRITE
        except FileNotFoundError:
            return None
    return int(chosen, 8)


def set_lock_mode(path: Path, permissions: int | None) -> None:
    """Give a lock file its permissions, as far as it is ours."""
    if permissions is None:
        return
    try:
        if path.stat().st_mode & 0o777 != permissions:
            path.chmod(permissions)
    except OSError:
        return  # another user's, who gave it the mode that they wanted


class FileLock:
    """A lock on a file, among all processes that can open it; given back when its holder ends, however it ends.

    Args:
        path: the file; it is made when needed, and stays.
        permissions: of the file; None leaves them to the umask.
    """

    def __init__(self, path: str | os.PathLike[str], permissions: int | None = None) -> None:
        self.path = Path(path)
        self._permissions = permissions
        self._descriptor: int | None = None

    @property
    def is_locked(self) -> bool:
        """Whether this object holds the lock."""
        return self._descriptor is not None

    def acquire(self, blocking: bool = True) -> bool:
        """Take the lock; false when somebody else has it and `blocking` is false."""
        if self._descriptor is not None:
            return True
        import fcntl

        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _READ_WRITE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if blocking else fcntl.LOCK_NB))
        except BlockingIOError:
            os.close(descriptor)
            return False
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor
        set_lock_mode(self.path, self._permissions)
        return True

    def release(self) -> None:
        """Give the lock back, if it is held."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def __enter__(self) -> FileLock:  # noqa: PYI034 - Self is not in Python 3.10
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

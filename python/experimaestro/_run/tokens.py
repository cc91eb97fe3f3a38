"""Tokens: what only so many jobs may use at once (a licence, a quota, the memory of a machine).

Floor: `_run`. A token is a folder; who has units of it, and who waits, is decided there by the engine
(docs/architecture.md, "Leases"), for all processes and hosts that see the folder.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from experimaestro._core import token_open, token_state

if TYPE_CHECKING:
    from experimaestro._core import TokenHolder
    from experimaestro._run.job import Job

__all__ = [
    "CounterToken",
    "Dependency",
    "JobDependency",
    "ProcessCounterToken",
    "Token",
    "TokenDependency",
    "WriterDependency",
]

TaskT = TypeVar("TaskT")


class Dependency:
    """Something that a job needs before it starts, other than the tasks that it is made of.

    Args:
        origin: what is needed.
    """

    def __init__(self, origin: Any) -> None:
        self.origin = origin

    def is_dynamic(self) -> bool:
        """True: it is had for a time, and given back."""
        return True

    def lease(self) -> tuple[str, int]:
        """The folder where units are leased, and how many a job needs; asked at submission.

        Raises:
            ValueError: there will never be so many.
        """
        raise NotImplementedError(f"{type(self).__qualname__} must define lease()")


class JobDependency:
    """Another job that must be done before a job starts, though the task is not made of it.

    Args:
        origin: the job, or its task, which was submitted.

    Raises:
        ValueError: it was not submitted.
    """

    def __init__(self, origin: Any) -> None:
        job = origin if hasattr(origin, "config") else getattr(origin, "job", None)
        if job is None:
            raise ValueError(f"{origin!r} was not submitted: nothing can wait for it")
        self.origin: Job = job

    def is_dynamic(self) -> bool:
        """False: once it is done, it stays so."""
        return False

    def __repr__(self) -> str:
        return f"JobDependency({self.origin!r})"


class WriterDependency(Dependency):
    """The right to write into a folder that several jobs use, one at a time.

    Args:
        path: the folder. `informations.json` (`{"max_write_locks": N}`) in its `.experimaestro/locks/` allows more.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__(path)
        self.path = Path(os.path.abspath(os.fspath(path)))

    def lease(self) -> tuple[str, int]:
        """One writer."""
        return str(self.path / ".experimaestro" / "locks"), 1

    def __repr__(self) -> str:
        return f"WriterDependency({str(self.path)!r})"


class TokenDependency(Dependency):
    """Units of a token, which a job has from its start to its end.

    Args:
        token: the token.
        count: how many units.

    Raises:
        ValueError: the token has not so many, or `count` is less than 1.
    """

    def __init__(self, token: Token, count: int) -> None:
        super().__init__(token)
        self.token = token
        self.count = count
        self.check()

    def check(self) -> None:
        """Refuse what would wait for ever (ValueError)."""
        count = self.count
        if not isinstance(count, int) or isinstance(count, bool) or count < 1:
            raise ValueError(f"{count!r} units of the token {self.token.name}: a whole number, 1 or more, is expected")
        total = self.token.total
        if count > total:
            raise ValueError(
                f"{count} units of the token {self.token.name} are asked for, and it has {total}: the task would wait "
                f"for ever; ask for less, or change the total (it is in {self.token.path})"
            )

    def lease(self) -> tuple[str, int]:
        """Checked once more: the total may have changed."""
        self.check()
        return str(self.token.path), self.count

    def __repr__(self) -> str:
        return f"TokenDependency({self.token!r}, {self.count})"


class Token:
    """What only so many jobs may use at once.

    Args:
        name: for people.
        path: its folder, made when it is missing.
        count: units in all.
        force: change the total when the folder has another; otherwise the first one to say it is believed.

    Raises:
        ValueError: `count` is no whole number, or less than 0.
        WorkspaceError: the folder cannot be used.
    """

    def __init__(self, name: str, path: str | os.PathLike[str], count: int, force: bool = True) -> None:
        if not isinstance(count, int) or isinstance(count, bool) or count < 0:
            raise ValueError(f"the total of the token {name} is {count!r}: a whole number, 0 or more, is expected")
        self.name = name
        self.path = Path(os.path.abspath(os.path.expanduser(os.fspath(path))))
        token_open(str(self.path), count, force=force)

    @property
    def total(self) -> int:
        """Units in all; other processes may change it."""
        return token_state(str(self.path))["total"]

    @property
    def available(self) -> int:
        """Units that a new job could have at once; 0 while others wait."""
        return token_state(str(self.path))["available"]

    @property
    def holders(self) -> list[TokenHolder]:
        """Who has units and who waits, in the order of asking."""
        return token_state(str(self.path))["holders"]

    def dependency(self, count: int) -> TokenDependency:
        """Units of this token, for `add_dependencies`.

        Raises:
            ValueError: the token has not so many, or `count` is less than 1.
        """
        return TokenDependency(self, count)

    def __call__(self, count: int, task: TaskT) -> TaskT:
        """Let a task need units of this token; returns the task.

        Raises:
            ValueError: the token has not so many, or `count` is less than 1.
        """
        configuration: Any = task
        configuration.add_dependencies(self.dependency(count))
        return task

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}, {str(self.path)!r})"


class CounterToken(Token):
    """A token that all processes share which see its folder.

    Jobs take all the units that they need or none, first come, first served.

    >>> import tempfile
    >>> token = CounterToken("licence", tempfile.mkdtemp(), 2)
    >>> token.total, token.available
    (2, 2)
    >>> token.dependency(3)
    Traceback (most recent call last):
    ...
    ValueError: 3 units of the token licence are asked for, and it has 2: the task would wait for ever...
    """

    _created: ClassVar[dict[str, CounterToken]] = {}
    _lock: ClassVar[threading.Lock] = threading.Lock()

    @staticmethod
    def create(name: str, path: str | os.PathLike[str], count: int) -> CounterToken:
        """Return the token of this name, made on first use in this process.

        Args:
            name: its name. When it is known already, path and count are ignored, with a warning if they differ.
            path: its folder.
            count: units in all.
        """
        with CounterToken._lock:
            known = CounterToken._created.get(name)
            if known is None:
                CounterToken._created[name] = token = CounterToken(name, path, count)
                return token
        if known.path != Path(os.path.abspath(os.path.expanduser(os.fspath(path)))) or known.total != count:
            import warnings

            warnings.warn(
                f"the token {name} is known already, with {known.total} units in {known.path}: "
                "path and count are ignored",
                stacklevel=2,
            )
        return known


class ProcessCounterToken(Token):
    """A token for the jobs of this process alone.

    Args:
        count: units in all.
    """

    def __init__(self, count: int) -> None:
        import atexit
        import shutil
        import tempfile

        folder = tempfile.mkdtemp(prefix="experimaestro-token-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        super().__init__("process", folder, count)


def describe_line(folder: str) -> str:
    """Say in one line who has the units of a token."""
    path = Path(folder)
    holders = [holder for holder in token_state(folder)["holders"] if holder["granted"]]
    shown = ", ".join("/".join(Path(holder["job"] or "?").parts[-2:]) for holder in holders[:3])
    more = f" and {len(holders) - 3} more" if len(holders) > 3 else ""
    return f"waits for the token {path.name.removesuffix('.counter')}" + (f": held by {shown}{more}" if shown else "")

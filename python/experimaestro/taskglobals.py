"""What the code of a task may ask about the job it runs in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Env"]


class Env:
    """The surroundings of the running job; one for the process.

    Values live on the class, so that `Env.taskpath = ...` and `Env.instance().taskpath` speak of the same thing.
    Outside a job every path is None.

    >>> Env.instance().slave
    False
    """

    wspath: ClassVar[Path | None] = None
    """Root of the workspace."""
    taskpath: ClassVar[Path | None] = None
    """Folder of the job."""
    xpm_path: ClassVar[Path | None] = None
    """Folder of the job that is ours: progress, attempts."""
    slave: ClassVar[bool] = False
    """True in the ranks above 0 of a distributed task: they write no marker and report no progress."""
    launcher_info: ClassVar[Any] = None
    """What the launcher knows about this job (remaining time); None on this machine."""
    current_task: ClassVar[Any] = None
    """The task being executed."""
    loading: ClassVar[bool] = False
    """Whether this process is a job whose modules are being imported."""

    _instance: ClassVar[Env | None] = None

    @classmethod
    def instance(cls) -> Env:
        """Return the one object of this class."""
        if cls._instance is None:
            cls._instance = Env()
        return cls._instance

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(Env, name, value)

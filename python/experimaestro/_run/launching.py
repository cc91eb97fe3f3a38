"""Where and how jobs are started: connectors and launchers.

Floor: `_run`. This machine is the only place yet; the engine starts the processes.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from experimaestro._run.job import Job
    from experimaestro._run.tokens import CounterToken

__all__ = ["Connector", "DirectLauncher", "Launcher", "LocalConnector"]


class Connector:
    """Reaches the machine that runs jobs."""

    def __init__(self, localpath: str | os.PathLike[str]) -> None:
        self.localpath = Path(localpath)

    def createtoken(self, name: str, total: int) -> CounterToken:
        """Return the token of this name on the machine, `<localpath>/tokens/<name>.counter`.

        Args:
            name: its name.
            total: units in all; it replaces another total.

        Raises:
            ValueError: the name cannot be that of a file.
        """
        from experimaestro._run.tokens import CounterToken

        if not name or "/" in name or name.startswith(".") or not name.isprintable():
            raise ValueError(f"{name!r} cannot name a token: it names a folder, so no '/', and no '.' in front")
        return CounterToken(name, self.localpath / "tokens" / f"{name}.counter", total)


class LocalConnector(Connector):
    """This machine.

    Args:
        localpath: folder for what is shared by all workspaces; `XPM_WORKDIR` or `~/.local/share/experimaestro`.
    """

    _instance: ClassVar[LocalConnector | None] = None

    def __init__(self, localpath: str | os.PathLike[str] | None = None) -> None:
        if localpath is None:
            localpath = os.environ.get("XPM_WORKDIR") or Path.home() / ".local" / "share" / "experimaestro"
        super().__init__(localpath)

    @classmethod
    def instance(cls) -> LocalConnector:
        """Return the connector that everybody shares."""
        if LocalConnector._instance is None:
            LocalConnector._instance = LocalConnector()
        return LocalConnector._instance

    def __str__(self) -> str:
        return "local"


class Launcher:
    """Starts jobs; holds variables for all that it starts."""

    slots = 1
    """Slots of this machine that each job takes."""
    gpus = 0
    """GPUs of this machine that each job is given."""

    def __init__(self, connector: Connector) -> None:
        self.connector = connector
        self.environ: dict[str, str] = {}
        self.submit_listeners: list[Callable[[Job], object]] = []
        self.notificationURL: str | None = None
        """Kept for older programmes: jobs write their progress into their folders."""

    def setNotificationURL(self, url: str | None) -> None:  # noqa: N802 - name of older versions
        """Kept for older programmes: nothing is sent there."""
        self.notificationURL = url

    def setenv(self, key: str, value: str) -> None:
        """Set a variable for every job started by this launcher."""
        self.environ[str(key)] = str(value)

    def addListener(self, listener: Callable[[Job], object]) -> None:  # noqa: N802 - name of older versions
        """Have `listener(job)` called for each job at its submission, for instance to add dependencies on tokens."""
        self.submit_listeners.append(listener)

    def onSubmit(self, job: Job) -> None:  # noqa: N802 - name of older versions
        """Call the listeners (done by `submit`)."""
        for listener in self.submit_listeners:
            listener(job)


class DirectLauncher(Launcher):
    """Starts jobs as processes of this machine.

    Args:
        connector: this machine, by default.
        slots: how many of the slots of this machine (its CPUs, by default) each job takes.
        gpus: how many GPUs each job is given: its `CUDA_VISIBLE_DEVICES` names them, and no other job has them.

    Raises:
        ValueError: a number makes no sense.
    """

    def __init__(self, connector: Connector | None = None, *, slots: int = 1, gpus: int = 0) -> None:
        super().__init__(connector or LocalConnector.instance())
        if slots < 0 or gpus < 0:
            raise ValueError(f"slots={slots}, gpus={gpus}: numbers of 0 or more are expected")
        self.slots = slots
        self.gpus = gpus

    def __str__(self) -> str:
        return f"DirectLauncher({self.connector})"

"""Where and how jobs are started: connectors and launchers.

Floor: `_run`. This machine is the only place yet; the engine starts the processes.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar

__all__ = ["Connector", "DirectLauncher", "Launcher", "LocalConnector"]


class Connector:
    """Reaches the machine that runs jobs."""

    def __init__(self, localpath: str | os.PathLike[str]) -> None:
        self.localpath = Path(localpath)


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

    def __init__(self, connector: Connector) -> None:
        self.connector = connector
        self.environ: dict[str, str] = {}

    def setenv(self, key: str, value: str) -> None:
        """Set a variable for every job started by this launcher."""
        self.environ[str(key)] = str(value)


class DirectLauncher(Launcher):
    """Starts jobs as processes of this machine."""

    def __init__(self, connector: Connector | None = None) -> None:
        super().__init__(connector or LocalConnector.instance())

    def __str__(self) -> str:
        return f"DirectLauncher({self.connector})"

"""A workspace: the folder that holds jobs and experiments, and what its jobs inherit.

Floor: `_run`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from experimaestro import _core
from experimaestro._config.decorators import add_workspace_source
from experimaestro._run.launching import DirectLauncher, Launcher
from experimaestro._run.run_mode import RunMode

if TYPE_CHECKING:
    import os
    from collections import ChainMap
    from collections.abc import Iterator
    from pathlib import Path

    from experimaestro._run.launching import Connector
    from experimaestro._run.lock_mode import FileLock
    from experimaestro._run.settings import FolderSettings, HistorySettings, Settings, WorkspaceSettings

__all__ = ["Workspace", "make_current", "set_launcher"]


class Workspace:
    """A workspace in use.

    Args:
        settings: the user's settings.
        workspace_settings: which folder, and its own settings.
        launcher: starts the jobs; this machine by default.
        run_mode: what `submit()` does.
    """

    CURRENT: ClassVar[Workspace | None] = None

    def __init__(
        self,
        settings: Settings,
        workspace_settings: WorkspaceSettings,
        launcher: Launcher | None = None,
        run_mode: RunMode | None = None,
    ) -> None:
        from collections import ChainMap

        self.settings = settings
        self.workspace_settings = workspace_settings
        self.path: Path = workspace_settings.path
        self.path_text = str(self.path)
        self.run_mode = run_mode or RunMode.NORMAL
        self.launcher: Launcher = launcher or DirectLauncher()
        self.env: ChainMap[str, str] = ChainMap({}, workspace_settings.env, settings.env)
        """Variables of the jobs: set by the experiment, then by the workspace, then by the user."""
        self.scheme = "md5"
        """How identifiers are made here; known once the workspace is entered."""
        self._folders: list[FolderSettings] | None = None
        self.python_path: list[Path] = []
        """Folders put in front of `sys.path` in the jobs."""
        own = workspace_settings.retries.given() or settings.of_folder(self.path).retries.given()
        self.retries: dict[str, float] = {**settings.retries.given(), **own}
        """How often jobs start again that their own code did not end: what the settings say of it, by name."""
        self.notificationURL: str | None = None
        """Kept for older programmes: jobs write their progress into their folders."""

    def enter(self) -> None:
        """Find the identifier scheme; nothing is written.

        Raises:
            WorkspaceError: another one is recorded, or the jobs are of an older package and nobody says which it is.
        """
        from experimaestro._run.scheme import choose_scheme

        self.scheme = choose_scheme(self.path, self.workspace_settings.scheme)

    @property
    def connector(self) -> Connector:
        """How the machine of the launcher is reached."""
        return self.launcher.connector

    @property
    def jobspath(self) -> Path:
        """Folder of all jobs."""
        return self.path / "jobs"

    @property
    def partialspath(self) -> Path:
        """Folder of what several jobs share."""
        return self.path / "partials"

    @property
    def configcachepath(self) -> Path:
        """Folder of what cached methods of configurations keep."""
        return self.path / "config"

    @property
    def schedulerpath(self) -> Path:
        """Where older packages keep the logs of their drivers. Nothing is there: a run's folder has its own."""
        return self.path / ".scheduler"

    @property
    def experimentspath(self) -> Path:
        """Folder of all experiments."""
        return self.path / "experiments"

    @property
    def history(self) -> HistorySettings:
        """How many ended runs of each experiment are kept."""
        own = self.workspace_settings.history or self.settings.of_folder(self.path).history
        return own or self.settings.history

    @property
    def lock_mode(self) -> int | None:
        """Permissions of the files that are locked; None leaves them to the umask."""
        from experimaestro._run.lock_mode import file_mode

        own = self.workspace_settings.lock_mode
        return file_mode(self.path, own if own != "inherit" else self.settings.of_folder(self.path).lock_mode)

    def create_file_lock(self, path: str | os.PathLike[str]) -> FileLock:
        """Return a lock on a file of this workspace, which all its users can take."""
        from experimaestro._run.lock_mode import FileLock

        return FileLock(path, self.lock_mode)

    @property
    def folders(self) -> list[FolderSettings]:
        """Other folders that hold jobs of this workspace."""
        if self._folders is None:
            # Asked with every submission.
            self._folders = self.workspace_settings.folders or self.settings.of_folder(self.path).folders
        return self._folders

    @property
    def alt_jobspaths(self) -> Iterator[Path]:
        """Folders of jobs outside of the workspace."""
        return (folder.path / "jobs" for folder in self.folders)

    @staticmethod
    def set_launcher(launcher: Launcher) -> None:
        """Use this launcher for the tasks submitted from now on.

        Raises:
            RuntimeError: no experiment is open.
        """
        if Workspace.CURRENT is None:
            raise RuntimeError("set_launcher() needs an experiment: call it inside `with experiment(...)`")
        Workspace.CURRENT.launcher = launcher

    def __repr__(self) -> str:
        return f"Workspace({self.path_text!r})"


set_launcher = Workspace.set_launcher

# Cached methods of configurations lie in the workspace of the current experiment.
add_workspace_source(lambda: None if Workspace.CURRENT is None else Workspace.CURRENT.path)


def make_current(workspace: Workspace | None) -> None:
    """Submit to this workspace from now on, and make identifiers of its scheme."""
    Workspace.CURRENT = workspace
    _core.use_scheme("md5" if workspace is None else workspace.scheme)

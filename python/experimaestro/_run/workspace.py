"""A workspace: the folder that holds jobs and experiments, and what its jobs inherit.

Floor: `_run`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from experimaestro._config.decorators import add_workspace_source
from experimaestro._run.launching import DirectLauncher, Launcher
from experimaestro._run.run_mode import RunMode

if TYPE_CHECKING:
    from collections import ChainMap
    from pathlib import Path

    from experimaestro._run.launching import Connector
    from experimaestro._run.settings import Settings, WorkspaceSettings

__all__ = ["Workspace", "set_launcher"]


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
        self.python_path: list[Path] = []
        """Folders put in front of `sys.path` in the jobs."""

    @property
    def connector(self) -> Connector:
        """How the machine of the launcher is reached."""
        return self.launcher.connector

    @property
    def jobspath(self) -> Path:
        """Folder of all jobs."""
        return self.path / "jobs"

    @property
    def experimentspath(self) -> Path:
        """Folder of all experiments."""
        return self.path / "experiments"

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

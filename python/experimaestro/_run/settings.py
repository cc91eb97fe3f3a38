"""The settings of the user: what runs on this machine, which workspaces there are, what is kept.

Floor: `_run`. The file is read by `settings_file`, when it exists.
"""

from __future__ import annotations

import copy
import os
import sys
from enum import Enum
from pathlib import Path

__all__ = ["CarbonSettings", "FolderMode", "FolderSettings", "HistorySettings", "LocalSettings", "RetrySettings",
           "SSHSettings", "ServerSettings", "Settings", "WorkspaceSettings", "find_workspace", "get_settings",
           "get_workspace", "settings_path"]  # fmt: skip


class FolderMode(str, Enum):
    """What another folder is to a workspace."""

    USE = "use"
    """Jobs that are done there are found; nothing is written there."""
    BACKUP = "backup"
    """Jobs that are done are copied there."""
    MOVE = "move"
    """Jobs that are done are copied there, and the workspace keeps a link."""


class FolderSettings:
    """Another folder of a workspace, where jobs may be in `jobs/<task>/<identifier>` too.

    Attributes:
        path: the folder.
        mode: what it is used for.
    """

    def __init__(self, path: str | os.PathLike[str], mode: FolderMode | str = FolderMode.USE) -> None:
        self.path = Path(os.path.abspath(os.path.expanduser(os.fspath(path))))
        self.mode = FolderMode(mode)

    def __repr__(self) -> str:
        return f"FolderSettings({str(self.path)!r}, {self.mode.value!r})"


class HistorySettings:
    """How many ended runs of an experiment are kept, beside the present one.

    Attributes:
        max_done: runs that succeeded.
        max_failed: runs that failed.
    """

    def __init__(self, max_done: int = 5, max_failed: int = 1) -> None:
        self.max_done = max_done
        self.max_failed = max_failed

    def __repr__(self) -> str:
        return f"HistorySettings(max_done={self.max_done}, max_failed={self.max_failed})"


class RetrySettings:
    """How often a job starts again that its own code did not end; what is None is left to who is asked next.

    Asked in turn: a submit hook (`job.retries`), the experiment, the workspace, the settings for all, the engine.

    Attributes:
        preempted: times that it starts again after its place was given to somebody else (10).
        lost: times after its process or host vanished (2).
        memory: times after there was not enough memory (0).
        memory_growth: memory of the next attempt over that of the last one that had too little (1.0).

    Raises:
        ValueError: a number is less than 0, or the growth less than 1.
    """

    def __init__(
        self,
        *,
        preempted: int | None = None,
        lost: int | None = None,
        memory: int | None = None,
        memory_growth: float | None = None,
    ) -> None:
        counts = (preempted, lost, memory)
        if any(count is not None and count < 0 for count in counts) or not (
            memory_growth is None or memory_growth >= 1
        ):
            raise ValueError(f"{counts} retries, memory growth {memory_growth}: 0 or more, and 1 or more, are expected")
        self.preempted = preempted
        self.lost = lost
        self.memory = memory
        self.memory_growth = memory_growth

    def given(self) -> dict[str, float]:
        """Return what is not None, by name."""
        return {name: value for name, value in vars(self).items() if value is not None}


class CarbonSettings:
    """How the energy that jobs use is measured.

    Attributes:
        enabled: whether it is.
        provider: who measures.
        country_iso_code, region: where the machine stands.
        report_interval_s: seconds between two reports of a job.
        warn_if_unavailable: say so when the provider is not installed.
    """

    def __init__(
        self,
        enabled: bool = True,
        provider: str = "codecarbon",
        country_iso_code: str | None = None,
        region: str | None = None,
        report_interval_s: float = 60,
        warn_if_unavailable: bool = True,
    ) -> None:
        self.enabled = enabled
        self.provider = provider
        self.country_iso_code = country_iso_code
        self.region = region
        self.report_interval_s = report_interval_s
        self.warn_if_unavailable = warn_if_unavailable


class ServerSettings:
    """The web server of experiments.

    Attributes:
        port, host: where it listens.
        autohost: `fqdn` or `name`: the host is that of this machine.
        token: what lets people in; a new one at each start when None.
    """

    def __init__(
        self,
        port: int | None = None,
        host: str | None = None,
        autohost: str | None = None,
        token: str | None = None,
    ) -> None:
        self.port = port
        self.host = host
        self.autohost = autohost
        self.token = token


class SSHSettings:
    """How the host of a remote workspace is reached, and experimaestro is started there.

    Attributes:
        host: as `ssh` knows it.
        shell_init: run before anything else.
        uv_offline: whether uv may not download.
        python: the interpreter that uv uses.
        xpm_path: an installed `xpm`, instead of uv.
        options: for `ssh`.
    """

    def __init__(
        self,
        host: str,
        *,
        shell_init: str | None = None,
        uv_offline: bool = False,
        python: str | None = None,
        xpm_path: str | None = None,
        options: list[str] | None = None,
    ) -> None:
        self.host = host
        self.shell_init = shell_init
        self.uv_offline = uv_offline
        self.python = python
        self.xpm_path = xpm_path
        self.options = list(options or [])


class LocalSettings:
    """How jobs run on this machine.

    Attributes:
        slots: how many at once; None means as many as there are CPUs for this process.
        launcher: `fork-server` or `process`; None lets the engine choose.
        gpus: names of the devices that jobs are given; None means all that this process sees.
    """

    def __init__(self, slots: int | None = None, launcher: str | None = None, gpus: list[str] | None = None) -> None:
        self.slots = slots
        self.launcher = launcher
        self.gpus = gpus


class WorkspaceSettings:
    """A workspace of the settings file, or one made from a path.

    Args:
        id: short name; empty for a workspace that is in no file.
        path: its folder; for a remote workspace, as its host understands it.
        env: variables for the tasks of this workspace.
        max_retries: how often a resumable task is tried.
        triggers: patterns of experiment names that choose this workspace.
        scheme: how identifiers are made in it: `sha256-v2` or `sha256-v1` for a workspace of an older package; None for
            what it records, and `md5` for a new one.
        history: how many runs are kept; None means as the settings say for all.
        folders: other folders that hold jobs.
        ssh: how its host is reached, for a remote workspace.
        retries: how often jobs start again that their own code did not end.
        lock_mode: of the files that are locked: `inherit` (who may read and write the workspace may lock), `umask`, or
            an octal number as text.
    """

    def __init__(
        self,
        id: str = "",
        path: str | os.PathLike[str] = ".",
        *,
        env: dict[str, str] | None = None,
        max_retries: int = 3,
        triggers: list[str] | None = None,
        scheme: str | None = None,
        history: HistorySettings | None = None,
        folders: list[FolderSettings] | None = None,
        ssh: SSHSettings | None = None,
        lock_mode: str = "inherit",
        retries: RetrySettings | None = None,
    ) -> None:
        self.id = id
        self.ssh = ssh
        self.path = _absolute(path) if ssh is None else Path(path)
        self.env: dict[str, str] = dict(env or {})
        self.max_retries = max_retries
        self.triggers = list(triggers or [])
        self.scheme = scheme
        self.history = history
        self.folders = list(folders or [])
        self.lock_mode = lock_mode
        self.retries = retries or RetrySettings()

    @property
    def is_remote(self) -> bool:
        """Whether it is on another host."""
        return self.ssh is not None

    def at(self, path: str | os.PathLike[str]) -> WorkspaceSettings:
        """Return the same settings for another folder."""
        other = copy.copy(self)
        other.path = _absolute(path)
        return other

    def __repr__(self) -> str:
        return f"WorkspaceSettings(id={self.id!r}, path={str(self.path)!r})"


class Settings:
    """What the settings file says; everything has a default.

    Attributes:
        env: variables for every task.
        workspaces: in the order of the file; the first that is not remote is the default one.
        local: how jobs run on this machine.
        history: how many runs of each experiment are kept.
        retries: how often jobs start again that their own code did not end.
        carbon: how the energy that jobs use is measured.
        server: the web server of experiments.
    """

    def __init__(
        self,
        *,
        env: dict[str, str] | None = None,
        workspaces: list[WorkspaceSettings] | None = None,
        local: LocalSettings | None = None,
        history: HistorySettings | None = None,
        retries: RetrySettings | None = None,
        carbon: CarbonSettings | None = None,
        server: ServerSettings | None = None,
    ) -> None:
        self.env: dict[str, str] = dict(env or {})
        self.workspaces = list(workspaces or [])
        self.local = local or LocalSettings()
        self.history = history or HistorySettings()
        self.retries = retries or RetrySettings()
        self.carbon = carbon or CarbonSettings()
        self.server = server or ServerSettings()

    def of_folder(self, path: Path) -> WorkspaceSettings:
        """Return the workspace of the file with this folder; one without settings of its own when there is none."""
        same = (known for known in self.workspaces if not known.is_remote and known.path == path)
        return next(same, WorkspaceSettings("", path))


_cached: Settings | None = None


def settings_path() -> Path:
    """Return where the settings file is looked for."""
    return Path.home() / ".config" / "experimaestro" / "settings.yaml"


def get_settings() -> Settings:
    """Return the settings of the user, read once per process; defaults under pytest and when there is no file.

    Raises:
        ValueError: the file is not what it should be; the message names line and key.
    """
    global _cached
    if _cached is None:
        path = settings_path()
        if hasattr(sys, "_called_from_test"):
            _cached = Settings(carbon=CarbonSettings(enabled=False))
        elif not path.is_file():
            _cached = Settings()
        else:
            from experimaestro._run.settings_file import read_settings

            _cached = read_settings(path)
    return _cached


def get_workspace(id: str | None = None, *, include_remote: bool = False) -> WorkspaceSettings | None:
    """Return the workspace with this id, or the default one; None when there is none.

    Args:
        id: its name in the settings file; the first workspace by default.
        include_remote: whether workspaces of other hosts count.
    """
    for workspace in get_settings().workspaces:
        if (id is None or workspace.id == id) and (include_remote or not workspace.is_remote):
            return workspace
    return None


def find_workspace(
    *, workspace: str | None = None, workdir: str | os.PathLike[str] | None = None, experiment_id: str | None = None
) -> WorkspaceSettings:
    """Choose a workspace.

    Args:
        workspace: its id in the settings file.
        workdir: its folder; with `workspace`, replaces the folder of the file.
        experiment_id: name of the experiment, for the `triggers` of the file.

    Returns:
        The workspace named; else the folder; else the first one triggered; else the default one.

    Raises:
        RuntimeError: no workspace has this id, or it is on another host.
        AssertionError: nothing was given, and the file names no workspace.
    """
    if workspace is not None:
        return _named(workspace, workdir)
    if workdir is not None:
        return WorkspaceSettings("", workdir)
    if experiment_id is not None:
        import fnmatch

        for entry in get_settings().workspaces:
            if not entry.is_remote and any(fnmatch.fnmatch(experiment_id, pattern) for pattern in entry.triggers):
                return entry
    default = get_workspace()
    if default is None:
        raise AssertionError(f"no workspace: give a folder (--workdir), or name one in {settings_path()}")
    return default


def _named(name: str, workdir: str | os.PathLike[str] | None) -> WorkspaceSettings:
    found = get_workspace(name, include_remote=True)
    if found is None:
        known = ", ".join(entry.id for entry in get_settings().workspaces) or "none"
        raise RuntimeError(f"no workspace {name!r} in {settings_path()} (there: {known})")
    if workdir is not None:
        return found.at(workdir)
    if found.ssh is not None:
        raise RuntimeError(f"the workspace {name!r} is on {found.ssh.host}: it can be used on that host only")
    return found


def _absolute(path: str | os.PathLike[str]) -> Path:
    return Path(os.path.abspath(os.path.expanduser(os.fspath(path))))

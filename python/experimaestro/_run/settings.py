"""The user's settings file, `~/.config/experimaestro/settings.yaml`.

Floor: `_run`. YAML is imported only when the file exists.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

__all__ = ["HistorySettings", "LocalSettings", "ServerSettings", "Settings", "WorkspaceSettings", "find_workspace",
           "get_settings", "get_workspace", "settings_path"]  # fmt: skip

_VARIABLE = re.compile(r"\$\{(?:oc\.)?env[:.]([A-Za-z_][A-Za-z0-9_]*)\}")


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


class HistorySettings:
    """How many past runs of an experiment are kept, besides the current one.

    Attributes:
        max_done: runs that succeeded.
        max_failed: runs that failed since the last success.
    """

    def __init__(self, max_done: int = 5, max_failed: int = 1) -> None:
        self.max_done = max_done
        self.max_failed = max_failed


class ServerSettings:
    """Where the web server of an experiment listens.

    Attributes:
        port: None lets the system choose.
        host: None is this machine only.
        autohost: `fqdn` or `name`: the name under which addresses are told.
        token: None makes a new one at each start.
    """

    def __init__(
        self, port: int | None = None, host: str | None = None, autohost: str | None = None, token: str | None = None
    ) -> None:
        self.port = port
        self.host = host
        self.autohost = autohost
        self.token = token


class WorkspaceSettings:
    """A workspace of the settings file, or one made from a path.

    Args:
        id: short name; empty for a workspace that is in no file.
        path: its folder.
        env: variables for the tasks of this workspace.
        max_retries: how often a resumable task is tried.
        triggers: patterns of experiment names that choose this workspace.
        scheme: how identifiers are made in it: `sha256-v2` or `sha256-v1` for a workspace of an older package; None for
            what it records, and `md5` for a new one.
        history: how many past runs are kept; None means as the settings say for all workspaces.
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
    ) -> None:
        self.id = id
        self.path = Path(os.path.abspath(os.path.expanduser(os.fspath(path))))
        self.env: dict[str, str] = dict(env or {})
        self.max_retries = max_retries
        self.triggers = list(triggers or [])
        self.scheme = scheme
        self.history = history

    def __repr__(self) -> str:
        return f"WorkspaceSettings(id={self.id!r}, path={str(self.path)!r})"


class Settings:
    """What the settings file says; everything has a default.

    Attributes:
        env: variables for every task.
        workspaces: in the order of the file; the first is the default one.
        local: how jobs run on this machine.
        server: where the web server of an experiment listens.
        history: how many past runs of an experiment are kept.
    """

    def __init__(
        self,
        *,
        env: dict[str, str] | None = None,
        workspaces: list[WorkspaceSettings] | None = None,
        local: LocalSettings | None = None,
        server: ServerSettings | None = None,
        history: HistorySettings | None = None,
    ) -> None:
        self.env: dict[str, str] = dict(env or {})
        self.workspaces = list(workspaces or [])
        self.local = local or LocalSettings()
        self.server = server or ServerSettings()
        self.history = history or HistorySettings()


_cached: Settings | None = None


def settings_path() -> Path:
    """Return where the settings file is looked for."""
    return Path.home() / ".config" / "experimaestro" / "settings.yaml"


def get_settings() -> Settings:
    """Return the settings of the user, read once per process; defaults under pytest and when there is no file.

    Raises:
        ValueError: the file is not what it should be; the message names the key.
    """
    global _cached
    if _cached is None:
        path = settings_path()
        if hasattr(sys, "_called_from_test") or not path.is_file():
            _cached = Settings()
        else:
            _cached = read_settings(path)
    return _cached


def read_settings(path: Path) -> Settings:
    """Read a settings file; unknown keys are ignored, since other versions may know them.

    Raises:
        ValueError: it is not valid YAML, or a known key has a value of the wrong kind.
    """
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except yaml.YAMLError as error:
        raise ValueError(f"{path}: not valid YAML: {error}") from None
    content = _expand(_mapping(content, str(path)))
    local = _mapping(content.get("local") or {}, f"{path}: local")
    slots = local.get("slots")
    if slots is not None and (not isinstance(slots, int) or isinstance(slots, bool) or slots < 1):
        raise ValueError(f"{path}: local.slots: {slots!r} is not a number of jobs (1 or more)")
    launcher = local.get("launcher")
    if launcher not in (None, "fork-server", "process"):
        raise ValueError(f"{path}: local.launcher: {launcher!r} is neither 'fork-server' nor 'process'")
    gpus = local.get("gpus")
    if gpus is not None and not (isinstance(gpus, list) and all(isinstance(name, int | str) for name in gpus)):
        raise ValueError(f"{path}: local.gpus: {gpus!r} is not a list of devices, such as [0, 1]")
    workspaces = content.get("workspaces") or []
    if not isinstance(workspaces, list):
        raise ValueError(f"{path}: workspaces: a list is expected, not {type(workspaces).__name__}")
    return Settings(
        env=_variables(content.get("env"), f"{path}: env"),
        workspaces=[_workspace(entry, f"{path}: workspaces[{index}]") for index, entry in enumerate(workspaces)],
        local=LocalSettings(slots, launcher, None if gpus is None else [str(name) for name in gpus]),
        server=_server(content.get("server"), f"{path}: server"),
        history=_history(content.get("history"), f"{path}: history") or HistorySettings(),
    )


def get_workspace(id: str | None = None) -> WorkspaceSettings | None:
    """Return the workspace with this id, or the default one; None when there is none."""
    for workspace in get_settings().workspaces:
        if id is None or workspace.id == id:
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
        RuntimeError: no workspace has this id.
        AssertionError: nothing was given, and the file names no workspace.
    """
    if workspace is not None:
        found = get_workspace(workspace)
        if found is None:
            known = ", ".join(entry.id for entry in get_settings().workspaces) or "none"
            raise RuntimeError(f"no workspace {workspace!r} in {settings_path()} (there: {known})")
        if workdir is None:
            return found
        return WorkspaceSettings(
            found.id,
            workdir,
            env=found.env,
            max_retries=found.max_retries,
            triggers=found.triggers,
            scheme=found.scheme,
            history=found.history,
        )
    if workdir is not None:
        return WorkspaceSettings("", workdir)
    if experiment_id is not None:
        import fnmatch

        for entry in get_settings().workspaces:
            if any(fnmatch.fnmatch(experiment_id, pattern) for pattern in entry.triggers):
                return entry
    default = get_workspace()
    if default is None:
        raise AssertionError(f"no workspace: give a folder (--workdir), or name one in {settings_path()}")
    return default


def _workspace(entry: Any, place: str) -> WorkspaceSettings:
    entry = _mapping(entry, place)
    for key in ("id", "path"):
        if not isinstance(entry.get(key), str):
            raise ValueError(f"{place}: the key {key!r} is missing, or is not text")
    retries = entry.get("max_retries", 3)
    if not isinstance(retries, int) or isinstance(retries, bool):
        raise ValueError(f"{place}.max_retries: {retries!r} is not a whole number")
    triggers = entry.get("triggers") or []
    if not isinstance(triggers, list):
        raise ValueError(f"{place}.triggers: a list of patterns is expected")
    return WorkspaceSettings(
        entry["id"],
        Path(entry["path"]).expanduser().resolve(),
        env=_variables(entry.get("env"), f"{place}.env"),
        max_retries=retries,
        triggers=[str(trigger) for trigger in triggers],
        scheme=_scheme(entry.get("scheme"), f"{place}.scheme"),
        history=_history(entry.get("history"), f"{place}.history"),
    )


def _scheme(value: Any, place: str) -> str | None:
    from experimaestro._run.scheme import check_scheme

    return None if value is None else check_scheme(value, place)


def _history(value: Any, place: str) -> HistorySettings | None:
    if value is None:
        return None
    entry = _mapping(value, place)
    counts: dict[str, int] = {}
    for key in ("max_done", "max_failed"):
        count = entry.get(key)
        if count is None:
            continue
        if not isinstance(count, int) or isinstance(count, bool) or count < 0:
            raise ValueError(f"{place}.{key}: {count!r} is not a number of runs (0 or more)")
        counts[key] = count
    return HistorySettings(**counts)


def _server(value: Any, place: str) -> ServerSettings:
    entry = _mapping(value or {}, place)
    port = entry.get("port")
    if port is not None and (not isinstance(port, int) or isinstance(port, bool) or not 0 <= port < 65536):
        raise ValueError(f"{place}.port: {port!r} is not the number of a port")
    if entry.get("autohost") not in (None, "fqdn", "name"):
        raise ValueError(f"{place}.autohost: {entry['autohost']!r} is neither 'fqdn' nor 'name'")
    texts = {key: None if entry.get(key) is None else str(entry[key]) for key in ("host", "autohost", "token")}
    return ServerSettings(port, texts["host"], texts["autohost"], texts["token"])


def _mapping(value: Any, place: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{place}: keys and values are expected, not {type(value).__name__}")
    return value


def _variables(value: Any, place: str) -> dict[str, str]:
    return {str(name): str(text) for name, text in _mapping(value or {}, place).items()}


def _expand(value: Any) -> Any:
    """Replace `${env:NAME}` in every text; a variable that is not set is left as written."""
    if isinstance(value, str):
        return _VARIABLE.sub(lambda match: os.environ.get(match[1], match[0]), value)
    if isinstance(value, list):
        return [_expand(item) for item in value]
    if isinstance(value, dict):
        return {key: _expand(item) for key, item in value.items()}
    return value

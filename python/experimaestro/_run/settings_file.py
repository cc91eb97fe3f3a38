"""Reading the settings file, `~/.config/experimaestro/settings.yaml`.

Floor: `_run`. Imported only when there is such a file: it needs YAML.
"""

from __future__ import annotations

from pathlib import Path

from experimaestro._run.lock_mode import check_lock_mode
from experimaestro._run.settings import (
    CarbonSettings,
    FolderMode,
    FolderSettings,
    HistorySettings,
    LocalSettings,
    RetrySettings,
    ServerSettings,
    Settings,
    SSHSettings,
    WorkspaceSettings,
)
from experimaestro._run.settings_section import Section

__all__ = ["read_settings"]


def read_settings(path: Path) -> Settings:
    """Read a settings file. Unknown keys are ignored, since other versions may know them.

    A key that looks like a misspelling of a known one is warned of.

    Raises:
        ValueError: it is not valid YAML, or a known key has a value of the wrong kind; names file, line and key.
    """
    root = Section.of_file(path)
    settings = Settings(
        env=root.variables("env"),
        workspaces=[_workspace(entry) for entry in root.sections("workspaces")],
        local=_local(root.section("local")),
        history=_history(root.section("history")),
        retries=_retries(root.section("retries")),
        carbon=_carbon(root.section("carbon")),
        server=_server(root.section("server")),
    )
    root.finish()
    _resolve_alternatives(settings, root)
    return settings


def _local(section: Section | None) -> LocalSettings | None:
    if section is None:
        return None
    gpus = section.take("gpus")
    if gpus is not None and not (isinstance(gpus, list) and all(isinstance(name, int | str) for name in gpus)):
        section.fail("gpus", f"{gpus!r} is not a list of devices, such as [0, 1]")
    return section.make(
        LocalSettings,
        slots=section.number("slots", least=1),
        launcher=section.choice("launcher", ["fork-server", "process"]),
        gpus=None if gpus is None else [str(name) for name in gpus],
    )


def _history(section: Section | None) -> HistorySettings | None:
    if section is None:
        return None
    return section.make(
        HistorySettings,
        max_done=section.number("max_done", least=0),
        max_failed=section.number("max_failed", least=0),
    )


def _retries(section: Section | None) -> RetrySettings | None:
    if section is None:
        return None
    return section.make(
        RetrySettings,
        preempted=section.number("preempted", least=0),
        lost=section.number("lost", least=0),
        memory=section.number("memory", least=0),
        memory_growth=section.number("memory_growth", least=1, whole=False),
    )


def _carbon(section: Section | None) -> CarbonSettings | None:
    if section is None:
        return None
    return section.make(
        CarbonSettings,
        enabled=section.flag("enabled"),
        provider=section.text("provider"),
        country_iso_code=section.text("country_iso_code"),
        region=section.text("region"),
        report_interval_s=section.number("report_interval_s", least=1, whole=False),
        warn_if_unavailable=section.flag("warn_if_unavailable"),
    )


def _server(section: Section | None) -> ServerSettings | None:
    if section is None:
        return None
    return section.make(
        ServerSettings,
        port=section.number("port", least=0, most=65535),
        host=section.text("host"),
        autohost=section.choice("autohost", ["fqdn", "name"]),
        token=section.text("token"),
    )


def _ssh(section: Section | None) -> SSHSettings | None:
    if section is None:
        return None
    options = section.values.get("options")
    if isinstance(options, str):
        import shlex

        section.values["options"] = shlex.split(options)
    return section.make(
        SSHSettings,
        host=section.needed("host"),
        shell_init=section.text("shell_init"),
        uv_offline=section.flag("uv_offline"),
        python=section.text("python"),
        xpm_path=section.text("xpm_path"),
        options=section.texts("options", "options"),
    )


def _workspace(entry: Section) -> WorkspaceSettings:
    ssh = _ssh(entry.section("ssh"))
    name, path = entry.needed("id"), entry.needed("path")
    mode = entry.take("lock_mode")
    if mode is not None:
        try:
            mode = check_lock_mode(mode)
        except ValueError as error:
            entry.fail("lock_mode", str(error))
    if entry.items("alt_workspaces", "workspaces"):
        entry.warn("alt_workspaces", "older name of `folders` with `mode: use`; it still works")
    return entry.make(
        WorkspaceSettings,
        id=name,
        path=Path(path).expanduser().resolve() if ssh is None else path,
        env=entry.variables("env"),
        max_retries=entry.number("max_retries", least=0),
        triggers=entry.texts("triggers", "patterns"),
        scheme=_scheme(entry),
        history=_history(entry.section("history")),
        folders=[_folder(folder) for folder in entry.sections("folders")],
        retries=_retries(entry.section("retries")),
        ssh=ssh,
        lock_mode=mode,
    )


def _scheme(entry: Section) -> str | None:
    from experimaestro._run.scheme import check_scheme

    value = entry.take("scheme")
    if value is None:
        return None
    try:
        return check_scheme(value, f"{entry.path}: {entry.place}.scheme")
    except ValueError as error:
        raise ValueError(str(error)) from None


def _folder(entry: Section) -> FolderSettings:
    mode = entry.choice("mode", [mode.value for mode in FolderMode])
    return entry.make(FolderSettings, path=Path(entry.needed("path")).expanduser().resolve(), mode=mode)


def _resolve_alternatives(settings: Settings, root: Section) -> None:
    """Ids of other workspaces, or paths, that older files name."""
    paths = {workspace.id: workspace.path for workspace in settings.workspaces if not workspace.is_remote}
    for workspace, entry in zip(settings.workspaces, root.values.get("workspaces") or [], strict=True):
        for alternative in map(str, entry.get("alt_workspaces") or []):
            path = paths.get(alternative) or Path(alternative).expanduser().resolve()
            workspace.folders.append(FolderSettings(path, FolderMode.USE))

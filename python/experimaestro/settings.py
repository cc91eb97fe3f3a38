"""The user's settings file."""

from experimaestro._run.settings import (
    CarbonSettings,
    FolderMode,
    FolderSettings,
    HistorySettings,
    LocalSettings,
    ServerSettings,
    Settings,
    SSHSettings,
    WorkspaceSettings,
    find_workspace,
    get_settings,
    get_workspace,
)

__all__ = [
    "CarbonSettings",
    "FolderMode",
    "FolderSettings",
    "HistorySettings",
    "LocalSettings",
    "SSHSettings",
    "ServerSettings",
    "Settings",
    "WorkspaceSettings",
    "find_workspace",
    "get_settings",
    "get_workspace",
]

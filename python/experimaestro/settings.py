"""The user's settings file."""

from experimaestro._run.settings import (
    HistorySettings,
    LocalSettings,
    ServerSettings,
    Settings,
    WorkspaceSettings,
    find_workspace,
    get_settings,
    get_workspace,
)

__all__ = [
    "HistorySettings",
    "LocalSettings",
    "ServerSettings",
    "Settings",
    "WorkspaceSettings",
    "find_workspace",
    "get_settings",
    "get_workspace",
]

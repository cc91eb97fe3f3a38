"""The user's settings file."""

from experimaestro._run.settings import (
    LocalSettings,
    Settings,
    WorkspaceSettings,
    find_workspace,
    get_settings,
    get_workspace,
)

__all__ = ["LocalSettings", "Settings", "WorkspaceSettings", "find_workspace", "get_settings", "get_workspace"]

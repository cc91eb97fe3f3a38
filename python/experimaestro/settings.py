"""The user's settings file."""

from experimaestro._run.settings import CarbonSettings as CarbonSettings
from experimaestro._run.settings import FolderMode as FolderMode
from experimaestro._run.settings import FolderSettings as FolderSettings
from experimaestro._run.settings import HistorySettings as HistorySettings
from experimaestro._run.settings import LocalSettings as LocalSettings
from experimaestro._run.settings import RetrySettings as RetrySettings
from experimaestro._run.settings import ServerSettings as ServerSettings
from experimaestro._run.settings import Settings as Settings
from experimaestro._run.settings import SSHSettings as SSHSettings
from experimaestro._run.settings import WorkspaceSettings as WorkspaceSettings
from experimaestro._run.settings import find_workspace as find_workspace
from experimaestro._run.settings import get_settings as get_settings
from experimaestro._run.settings import get_workspace as get_workspace

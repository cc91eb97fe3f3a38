"""What starts jobs."""

from experimaestro._run.launching import Launcher as Launcher
from experimaestro.launcherfinder.registry import LauncherRegistry as LauncherRegistry

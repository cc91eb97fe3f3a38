"""What starts jobs."""

from experimaestro._run.launching import Launcher as Launcher

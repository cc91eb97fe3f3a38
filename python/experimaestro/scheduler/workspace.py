"""Names of the older package."""

from experimaestro._run.run_mode import RunMode as RunMode
from experimaestro._run.workspace import Workspace as Workspace
from experimaestro._run.workspace import set_launcher as set_launcher

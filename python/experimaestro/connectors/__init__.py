"""How the machine that runs jobs is reached."""

from experimaestro._run.launching import Connector as Connector

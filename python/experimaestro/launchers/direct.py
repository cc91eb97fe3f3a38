"""Jobs as processes of this machine."""

from experimaestro._run.launching import DirectLauncher as DirectLauncher

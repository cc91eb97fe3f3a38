"""Names of the older package."""

from experimaestro._run.experiment import current as current
from experimaestro._run.experiment import experiment as experiment
from experimaestro.exceptions import DirtyGitError as DirtyGitError
from experimaestro.exceptions import FailedExperiment as FailedExperiment
from experimaestro.exceptions import GracefulExperimentExit as GracefulExperimentExit

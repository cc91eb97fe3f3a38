"""Names of the older package."""

from experimaestro._run.experiment import experiment as experiment
from experimaestro._run.job import Job as Job
from experimaestro._run.listeners import Listener as Listener
from experimaestro._run.listeners import Scheduler as Scheduler
from experimaestro._run.states import JobFailureStatus as JobFailureStatus
from experimaestro._run.states import JobState as JobState
from experimaestro._run.tokens import JobDependency as JobDependency
from experimaestro.exceptions import FailedExperiment as FailedExperiment
from experimaestro.exceptions import JobError as JobError

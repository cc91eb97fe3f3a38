"""Names of the older package."""

from experimaestro._run.base_experiment import BaseExperiment as BaseExperiment
from experimaestro._run.base_experiment import ExperimentStatus as ExperimentStatus
from experimaestro._run.base_job import BaseJob as BaseJob
from experimaestro._run.job import Job as Job
from experimaestro._run.listeners import Listener as Listener
from experimaestro._run.states import JobFailureStatus as JobFailureStatus
from experimaestro._run.states import JobState as JobState
from experimaestro._run.states import JobStateDone as JobStateDone
from experimaestro._run.states import JobStateError as JobStateError
from experimaestro._run.states import JobStateReady as JobStateReady
from experimaestro._run.states import JobStateRunning as JobStateRunning
from experimaestro._run.states import JobStateScheduled as JobStateScheduled
from experimaestro._run.states import JobStateTransient as JobStateTransient
from experimaestro._run.states import JobStateUnscheduled as JobStateUnscheduled
from experimaestro._run.states import JobStateWaiting as JobStateWaiting
from experimaestro._run.tokens import JobDependency as JobDependency
from experimaestro._run.transient import TransientMode as TransientMode
from experimaestro.exceptions import JobError as JobError

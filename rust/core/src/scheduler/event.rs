//! What the scheduler is told.

use super::leasing::LeaseAnswer;
use super::resources::Request;
use crate::job::{InvalidTransition, JobEvent, JobId, RetryPolicy, TransientMode};

/// A new job.
#[derive(Debug, Clone, PartialEq)]
pub struct Submission {
    /// The job. Jobs are numbered in the order of their submission, without gaps.
    pub job: JobId,
    /// Jobs that must be done first; submitted before.
    pub dependencies: Vec<JobId>,
    /// Higher goes first; jobs of the same priority go in the order of their submission.
    pub priority: i64,
    /// What it takes while it runs.
    pub request: Request,
    /// How often it is tried again.
    pub retries: RetryPolicy,
    /// Whether it runs for its own sake.
    pub transient: TransientMode,
}

impl Submission {
    /// A job that waits for nothing, with one slot and what is usual of all else.
    pub fn new(job: JobId) -> Self {
        Self {
            job,
            dependencies: Vec::new(),
            priority: 0,
            request: Request::one_slot(),
            retries: RetryPolicy::default(),
            transient: TransientMode::None,
        }
    }
}

/// A known job, wanted once more.
#[derive(Debug, Clone, PartialEq)]
pub struct Resubmission {
    /// The job.
    pub job: JobId,
    /// The higher one holds.
    pub priority: i64,
    /// The more patient one holds.
    pub retries: RetryPolicy,
    /// The less transient one holds.
    pub transient: TransientMode,
    /// What it takes, should it run again.
    pub request: Request,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A new job.
    Submitted(Submission),
    /// A known job was submitted once more: it runs again if it is in error, or was not needed until now; only then.
    Resubmitted(Resubmission),
    /// Something happened to a job.
    Job(JobId, JobEvent),
    /// Somebody wants a job to stop.
    Kill(JobId),
    /// A job is not to start any more, for this reason; if it has started, it goes on.
    Withdraw(JobId, String),
    /// The run that wanted these jobs was left: what has not started does not, and what has is not tried again, unless
    /// others wait for it. Whoever takes the run up does so from the disk.
    Leave(Vec<JobId>),
    /// An experiment ended well: the folders of these jobs are kept no longer, where nobody needs them.
    Clean(Vec<JobId>),
    /// What became of a job's wish for leases.
    Leases(JobId, LeaseAnswer),
}

/// An event that makes no sense: nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The state of the job does not allow it.
    #[error("job {}: {error}", .job.0)]
    Transition {
        /// The job.
        job: JobId,
        /// What does not fit.
        error: InvalidTransition,
    },
    /// There is no such job.
    #[error("job {} is unknown", .0.0)]
    Unknown(JobId),
    /// The number is taken, or leaves a gap.
    #[error("job {} is not the next one", .0.0)]
    OutOfOrder(JobId),
}

//! What the scheduler is told.

use super::resources::Request;
use crate::job::{InvalidTransition, JobEvent, JobId};

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
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A new job.
    Submitted(Submission),
    /// A known job was submitted once more: it runs again if it is in error, and only then.
    Resubmitted(JobId),
    /// Something happened to a job.
    Job(JobId, JobEvent),
    /// Somebody wants a job to stop.
    Kill(JobId),
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

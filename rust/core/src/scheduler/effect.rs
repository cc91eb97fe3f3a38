//! What the scheduler wants done.

use crate::job::{Failure, JobId, JobState};

/// Something to be done, whose result comes back as an event.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Look into the job's folder: answer found done, found running, or found nothing.
    Look(JobId),
    /// Take the leases that the job needs, all or none: answer with [`Event::Leases`](super::Event::Leases).
    Lease(JobId),
    /// Give back the leases of the job, or its place in a line.
    Unlease(JobId),
    /// Claim and start the job: answer started, failed, or what was found instead.
    Start(JobId),
    /// Follow a job that runs without our having started it: answer succeeded, failed, or vacated.
    Watch(JobId),
    /// Ask the job's process to stop.
    Stop(JobId),
    /// Remove the folder of a job that is done, at once: it may be wanted again with the next event.
    Remove(JobId),
    /// Tell everybody that an attempt of a job failed in this way, and that the job is tried again.
    Retried(JobId, Failure),
    /// Tell everybody that the state of a job has changed.
    Changed(JobId, JobState),
}

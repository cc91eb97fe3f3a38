//! What the scheduler wants done.

use crate::job::{JobId, JobState};

/// Something to be done, whose result comes back as an event.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Look into the job's folder: answer found done, found running, or found nothing.
    Look(JobId),
    /// Claim and start the job: answer started, failed, or what was found instead.
    Start(JobId),
    /// Follow a job that runs without our having started it: answer succeeded, failed, or vacated.
    Watch(JobId),
    /// Ask the job's process to stop.
    Stop(JobId),
    /// Tell everybody that the state of a job has changed.
    Changed(JobId, JobState),
}

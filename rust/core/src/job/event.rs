//! What can happen to one job.

use super::state::{Failure, Running, Success};

/// What happened to a job.
#[derive(Debug, Clone, PartialEq)]
pub enum JobEvent {
    /// Its folder says that it is done.
    FoundDone(Success),
    /// Its folder says that somebody runs it.
    FoundRunning(Running),
    /// Its folder says that it must run.
    FoundNothing,
    /// All that it depends on is done.
    DependenciesMet,
    /// Something that it depends on is in error.
    DependencyFailed(Failure),
    /// It was given resources.
    ResourcesGiven,
    /// Its process was started.
    Started(Running),
    /// It ended well.
    Succeeded(Success),
    /// It did not, or could not be started.
    Failed(Failure),
    /// The driver that was about to start it is gone, and no process has begun.
    Vacated,
    /// Somebody does not want it any more, before it was started.
    Cancelled(Failure),
    /// It was in error, and is to run again.
    Restarted,
}

impl JobEvent {
    /// The word in messages.
    pub fn name(&self) -> &'static str {
        match self {
            Self::FoundDone(_) => "found done",
            Self::FoundRunning(_) => "found running",
            Self::FoundNothing => "found nothing",
            Self::DependenciesMet => "dependencies met",
            Self::DependencyFailed(_) => "dependency failed",
            Self::ResourcesGiven => "resources given",
            Self::Started(_) => "started",
            Self::Succeeded(_) => "succeeded",
            Self::Failed(_) => "failed",
            Self::Vacated => "vacated",
            Self::Cancelled(_) => "cancelled",
            Self::Restarted => "restarted",
        }
    }
}

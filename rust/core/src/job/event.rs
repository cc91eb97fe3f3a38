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
    /// Its folder says that it must run, and how its last attempt failed.
    FoundFailed(Failure),
    /// It would have to run, and nobody needs it: no job that runs, or no run that is open.
    NotNeeded,
    /// A job that runs needs it, or somebody wants it for its own sake.
    Needed,
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
    /// It did not, through no fault of its own, and is tried again.
    Retried,
    /// The driver that was about to start it is gone, and no process has begun.
    Vacated,
    /// Somebody does not want it any more, before it was started.
    Cancelled(Failure),
    /// It was in error, and is to run again.
    Restarted,
    /// It was done, and its folder was removed because nobody needs it any more.
    Removed,
}

impl JobEvent {
    /// The word in messages.
    pub fn name(&self) -> &'static str {
        match self {
            Self::FoundDone(_) => "found done",
            Self::FoundRunning(_) => "found running",
            Self::FoundNothing => "found nothing",
            Self::FoundFailed(_) => "found failed",
            Self::NotNeeded => "not needed",
            Self::Needed => "needed",
            Self::DependenciesMet => "dependencies met",
            Self::DependencyFailed(_) => "dependency failed",
            Self::ResourcesGiven => "resources given",
            Self::Started(_) => "started",
            Self::Succeeded(_) => "succeeded",
            Self::Failed(_) => "failed",
            Self::Retried => "tried again",
            Self::Vacated => "vacated",
            Self::Cancelled(_) => "cancelled",
            Self::Restarted => "restarted",
            Self::Removed => "removed",
        }
    }
}

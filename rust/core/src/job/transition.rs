//! The one place where the state of a job changes.

use super::event::JobEvent;
use super::state::{JobState, Place};

/// Something happened that cannot happen in this state: it is refused, and the state stays.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a job that is {state} cannot be {event}")]
pub struct InvalidTransition {
    /// The state.
    pub state: &'static str,
    /// What happened.
    pub event: &'static str,
}

/// The state after an event.
///
/// # Errors
/// [`InvalidTransition`] when the event cannot happen in this state.
#[expect(clippy::match_same_arms, reason = "one line is one arrow of the state diagram")]
pub fn transition(state: &JobState, event: JobEvent) -> Result<JobState, InvalidTransition> {
    use JobState::{Done, Error, Ready, Running, Scheduled, Transient, Unscheduled, Waiting};
    match (state, event) {
        (Unscheduled | Scheduled, JobEvent::FoundDone(success)) => Ok(Done(success)),
        (Unscheduled | Scheduled, JobEvent::FoundRunning(running)) => Ok(Running(running)),
        (Unscheduled, JobEvent::FoundNothing | JobEvent::FoundFailed(_)) => Ok(Waiting),
        (Unscheduled | Waiting | Ready, JobEvent::NotNeeded) => Ok(Transient),
        // It was interrupted, or never began elsewhere, and nobody here wants it any more.
        (Scheduled | Running(_), JobEvent::NotNeeded) => Ok(Transient),
        (Transient, JobEvent::Needed) => Ok(Waiting),
        (Waiting, JobEvent::DependenciesMet) => Ok(Ready),
        (Waiting, JobEvent::DependencyFailed(failure)) => Ok(Error(failure)),
        (Ready, JobEvent::ResourcesGiven) => Ok(Scheduled),
        (Scheduled, JobEvent::Started(running)) => Ok(Running(running)),
        // Another driver's job: its process is now known, or it is another one, since the one that was followed ended.
        (Running(before), JobEvent::Started(running)) if before.place != Place::Own => Ok(Running(running)),
        (Running(before), JobEvent::Vacated) if before.place != Place::Own => Ok(Waiting),
        (Scheduled | Running(_), JobEvent::Succeeded(success)) => Ok(Done(success)),
        (Scheduled | Running(_), JobEvent::Failed(failure)) => Ok(Error(failure)),
        (Scheduled | Running(_), JobEvent::Retried) => Ok(Waiting),
        (Unscheduled, JobEvent::Failed(failure)) => Ok(Error(failure)),
        (Unscheduled | Waiting | Ready, JobEvent::Cancelled(failure)) => Ok(Error(failure)),
        (Error(_), JobEvent::Restarted) => Ok(Unscheduled),
        (Done(_), JobEvent::Removed) => Ok(Transient),
        (state, event) => Err(InvalidTransition { state: state.name(), event: event.name() }),
    }
}

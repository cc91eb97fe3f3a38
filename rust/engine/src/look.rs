//! What a job's folder means for a driver that wants it done.

use experimaestro_core::claim::{Claim, Evidence, Liveness, ProcessIdentity, Run, complete, evidence};
use experimaestro_core::job::{JobEvent, Place, Running, Success};

use crate::job::Job;
use crate::settle::{disk_failure, success};

/// Look into the folder of a job that may have to run.
pub(crate) fn look_at(job: &Job) -> JobEvent {
    let found = evidence(job.directory()).and_then(|found| {
        if matches!(found, Evidence::Done { marked: false, .. }) {
            complete(job.directory())?;
        }
        Ok(found)
    });
    match found {
        Ok(found) => meaning(&found),
        Err(error) => JobEvent::Failed(disk_failure(&error)),
    }
}

fn meaning(found: &Evidence) -> JobEvent {
    match found {
        Evidence::Done { end, .. } => JobEvent::FoundDone(Success { reused: true, ..success(end.as_ref()) }),
        Evidence::Running { run, claim, .. } => match running(run.as_ref(), claim.as_ref()) {
            Some(running) => JobEvent::FoundRunning(running),
            None => JobEvent::FoundNothing,
        },
        Evidence::Foreign { process } => {
            JobEvent::FoundRunning(Running { place: Place::Elsewhere, pid: Some(process.pid), started: None })
        }
        // Claims of others are met when it is this job's turn: they may be gone by then.
        Evidence::Nothing
        | Evidence::Claimed { .. }
        | Evidence::Ended { .. }
        | Evidence::Abandoned { .. }
        | Evidence::ForeignFailure { .. } => JobEvent::FoundNothing,
    }
}

/// A job that somebody runs, as far as can be known; `None` if its process is dead.
pub(crate) fn running(run: Option<&Run>, claim: Option<&Claim>) -> Option<Running> {
    let process = run.and_then(|run| run.process.as_ref());
    let liveness = process.map_or(Liveness::Unknown, ProcessIdentity::liveness);
    if liveness == Liveness::Dead {
        return None;
    }
    let orphaned = claim.is_some_and(|claim| claim.owner.liveness() == Liveness::Dead);
    let place = if orphaned && liveness == Liveness::Alive { Place::Adopted } else { Place::Elsewhere };
    let pid = process.filter(|_| liveness == Liveness::Alive).map(|process| process.pid);
    Some(Running { place, pid, started: run.map(|run| run.time) })
}

/// What to say of a job that somebody else has.
pub(crate) fn held(found: &Evidence) -> JobEvent {
    match found {
        Evidence::Running { run, claim, .. } => {
            let unknown = Running { place: Place::Elsewhere, pid: None, started: None };
            JobEvent::FoundRunning(running(run.as_ref(), claim.as_ref()).unwrap_or(unknown))
        }
        Evidence::Foreign { .. } | Evidence::Done { .. } => meaning(found),
        _ => JobEvent::FoundRunning(Running { place: Place::Elsewhere, pid: None, started: None }),
    }
}

//! What a job's folder means for a driver that wants it done.

use experimaestro_core::claim::{
    Attempt, Claim, ClaimResult, Evidence, Liveness, Outcome, ProcessIdentity, Run, Taken, complete, evidence,
    evidence_of, last_attempt, last_ended, revoke, take,
};
use experimaestro_core::job::{JobEvent, Place, Running, Success};
use experimaestro_core::layout::JobDirectory;

use crate::job::Job;
use crate::settle::{disk_failure, failure, success};
use crate::time::now;

/// Look into the folder of a job that may have to run.
pub(crate) fn look_at(job: &Job) -> JobEvent {
    found(job).unwrap_or_else(|error| JobEvent::Failed(disk_failure(&error)))
}

fn found(job: &Job) -> ClaimResult<JobEvent> {
    let directory = job.directory();
    if job.is_judged() {
        heed_judge(job)?;
    }
    let found = evidence(directory)?;
    if matches!(found, Evidence::Done { marked: false, .. }) {
        complete(directory)?;
    }
    let event = meaning(directory, &found)?;
    job.set_known_attempts(match &found {
        Evidence::Ended { number, .. } | Evidence::Abandoned { number, .. } => *number,
        Evidence::Running { number, .. } if !matches!(event, JobEvent::FoundRunning(_)) => *number,
        // How these end is still to be seen.
        Evidence::Claimed { number, .. } | Evidence::Running { number, .. } => number - 1,
        _ => 0,
    });
    Ok(event)
}

/// Ask the task whether its outputs are good, and act on what it says.
fn heed_judge(job: &Job) -> ClaimResult<()> {
    let directory = job.directory();
    // Before they are judged: a success that comes meanwhile is not meant, its outputs may not have been there.
    let success = success_of(directory)?;
    match (job.judgement(), success) {
        (Some(true), _) => adopt(directory),
        (Some(false), Some(number)) => revoke(directory, number, "its outputs were found to be no good", now()),
        (Some(false) | None, _) => Ok(()),
    }
}

/// Whether a job is done, and by which attempt: by none that is known, in a folder of an older package.
#[expect(clippy::option_option, reason = "whether, and which")]
fn success_of(directory: &JobDirectory) -> ClaimResult<Option<Option<u32>>> {
    if !matches!(evidence(directory)?, Evidence::Done { .. }) {
        return Ok(None);
    }
    for number in (1..=last_attempt(directory)?.unwrap_or(0)).rev() {
        if matches!(evidence_of(directory, number)?, Evidence::Done { .. }) {
            return Ok(Some(Some(number)));
        }
    }
    Ok(Some(None))
}

/// Record a success without running anything: the outputs are there, and good. Whoever has the job keeps it.
fn adopt(directory: &JobDirectory) -> ClaimResult<()> {
    let Taken::Mine(number) = take(directory, &ProcessIdentity::current(), now())? else { return Ok(()) };
    let attempt = Attempt::begin(directory.clone(), Some(number), now())?;
    attempt.finish(Outcome::Done, 0, Some("it did not run: its outputs were there, and found to be good"), now())
}

fn meaning(directory: &JobDirectory, found: &Evidence) -> ClaimResult<JobEvent> {
    Ok(match found {
        Evidence::Done { end, .. } => JobEvent::FoundDone(Success { reused: true, ..success(end.as_ref()) }),
        Evidence::Running { run, claim, .. } => match running(run.as_ref(), claim.as_ref()) {
            Some(running) => JobEvent::FoundRunning(running),
            None => JobEvent::FoundNothing,
        },
        Evidence::Foreign { process } => {
            JobEvent::FoundRunning(Running { place: Place::Elsewhere, pid: Some(process.pid), started: None })
        }
        Evidence::Ended { number, end } => JobEvent::FoundFailed(failure(directory, *number, end.as_ref())?),
        // Claims of others are met when it is this job's turn: they may be gone by then. An attempt without a process
        // does not make those before it forgotten.
        Evidence::Claimed { number, .. } | Evidence::Abandoned { number, .. } => {
            match last_ended(directory, *number)? {
                Some((before, end)) => JobEvent::FoundFailed(failure(directory, before, end.as_ref())?),
                None => JobEvent::FoundNothing,
            }
        }
        Evidence::Nothing | Evidence::ForeignFailure { .. } => JobEvent::FoundNothing,
    })
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
        Evidence::Foreign { process } => {
            JobEvent::FoundRunning(Running { place: Place::Elsewhere, pid: Some(process.pid), started: None })
        }
        Evidence::Done { end, .. } => JobEvent::FoundDone(Success { reused: true, ..success(end.as_ref()) }),
        _ => JobEvent::FoundRunning(Running { place: Place::Elsewhere, pid: None, started: None }),
    }
}

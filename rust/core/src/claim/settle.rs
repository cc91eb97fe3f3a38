//! What others may record about an attempt: that nobody will run it, that its process is dead, that it was a success.

use super::evidence::{Evidence, evidence_of};
use super::record::{End, Outcome, Run, from_bytes, to_bytes};
use super::{ClaimResult, marker};
use crate::fs::{self, Creation, Durability};
use crate::layout::{AttemptFile, JobDirectory};

/// Record that no process will run an attempt. `false` if one has begun (or somebody else recorded it first).
///
/// Always safe: a process that comes later loses `n.run` and stops.
///
/// # Errors
/// When the disk refuses.
pub fn abandon(job: &JobDirectory, number: u32, message: &str, now: f64) -> ClaimResult<bool> {
    let tombstone = to_bytes(&Run::tombstone(message, now));
    Ok(fs::create_exclusive(&job.attempt(number, AttemptFile::Run), &tombstone, Durability::Process)? == Creation::Won)
}

/// Record that the process of an attempt vanished. Answers how the attempt ended: as lost, or as the process managed to say.
///
/// Only for those who have evidence that the process is dead: the next attempt may start at once.
///
/// # Errors
/// When the disk refuses.
pub fn declare_lost(
    job: &JobDirectory,
    number: u32,
    code: Option<i32>,
    message: &str,
    now: f64,
) -> ClaimResult<Evidence> {
    let run = fs::read(&job.attempt(number, AttemptFile::Run))?.and_then(|bytes| from_bytes::<Run>(&bytes));
    let end = End::new(Outcome::Lost, code, Some(message), run.as_ref().map(|run| run.time), now);
    let path = job.attempt(number, AttemptFile::End);
    if fs::create_exclusive(&path, &to_bytes(&end), Durability::Process)? == Creation::Won {
        marker::write_failed(job, number, &end)?;
        if let Some(process) = run.and_then(|run| run.process) {
            marker::clear_pid(job, &process)?;
        }
        return Ok(Evidence::Ended { number, end: Some(end) });
    }
    match evidence_of(job, number)? {
        Evidence::Done { end, marked: false } => {
            complete(job)?;
            Ok(Evidence::Done { end, marked: true })
        }
        Evidence::Ended { number, end: Some(end) } => {
            if !fs::exists(&job.failed())? {
                marker::write_failed(job, number, &end)?;
            }
            Ok(Evidence::Ended { number, end: Some(end) })
        }
        other => Ok(other),
    }
}

/// Write the marker of a job whose last attempt ended as done: a crash came between the two.
///
/// # Errors
/// When the disk refuses.
pub fn complete(job: &JobDirectory) -> ClaimResult<()> {
    marker::write_done(job)?;
    marker::clear_failed(job)?;
    fs::remove(&job.pid())?;
    Ok(())
}

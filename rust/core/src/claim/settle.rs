//! What others may record about an attempt: that nobody will run it, that its process is dead, that it was a success.

use super::evidence::{Evidence, evidence_of, last_attempt};
use super::record::{End, Ending, Outcome, Run, Void, from_bytes, to_bytes};
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
    let tombstone = Run::tombstone(message, now).to_bytes();
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
    declare(job, number, &Ending::new(Outcome::Lost, code, Some(message)), now)
}

/// [`declare_lost`], by those who know more about the end than that it came.
///
/// # Errors
/// When the disk refuses.
pub fn declare(job: &JobDirectory, number: u32, ending: &Ending, now: f64) -> ClaimResult<Evidence> {
    let run = fs::read(&job.attempt(number, AttemptFile::Run))?.and_then(|bytes| from_bytes::<Run>(&bytes));
    let end = End::new(ending, run.as_ref().map(|run| run.time), now);
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

/// Take back the success of a job, whose outputs were found to be no good: it is to run again.
///
/// `number` is the attempt that had succeeded when they were judged: a later one is not meant, and stays what it is.
///
/// # Errors
/// When the disk refuses.
pub fn revoke(job: &JobDirectory, number: Option<u32>, message: &str, now: f64) -> ClaimResult<()> {
    if let Some(number) = number {
        // Before the marker goes: whoever finds no marker looks here.
        let void = to_bytes(&Void::new(message, now));
        fs::create_exclusive(&job.attempt(number, AttemptFile::Void), &void, Durability::Content)?;
    }
    fs::remove(&job.done())?;
    Ok(())
}

/// Write the marker of a job whose last attempt ended as done: a crash came between the two.
///
/// # Errors
/// When the disk refuses.
pub fn complete(job: &JobDirectory) -> ClaimResult<()> {
    while let Some(number) = last_attempt(job)?
        && matches!(evidence_of(job, number)?, Evidence::Done { .. })
    {
        if marker::write_done(job, number, &[])? {
            marker::clear_failed(job)?;
            fs::remove(&job.pid())?;
            return Ok(());
        }
    }
    Ok(())
}

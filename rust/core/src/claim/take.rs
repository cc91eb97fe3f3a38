//! A driver takes the next attempt of a job.

use super::evidence::{Evidence, evidence, evidence_of, last_attempt, marker_holds};
use super::process::{Liveness, ProcessIdentity};
use super::record::{Claim, to_bytes};
use super::settle::{abandon, complete, declare_lost};
use super::{ClaimResult, marker};
use crate::fs::{self, Creation, Durability};
use crate::layout::{AttemptFile, JobDirectory};

/// What became of the wish to run a job.
#[derive(Debug, Clone, PartialEq)]
pub enum Taken {
    /// The attempt of this number is ours.
    Mine(u32),
    /// There is nothing to run.
    Done,
    /// Somebody has it: [`Evidence::Claimed`], [`Evidence::Running`] or [`Evidence::Foreign`].
    Held(Box<Evidence>),
}

/// Take the next attempt, unless the job is done or somebody who may be alive has it.
///
/// Completes what crashes interrupted: a success without its marker, attempts whose owner or process is dead.
///
/// # Errors
/// When the disk refuses.
pub fn take(job: &JobDirectory, owner: &ProcessIdentity, now: f64) -> ClaimResult<Taken> {
    loop {
        let found = evidence_beside_marker(job)?;
        let number = match &found {
            Evidence::Done { marked, .. } => {
                if !marked {
                    complete(job)?;
                }
                return Ok(Taken::Done);
            }
            Evidence::Nothing | Evidence::ForeignFailure { .. } => 1,
            Evidence::Ended { number, .. } | Evidence::Abandoned { number, .. } => number + 1,
            Evidence::Claimed { number, claim } => {
                if claim.as_ref().is_none_or(|claim| claim.owner.liveness() != Liveness::Dead) {
                    return Ok(Taken::Held(Box::new(found)));
                }
                abandon(job, *number, "its driver died before it could start", now)?;
                continue;
            }
            Evidence::Running { number, run, .. } => {
                let process = run.as_ref().and_then(|run| run.process.as_ref());
                if process.is_none_or(|process| process.liveness() != Liveness::Dead) {
                    return Ok(Taken::Held(Box::new(found)));
                }
                declare_lost(job, *number, None, "the process vanished without recording its outcome", now)?;
                continue;
            }
            Evidence::Foreign { .. } => return Ok(Taken::Held(Box::new(found))),
        };
        if claim(job, number, owner, now)? {
            return confirm(job, number, now);
        }
    }
}

/// The evidence, but for a marker that is not to be believed.
fn evidence_beside_marker(job: &JobDirectory) -> ClaimResult<Evidence> {
    let found = evidence(job)?;
    if matches!(found, Evidence::Done { marked: true, .. })
        && let Some(last) = last_attempt(job)?
        && !marker_holds(job, last + 1)?
    {
        return evidence_of(job, last);
    }
    Ok(found)
}

fn claim(job: &JobDirectory, number: u32, owner: &ProcessIdentity, now: f64) -> ClaimResult<bool> {
    let (path, content) = (job.attempt(number, AttemptFile::Claim), to_bytes(&Claim::new(owner, now)));
    let created = match fs::create_exclusive(&path, &content, Durability::Process) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            fs::create_folders(&job.private())?;
            fs::create_exclusive(&path, &content, Durability::Process)
        }
        other => other,
    };
    Ok(created? == Creation::Won)
}

/// Look again, now that nobody else can claim: a stale view may have hidden how the attempt before ended.
fn confirm(job: &JobDirectory, number: u32, now: f64) -> ClaimResult<Taken> {
    let before_is_done = number > 1 && matches!(evidence_of(job, number - 1)?, Evidence::Done { .. });
    if before_is_done || marker_holds(job, number)? {
        abandon(job, number, "the job was done already", now)?;
        if before_is_done {
            marker::write_done(job, number - 1, &[])?;
        }
        return Ok(Taken::Done);
    }
    if number > 1 {
        sweep(job, number)?;
    }
    Ok(Taken::Mine(number))
}

/// Remove temporary files that crashed owners of earlier attempts left.
///
/// An owner that is merely slow then finds its temporary file gone, and its attempt over.
fn sweep(job: &JobDirectory, number: u32) -> ClaimResult<()> {
    let folder = job.private();
    for name in fs::names(&folder)?.unwrap_or_default() {
        let of = name.split('.').next().and_then(|digits| digits.parse::<u32>().ok());
        if fs::is_temporary(&name) && of.is_some_and(|of| of < number) {
            fs::remove(&folder.join(name))?;
        }
    }
    Ok(())
}

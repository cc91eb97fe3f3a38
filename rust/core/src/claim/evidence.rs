//! What a job's folder says about it. Reads, never writes.

use serde::de::DeserializeOwned;

use super::ClaimResult;
use super::marker;
use super::process::ProcessIdentity;
use super::record::{Claim, End, Outcome, Run, Void, from_bytes};
use crate::fs;
use crate::layout::{AttemptFile, JobDirectory};

/// What is known about a job from its folder alone.
#[derive(Debug, Clone, PartialEq)]
pub enum Evidence {
    /// Nothing was tried yet, or only by an older package that left no trace that counts.
    Nothing,
    /// It is done, as the marker or, where a crash came before the marker, an attempt says.
    Done {
        /// The end of the attempt, if it was looked at.
        end: Option<End>,
        /// Whether `.done` exists.
        marked: bool,
    },
    /// Somebody owns the attempt, and no process has begun.
    Claimed {
        /// The attempt.
        number: u32,
        /// Whose it is; `None` if the file cannot be understood.
        claim: Option<Claim>,
    },
    /// A process has begun.
    Running {
        /// The attempt.
        number: u32,
        /// The process; `None` if the file cannot be understood.
        run: Option<Run>,
        /// Whose attempt it is.
        claim: Option<Claim>,
    },
    /// The last attempt ended, and not well.
    Ended {
        /// The attempt.
        number: u32,
        /// How; `None` if the file cannot be understood.
        end: Option<End>,
    },
    /// The last attempt will never have a process.
    Abandoned {
        /// The attempt.
        number: u32,
        /// Why.
        run: Run,
    },
    /// A process of an older package runs it: there is a pid file, and no attempt.
    Foreign {
        /// The process.
        process: ProcessIdentity,
    },
    /// An older package recorded a failure: there is a marker, and no attempt.
    ForeignFailure {
        /// What the marker says.
        failure: marker::Failure,
    },
}

enum Stored<T> {
    Absent,
    Unreadable,
    Record(T),
}

impl<T> Stored<T> {
    fn ok(self) -> Option<T> {
        match self {
            Self::Record(record) => Some(record),
            Self::Absent | Self::Unreadable => None,
        }
    }
}

fn stored<T: DeserializeOwned>(job: &JobDirectory, number: u32, file: AttemptFile) -> ClaimResult<Stored<T>> {
    let bytes = fs::read(&job.attempt(number, file))?;
    Ok(bytes.map_or(Stored::Absent, |bytes| from_bytes(&bytes).map_or(Stored::Unreadable, Stored::Record)))
}

/// The number of the last attempt; `None` if there is none. After a loss of power its claim may be the file that is gone.
///
/// # Errors
/// When the folder is there and cannot be read.
pub fn last_attempt(job: &JobDirectory) -> ClaimResult<Option<u32>> {
    let decisive = [AttemptFile::Claim, AttemptFile::Run, AttemptFile::End].map(AttemptFile::extension);
    let number = |name: &String| {
        let (number, extension) = name.split_once('.')?;
        if decisive.contains(&extension) { number.parse().ok() } else { None }
    };
    Ok(fs::names(&job.private())?.unwrap_or_default().iter().filter_map(number).max())
}

/// Read what the folder of a job tells. One look at the disk when the marker of success is there.
///
/// # Errors
/// When a file is there and cannot be read.
pub fn evidence(job: &JobDirectory) -> ClaimResult<Evidence> {
    if fs::exists(&job.done())? {
        return Ok(Evidence::Done { end: None, marked: true });
    }
    let Some(number) = last_attempt(job)? else { return foreign(job) };
    evidence_of(job, number)
}

/// What the files of one attempt say, the end first: it is written last.
///
/// # Errors
/// When a file is there and cannot be read.
pub fn evidence_of(job: &JobDirectory, number: u32) -> ClaimResult<Evidence> {
    match stored::<End>(job, number, AttemptFile::End)? {
        Stored::Record(mut end) if end.outcome == Outcome::Done => {
            if let Stored::Record(void) = stored::<Void>(job, number, AttemptFile::Void)? {
                (end.outcome, end.message) = (Outcome::Failed, Some(void.message));
                return Ok(Evidence::Ended { number, end: Some(end) });
            }
            return Ok(Evidence::Done { end: Some(end), marked: false });
        }
        Stored::Record(end) => return Ok(Evidence::Ended { number, end: Some(end) }),
        Stored::Unreadable => return Ok(Evidence::Ended { number, end: None }),
        Stored::Absent => {}
    }
    let run = match stored::<Run>(job, number, AttemptFile::Run)? {
        Stored::Record(run) if run.process.is_none() => return Ok(Evidence::Abandoned { number, run }),
        Stored::Absent => {
            return Ok(Evidence::Claimed { number, claim: stored(job, number, AttemptFile::Claim)?.ok() });
        }
        run => run.ok(),
    };
    Ok(Evidence::Running { number, run, claim: stored(job, number, AttemptFile::Claim)?.ok() })
}

/// Whether there is a marker of success that somebody who has this attempt must believe: not that of a success that was taken
/// back, which a slow process may have written since.
pub(super) fn marker_holds(job: &JobDirectory, number: u32) -> ClaimResult<bool> {
    if !fs::exists(&job.done())? {
        return Ok(false);
    }
    let mut was_taken_back = false;
    for earlier in (1..number).rev() {
        if matches!(evidence_of(job, earlier)?, Evidence::Done { .. }) {
            return Ok(true);
        }
        was_taken_back |= fs::exists(&job.attempt(earlier, AttemptFile::Void))?;
    }
    // Without attempts it is that of an older package.
    Ok(!was_taken_back)
}

/// The last attempt before this one that had a process, and how it ended.
///
/// # Errors
/// When a file is there and cannot be read.
pub fn last_ended(job: &JobDirectory, before: u32) -> ClaimResult<Option<(u32, Option<End>)>> {
    for number in (1..before).rev() {
        if let Evidence::Ended { end, .. } = evidence_of(job, number)? {
            return Ok(Some((number, end)));
        }
    }
    Ok(None)
}

/// How many attempts, up to this one, ended at their time limit.
///
/// # Errors
/// When a file is there and cannot be read.
pub fn count_timeouts(job: &JobDirectory, last: u32) -> ClaimResult<u32> {
    let mut count = 0;
    for number in 1..=last {
        let end = stored::<End>(job, number, AttemptFile::End)?.ok();
        count += u32::from(end.is_some_and(|end| end.outcome == Outcome::Timeout));
    }
    Ok(count)
}

fn foreign(job: &JobDirectory) -> ClaimResult<Evidence> {
    if let Some(process) = marker::foreign_process(job)? {
        return Ok(Evidence::Foreign { process });
    }
    Ok(match marker::failure(job)? {
        Some(failure) => Evidence::ForeignFailure { failure },
        None => Evidence::Nothing,
    })
}

//! The job process's side: it runs only what is its own, and says how it ended.

use std::path::PathBuf;

use super::evidence::{Evidence, marker_holds};
use super::process::ProcessIdentity;
use super::record::{End, Ending, Outcome, Run, to_bytes};
use super::settle::complete;
use super::take::{Taken, take};
use super::{ClaimError, ClaimResult, marker};
use crate::fs::{self, Creation, Durability};
use crate::layout::{AttemptFile, JobDirectory};

/// An attempt that this process runs.
#[derive(Debug)]
pub struct Attempt {
    job: JobDirectory,
    number: u32,
    process: ProcessIdentity,
    started: f64,
}

impl Attempt {
    /// Win the right to execute, for this process. Without a number, one takes the next attempt first.
    ///
    /// # Errors
    /// [`ClaimError::Lost`] when the attempt was abandoned, runs elsewhere, or the job is done.
    pub fn begin(job: JobDirectory, number: Option<u32>, now: f64) -> ClaimResult<Self> {
        let name = job.path().file_name().unwrap_or_default().to_string_lossy();
        fs::fault::enter(&format!("job {name} {number:?}"));
        if !fs::exists(job.path())? {
            return Err(ClaimError::Missing(job.path().to_path_buf()));
        }
        let process = ProcessIdentity::current();
        let number = match number {
            Some(number) => number,
            None => take_by_hand(&job, &process, now)?,
        };
        let run = Run::by(&process, now).to_bytes();
        let path = job.attempt(number, AttemptFile::Run);
        if fs::try_create_exclusive(&path, &run, Durability::Process)? == Creation::Lost {
            return Err(ClaimError::Lost(format!(
                "attempt {number} of {} was given to somebody else",
                job.path().display()
            )));
        }
        let attempt = Self { job, number, process, started: now };
        attempt.refuse_if_over(now)?;
        marker::clear_failed(&attempt.job)?;
        fs::remove(&attempt.job.progress())?;
        marker::write_pid(&attempt.job, number)?;
        Ok(attempt)
    }

    fn refuse_if_over(&self, now: f64) -> ClaimResult<()> {
        if !self.is_mine()? {
            return Err(self.taken_over());
        }
        if marker_holds(&self.job, self.number)? {
            let ending = Ending::new(Outcome::Done, Some(0), Some("it was done already"));
            let end = End::new(&ending, Some(self.started), now);
            let path = self.job.attempt(self.number, AttemptFile::End);
            fs::create_exclusive(&path, &to_bytes(&end), Durability::Process)?;
            return Err(ClaimError::Lost(format!("the job {} is done already", self.job.path().display())));
        }
        Ok(())
    }

    fn taken_over(&self) -> ClaimError {
        let (number, path) = (self.number, self.job.path().display());
        ClaimError::Lost(format!("attempt {number} of {path} was declared lost: this process must not go on"))
    }

    /// The number of the attempt.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// The job.
    pub fn job(&self) -> &JobDirectory {
        &self.job
    }

    /// Whether this attempt still counts: false once somebody declared it lost.
    ///
    /// # Errors
    /// When the disk cannot tell.
    pub fn is_mine(&self) -> ClaimResult<bool> {
        Ok(!fs::exists(&self.job.attempt(self.number, AttemptFile::End))?)
    }

    /// The files that say what the job is: `params.json`, and those that it refers to.
    ///
    /// # Errors
    /// When the folder cannot be listed.
    pub fn described_by(&self) -> ClaimResult<Vec<PathBuf>> {
        let private = self.job.private();
        let names = fs::names(&private)?.unwrap_or_default();
        let ancestors = names.iter().filter(|name| JobDirectory::is_ancestors(name)).map(|name| private.join(name));
        Ok(std::iter::once(self.job.params()).chain(ancestors).collect())
    }

    /// Tell other hosts that this process lives.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn beat(&self) -> ClaimResult<()> {
        Ok(fs::touch(&self.job.attempt(self.number, AttemptFile::Beat))?)
    }

    /// Record how it ended, then write the marker, then remove the pid file.
    ///
    /// # Errors
    /// [`ClaimError::Lost`] when the attempt was declared lost before: nothing is then recorded, and no marker written.
    pub fn finish(&self, outcome: Outcome, code: i32, message: Option<&str>, now: f64) -> ClaimResult<()> {
        self.finish_with(&Ending::new(outcome, Some(code), message), now)
    }

    /// [`Attempt::finish`], with all that there is to say.
    ///
    /// # Errors
    /// As there.
    pub fn finish_with(&self, ending: &Ending, now: f64) -> ClaimResult<()> {
        let outcome = ending.outcome;
        if std::process::id() != self.process.pid {
            let message = "a child process cannot end the attempt of its parent".to_owned();
            return Err(ClaimError::Lost(message));
        }
        let end = End::new(ending, Some(self.started), now);
        let path = self.job.attempt(self.number, AttemptFile::End);
        if fs::try_create_exclusive(&path, &to_bytes(&end), Durability::Process)? == Creation::Lost {
            return Err(self.taken_over());
        }
        if outcome == Outcome::Done {
            // A success must survive a loss of power once it is told; what is lost of anything else is tried again.
            let mut with = self.described_by()?;
            with.push(path);
            if !marker::write_done(&self.job, self.number, &with)? {
                // The marker that went may have been that of a later success.
                complete(&self.job)?;
            }
        } else {
            marker::write_failed(&self.job, self.number, &end)?;
        }
        marker::clear_pid(&self.job, &self.process)?;
        fs::remove(&self.job.attempt(self.number, AttemptFile::Beat))?;
        Ok(())
    }
}

fn take_by_hand(job: &JobDirectory, process: &ProcessIdentity, now: f64) -> ClaimResult<u32> {
    let place = job.path().display();
    let holder = match take(job, process, now)? {
        Taken::Mine(number) => return Ok(number),
        Taken::Done => return Err(ClaimError::Lost(format!("the job {place} is done already"))),
        Taken::Held(holder) => holder,
    };
    Err(ClaimError::Lost(match *holder {
        Evidence::Claimed { claim: Some(claim), .. } => {
            format!("the job {place} is about to be started by process {} on {}", claim.owner.pid, claim.owner.host)
        }
        Evidence::Running { run: Some(Run { process: Some(process), .. }), .. } | Evidence::Foreign { process } => {
            format!("the job {place} is run by process {} on {}", process.pid, process.host)
        }
        _ => format!("the job {place} is held by somebody else"),
    }))
}

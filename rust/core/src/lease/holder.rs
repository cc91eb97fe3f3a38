//! Whether the holder of a ticket is over, by evidence. Who cannot be asked lives.

use std::time::{Duration, SystemTime};

use super::LeaseResult;
use super::number::bury;
use super::ticket::{Binding, Stored, Ticket};
use crate::claim::{Evidence, Liveness, ProcessIdentity, abandon, declare_lost, evidence_of};
use crate::fs;
use crate::layout::{AttemptFile, JobDirectory, LeaseDirectory, TicketFile, Workspace};

/// What was seen of a holder that cannot be judged from here, and since when (on a clock of the observer) it is the same.
#[derive(Debug, Clone, Copy)]
pub(super) struct Watch {
    seen: (u32, Option<SystemTime>),
    since: Duration,
}

impl Watch {
    /// Whether nothing has changed for longer than is to be expected of somebody alive.
    fn has_stopped(known: &mut Option<Self>, seen: (u32, Option<SystemTime>), clock: Clock) -> bool {
        let Clock { now: clock, patience } = clock;
        match known {
            Some(watch) if watch.seen == seen => clock.saturating_sub(watch.since) > patience,
            _ => {
                *known = Some(Self { seen, since: clock });
                false
            }
        }
    }
}

/// The time of an observer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    /// Any clock that never goes back.
    pub(super) now: Duration,
    /// How long a heartbeat may stand still.
    pub(super) patience: Duration,
}

/// One look at the holder of a ticket.
pub(super) struct Look<'a> {
    pub(super) folder: &'a LeaseDirectory,
    pub(super) number: u64,
    pub(super) ticket: &'a Stored<Ticket>,
    /// Absent while the ticket is its driver's.
    pub(super) binding: &'a Stored<Binding>,
    pub(super) watch: &'a mut Option<Watch>,
    pub(super) clock: Clock,
}

/// What is known about a holder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It lives, or cannot be asked.
    Alive,
    /// It is over, as its own records say.
    Over,
    /// Its driver is gone, once nobody can give the ticket to a job any more.
    DriverGone,
    /// The driver that claimed the attempt is gone, once its process can no longer begin.
    NeverStarted(JobDirectory, u32),
    /// The heartbeat of the process stopped, once it cannot go on should it wake up.
    Stopped(JobDirectory, u32),
}

impl Verdict {
    /// Record what makes a verdict certain; whether the holder is over then.
    pub(super) fn settle(self, folder: &LeaseDirectory, number: u64, now: f64) -> LeaseResult<bool> {
        Ok(match self {
            Self::Alive => false,
            Self::Over => true,
            Self::DriverGone => bury(folder, number, "its driver is gone", now)?,
            Self::NeverStarted(job, attempt) => abandon(&job, attempt, "its driver did not start it", now)?,
            Self::Stopped(job, attempt) => {
                declare_lost(&job, attempt, None, "its heartbeat stopped", now)?;
                true
            }
        })
    }
}

impl Look<'_> {
    /// Judge the holder; nothing is written.
    pub(super) fn judge(self) -> LeaseResult<Verdict> {
        match self.binding {
            Stored::Absent => self.judge_driver(),
            Stored::Record(Binding { directory: Some(directory), attempt, .. }) => {
                let (job, attempt) = (JobDirectory::new(directory), *attempt);
                self.judge_attempt(job, attempt)
            }
            Stored::Record(_) => Ok(Verdict::Over),
            // Nobody can know which job it is: as long as the driver lives, it may run.
            Stored::Unreadable => {
                let may_live = self.driver_liveness() == Liveness::Alive;
                let is_over = !may_live && Watch::has_stopped(self.watch, (0, None), self.clock);
                Ok(if is_over { Verdict::Over } else { Verdict::Alive })
            }
        }
    }

    fn driver_liveness(&self) -> Liveness {
        self.ticket.record().map_or(Liveness::Unknown, |ticket| ticket.driver.liveness())
    }

    fn judge_driver(self) -> LeaseResult<Verdict> {
        let is_gone = match self.driver_liveness() {
            Liveness::Alive => false,
            Liveness::Dead => true,
            Liveness::Unknown => {
                let beat = fs::modified(&self.folder.ticket(self.number, TicketFile::Beat))?;
                Watch::has_stopped(self.watch, (1, beat), self.clock)
            }
        };
        Ok(if is_gone { Verdict::DriverGone } else { Verdict::Alive })
    }

    fn judge_attempt(self, job: JobDirectory, attempt: u32) -> LeaseResult<Verdict> {
        Ok(match evidence_of(&job, attempt)? {
            Evidence::Done { .. } | Evidence::Ended { .. } | Evidence::Abandoned { .. } => Verdict::Over,
            Evidence::Claimed { claim: None, .. } if !fs::exists(&job.attempt(attempt, AttemptFile::Claim))? => {
                if was_removed(&job)? {
                    Verdict::Over
                } else {
                    Verdict::Alive
                }
            }
            Evidence::Claimed { claim, .. } => {
                let is_gone = match claim.map_or(Liveness::Unknown, |claim| claim.owner.liveness()) {
                    Liveness::Alive => false,
                    Liveness::Dead => true,
                    Liveness::Unknown => Watch::has_stopped(self.watch, (2, None), self.clock),
                };
                if is_gone { Verdict::NeverStarted(job, attempt) } else { Verdict::Alive }
            }
            Evidence::Running { run, .. } => {
                let process = run.and_then(|run| run.process);
                match process.as_ref().map_or(Liveness::Unknown, ProcessIdentity::liveness) {
                    Liveness::Alive => Verdict::Alive,
                    // Whoever waits for it records how it ended.
                    Liveness::Dead => Verdict::Over,
                    Liveness::Unknown => {
                        let beat = fs::modified(&job.attempt(attempt, AttemptFile::Beat))?;
                        let stopped = Watch::has_stopped(self.watch, (3, beat), self.clock);
                        if stopped { Verdict::Stopped(job, attempt) } else { Verdict::Alive }
                    }
                }
            }
            Evidence::Nothing | Evidence::Foreign { .. } | Evidence::ForeignFailure { .. } => Verdict::Alive,
        })
    }
}

/// Whether an attempt has no files because somebody removed them, rather than because they cannot be seen from here.
fn was_removed(job: &JobDirectory) -> LeaseResult<bool> {
    let root = job.path().ancestors().nth(3);
    Ok(match root {
        Some(root) => fs::exists(&Workspace::new(root).marker())?,
        None => false,
    })
}

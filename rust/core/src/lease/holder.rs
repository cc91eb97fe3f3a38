//! Whether the holder of a ticket is over. Who cannot be asked lives.

use std::time::{Duration, SystemTime};

use super::LeaseResult;
use super::number::bury;
use super::ticket::{Binding, Stored, Ticket};
use crate::claim::{Evidence, Liveness, ProcessIdentity, abandon, declare_lost, evidence_of};
use crate::fs;
use crate::layout::{AttemptFile, JobDirectory, LeaseDirectory, TicketFile, Workspace};

/// A process of another host beats every ten seconds; it is given up when it missed this many.
const PATIENCE: Duration = Duration::from_secs(60);

/// What was seen of a holder that cannot be judged from here, and since when (on a clock of the observer) it is the same.
#[derive(Debug, Clone, Copy)]
pub(super) struct Watch {
    seen: (u32, Option<SystemTime>),
    since: Duration,
}

impl Watch {
    /// Whether nothing has changed for longer than is to be expected of somebody alive.
    fn has_stopped(known: &mut Option<Self>, seen: (u32, Option<SystemTime>), clock: Duration) -> bool {
        match known {
            Some(watch) if watch.seen == seen => clock.saturating_sub(watch.since) > PATIENCE,
            _ => {
                *known = Some(Self { seen, since: clock });
                false
            }
        }
    }
}

/// One look at the holder of a ticket.
pub(super) struct Look<'a> {
    pub(super) folder: &'a LeaseDirectory,
    pub(super) number: u64,
    pub(super) ticket: &'a Stored<Ticket>,
    /// Absent while the ticket is its driver's.
    pub(super) binding: &'a Stored<Binding>,
    pub(super) watch: &'a mut Option<Watch>,
    /// Any clock of the observer that never goes back.
    pub(super) clock: Duration,
    /// Seconds since 1970.
    pub(super) now: f64,
}

impl Look<'_> {
    /// Whether the holder is over for certain. Records, where the claim protocol asks for it, that a job is.
    pub(super) fn says_over(self) -> LeaseResult<bool> {
        match self.binding {
            Stored::Absent => self.driver_is_over(),
            Stored::Record(Binding { directory: Some(directory), attempt, .. }) => {
                let job = JobDirectory::new(directory);
                let attempt = *attempt;
                self.attempt_is_over(&job, attempt)
            }
            Stored::Record(_) => Ok(true),
            // Nobody can know which job it is: as long as the driver lives, it may run.
            Stored::Unreadable => match self.driver_liveness() {
                Liveness::Alive => Ok(false),
                Liveness::Dead | Liveness::Unknown => Ok(Watch::has_stopped(self.watch, (0, None), self.clock)),
            },
        }
    }

    fn driver_liveness(&self) -> Liveness {
        self.ticket.record().map_or(Liveness::Unknown, |ticket| ticket.driver.liveness())
    }

    fn driver_is_over(self) -> LeaseResult<bool> {
        let is_dead = match self.driver_liveness() {
            Liveness::Alive => false,
            Liveness::Dead => true,
            Liveness::Unknown => {
                let beat = fs::modified(&self.folder.ticket(self.number, TicketFile::Beat))?;
                Watch::has_stopped(self.watch, (1, beat), self.clock)
            }
        };
        // Its driver may be about to start a job after all: only one of the two can say what becomes of the ticket.
        Ok(is_dead && bury(self.folder, self.number, "its driver is gone", self.now)?)
    }

    fn attempt_is_over(self, job: &JobDirectory, attempt: u32) -> LeaseResult<bool> {
        Ok(match evidence_of(job, attempt)? {
            Evidence::Done { .. } | Evidence::Ended { .. } | Evidence::Abandoned { .. } => true,
            Evidence::Claimed { claim: None, .. } if !fs::exists(&job.attempt(attempt, AttemptFile::Claim))? => {
                was_removed(job)?
            }
            Evidence::Claimed { claim, .. } => {
                let liveness = claim.map_or(Liveness::Unknown, |claim| claim.owner.liveness());
                let is_dead = match liveness {
                    Liveness::Alive => false,
                    Liveness::Dead => true,
                    Liveness::Unknown => Watch::has_stopped(self.watch, (2, None), self.clock),
                };
                // A process that was launched for it may still begin, unless it is told not to.
                is_dead && abandon(job, attempt, "its driver did not start it", self.now)?
            }
            Evidence::Running { run, .. } => {
                let process = run.and_then(|run| run.process);
                match process.as_ref().map_or(Liveness::Unknown, ProcessIdentity::liveness) {
                    Liveness::Alive => false,
                    // Whoever waits for it records how it ended.
                    Liveness::Dead => true,
                    Liveness::Unknown => {
                        let beat = fs::modified(&job.attempt(attempt, AttemptFile::Beat))?;
                        let stopped = Watch::has_stopped(self.watch, (3, beat), self.clock);
                        if stopped {
                            // It may only sleep: this is what stops it should it wake up.
                            declare_lost(job, attempt, None, "its heartbeat stopped", self.now)?;
                        }
                        stopped
                    }
                }
            }
            Evidence::Nothing | Evidence::Foreign { .. } | Evidence::ForeignFailure { .. } => false,
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

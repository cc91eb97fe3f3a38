//! What the threads of an engine have in common.

use std::path::PathBuf;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use experimaestro_core::job::{Failure, JobEvent, JobId};
use experimaestro_core::scheduler::{LeaseAnswer, Resubmission, Submission};

use crate::job::Job;
use crate::launch::Launcher;
use crate::lease::Keeper;
use crate::memory::MemoryKills;
use crate::pool::Pool;
use crate::prepare::{Interner, Surroundings};
use crate::run::{JobInRun, Run};
use crate::watch::Watcher;

/// What is to be done with a job that was in error when its former driver left it, and is not done since.
#[derive(Debug)]
pub(crate) enum Before {
    /// It stays as it was.
    Failed(Failure),
    /// It runs again, whatever became of it before.
    Again,
}

/// What the driver is told.
pub(crate) enum Message {
    /// A job was submitted for the first time.
    Submitted { job: Arc<Job>, submission: Submission, run: Option<JobInRun>, before: Option<Before> },
    /// A known job was submitted once more, perhaps to another run.
    Joined { job: Arc<Job>, resubmission: Resubmission, run: Option<JobInRun> },
    /// Something happened to jobs.
    Happened(Vec<(JobId, JobEvent)>),
    /// How a job starts is written down.
    Planned(JobId, Arc<Surroundings>),
    /// What became of a job's wish for leases.
    Leased(JobId, LeaseAnswer),
    /// Somebody wants a job to stop.
    Kill(JobId),
    /// A run is over. Where it ended well, the folders of these jobs are not kept: the answer tells where those are now
    /// that may be removed.
    Closed { run: Arc<Run>, clean: Vec<JobId>, left: Sender<Left> },
    /// Somebody wants to know that all before has been heard.
    Heard(Sender<()>),
    /// The engine is gone.
    Quit,
}

/// What is left to do for whoever closed a run.
pub(crate) struct Left {
    /// Folders of jobs that are not kept, under the names that they have now.
    pub(crate) removed: Vec<PathBuf>,
    /// Has to give back what the jobs had.
    pub(crate) keeper: Arc<Keeper>,
}

impl Message {
    /// Whether it is one of many that a script sends one after the other.
    pub(crate) fn is_submission(&self) -> bool {
        matches!(self, Self::Submitted { .. } | Self::Joined { .. })
    }
}

/// Wakes those who wait for jobs or runs.
#[derive(Default)]
pub(crate) struct Bell {
    lock: Mutex<()>,
    rung: Condvar,
}

impl Bell {
    pub(crate) fn ring(&self) {
        // Taken and given back: nobody is between looking and waiting then.
        drop(self.lock.lock().unwrap_or_else(PoisonError::into_inner));
        self.rung.notify_all();
    }

    /// Wait until `is_over`, or for about this long; what it said last.
    pub(crate) fn wait(&self, time: Duration, mut is_over: impl FnMut() -> bool) -> bool {
        let guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.rung.wait_timeout_while(guard, time, |()| !is_over());
        drop(waited.unwrap_or_else(PoisonError::into_inner));
        is_over()
    }
}

/// The parts that every thread needs.
pub(crate) struct Shared {
    pub(crate) messages: Sender<Message>,
    pub(crate) pool: Pool,
    pub(crate) watcher: Watcher,
    pub(crate) launcher: Launcher,
    pub(crate) keeper: Arc<Keeper>,
    pub(crate) bell: Arc<Bell>,
    pub(crate) surroundings: Interner,
    pub(crate) memory_kills: MemoryKills,
}

impl Shared {
    /// Tell the driver that how a job starts is written down.
    pub(crate) fn plan(&self, job: JobId, surroundings: &Arc<Surroundings>) {
        let _ = self.messages.send(Message::Planned(job, Arc::clone(surroundings)));
    }

    /// Tell the driver what happened. It is gone only when the engine is: nobody is interested then.
    pub(crate) fn tell(&self, job: JobId, event: JobEvent) {
        let _ = self.messages.send(Message::Happened(vec![(job, event)]));
    }

    /// Tell the driver what became of a wish for leases.
    pub(crate) fn tell_lease(&self, job: JobId, answer: LeaseAnswer) {
        let _ = self.messages.send(Message::Leased(job, answer));
    }
}

/// Runs that were written to and not flushed.
#[derive(Default)]
pub(crate) struct Dirty(Vec<Arc<Run>>);

impl Dirty {
    pub(crate) fn add(&mut self, run: &Arc<Run>) {
        if !self.0.iter().any(|known| Arc::ptr_eq(known, run)) {
            self.0.push(Arc::clone(run));
        }
    }

    pub(crate) fn flush(&mut self) {
        for run in self.0.drain(..) {
            run.flush();
        }
    }
}

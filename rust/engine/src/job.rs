//! A job as everybody outside the scheduler sees it.

use std::sync::mpsc::Sender;
use std::sync::{Mutex, MutexGuard, PoisonError};

use experimaestro_core::job::{JobId, JobKey, JobState, Place};
use experimaestro_core::layout::JobDirectory;

use crate::launch::LaunchFn;
use crate::prepare::Preparation;
use crate::shared::Message;

/// A job known to an engine.
pub struct Job {
    id: JobId,
    key: JobKey,
    directory: JobDirectory,
    inner: Mutex<Inner>,
    preparation: Preparation,
    driver: Sender<Message>,
}

struct Inner {
    observed: Observed,
    attempt: Option<u32>,
}

impl std::fmt::Debug for Job {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Job").field("id", &self.id).field("key", &self.key).finish_non_exhaustive()
    }
}

/// What can be seen of a job.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed {
    /// Its state.
    pub state: JobState,
    /// Its process, once it was known.
    pub pid: Option<u32>,
    /// It was found running, rather than started.
    pub adopted: bool,
}

impl Job {
    pub(crate) fn new(id: JobId, key: JobKey, launch: LaunchFn, driver: Sender<Message>) -> Self {
        let directory = key.directory();
        let observed = Observed { state: JobState::Unscheduled, pid: None, adopted: false };
        Self {
            id,
            key,
            directory,
            inner: Mutex::new(Inner { observed, attempt: None }),
            preparation: Preparation::new(launch),
            driver,
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its number in the engine.
    pub fn id(&self) -> JobId {
        self.id
    }

    /// What makes it this job.
    pub fn key(&self) -> &JobKey {
        &self.key
    }

    /// Its folder.
    pub fn directory(&self) -> &JobDirectory {
        &self.directory
    }

    /// What can be seen of it now.
    pub fn observed(&self) -> Observed {
        self.inner().observed.clone()
    }

    /// Look at its state without a copy.
    pub fn with_state<T>(&self, look: impl FnOnce(&JobState) -> T) -> T {
        look(&self.inner().observed.state)
    }

    /// Ask it to stop; `false` if it has ended.
    pub fn kill(&self) -> bool {
        let unfinished = !self.with_state(JobState::is_finished);
        unfinished && self.driver.send(Message::Kill(self.id)).is_ok()
    }

    /// Take notice of a new state. What is no longer needed is dropped.
    pub(crate) fn observe(&self, state: &JobState) {
        let mut inner = self.inner();
        inner.observed.state = state.clone();
        if let JobState::Running(running) = state {
            inner.observed.pid = running.pid.or(inner.observed.pid);
            inner.observed.adopted = running.place != Place::Own;
        }
        drop(inner);
        if state.is_finished() {
            self.preparation.forget();
        }
    }

    /// Prepare another start of a job in error; `false` if it is in another state.
    pub(crate) fn restart(&self, launch: LaunchFn) -> bool {
        let mut inner = self.inner();
        let is_error = matches!(inner.observed.state, JobState::Error(_));
        if is_error {
            inner.observed = Observed { state: JobState::Unscheduled, pid: None, adopted: false };
            inner.attempt = None;
            drop(inner);
            self.preparation.replace(launch);
        }
        is_error
    }

    /// What is known of how it starts.
    pub(crate) fn preparation(&self) -> &Preparation {
        &self.preparation
    }

    pub(crate) fn set_attempt(&self, number: u32) {
        self.inner().attempt = Some(number);
    }

    /// The attempt that this engine claimed, if it did.
    pub(crate) fn attempt(&self) -> Option<u32> {
        self.inner().attempt
    }
}

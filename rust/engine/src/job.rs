//! A job as everybody outside the scheduler sees it.

use std::path::PathBuf;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use experimaestro_core::job::{JobId, JobKey, JobState, Place, TransientMode};
use experimaestro_core::layout::JobDirectory;

use crate::lease::Wanted;
use crate::prepare::Preparation;
use crate::registry::Start;
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
    /// What became of the attempts up to this one is taken into account.
    known_attempts: u32,
    transient: TransientMode,
    leases: Vec<Wanted>,
    /// The folder of the token in whose line it stands.
    line: Option<PathBuf>,
    /// Names of the devices that it was given.
    devices: Vec<String>,
    judge: Option<Arc<JudgeFn>>,
    /// Somebody wanted it to stop: however its process ends, that is why.
    stop_requested: bool,
}

/// Says of a job whether its outputs are good: yes, and it need not run; no, and it must, whatever its markers say; or
/// nothing. Asked once each time that its folder is looked at.
pub type JudgeFn = Box<dyn Fn() -> Option<bool> + Send + Sync>;

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
    /// How many of its attempts failed, as far as they count as tries.
    pub retries: u32,
}

impl Job {
    pub(crate) fn new(id: JobId, key: JobKey, start: Start, driver: Sender<Message>) -> Self {
        let Start { launch, leases, judge, transient } = start;
        let directory = key.directory();
        let observed = Observed { state: JobState::Unscheduled, pid: None, adopted: false, retries: 0 };
        Self {
            id,
            key,
            directory,
            inner: Mutex::new(Inner {
                observed,
                attempt: None,
                known_attempts: 0,
                transient,
                leases,
                line: None,
                devices: Vec::new(),
                judge: judge.map(Arc::new),
                stop_requested: false,
            }),
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
    pub(crate) fn observe(&self, state: &JobState, retries: u32) {
        let mut inner = self.inner();
        inner.observed.retries = retries;
        inner.observed.state = state.clone();
        if let JobState::Running(running) = state {
            inner.observed.pid = running.pid.or(inner.observed.pid);
            inner.observed.adopted = running.place != Place::Own;
        }
        // What is removed in the end may be needed again.
        let is_over = match state {
            JobState::Done(_) => inner.transient != TransientMode::Remove,
            other => other.is_finished(),
        };
        drop(inner);
        if is_over {
            self.preparation.forget();
        }
    }

    /// Prepare another start of a job in error, or of one that was not needed and is now; `false` if it is in another state.
    pub(crate) fn restart(&self, start: Start) -> bool {
        let Start { launch, leases, judge, transient } = start;
        let mut inner = self.inner();
        inner.transient = inner.transient.min(transient);
        let (is_skipped, is_error) =
            (inner.observed.state == JobState::Transient, matches!(inner.observed.state, JobState::Error(_)));
        let goes_again = is_error || is_skipped && !inner.transient.is_transient();
        if goes_again {
            inner.observed = Observed { state: JobState::Unscheduled, pid: None, adopted: false, retries: 0 };
            (inner.attempt, inner.stop_requested) = (None, false);
            inner.leases = leases;
        }
        let judge = std::mem::replace(&mut inner.judge, judge.map(Arc::new));
        drop(inner);
        drop(judge);
        if is_error || is_skipped {
            self.preparation.replace(launch);
        }
        goes_again
    }

    /// Whether it runs for its own sake, and its folder stays.
    pub fn transient(&self) -> TransientMode {
        self.inner().transient
    }

    /// Tell the driver something about the run that this job is one of.
    pub(crate) fn tell_driver(&self, message: Message) -> bool {
        self.driver.send(message).is_ok()
    }

    /// What is known of how it starts.
    pub(crate) fn preparation(&self) -> &Preparation {
        &self.preparation
    }

    /// What it shares with jobs of other drivers, in the order in which everybody asks for it.
    pub(crate) fn leases(&self) -> Vec<Wanted> {
        self.inner().leases.clone()
    }

    pub(crate) fn set_line(&self, token: Option<PathBuf>) {
        self.inner().line = token;
    }

    /// The folder of the token in whose line it stands, if it does.
    pub fn line(&self) -> Option<PathBuf> {
        let inner = self.inner();
        if inner.observed.state == JobState::Ready { inner.line.clone() } else { None }
    }

    pub(crate) fn set_devices(&self, devices: Vec<String>) {
        self.inner().devices = devices;
    }

    pub(crate) fn devices(&self) -> Vec<String> {
        self.inner().devices.clone()
    }

    /// Whether its task has an opinion on its outputs.
    pub(crate) fn is_judged(&self) -> bool {
        self.inner().judge.is_some()
    }

    /// What its task says of its outputs now.
    pub(crate) fn judgement(&self) -> Option<bool> {
        let judge = self.inner().judge.clone();
        judge.and_then(|judge| judge())
    }

    pub(crate) fn request_stop(&self) {
        self.inner().stop_requested = true;
    }

    pub(crate) fn is_stop_requested(&self) -> bool {
        self.inner().stop_requested
    }

    /// What became of the attempts up to this one is taken into account.
    pub(crate) fn set_known_attempts(&self, last: u32) {
        self.inner().known_attempts = last;
    }

    /// The last attempt of which it is taken into account what became of it.
    pub(crate) fn known_attempts(&self) -> u32 {
        self.inner().known_attempts
    }

    pub(crate) fn set_attempt(&self, number: u32) {
        self.inner().attempt = Some(number);
    }

    /// The attempt that this engine claimed, if it did.
    pub(crate) fn attempt(&self) -> Option<u32> {
        self.inner().attempt
    }
}

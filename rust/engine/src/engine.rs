//! The engine as its users see it: jobs are handed over, runs opened, ends waited for.

use std::io;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use experimaestro_core::claim::{Evidence, evidence};
use experimaestro_core::job::{JobId, JobKey, JobState, RetryPolicy, TransientMode};
use experimaestro_core::layout::Workspace;
use experimaestro_core::scheduler::{Resubmission, Submission};
use serde_json::{Map, Value};

use crate::driver::Driver;
use crate::job::Job;
use crate::launch::{LaunchFn, Launcher, Settings};
use crate::lease::Keeper;
use crate::needs::Needs;
use crate::pool::Pool;
use crate::prepare::{Interner, write_files};
use crate::registry::{Known, Registry};
use crate::run::{Opening, Run, RunError, open};
use crate::shared::{Bell, Message, Shared};
use crate::watch::Watcher;

/// Asked now and then during a long wait; `false` ends it.
pub type Interrupt<'a> = &'a mut dyn FnMut() -> bool;

/// What can go wrong with an engine.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Its threads cannot be started.
    #[error("cannot start the threads of the engine: {0}")]
    Threads(#[from] io::Error),
    /// A folder cannot be used.
    #[error("{0}")]
    Workspace(String),
}

/// A job to be handed over.
pub struct NewJob {
    /// What makes it this job.
    pub key: JobKey,
    /// How it starts, should it have to.
    pub launch: LaunchFn,
    /// Jobs that must be done first.
    pub dependencies: Vec<JobId>,
    /// The run that it belongs to.
    pub run: Option<Arc<Run>>,
    /// Tags, for the run.
    pub tags: Map<String, Value>,
    /// Higher goes first.
    pub priority: i64,
    /// How often it is tried again.
    pub retries: RetryPolicy,
    /// Whether it runs for its own sake.
    pub transient: TransientMode,
    /// What it takes while it runs.
    pub needs: Needs,
}

struct Started {
    messages: Sender<Message>,
    keeper: Arc<Keeper>,
    registry: Registry,
}

/// Drives the jobs of this process. Threads start with the first job.
pub struct Engine {
    settings: Settings,
    bell: Arc<Bell>,
    started: Mutex<Option<Started>>,
}

impl Engine {
    /// An engine without jobs.
    pub fn new(settings: Settings) -> Self {
        Self { settings, bell: Arc::default(), started: Mutex::new(None) }
    }

    /// What it was made with.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    fn start(&self) -> io::Result<Started> {
        let (messages, heard) = channel();
        let threads = (self.settings.slots as usize).clamp(2, 8);
        let keeper = Arc::<Keeper>::default();
        let shared = Arc::new(Shared {
            keeper: Arc::clone(&keeper),
            messages: messages.clone(),
            pool: Pool::start(threads)?,
            watcher: Watcher::start()?,
            launcher: Launcher::new(self.settings.clone()),
            bell: Arc::clone(&self.bell),
            surroundings: Interner::default(),
        });
        let driver = Driver::new(shared, &self.settings);
        std::thread::Builder::new().name("xpm-driver".into()).spawn(move || driver.work(&heard))?;
        Ok(Started { messages, keeper, registry: Registry::default() })
    }

    /// Hand a job over. A known one joins the run, and goes again if it is in error.
    ///
    /// # Errors
    /// When the threads of the engine cannot be started.
    pub fn submit(&self, new: NewJob) -> Result<Arc<Job>, EngineError> {
        let NewJob { key, launch, dependencies, run, tags, priority, retries, transient, needs } = new;
        let mut started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
        let started = match &mut *started {
            Some(started) => started,
            none => none.insert(self.start()?),
        };
        let (leases, request) = needs.resolve(&started.keeper);
        // The lock is kept until the message is sent: jobs are numbered in the order in which the driver hears of them.
        let (job, message) = match started.registry.submit(key, launch, leases, transient, &started.messages) {
            Known::New(job) => {
                let run = run.and_then(|run| run.join(&job, false, tags));
                let submission = Submission { job: job.id(), dependencies, priority, request, retries, transient };
                (Arc::clone(&job), Message::Submitted { job, submission, run })
            }
            Known::Before { job, restarted } => {
                let run = run.and_then(|run| run.join(&job, restarted, tags));
                let resubmission = Resubmission { job: job.id(), priority, retries, transient, request };
                (Arc::clone(&job), Message::Joined { job, resubmission, run })
            }
        };
        let _ = started.messages.send(message);
        Ok(job)
    }

    /// Open a run of an experiment, `stamp` being the local time in the form of run identifiers.
    ///
    /// # Errors
    /// [`RunError`]: the workspace cannot be used, or `go_on` said no during the wait for the lock.
    pub fn open_run(
        &self,
        workspace: &Workspace,
        experiment: &str,
        stamp: &str,
        environment: Option<&str>,
        on_wait: &mut dyn FnMut(&str),
        go_on: Interrupt<'_>,
    ) -> Result<Arc<Run>, RunError> {
        let opening = Opening { workspace, experiment, stamp, environment };
        Ok(Arc::new(open(&opening, Arc::clone(&self.bell), on_wait, go_on)?))
    }

    /// Write the folder of a job without running it. A job that is done or runs is left as it is.
    ///
    /// # Errors
    /// When the folder cannot be written, or its content not be made.
    pub fn generate(&self, key: &JobKey, launch: &LaunchFn) -> Result<(), EngineError> {
        let directory = key.directory();
        let cannot = |error: &dyn std::fmt::Display| EngineError::Workspace(error.to_string());
        let found = evidence(&directory).map_err(|error| cannot(&error))?;
        if matches!(found, Evidence::Done { .. } | Evidence::Running { .. } | Evidence::Foreign { .. }) {
            return Ok(());
        }
        let wanted = launch().map_err(EngineError::Workspace)?;
        write_files(&directory, &self.settings.python, &wanted).map_err(|error| cannot(&error))
    }

    /// Wait until all jobs have ended, or for about this long; whether they have.
    pub fn wait(&self, jobs: &[Arc<Job>], time: Duration) -> bool {
        let mut position = 0;
        self.bell.wait(time, || {
            while jobs.get(position).is_some_and(|job| job.with_state(JobState::is_settled)) {
                position += 1;
            }
            position == jobs.len()
        })
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if let Some(started) = &*self.started.lock().unwrap_or_else(PoisonError::into_inner) {
            let _ = started.messages.send(Message::Quit);
        }
    }
}

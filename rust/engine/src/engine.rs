//! The engine as its users see it: jobs are handed over, runs opened, ends waited for.

use std::io;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use experimaestro_core::claim::{Evidence, evidence};
use experimaestro_core::fs;
use experimaestro_core::job::{JobId, JobKey, JobState, Reason, RetryPolicy, Terms, TransientMode};
use experimaestro_core::journal::{JobHistory, StateLine};
use experimaestro_core::layout::{JobDirectory, Workspace};
use experimaestro_core::scheduler::{Resubmission, Submission};
use serde_json::{Map, Value};

use crate::driver::Driver;
use crate::job::{Job, JudgeFn};
use crate::launch::{Launch, LaunchFn, Launcher, Settings};
use crate::lease::Keeper;
use crate::memory::MemoryKills;
use crate::needs::Needs;
use crate::pool::Pool;
use crate::prepare::{Interner, Surroundings, write_files};
use crate::registry::{Known, Registry, Start};
use crate::run::{Opening, Resuming, Run, RunError, open, resume};
use crate::shared::{Before, Bell, Message, Shared};
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
    /// Says whether its outputs are good, if its task has an opinion.
    pub judge: Option<JudgeFn>,
    /// Whether it is copied to other folders once it is done: only written down, for whoever goes on with the run.
    pub backup: bool,
}

/// A run to go on with.
pub struct Resumed<'a> {
    /// Where it is.
    pub workspace: &'a Workspace,
    /// Of which experiment.
    pub experiment: &'a str,
    /// Which of its runs; the current one if none is given.
    pub run_id: Option<&'a str>,
    /// The environment of this process.
    pub inherited: Vec<(String, String)>,
}

/// What the former driver of a job has left.
struct Left {
    before: Option<Before>,
    surroundings: Option<Arc<Surroundings>>,
}

impl Left {
    fn take_over(self, job: &Job) -> Option<Before> {
        if let Some(surroundings) = self.surroundings {
            job.preparation().take_over(job.directory(), surroundings);
        }
        self.before
    }
}

/// What is to be done with a job that was in error. What was only not run because others failed is looked at afresh.
fn before(job: &JobHistory, again: &dyn Fn(&JobHistory) -> bool) -> Option<Before> {
    match job.last.as_ref().and_then(StateLine::to_state)? {
        JobState::Error(failure) if failure.reason == Reason::Dependency => None,
        JobState::Error(_) if again(job) => Some(Before::Again),
        JobState::Error(failure) => Some(Before::Failed(failure)),
        _ => None,
    }
}

/// The files that the former driver has written.
fn launch_of_files(directory: JobDirectory, surroundings: Option<Arc<Surroundings>>) -> LaunchFn {
    Box::new(move || {
        let read = |path: std::path::PathBuf| fs::read(&path).map_err(|error| error.to_string());
        let params = read(directory.params())?;
        // A loss of power may have left it empty.
        let (Some(params), Some(surroundings)) = (params.filter(|params| !params.is_empty()), &surroundings) else {
            let text =
                "its former driver left before it wrote down how it starts: run the script of the experiment again";
            return Err(text.to_owned());
        };
        let identity = read(directory.identity())?.unwrap_or_default();
        let Surroundings { inherited, environment, python_path } = Surroundings::clone(surroundings);
        Ok(Launch { params, identity, inherited, environment, python_path })
    })
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
        let keeper = Arc::new(Keeper::new(self.settings.heartbeat));
        let shared = Arc::new(Shared {
            keeper: Arc::clone(&keeper),
            messages: messages.clone(),
            pool: Pool::start(threads)?,
            watcher: Watcher::start()?,
            launcher: Launcher::new(self.settings.clone()),
            bell: Arc::clone(&self.bell),
            surroundings: Interner::default(),
            memory_kills: MemoryKills::watch(),
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
        self.hand_over(new, None)
    }

    fn hand_over(&self, new: NewJob, left: Option<Left>) -> Result<Arc<Job>, EngineError> {
        let NewJob { key, launch, dependencies, run, tags, priority, retries, transient, needs, judge, backup } = new;
        let mut started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
        let started = match &mut *started {
            Some(started) => started,
            none => none.insert(self.start()?),
        };
        let leases = needs.leases.iter().map(|(folder, units)| (folder.path().display().to_string(), *units)).collect();
        let (slots, gpus) = (needs.slots, needs.gpus);
        let terms = Terms { priority, retries: retries.clone(), transient, slots, gpus, leases, backup };
        let (leases, request) = needs.resolve(&started.keeper);
        // The lock is kept until the message is sent: jobs are numbered in the order in which the driver hears of them.
        let start = Start { launch, leases, judge, transient };
        let (job, message) = match started.registry.submit(key, start, &started.messages) {
            Known::New(job) => {
                let run = run.and_then(|run| run.join(&job, false, tags, terms));
                let before = left.and_then(|left| left.take_over(&job));
                let submission = Submission { job: job.id(), dependencies, priority, request, retries, transient };
                (Arc::clone(&job), Message::Submitted { job, submission, run, before })
            }
            Known::Before { job, restarted } => {
                let run = run.and_then(|run| run.join(&job, restarted, tags, terms));
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

    /// Go on with a run whose driver has left: jobs that have not ended run, and those in error for which `again` is true.
    ///
    /// `inherited` is the environment of this process.
    ///
    /// # Errors
    /// [`RunError`]: there is no such run, it cannot be read, or `go_on` said no during the wait for the lock.
    pub fn resume_run(
        &self,
        resumed: Resumed<'_>,
        again: &dyn Fn(&JobHistory) -> bool,
        on_wait: &mut dyn FnMut(&str),
        go_on: Interrupt<'_>,
    ) -> Result<Arc<Run>, RunError> {
        let Resumed { workspace, experiment, run_id, inherited } = resumed;
        let root: Arc<str> = workspace.root().display().to_string().into();
        let resuming = Resuming { workspace, experiment, run_id, inherited: inherited.clone() };
        let (run, history) = resume(resuming, Arc::clone(&self.bell), on_wait, go_on)?;
        let run = Arc::new(run);
        let mut jobs: Vec<Arc<Job>> = Vec::with_capacity(history.jobs.len());
        for job in &history.jobs {
            let dependencies = job.dependencies.iter().filter_map(|number| jobs.get(*number as usize));
            let new = NewJob {
                key: JobKey {
                    workspace: Arc::clone(&root),
                    task_id: job.task_id.as_str().into(),
                    identifier: job.identifier.as_str().into(),
                },
                launch: launch_of_files(workspace.job(&job.task_id, &job.identifier), run.surroundings_of(job)),
                dependencies: dependencies.map(|job| job.id()).collect(),
                run: Some(Arc::clone(&run)),
                tags: job.tags.clone(),
                priority: job.terms.priority,
                retries: job.terms.retries.clone(),
                transient: job.terms.transient,
                needs: Needs::of_terms(&job.terms),
                judge: None,
                backup: job.terms.backup,
            };
            let left = Left { before: before(job, again), surroundings: run.surroundings_of(job) };
            let handed = self.hand_over(new, Some(left));
            jobs.push(handed.map_err(|error| RunError::Workspace(error.to_string()))?);
        }
        Ok(run)
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

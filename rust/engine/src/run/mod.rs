//! One run of one experiment: its folder, its lock, its journal, and the jobs that belong to it.

mod fail_fast;
mod lock;
mod open;
mod resume;
mod status;

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::Path;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use experimaestro_core::fs::{self, FsError};
use experimaestro_core::job::{Failure, JobId, JobState, Terms, TransientMode};
use experimaestro_core::journal::{JobHistory, JournalWriter, Record, Status};
use experimaestro_core::layout::RunDirectory;
use serde_json::{Map, Value};

use crate::job::Job;
use crate::prepare::Surroundings;
use crate::shared::{Bell, Message};
use crate::time::now;
use fail_fast::FailFast;
use lock::ExperimentLock;
pub use open::mark;
pub(crate) use open::{Opening, open};
pub(crate) use resume::{Resuming, resume};
pub(crate) use status::RunStatus;

/// What can go wrong with a run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The workspace cannot be used.
    #[error("{0}")]
    Workspace(String),
    /// The disk refused.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// Somebody interrupted the wait for the lock.
    #[error("interrupted")]
    Interrupted,
}

/// One run of one experiment.
pub struct Run {
    id: String,
    directory: RunDirectory,
    status: RunStatus,
    bell: Arc<Bell>,
    /// The run before: most jobs of a run are those of the last one.
    previous: Option<RunDirectory>,
    inner: Mutex<Inner>,
}

struct Inner {
    lock: Option<ExperimentLock>,
    /// `None` once the run is closed.
    journal: Option<JournalWriter>,
    jobs: Vec<Arc<Job>>,
    numbers: HashMap<JobId, u32>,
    states: Vec<&'static str>,
    unfinished: usize,
    events: VecDeque<(Arc<Job>, &'static str)>,
    folders: HashSet<Arc<str>>,
    /// Surroundings that the journal tells of, by their numbers there.
    surroundings: Vec<Arc<Surroundings>>,
    /// Jobs of which the journal tells how they start.
    planned: HashSet<u32>,
    /// How many jobs the journal told of when it was opened.
    recorded: usize,
    closed: bool,
    fail_fast: FailFast,
}

/// Whether nothing more will happen by itself.
fn is_settled(state: &str) -> bool {
    matches!(state, "done" | "error" | "transient")
}

impl Inner {
    /// Of a run without jobs, whose journal tells of none.
    fn new(lock: ExperimentLock, journal: JournalWriter) -> Self {
        Self {
            lock: Some(lock),
            journal: Some(journal),
            jobs: Vec::new(),
            numbers: HashMap::new(),
            states: Vec::new(),
            unfinished: 0,
            events: VecDeque::new(),
            folders: HashSet::new(),
            surroundings: Vec::new(),
            planned: HashSet::new(),
            recorded: 0,
            closed: false,
            fail_fast: FailFast::default(),
        }
    }

    fn set_state(&mut self, number: u32, state: &'static str) {
        let Some(known) = self.states.get_mut(number as usize) else { return };
        let before = std::mem::replace(known, state);
        match (is_settled(before), is_settled(state)) {
            (false, true) => self.unfinished -= 1,
            (true, false) => self.unfinished += 1,
            (true, true) | (false, false) => {}
        }
    }
}

impl Run {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its name within the experiment: when it started.
    pub fn run_id(&self) -> &str {
        &self.id
    }

    /// Its folder.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// A job belongs to this run from now on; `None` if it did before.
    pub(crate) fn join(
        self: &Arc<Self>,
        job: &Arc<Job>,
        restarted: bool,
        tags: Map<String, Value>,
        terms: Terms,
    ) -> Option<JobInRun> {
        let mut inner = self.inner();
        if let Some(number) = inner.numbers.get(&job.id()).copied() {
            if restarted {
                inner.set_state(number, "unscheduled");
            }
            return None;
        }
        let number = u32::try_from(inner.jobs.len()).unwrap_or(u32::MAX);
        inner.jobs.push(Arc::clone(job));
        inner.numbers.insert(job.id(), number);
        inner.states.push("unscheduled");
        inner.unfinished += 1;
        Some(JobInRun { run: Arc::clone(self), number, tags: Arc::new(tags), terms: Arc::new(terms) })
    }

    /// What the process of a job finds around it, as the former driver wrote down.
    pub(crate) fn surroundings_of(&self, job: &JobHistory) -> Option<Arc<Surroundings>> {
        let number = job.surroundings? as usize;
        self.inner().surroundings.get(number).map(Arc::clone)
    }

    /// Start no more jobs once so many failed of the same cause; `None` never gives up.
    pub fn fail_fast(&self, limit: Option<u32>) {
        self.inner().fail_fast.set(limit);
    }

    /// Why no more jobs start, if that is so.
    pub(crate) fn given_up(&self) -> Option<String> {
        self.inner().fail_fast.given_up().map(str::to_owned)
    }

    /// Write what was recorded. A disk that is full keeps it for the next time.
    pub(crate) fn flush(&self) {
        if let Some(journal) = &mut self.inner().journal {
            let _ = journal.flush();
        }
    }

    /// Wait until whoever comes after this driver could go on with the run: how each job starts is written down, unless
    /// it has ended or runs.
    pub fn wait_until_planned(&self, time: Duration) -> bool {
        self.bell.wait(time, || {
            let inner = self.inner();
            let states = (0u32..).zip(&inner.states);
            states
                .filter(|(_, state)| !is_settled(state) && **state != "running")
                .all(|(number, _)| inner.planned.contains(&number))
        })
    }

    /// Wait until no job is unfinished, or for about this long.
    pub fn wait(&self, time: Duration) -> bool {
        self.bell.wait(time, || self.inner().unfinished == 0)
    }

    /// How many jobs are in each state.
    pub fn counts(&self) -> HashMap<&'static str, usize> {
        let mut counts = HashMap::new();
        for state in &self.inner().states {
            *counts.entry(*state).or_default() += 1;
        }
        counts
    }

    /// The jobs, in the order of their submission.
    pub fn jobs(&self) -> Vec<Arc<Job>> {
        self.inner().jobs.clone()
    }

    /// Wait until there are changes of state to take, or none will come, or for about this long.
    pub fn has_events(&self, time: Duration) -> bool {
        self.bell.wait(time, || {
            let inner = self.inner();
            inner.closed || !inner.events.is_empty()
        })
    }

    /// The changes of state since the last call, in order.
    pub fn take_events(&self) -> Vec<(Arc<Job>, &'static str)> {
        self.inner().events.drain(..).collect()
    }

    /// Write the final status, synchronise the journal, give the lock back. Jobs that run go on.
    ///
    /// # Errors
    /// When the status or the journal cannot be written; the lock is given back all the same.
    pub fn close(self: &Arc<Self>, status: Status) -> Result<(), RunError> {
        self.hear_driver_out();
        let mut inner = self.inner();
        if inner.closed {
            return Ok(());
        }
        inner.closed = true;
        let lock = inner.lock.take();
        let time = now();
        // Closed with the run: a process may open any number of runs, and the driver remembers them all.
        let synced = inner.journal.take().map_or(Ok(()), |mut journal| {
            journal.record(&Record::Closed { status, time });
            journal.sync()
        });
        let written = synced.and_then(|()| {
            let count = |wanted: &str| inner.states.iter().filter(|state| **state == wanted).count();
            let ended = RunStatus {
                status: status.name().to_owned(),
                ended_at: Some(time),
                total: inner.states.len(),
                done: count("done"),
                failed: count("error"),
                ..self.status.clone()
            };
            ended.write(&self.directory)
        });
        let jobs = inner.jobs.clone();
        drop(inner);
        self.leave(&jobs, status);
        drop(lock);
        self.bell.ring();
        Ok(written?)
    }

    /// Wait until the driver has recorded whatever could be seen of a job before.
    fn hear_driver_out(&self) {
        let Some(any) = self.inner().jobs.first().cloned() else { return };
        let (heard, answer) = channel();
        if any.tell_driver(Message::Heard(heard)) {
            let _ = answer.recv();
        }
    }

    /// Let the driver forget this run, and remove the folders that are not kept.
    fn leave(self: &Arc<Self>, jobs: &[Arc<Job>], status: Status) {
        let Some(any) = jobs.first() else { return };
        let is_unkept = |job: &&Arc<Job>| status == Status::Completed && job.transient() == TransientMode::Remove;
        let clean = jobs.iter().filter(is_unkept).map(|job| job.id()).collect();
        let (left, answer) = channel();
        if any.tell_driver(Message::Closed { run: Arc::clone(self), clean, left })
            && let Ok(left) = answer.recv()
        {
            for folder in left.removed {
                // What cannot be removed has a name that says what it is.
                let _ = std::fs::remove_dir_all(folder);
            }
            left.keeper.wait_for_returns();
        }
    }
}

/// The place of a job in a run.
#[derive(Clone)]
pub(crate) struct JobInRun {
    run: Arc<Run>,
    number: u32,
    tags: Arc<Map<String, Value>>,
    terms: Arc<Terms>,
}

impl JobInRun {
    pub(crate) fn run(&self) -> &Arc<Run> {
        &self.run
    }

    pub(crate) fn number(&self) -> u32 {
        self.number
    }

    pub(crate) fn is_of_same_run(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.run, &other.run)
    }

    pub(crate) fn record_submission(&self, job: &Job, dependencies: Vec<u32>, time: f64) {
        let (task_id, identifier) = (job.key().task_id.to_string(), job.key().identifier.to_string());
        let tags = Map::clone(&self.tags);
        let mut inner = self.run.inner();
        if (self.number as usize) < inner.recorded {
            return;
        }
        if let Some(journal) = &mut inner.journal {
            let terms = Terms::clone(&self.terms);
            journal.record(&Record::Job { job: self.number, task_id, identifier, dependencies, tags, terms, time });
        }
    }

    /// Record that how the job starts is written down in its folder, and what its process finds around it.
    pub(crate) fn record_plan(&self, surroundings: &Arc<Surroundings>) {
        let mut inner = self.run.inner();
        let inner = &mut *inner;
        let Some(journal) = &mut inner.journal else { return };
        if !inner.planned.insert(self.number) {
            return;
        }
        // The last ones first: jobs that are submitted one after the other are alike.
        let known = inner.surroundings.iter().rposition(|known| Arc::ptr_eq(known, surroundings));
        let position = known.unwrap_or_else(|| {
            let environment = surroundings.environment.iter().cloned().collect();
            journal.record(&Record::Surroundings { environment, python_path: surroundings.python_path.clone() });
            inner.surroundings.push(Arc::clone(surroundings));
            inner.surroundings.len() - 1
        });
        // There are as many as there are kinds of launchers.
        let surroundings = u32::try_from(position).unwrap_or(u32::MAX);
        journal.record(&Record::Planned { job: self.number, surroundings });
    }

    /// Take notice of a failure; `true` if the run is given up because of it.
    pub(crate) fn count_failure(&self, failure: &Failure) -> bool {
        self.run.inner().fail_fast.count(failure)
    }

    pub(crate) fn record(&self, job: &Arc<Job>, state: &JobState, time: f64) {
        let mut inner = self.run.inner();
        if let Some(journal) = &mut inner.journal {
            journal.record(&Record::state(self.number, state, time));
        }
        inner.set_state(self.number, state.name());
        if inner.closed {
            return;
        }
        inner.events.push_back((Arc::clone(job), state.name()));
    }

    pub(crate) fn record_retry(&self, failure: &Failure, time: f64) {
        if let Some(journal) = &mut self.run.inner().journal {
            journal.record(&Record::retry(self.number, failure.clone(), time));
        }
    }

    /// Link the job's folder into the run's, for people. Nothing depends on it.
    pub(crate) fn link(&self, job: &Job) {
        let key = job.key();
        let folder = self.run.directory.task(&key.task_id);
        let is_new = self.run.inner().folders.insert(Arc::clone(&key.task_id));
        if is_new && fs::create_folders(&folder).is_err() {
            return;
        }
        // Relative, so that a workspace can be moved: jobs/<task>/ is five folders below the root.
        let target = format!("../../../../../jobs/{}/{}", key.task_id, key.identifier);
        let link = folder.join(&*key.identifier);
        let _ = match &self.run.previous {
            Some(previous) => {
                let before = previous.task(&key.task_id).join(&*key.identifier);
                fs::share_symlink(&before, Path::new(&target), &link)
            }
            None => fs::create_symlink(Path::new(&target), &link),
        };
    }
}

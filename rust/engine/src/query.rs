//! What is in a workspace, for people and monitors. Reads, never writes.

use std::collections::{HashMap, HashSet};
use std::time::SystemTime;

use experimaestro_core::claim::{ClaimError, Evidence, Liveness, evidence};
use experimaestro_core::fs::{self, FsError};
use experimaestro_core::job::{Failure, JobState, Place, Reason, Running, TransientMode};
use experimaestro_core::journal::{JobHistory, JournalError, RunHistory, read};
use experimaestro_core::layout::{JobDirectory, RunDirectory, Workspace};
use serde_json::{Map, Value};

use crate::look::running;
use crate::run::RunStatus;
use crate::settle::{ending, success};
use crate::time::seconds;

/// What can go wrong while looking at a workspace.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The disk refused.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// A job's folder cannot be read.
    #[error(transparent)]
    Claim(#[from] ClaimError),
    /// A journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// A run of an experiment.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRow {
    /// The experiment.
    pub experiment: String,
    /// The run.
    pub run_id: String,
    /// Whether it is the last one.
    pub current: bool,
    /// `running`, `completed`, `failed`, `detached`, or `unknown` when its driver is gone without a word.
    pub status: String,
    /// Where its driver ran.
    pub host: Option<String>,
    /// Seconds since 1970.
    pub started: Option<f64>,
    /// Seconds since 1970.
    pub ended: Option<f64>,
    /// How many jobs it has.
    pub total: usize,
    /// How many are done.
    pub done: usize,
    /// How many are in error.
    pub failed: usize,
}

/// A job of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct JobRow {
    /// The experiment.
    pub experiment: String,
    /// The run.
    pub run_id: String,
    /// The task.
    pub task_id: String,
    /// The configuration.
    pub identifier: String,
    /// Its folder.
    pub path: String,
    /// Its state.
    pub state: JobState,
    /// Its tags.
    pub tags: Map<String, Value>,
    /// The jobs that it depends on, by their places among the jobs of the run.
    pub dependencies: Vec<u32>,
    /// Whether it is to be copied to other folders of the workspace once it is done.
    pub archived: bool,
    /// When it joined the run, in seconds since 1970.
    pub submitted: f64,
}

/// The state of a job as its folder tells.
///
/// # Errors
/// When the folder cannot be read.
pub fn inspect(job: &JobDirectory) -> Result<JobState, QueryError> {
    let vanished = |started| {
        let message = "its process vanished without recording an outcome";
        JobState::Error(Failure { started, ended: None, ..Failure::before_start(Reason::Failed, message, 0.0) })
    };
    Ok(match evidence(job)? {
        Evidence::Done { end, marked } => {
            let mut found = success(end.as_ref());
            if marked {
                found.ended = fs::modified(&job.done())?.map(|time: SystemTime| seconds(time));
            }
            JobState::Done(found)
        }
        Evidence::Running { run, claim, .. } => {
            running(run.as_ref(), claim.as_ref()).map_or_else(|| vanished(run.map(|run| run.time)), JobState::Running)
        }
        Evidence::Foreign { process } => {
            JobState::Running(Running { place: Place::Elsewhere, pid: Some(process.pid), started: None })
        }
        Evidence::Claimed { claim, .. } => match claim.map(|claim| claim.owner.liveness()) {
            Some(Liveness::Dead) => JobState::Unscheduled,
            _ => JobState::Scheduled,
        },
        Evidence::Ended { end, .. } => JobState::Error(ending(end.as_ref())),
        Evidence::Nothing | Evidence::Abandoned { .. } => JobState::Unscheduled,
        Evidence::ForeignFailure { failure } => {
            let reason = Reason::from_name(&failure.reason);
            let message = failure.message.unwrap_or_default();
            JobState::Error(Failure { code: failure.code, ended: None, ..Failure::before_start(reason, message, 0.0) })
        }
    })
}

fn experiments(workspace: &Workspace, only: Option<&str>) -> Result<Vec<String>, QueryError> {
    if let Some(name) = only {
        return Ok(vec![name.to_owned()]);
    }
    let mut names = fs::names(&workspace.experiments())?.unwrap_or_default();
    names.sort_unstable();
    Ok(names)
}

/// The run that the link of an experiment leads to; where the link was lost (a copy, a person), the newest one.
pub(crate) fn current_run(workspace: &Workspace, experiment: &str) -> Result<Option<String>, FsError> {
    let known = run_ids(workspace, experiment)?;
    let link = fs::read_symlink(&workspace.experiment(experiment).current())?;
    let linked = link.and_then(|target| target.file_name()?.to_str().map(str::to_owned));
    Ok(linked.filter(|run_id| known.contains(run_id)).or_else(|| known.last().cloned()))
}

/// Runs in the order in which they started: the number after the point is a number.
fn run_order(run_id: &str) -> (String, u32) {
    let (stamp, number) = run_id.split_once('.').unwrap_or((run_id, "0"));
    (stamp.to_owned(), number.parse().unwrap_or(0))
}

/// The runs of an experiment, in the order in which they were opened.
pub(crate) fn run_ids(workspace: &Workspace, experiment: &str) -> Result<Vec<String>, FsError> {
    let mut ids = fs::names(workspace.experiment(experiment).path())?.unwrap_or_default();
    ids.retain(|id| id.starts_with(|first: char| first.is_ascii_digit()));
    ids.sort_by_cached_key(|id| run_order(id));
    Ok(ids)
}

/// The runs of a workspace, by experiment and time.
///
/// # Errors
/// When a folder cannot be read. A journal that cannot be read is not an error here: its counts are those of the status.
/// A run whose status cannot be understood is `unknown`: it must not look as if it were not there, nor its jobs as if
/// nobody knew of them.
pub fn list_runs(workspace: &Workspace, experiment: Option<&str>) -> Result<Vec<RunRow>, QueryError> {
    let mut rows = Vec::new();
    for name in experiments(workspace, experiment)? {
        let folder = workspace.experiment(&name);
        let current = current_run(workspace, &name)?;
        for run_id in run_ids(workspace, &name)? {
            let run = folder.run(&run_id);
            let is_current = current.as_ref() == Some(&run_id);
            if let Some(status) = RunStatus::read(&run)? {
                rows.push(run_row(&run, status, is_current));
            } else if fs::exists(&run.status())? || fs::exists(&run.journal())? {
                rows.push(unknown_run(&run, &name, run_id, is_current));
            }
        }
    }
    Ok(rows)
}

fn is_driven(status: &RunStatus) -> bool {
    let alive = |driver: &experimaestro_core::claim::ProcessIdentity| driver.liveness() != Liveness::Dead;
    status.status == "running" && status.driver.as_ref().is_none_or(alive)
}

/// How many jobs the journal tells of, how many are done, how many in error.
fn counts(history: &RunHistory) -> (usize, usize, usize) {
    let count = |wanted: &str| {
        let is_wanted = |job: &&JobHistory| job.last.as_ref().is_some_and(|line| line.state == wanted);
        history.jobs.iter().filter(is_wanted).count()
    };
    (history.jobs.len(), count("done"), count("error"))
}

/// A run of which only the journal tells, if that.
fn unknown_run(folder: &RunDirectory, experiment: &str, run_id: String, current: bool) -> RunRow {
    let history = read(&folder.journal()).ok();
    let (total, done, failed) = history.as_ref().map(counts).unwrap_or_default();
    RunRow {
        experiment: experiment.to_owned(),
        run_id,
        current,
        status: "unknown".to_owned(),
        host: None,
        started: None,
        ended: None,
        total,
        done,
        failed,
    }
}

fn run_row(folder: &RunDirectory, status: RunStatus, current: bool) -> RunRow {
    let driven = is_driven(&status);
    let RunStatus { mut total, mut done, mut failed, .. } = status;
    if status.status == "running"
        && let Ok(history) = read(&folder.journal())
    {
        (total, done, failed) = counts(&history);
    }
    RunRow {
        experiment: status.experiment_id,
        run_id: status.run_id,
        current,
        status: if status.status == "running" && !driven { "unknown".to_owned() } else { status.status },
        host: Some(status.hostname),
        started: status.started_at,
        ended: status.ended_at,
        total,
        done,
        failed,
    }
}

/// The jobs of the current run of each experiment, or of one run, in the order of their submission.
///
/// # Errors
/// When a journal or the folder of an unfinished job cannot be read.
pub fn list_jobs(
    workspace: &Workspace,
    experiment: Option<&str>,
    run_id: Option<&str>,
) -> Result<Vec<JobRow>, QueryError> {
    let mut rows = Vec::new();
    for name in experiments(workspace, experiment)? {
        let chosen = match run_id {
            Some(run_id) => Some(run_id.to_owned()),
            None => current_run(workspace, &name)?,
        };
        let Some(folder) = chosen.map(|run_id| workspace.experiment(&name).run(&run_id)) else { continue };
        let driven = RunStatus::read(&folder)?.is_some_and(|status| is_driven(&status));
        match read(&folder.journal()) {
            Ok(history) => add_jobs(workspace, history, driven, &mut rows)?,
            Err(JournalError::Missing(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(rows)
}

fn add_jobs(
    workspace: &Workspace,
    history: RunHistory,
    driven: bool,
    rows: &mut Vec<JobRow>,
) -> Result<(), QueryError> {
    let mut folders = Folders::default();
    for job in history.jobs {
        let directory = workspace.job(&job.task_id, &job.identifier);
        let told = job.last.as_ref().and_then(experimaestro_core::journal::StateLine::to_state);
        let state = match told {
            // The journal of a driver at work is up to date; what it left unfinished went on without it.
            Some(JobState::Done(_))
                if !driven
                    && job.terms.transient != TransientMode::Remove
                    && !folders.have(workspace, &job.task_id, &job.identifier)? =>
            {
                let message = "its folder was removed";
                JobState::Error(Failure { ended: None, ..Failure::before_start(Reason::Deleted, message, 0.0) })
            }
            Some(state) if driven || state.is_finished() => state,
            _ => inspect(&directory)?,
        };
        rows.push(JobRow {
            experiment: history.header.experiment.clone(),
            run_id: history.header.run_id.clone(),
            path: directory.path().display().to_string(),
            task_id: job.task_id,
            identifier: job.identifier,
            state,
            tags: job.tags,
            dependencies: job.dependencies,
            archived: job.terms.backup && job.terms.transient != TransientMode::Remove,
            submitted: job.submitted,
        });
    }
    Ok(())
}

/// Which jobs have a folder: one look at the disk for all jobs of a task.
#[derive(Default)]
struct Folders(HashMap<String, HashSet<String>>);

impl Folders {
    fn have(&mut self, workspace: &Workspace, task_id: &str, identifier: &str) -> Result<bool, QueryError> {
        if !self.0.contains_key(task_id) {
            let names = fs::names(&workspace.jobs().join(task_id))?.unwrap_or_default();
            self.0.insert(task_id.to_owned(), names.into_iter().collect());
        }
        Ok(self.0.get(task_id).is_some_and(|names| names.contains(identifier)))
    }
}

/// The folders of jobs whose `task/identifier`, or identifier, starts with a prefix.
///
/// # Errors
/// When a folder cannot be listed.
pub fn find_jobs(workspace: &Workspace, prefix: &str) -> Result<Vec<String>, QueryError> {
    let mut found = Vec::new();
    let mut tasks = fs::names(&workspace.jobs())?.unwrap_or_default();
    tasks.sort_unstable();
    for task in tasks {
        let mut identifiers = fs::names(&workspace.jobs().join(&task))?.unwrap_or_default();
        identifiers.sort_unstable();
        for identifier in identifiers {
            if identifier.starts_with(prefix) || format!("{task}/{identifier}").starts_with(prefix) {
                found.push(workspace.job(&task, &identifier).path().display().to_string());
            }
        }
    }
    Ok(found)
}

//! Going on with a run whose driver has left, from what it wrote down.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use experimaestro_core::claim::ProcessIdentity;
use experimaestro_core::fs;
use experimaestro_core::journal::{JournalWriter, Record, RunHistory, Status, read};
use experimaestro_core::layout::{RunDirectory, Workspace};

use super::lock::ExperimentLock;
use super::status::RunStatus;
use super::{Inner, Run, RunError};
use crate::prepare::Surroundings;
use crate::query::{current_run, run_ids};
use crate::shared::Bell;
use crate::time::now;

/// Which run to go on with.
pub(crate) struct Resuming<'a> {
    pub(crate) workspace: &'a Workspace,
    pub(crate) experiment: &'a str,
    /// The run; the current one if none is given.
    pub(crate) run_id: Option<&'a str>,
    /// The environment of this driver.
    pub(crate) inherited: Vec<(String, String)>,
}

/// Lock the experiment, read what the run did, open its journal again.
pub(crate) fn resume(
    resuming: Resuming<'_>,
    bell: Arc<Bell>,
    on_wait: &mut dyn FnMut(&str),
    go_on: &mut dyn FnMut() -> bool,
) -> Result<(Run, RunHistory), RunError> {
    let Resuming { workspace, experiment, run_id, inherited } = resuming;
    let folder = workspace.experiment(experiment);
    if !fs::exists(folder.path())? {
        let text = format!("{experiment:?} is no experiment of the workspace {}", workspace.root().display());
        return Err(RunError::Workspace(text));
    }
    let lock = ExperimentLock::take(&folder.lock(), on_wait, go_on)?;
    let (run_id, directory) = chosen(workspace, experiment, run_id)?;
    let unreadable = |error: &dyn std::fmt::Display| {
        RunError::Workspace(format!("the run {experiment}/{run_id} cannot be resumed: {error}"))
    };
    let history = read(&directory.journal()).map_err(|error| unreadable(&error))?;
    let (driver, time) = (ProcessIdentity::current(), now());
    let mut journal = JournalWriter::resume(&directory.journal()).map_err(|error| unreadable(&error))?;
    journal.record(&Record::Resumed { driver: driver.clone(), time });
    journal.flush()?;
    let status = reopened(&directory, experiment, &run_id, &driver)?;
    status.write(&directory)?;
    let run = Run {
        id: run_id,
        directory,
        status,
        bell,
        previous: None,
        inner: Mutex::new(Inner {
            surroundings: surroundings(&history, &inherited),
            planned: planned(&history),
            recorded: history.jobs.len(),
            ..Inner::new(lock, journal)
        }),
    };
    Ok((run, history))
}

fn chosen(workspace: &Workspace, experiment: &str, run_id: Option<&str>) -> Result<(String, RunDirectory), RunError> {
    let known = run_ids(workspace, experiment)?;
    let current = current_run(workspace, experiment)?;
    let wanted = run_id.map(str::to_owned).or(current);
    match wanted {
        Some(run_id) if known.contains(&run_id) => {
            let directory = workspace.experiment(experiment).run(&run_id);
            Ok((run_id, directory))
        }
        Some(run_id) => Err(RunError::Workspace(format!(
            "{experiment} has no run {run_id}; it has {}",
            if known.is_empty() { "none".to_owned() } else { known.join(", ") }
        ))),
        None => Err(RunError::Workspace(format!("{experiment} has no run"))),
    }
}

fn reopened(
    directory: &RunDirectory,
    experiment: &str,
    run_id: &str,
    driver: &ProcessIdentity,
) -> Result<RunStatus, RunError> {
    let new = RunStatus::running(experiment, run_id, driver, now());
    Ok(match RunStatus::read(directory)? {
        Some(before) => RunStatus {
            status: Status::Running.name().to_owned(),
            hostname: new.hostname,
            driver: new.driver,
            ended_at: None,
            ..before
        },
        None => new,
    })
}

fn surroundings(history: &RunHistory, inherited: &[(String, String)]) -> Vec<Arc<Surroundings>> {
    let alike = |(environment, python_path): &(_, Vec<String>)| {
        let environment: &std::collections::BTreeMap<String, String> = environment;
        Arc::new(Surroundings {
            inherited: inherited.to_vec(),
            environment: environment.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
            python_path: python_path.clone(),
        })
    };
    history.surroundings.iter().map(alike).collect()
}

fn planned(history: &RunHistory) -> HashSet<u32> {
    let numbered = (0u32..).zip(&history.jobs);
    numbered.filter(|(_, job)| job.surroundings.is_some()).map(|(number, _)| number).collect()
}

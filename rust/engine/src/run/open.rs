//! Opening a run: nothing stays half done.

use std::path::Path;
use std::sync::{Arc, Mutex};

use experimaestro_core::claim::ProcessIdentity;
use experimaestro_core::fs::{self, Creation, Durability, FsError};
use experimaestro_core::identifier::Scheme;
use experimaestro_core::journal::{Header, JournalWriter, VERSION};
use experimaestro_core::layout::{RunDirectory, Workspace};
use serde_json::{Value, json};

use super::lock::ExperimentLock;
use super::status::RunStatus;
use super::{Inner, Run, RunError};
use crate::shared::Bell;
use crate::time::now;

/// What a run is opened with.
pub(crate) struct Opening<'a> {
    pub(crate) workspace: &'a Workspace,
    pub(crate) experiment: &'a str,
    /// The local time, as in run identifiers: `YYYYmmdd_HHMMSS`.
    pub(crate) stamp: &'a str,
    /// `environment.json`.
    pub(crate) environment: Option<&'a str>,
}

/// Mark the workspace, lock the experiment, create the folder of the run.
pub(crate) fn open(
    opening: &Opening<'_>,
    bell: Arc<Bell>,
    on_wait: &mut dyn FnMut(&str),
    go_on: &mut dyn FnMut() -> bool,
) -> Result<Run, RunError> {
    let name = opening.experiment;
    if name.is_empty() || name.starts_with('.') || name.contains('/') {
        let text = format!("{name:?} cannot be the name of an experiment: it becomes the name of a folder");
        return Err(RunError::Workspace(text));
    }
    mark(opening.workspace, None)?;
    let experiment = opening.workspace.experiment(name);
    fs::create_folders(experiment.path())?;
    let lock = ExperimentLock::take(&experiment.lock(), on_wait, go_on)?;
    let (run_id, directory) = new_folder(opening)?;
    let previous = fs::read_symlink(&experiment.current()).ok().flatten();
    let previous = previous.and_then(|target| Some(experiment.run(target.to_str()?)));
    let run = fill(opening, &run_id, &directory, (lock, previous), bell);
    if run.is_err() {
        // The first error is the one to tell.
        let _ = std::fs::remove_dir_all(directory.path());
        return run;
    }
    fs::replace_symlink(Path::new(&run_id), &experiment.current())?;
    run
}

/// Make a folder a workspace, and record its identifier scheme: the one that is asked for, else this package's.
///
/// # Errors
/// When another scheme is recorded than the one asked for, or one that is not known; when the folder cannot be used.
pub fn mark(workspace: &Workspace, asked: Option<Scheme>) -> Result<(), RunError> {
    let root = workspace.root().display();
    if workspace.root().is_file() {
        return Err(RunError::Workspace(format!(
            "the workspace {root} cannot be used: it is a file; give the path of a folder, which may be new"
        )));
    }
    let unusable = |error: FsError| {
        RunError::Workspace(format!(
            "the workspace {root} cannot be used: {error}; give a folder that you may write to"
        ))
    };
    fs::create_folders(workspace.root()).map_err(unusable)?;
    let text = json!({"scheme": asked.unwrap_or_default().name(), "version": 1}).to_string();
    let marker = workspace.marker();
    if !fs::exists(&marker)? {
        match fs::create_exclusive(&marker, text.as_bytes(), Durability::Content) {
            Ok(Creation::Won) => return Ok(()),
            Ok(Creation::Lost) => {}
            Err(error) => return Err(unusable(error)),
        }
    }
    // It may have been made elsewhere, and copied to a file system that cannot keep its promises.
    fs::require_links(&marker).map_err(unusable)?;
    let found: Value = serde_json::from_slice(&fs::read(&marker)?.unwrap_or_default()).unwrap_or_default();
    let Some(recorded) = found.get("scheme").and_then(Value::as_str) else {
        // Older packages left the marker empty, or a number.
        return fs::replace(&marker, text.as_bytes(), Durability::Content).map_err(unusable);
    };
    match (recorded.parse::<Scheme>(), asked) {
        (Ok(known), Some(asked)) if known != asked => Err(RunError::Workspace(format!(
            "the workspace {root} has identifiers of the scheme {recorded}, and {} was asked for: nothing in it would be \
             found again. Ask for {recorded}, or for no scheme, or choose another folder",
            asked.name()
        ))),
        (Ok(_), _) => Ok(()),
        (Err(error), _) => Err(RunError::Workspace(format!(
            "the workspace {root} cannot be used: {error}; use the release that made it, or choose another folder"
        ))),
    }
}

fn new_folder(opening: &Opening<'_>) -> Result<(String, RunDirectory), RunError> {
    let experiment = opening.workspace.experiment(opening.experiment);
    let mut run_id = opening.stamp.to_owned();
    for number in 1.. {
        let directory = experiment.run(&run_id);
        if fs::create_folder(directory.path())? {
            return Ok((run_id, directory));
        }
        run_id = format!("{}.{number}", opening.stamp);
    }
    Err(RunError::Workspace("there are too many runs".to_owned()))
}

fn fill(
    opening: &Opening<'_>,
    run_id: &str,
    directory: &RunDirectory,
    (lock, previous): (ExperimentLock, Option<RunDirectory>),
    bell: Arc<Bell>,
) -> Result<Run, RunError> {
    let driver = ProcessIdentity::current();
    let (experiment, time) = (opening.experiment.to_owned(), now());
    if let Some(environment) = opening.environment {
        fs::replace(&directory.environment(), environment.as_bytes(), Durability::Process)?;
    }
    let status = RunStatus::running(&experiment, run_id, &driver, time);
    status.write(directory)?;
    let header = Header { journal: VERSION, experiment, run_id: run_id.to_owned(), driver, time };
    let journal = JournalWriter::create(&directory.journal(), &header)?;
    Ok(Run {
        id: run_id.to_owned(),
        directory: directory.clone(),
        status,
        bell,
        previous,
        inner: Mutex::new(Inner::new(lock, journal)),
    })
}

//! What tasks are made of, written once for a run: tasks with many ancestors refer to it instead of repeating it.
//!
//! A file of ancestors only grows. Each submitted task adds two lines: `{"objects": [..]}`, what it is made of up to
//! other tasks and up to what is in the file already, and its `identity.json`. An object is named by the byte at which
//! its line begins, and its number there; every object has one place, so what tasks share stays shared. The job folders
//! that need the file have it under a second name: it lives as long as the last of them.

use std::collections::{HashMap, HashSet};
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use experimaestro_core::fs::{self, AppendFile, FsResult, random_word};
use experimaestro_core::layout::{JobDirectory, RunDirectory, Workspace};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::sync::MutexExt as _;

use super::identity::identity_of;
use super::json::{Bases, Elsewhere, Place};
use super::reach::{Own, address, exceeds, have_pre_tasks};
use super::serialize::{Entry, Listing, envelope, listed, write_listing, write_objects};
use crate::errors;

/// Objects of ancestors that a task holds itself, unless the environment says another number.
const MOST: usize = 128;
const VARIABLE: &str = "XPM_MOST_ANCESTORS";

/// The file, under the name that new job folders get.
struct Shared {
    path: PathBuf,
    word: String,
    file: AppendFile,
}

impl Shared {
    fn create(path: impl FnOnce(&str) -> PathBuf) -> FsResult<Self> {
        let word = random_word();
        let path = path(&word);
        let file = AppendFile::open(&path)?;
        Ok(Self { path, word, file })
    }

    /// Give a job folder the file; answers its name there.
    fn give_to(&mut self, job: &JobDirectory) -> FsResult<String> {
        fs::create_folders(&job.private())?;
        if !self.is_named_in(job)? {
            // It has as many names as it can, jobs are on another file system, or its name was taken from it. The next
            // jobs share a copy that is where they are.
            let mut copy = Self::create(|word| job.ancestors(word))?;
            copy.file.append(&self.file.content()?)?;
            *self = copy;
        }
        self.file.publish()?;
        Ok(JobDirectory::relative_ancestors(&self.word))
    }

    fn is_named_in(&self, job: &JobDirectory) -> FsResult<bool> {
        let name = job.ancestors(&self.word);
        match fs::second_name(&self.path, &name) {
            // Its folder may have been moved since, with a copy in its place that grows no more.
            Ok(()) => self.file.is_named(&name),
            Err(error) if error.kind() == ErrorKind::StorageFull => Err(error),
            Err(_) => Ok(false),
        }
    }
}

#[derive(Default)]
struct Written {
    file: Option<Shared>,
    places: Elsewhere,
    /// Tasks that are in the file.
    tasks: HashSet<usize>,
    /// Tasks whose own files refer to others: whoever needs one of them refers too.
    deep: HashMap<usize, Py<PyAny>>,
    /// Tasks with pre-tasks, here or in their ancestors: these run in every job that needs them.
    with_pre_tasks: HashSet<usize>,
}

/// A task that is being written, after those that it needs.
struct Pending<'py> {
    task: Bound<'py, PyAny>,
    own: Own<'py>,
    next: usize,
}

impl Written {
    fn is_deep(&self, own: &Own<'_>, most: usize) -> PyResult<bool> {
        if own.tasks.is_empty() {
            return Ok(false);
        }
        Ok(own.tasks.iter().any(|task| self.deep.contains_key(&address(task))) || exceeds(&own.tasks, most)?)
    }

    /// Add tasks and their ancestors to the file, ancestors first. `root` is described elsewhere.
    fn add<'py>(&mut self, root: &Bound<'py, PyAny>, own: &Own<'py>, to: &Target) -> PyResult<()> {
        // A task in a cycle is described where the walk comes back to it.
        let mut entered = HashSet::from([address(root)]);
        let mut stack = Vec::new();
        for task in &own.tasks {
            self.enter(task, &mut entered, &mut stack)?;
            while let Some(pending) = stack.last_mut() {
                if let Some(needed) = pending.own.tasks.get(pending.next).cloned() {
                    pending.next += 1;
                    self.enter(&needed, &mut entered, &mut stack)?;
                } else if let Some(done) = stack.pop() {
                    entered.remove(&address(&done.task));
                    self.write(&done.task, done.own, to)?;
                }
            }
        }
        Ok(())
    }

    fn enter<'py>(
        &self,
        task: &Bound<'py, PyAny>,
        entered: &mut HashSet<usize>,
        stack: &mut Vec<Pending<'py>>,
    ) -> PyResult<()> {
        if !self.tasks.contains(&address(task)) && entered.insert(address(task)) {
            stack.push(Pending { task: task.clone(), own: Own::of(task, entered)?, next: 0 });
        }
        Ok(())
    }

    fn write<'py>(&mut self, task: &Bound<'py, PyAny>, own: Own<'py>, to: &Target) -> PyResult<()> {
        let py = task.py();
        let fails = |error: fs::FsError| errors::workspace(py, error.to_string());
        if have_pre_tasks(&own.objects)? || own.tasks.iter().any(|it| self.with_pre_tasks.contains(&address(it))) {
            self.with_pre_tasks.insert(address(task));
        }
        let new = own.objects.into_iter().filter(|object| self.places.get(object).is_none()).collect();
        let (entries, numbers) = listed(new)?;
        let listing = Listing { entries: &entries, numbers: &numbers, elsewhere: &self.places };
        let roots = std::slice::from_ref(task);
        let bases = Bases { workspace: Some(to.workspace.clone()), job: None };
        let mut line = b"{\"objects\":".to_vec();
        // Line ends stand between objects only: in texts they are escaped.
        line.extend(write_listing(roots, &listing, &bases, None)?.into_iter().filter(|byte| *byte != b'\n'));
        line.extend_from_slice(b"}\n");
        line.extend(identity_of(task, &own.tasks, &entries)?);
        if self.file.is_none() {
            self.file = Some(Shared::create(|word| to.run.ancestors(word)).map_err(fails)?);
        }
        let Some(shared) = &mut self.file else { return Ok(()) };
        let at = shared.file.length();
        shared.file.append(&line).map_err(fails)?;
        for (number, entry) in entries.into_iter().enumerate() {
            if let Entry::Whole(config) = entry {
                self.places.insert(config, Place { at, number });
            }
        }
        self.tasks.insert(address(task));
        Ok(())
    }
}

/// Where the file goes, and the workspace against which its paths are written.
struct Target {
    run: RunDirectory,
    workspace: String,
}

/// The files of the jobs of a run, and what they have in common.
#[pyclass(frozen, module = "experimaestro._core")]
pub struct Ancestors {
    to: Target,
    most: usize,
    written: Mutex<Written>,
}

#[pymethods]
impl Ancestors {
    /// What a task is made of is in its own file up to `most` objects beyond the first tasks; then it refers to them.
    #[new]
    #[pyo3(signature = (workspace, experiment, run, *, most = None))]
    fn new(workspace: String, experiment: &str, run: &str, most: Option<usize>) -> PyResult<Self> {
        let run = Workspace::new(&workspace).experiment(experiment).run(run);
        let told = std::env::var(VARIABLE).ok().filter(|text| most.is_none() && !text.is_empty());
        let told = told.map(|text| text.parse().map_err(|_| text)).transpose().map_err(|text| {
            PyValueError::new_err(format!("{VARIABLE} must be a number of objects, 0 or more, not {text:?}"))
        })?;
        let most = most.or(told).unwrap_or(MOST);
        Ok(Self { to: Target { run, workspace }, most, written: Mutex::default() })
    }

    /// The contents of a job's `params.json` and `identity.json`; puts what they refer to into the job's folder.
    fn job_files<'py>(
        &self,
        config: &Bound<'py, PyAny>,
        task_id: &str,
        identifier: &str,
        tags: &Bound<'py, PyAny>,
    ) -> PyResult<(Vec<u8>, Vec<u8>)> {
        let py = config.py();
        let job = Workspace::new(&self.to.workspace).job(task_id, identifier);
        let bases =
            Bases { workspace: Some(self.to.workspace.clone()), job: Some(job.path().to_string_lossy().into_owned()) };
        let own = Own::of(config, &HashSet::new())?;
        let roots = std::slice::from_ref(config);
        let mut written = self.written.lock_py_attached(py).unwrap_or_else(PoisonError::into_inner);
        let mut deep = written.is_deep(&own, self.most)?;
        if deep {
            written.add(config, &own, &self.to)?;
            deep = !own.tasks.iter().any(|task| written.with_pre_tasks.contains(&address(task)));
        }
        if !deep {
            drop(written);
            let objects = write_objects(roots, &bases, None)?;
            let params = envelope(&bases, tags, None, &objects.json)?;
            return Ok((params, identity_of(config, &[], &objects.entries)?));
        }
        let (entries, numbers) = listed(own.objects)?;
        let listing = Listing { entries: &entries, numbers: &numbers, elsewhere: &written.places };
        let objects = write_listing(roots, &listing, &bases, None)?;
        let identity = identity_of(config, &own.tasks, &entries)?;
        let given = written.file.as_mut().map(|file| file.give_to(&job)).transpose();
        let given = given.map_err(|error| errors::workspace(py, error.to_string()))?;
        written.deep.insert(address(config), config.clone().unbind());
        drop(written);
        Ok((envelope(&bases, tags, given.as_deref(), &objects)?, identity))
    }
}

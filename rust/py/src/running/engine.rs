//! `Engine`: drives the jobs of this process.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use experimaestro_core::job::{JobKey, RetryPolicy, TransientMode};
use experimaestro_core::journal::JobHistory;
use experimaestro_core::layout::{LeaseDirectory, Workspace};
use experimaestro_engine::{self as engine, EngineError, LauncherKind, Needs, NewJob, Resumed, RunError, Settings};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use super::handle::JobHandle;
use super::launch::{inherited_environment, judge_function, launch_function};
use super::run::Run;
use super::values::json_map;
use super::wait::{patiently, signals};
use crate::errors;

/// Drives the jobs of this process.
#[pyclass(frozen, module = "experimaestro._core")]
pub(crate) struct Engine {
    inner: engine::Engine,
    owner: Owner,
}

/// The process that made an object. Its threads do not exist in a forked child, and its locks may be held for ever.
#[derive(Debug, Clone, Copy)]
pub(super) struct Owner(u32);

impl Owner {
    pub(super) fn current() -> Self {
        Self(std::process::id())
    }

    pub(super) fn check(self, py: Python<'_>) -> PyResult<()> {
        if self.0 == std::process::id() {
            return Ok(());
        }
        let text = "the experiment belongs to the parent of this process: after a fork, the child must not use it";
        Err(errors::error(py, text))
    }
}

fn settings(
    py: Python<'_>,
    slots: Option<u32>,
    gpus: Vec<String>,
    launcher: Option<&str>,
    python: Option<PathBuf>,
    grace: Option<f64>,
) -> PyResult<Settings> {
    let from_environment = std::env::var("XPM_LAUNCHER").ok().filter(|name| !name.is_empty());
    let launcher = match launcher.or(from_environment.as_deref()) {
        None | Some("fork-server") => LauncherKind::ForkServer,
        Some("process") => LauncherKind::Process,
        Some(other) => {
            return Err(PyValueError::new_err(format!("launcher must be 'fork-server' or 'process', not {other:?}")));
        }
    };
    let slots = match slots {
        Some(0) => return Err(PyValueError::new_err("slots must be 1 or more")),
        Some(slots) => slots,
        None => std::thread::available_parallelism().map_or(1, |count| u32::try_from(count.get()).unwrap_or(u32::MAX)),
    };
    let python = match python {
        Some(python) => python,
        None => py.import("sys")?.getattr("executable")?.extract()?,
    };
    let mut settings = Settings { gpus, ..Settings::new(slots, launcher, python) };
    settings.grace = seconds(grace, "XPM_KILL_GRACE")?.unwrap_or(settings.grace);
    settings.patience = seconds(None, "XPM_FORKSERVER_PATIENCE")?.unwrap_or(settings.patience);
    Ok(settings)
}

/// A length of time that was given, else that of the environment.
fn seconds(given: Option<f64>, variable: &str) -> PyResult<Option<Duration>> {
    let told = std::env::var(variable).ok().filter(|text| !text.is_empty());
    let Some(value) = given.or_else(|| told.as_ref().map(|text| text.parse().unwrap_or(f64::NAN))) else {
        return Ok(None);
    };
    let length = Duration::try_from_secs_f64(value);
    let words =
        || PyValueError::new_err(format!("{variable} (or its argument) must be a number of seconds, 0 or more"));
    length.map(Some).map_err(|_| words())
}

fn engine_error(py: Python<'_>, error: &EngineError) -> PyErr {
    match error {
        EngineError::Workspace(message) => errors::workspace(py, message.as_str()),
        EngineError::Threads(_) => errors::error(py, error.to_string()),
    }
}

/// Open a run without the GIL: who has the lock is told to `on_wait`, and signals are heard.
fn waiting_for_lock(
    py: Python<'_>,
    on_wait: Option<&Py<PyAny>>,
    open: impl FnOnce(&mut dyn FnMut(&str), &mut dyn FnMut() -> bool) -> Result<Arc<engine::Run>, RunError> + Send,
) -> PyResult<Arc<engine::Run>> {
    let mut raised = None;
    let opened = py.detach(|| {
        let (mut in_callback, mut in_signal) = (None, None);
        let mut tell = |holder: &str| {
            let call = |py: Python<'_>| on_wait.map_or(Ok(()), |call| call.call1(py, (holder,)).map(drop));
            in_callback = Python::attach(call).err();
        };
        let mut go_on = || {
            in_signal = Python::attach(signals).err();
            in_signal.is_none()
        };
        let opened = open(&mut tell, &mut go_on);
        raised = in_signal.or(in_callback);
        opened
    });
    match (raised, opened) {
        (Some(error), Err(RunError::Interrupted)) => Err(error),
        (_, Err(error)) => Err(errors::workspace(py, error.to_string())),
        (_, Ok(run)) => Ok(run),
    }
}

#[pymethods]
impl Engine {
    #[new]
    #[pyo3(signature = (*, slots = None, gpus = vec![], launcher = None, python = None, grace = None))]
    fn new(
        py: Python<'_>,
        slots: Option<u32>,
        gpus: Vec<String>,
        launcher: Option<&str>,
        python: Option<PathBuf>,
        grace: Option<f64>,
    ) -> PyResult<Self> {
        Ok(Self {
            inner: engine::Engine::new(settings(py, slots, gpus, launcher, python, grace)?),
            owner: Owner::current(),
        })
    }

    /// Jobs at once.
    #[getter]
    fn slots(&self) -> u32 {
        self.inner.settings().slots
    }

    /// Devices to be handed out.
    #[getter]
    fn gpus(&self) -> Vec<String> {
        self.inner.settings().gpus.clone()
    }

    /// Lock the experiment, create a run directory and its journal.
    #[pyo3(signature = (workspace, experiment, *, on_wait = None, environment = None))]
    #[expect(clippy::needless_pass_by_value, reason = "the callback is called without the GIL")]
    fn open_run(
        &self,
        py: Python<'_>,
        workspace: &str,
        experiment: &str,
        on_wait: Option<Py<PyAny>>,
        environment: Option<&str>,
    ) -> PyResult<Run> {
        self.owner.check(py)?;
        let stamp: String = py.import("time")?.call_method1("strftime", ("%Y%m%d_%H%M%S",))?.extract()?;
        let workspace = Workspace::new(workspace);
        let run = waiting_for_lock(py, on_wait.as_ref(), |tell, go_on| {
            self.inner.open_run(&workspace, experiment, &stamp, environment, tell, go_on)
        })?;
        Ok(Run::new(run, self.owner))
    }

    /// Go on with a run whose driver has left; jobs in error run again if they are among `again`.
    #[pyo3(signature = (workspace, experiment, *, run_id = None, again = vec![], on_wait = None))]
    #[expect(clippy::needless_pass_by_value, reason = "the callback is called without the GIL")]
    fn resume_run(
        &self,
        py: Python<'_>,
        workspace: &str,
        experiment: &str,
        run_id: Option<&str>,
        again: Vec<(String, String)>,
        on_wait: Option<Py<PyAny>>,
    ) -> PyResult<Run> {
        self.owner.check(py)?;
        let again: HashSet<(String, String)> = again.into_iter().collect();
        let wanted = |job: &JobHistory| again.contains(&(job.task_id.clone(), job.identifier.clone()));
        let inherited = inherited_environment();
        let workspace = Workspace::new(workspace);
        let run = waiting_for_lock(py, on_wait.as_ref(), |tell, go_on| {
            let resumed = Resumed { workspace: &workspace, experiment, run_id, inherited };
            self.inner.resume_run(resumed, &wanted, tell, go_on)
        })?;
        Ok(Run::new(run, self.owner))
    }

    /// Hand a job over; returns at once.
    #[pyo3(signature = (*, workspace, task_id, identifier, launch, dependencies = vec![], run = None, tags = None,
                        priority = 0, retries = None, transient = "none", slots = 1, gpus = 0, leases = vec![],
                        judge = None, backup = true))]
    #[expect(
        clippy::too_many_arguments,
        clippy::needless_pass_by_value,
        reason = "keyword arguments of a Python method"
    )]
    fn submit(
        &self,
        py: Python<'_>,
        workspace: &str,
        task_id: &str,
        identifier: &str,
        launch: Py<PyAny>,
        dependencies: Vec<PyRef<'_, JobHandle>>,
        run: Option<&Run>,
        tags: Option<&Bound<'_, PyAny>>,
        priority: i64,
        retries: Option<&Bound<'_, PyAny>>,
        transient: &str,
        slots: u32,
        gpus: u32,
        leases: Vec<(PathBuf, u32)>,
        judge: Option<Py<PyAny>>,
        backup: bool,
    ) -> PyResult<JobHandle> {
        self.owner.check(py)?;
        let new = NewJob {
            key: key(workspace, task_id, identifier),
            launch: launch_function(launch),
            dependencies: dependencies.iter().map(|handle| handle.job().id()).collect(),
            run: run.map(Run::inner),
            tags: tags.map(json_map).transpose()?.unwrap_or_default(),
            priority,
            retries: retries.map(policy).transpose()?.unwrap_or_default(),
            transient: mode(transient)?,
            needs: needs(slots, gpus, leases),
            judge: judge.map(judge_function),
            backup,
        };
        // Short, and nobody who holds a lock of the engine waits for the GIL: giving it up would cost more than this takes.
        let job = self.inner.submit(new).map_err(|error| engine_error(py, &error))?;
        Ok(JobHandle::new(job, self.owner))
    }

    /// Write the files of a job directory without running anything.
    fn generate(
        &self,
        py: Python<'_>,
        workspace: &str,
        task_id: &str,
        identifier: &str,
        launch: Py<PyAny>,
    ) -> PyResult<()> {
        self.owner.check(py)?;
        let (key, launch) = (key(workspace, task_id, identifier), launch_function(launch));
        py.detach(|| self.inner.generate(&key, &launch)).map_err(|error| engine_error(py, &error))
    }

    /// State of a job as the disk tells it.
    #[expect(clippy::unused_self, reason = "a method in Python, where the engine may come to know more")]
    fn inspect(
        &self,
        py: Python<'_>,
        workspace: &str,
        task_id: &str,
        identifier: &str,
    ) -> PyResult<(&'static str, Option<&'static str>)> {
        let directory = key(workspace, task_id, identifier).directory();
        let state =
            py.detach(|| engine::inspect(&directory)).map_err(|error| errors::workspace(py, error.to_string()))?;
        Ok((state.name(), super::handle::reason(&state)))
    }

    /// Wait until all have ended; true if so.
    #[pyo3(signature = (handles, timeout = None))]
    fn wait(&self, py: Python<'_>, handles: Vec<PyRef<'_, JobHandle>>, timeout: Option<f64>) -> PyResult<bool> {
        self.owner.check(py)?;
        let jobs: Vec<_> = handles.iter().map(|handle| Arc::clone(handle.job())).collect();
        drop(handles);
        patiently(py, timeout, |time| self.inner.wait(&jobs, time))
    }
}

/// How often a job is tried again; what is not told is as usual.
fn policy(retries: &Bound<'_, PyAny>) -> PyResult<RetryPolicy> {
    let told = serde_json::Value::Object(json_map(retries)?);
    serde_json::from_value(told).map_err(|error| PyValueError::new_err(format!("retries: {error}")))
}

fn needs(slots: u32, gpus: u32, leases: Vec<(PathBuf, u32)>) -> Needs {
    let leases = leases.into_iter().map(|(path, units)| (LeaseDirectory::new(path), units)).collect();
    Needs { slots, gpus, leases }
}

fn mode(transient: &str) -> PyResult<TransientMode> {
    match transient {
        "none" => Ok(TransientMode::None),
        "transient" => Ok(TransientMode::Transient),
        "remove" => Ok(TransientMode::Remove),
        other => Err(PyValueError::new_err(format!("transient must be none, transient or remove, not {other:?}"))),
    }
}

fn key(workspace: &str, task_id: &str, identifier: &str) -> JobKey {
    JobKey { workspace: workspace.into(), task_id: task_id.into(), identifier: identifier.into() }
}

/// A state as a Python word.
pub(super) fn word<'py>(py: Python<'py>, state: &'static str) -> Bound<'py, PyString> {
    PyString::intern(py, state)
}

/// States and how many jobs are in each.
pub(super) fn counts(
    py: Python<'_>,
    counts: impl IntoIterator<Item = (&'static str, usize)>,
) -> PyResult<Bound<'_, PyDict>> {
    let dict = PyDict::new(py);
    for (state, count) in counts {
        dict.set_item(word(py, state), count)?;
    }
    Ok(dict)
}

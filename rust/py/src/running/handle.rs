//! `JobHandle`: a job known to an engine.

use std::sync::Arc;

use experimaestro_core::job::{JobState, Origin};
use experimaestro_engine::Job;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use super::engine::{Owner, word};

/// A job known to the engine.
#[pyclass(frozen, module = "experimaestro._core")]
pub(crate) struct JobHandle {
    job: Arc<Job>,
    owner: Owner,
}

/// Why a job is in error, as a word.
pub(super) fn reason(state: &JobState) -> Option<&'static str> {
    if let JobState::Error(failure) = state { Some(failure.reason.name()) } else { None }
}

/// The exception that ended a job.
pub(super) fn origin(state: &JobState) -> Option<&Origin> {
    if let JobState::Error(failure) = state { failure.origin.as_ref() } else { None }
}

/// The exception that ended a job, as Python sees it.
pub(super) fn origin_dict<'py>(py: Python<'py>, origin: &Origin) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("type", &origin.kind)?;
    dict.set_item("message", &origin.message)?;
    dict.set_item("place", &origin.place)?;
    Ok(dict)
}

/// When a job started and ended, as far as is known.
pub(super) fn times(state: &JobState) -> (Option<f64>, Option<f64>) {
    match state {
        JobState::Running(running) => (running.started, None),
        JobState::Done(success) => (success.started, success.ended),
        JobState::Error(failure) => (failure.started, failure.ended),
        JobState::Unscheduled | JobState::Transient | JobState::Waiting | JobState::Ready | JobState::Scheduled => {
            (None, None)
        }
    }
}

impl JobHandle {
    pub(super) fn new(job: Arc<Job>, owner: Owner) -> Self {
        Self { job, owner }
    }

    pub(super) fn job(&self) -> &Arc<Job> {
        &self.job
    }

    fn with_state<T>(&self, py: Python<'_>, look: impl FnOnce(&JobState) -> T) -> PyResult<T> {
        self.owner.check(py)?;
        Ok(self.job.with_state(look))
    }
}

#[pymethods]
impl JobHandle {
    /// The folder of the job.
    #[getter]
    fn path(&self) -> String {
        self.job.directory().path().display().to_string()
    }

    /// The task.
    #[getter]
    fn task_id(&self) -> &str {
        &self.job.key().task_id
    }

    /// The configuration.
    #[getter]
    fn identifier(&self) -> &str {
        &self.job.key().identifier
    }

    /// The state, as a word.
    #[getter]
    fn state<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        Ok(word(py, self.with_state(py, JobState::name)?))
    }

    /// Why it is in error.
    #[getter]
    fn reason(&self, py: Python<'_>) -> PyResult<Option<&'static str>> {
        self.with_state(py, reason)
    }

    /// Why it is in error, in one line.
    #[getter]
    fn message(&self, py: Python<'_>) -> PyResult<Option<String>> {
        self.with_state(py, |state| if let JobState::Error(failure) = state { failure.message.clone() } else { None })
    }

    /// The exception that ended it: its type, its text, its place in the user's code.
    #[getter]
    fn error<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
        let origin = self.with_state(py, |state| origin(state).cloned())?;
        origin.as_ref().map(|origin| origin_dict(py, origin)).transpose()
    }

    /// The exit code of its process.
    #[getter]
    fn exit_code(&self, py: Python<'_>) -> PyResult<Option<i32>> {
        self.with_state(py, |state| match state {
            JobState::Error(failure) => failure.code,
            JobState::Done(success) if !success.reused => Some(0),
            _ => None,
        })
    }

    /// Its process.
    #[getter]
    fn pid(&self, py: Python<'_>) -> PyResult<Option<u32>> {
        self.owner.check(py)?;
        Ok(self.job.observed().pid)
    }

    /// When it started, in seconds since 1970.
    #[getter]
    fn started(&self, py: Python<'_>) -> PyResult<Option<f64>> {
        self.with_state(py, |state| times(state).0)
    }

    /// When it ended, in seconds since 1970.
    #[getter]
    fn ended(&self, py: Python<'_>) -> PyResult<Option<f64>> {
        self.with_state(py, |state| times(state).1)
    }

    /// Whether it was found running.
    #[getter]
    fn adopted(&self, py: Python<'_>) -> PyResult<bool> {
        self.owner.check(py)?;
        Ok(self.job.observed().adopted)
    }

    /// Whether it was found done.
    #[getter]
    fn reused(&self, py: Python<'_>) -> PyResult<bool> {
        self.with_state(py, |state| matches!(state, JobState::Done(success) if success.reused))
    }

    /// How many of its attempts failed, as far as they count as tries.
    #[getter]
    fn retries(&self, py: Python<'_>) -> PyResult<u32> {
        self.owner.check(py)?;
        Ok(self.job.observed().retries)
    }

    /// The folder of the token in whose line it stands.
    #[getter]
    fn line(&self, py: Python<'_>) -> PyResult<Option<String>> {
        self.owner.check(py)?;
        Ok(self.job.line().map(|path| path.display().to_string()))
    }

    /// Ask it to stop; false if it has ended.
    fn kill(&self, py: Python<'_>) -> PyResult<bool> {
        self.owner.check(py)?;
        Ok(self.job.kill())
    }

    fn __repr__(&self) -> String {
        format!("<JobHandle {}/{}: {}>", self.task_id(), self.identifier(), self.job.with_state(JobState::name))
    }
}

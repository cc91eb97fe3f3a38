//! `Run`: one run of one experiment.

use std::sync::Arc;

use experimaestro_core::journal::Status;
use experimaestro_engine as engine;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use super::engine::{Owner, counts, word};
use super::handle::JobHandle;
use super::wait::patiently;
use crate::errors;

/// One run of one experiment: its folder, lock and journal.
#[pyclass(frozen, module = "experimaestro._core")]
pub(crate) struct Run {
    inner: Arc<engine::Run>,
    owner: Owner,
}

impl Run {
    pub(super) fn new(inner: Arc<engine::Run>, owner: Owner) -> Self {
        Self { inner, owner }
    }

    pub(super) fn inner(&self) -> Arc<engine::Run> {
        Arc::clone(&self.inner)
    }
}

#[pymethods]
impl Run {
    /// When it started; its name within the experiment.
    #[getter]
    fn run_id(&self) -> &str {
        self.inner.run_id()
    }

    /// Its folder.
    #[getter]
    fn path(&self) -> String {
        self.inner.path().display().to_string()
    }

    /// Wait until no job of this run is unfinished.
    #[pyo3(signature = (timeout = None))]
    fn wait(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<bool> {
        self.owner.check(py)?;
        patiently(py, timeout, |time| self.inner.wait(time))
    }

    /// Wait until whoever comes after this process could go on with the run.
    #[pyo3(signature = (timeout = None))]
    fn wait_until_planned(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<bool> {
        self.owner.check(py)?;
        patiently(py, timeout, |time| self.inner.wait_until_planned(time))
    }

    /// How many jobs are in each state.
    fn counts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.owner.check(py)?;
        counts(py, self.inner.counts())
    }

    /// The jobs, in the order of their submission.
    fn jobs(&self, py: Python<'_>) -> PyResult<Vec<JobHandle>> {
        self.owner.check(py)?;
        Ok(self.inner.jobs().into_iter().map(|job| JobHandle::new(job, self.owner)).collect())
    }

    /// The changes of state since the last call.
    #[pyo3(signature = (timeout = None))]
    fn events<'py>(&self, py: Python<'py>, timeout: Option<f64>) -> PyResult<Vec<(JobHandle, Bound<'py, PyString>)>> {
        self.owner.check(py)?;
        patiently(py, timeout, |time| self.inner.has_events(time))?;
        let events = self.inner.take_events().into_iter();
        Ok(events.map(|(job, state)| (JobHandle::new(job, self.owner), word(py, state))).collect())
    }

    /// Start no more jobs once so many failed of the same cause; None never gives up.
    #[pyo3(signature = (limit = 1))]
    fn fail_fast(&self, py: Python<'_>, limit: Option<u32>) -> PyResult<()> {
        self.owner.check(py)?;
        self.inner.fail_fast(limit);
        Ok(())
    }

    /// Write the final status, flush the journal, release the lock.
    fn close(&self, py: Python<'_>, status: &str) -> PyResult<()> {
        self.owner.check(py)?;
        let status = match status {
            "completed" => Status::Completed,
            "failed" => Status::Failed,
            "detached" => Status::Detached,
            other => {
                let text = format!("status must be completed, failed or detached, not {other:?}");
                return Err(PyValueError::new_err(text));
            }
        };
        py.detach(|| self.inner.close(status)).map_err(|error| errors::workspace(py, error.to_string()))
    }
}

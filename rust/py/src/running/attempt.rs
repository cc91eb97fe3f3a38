//! `Attempt`: the job process's side of the claim protocol.

use std::path::PathBuf;
use std::sync::Arc;

use experimaestro_core::claim::{self, Ending, Outcome};
use experimaestro_core::job::Origin;
use experimaestro_core::layout::JobDirectory;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::heartbeat::Heartbeat;
use super::{claim_error, now};

/// The job process's side of the claim protocol.
#[pyclass(frozen, module = "experimaestro._core")]
pub(crate) struct Attempt {
    inner: Arc<claim::Attempt>,
    heartbeat: Option<Heartbeat>,
}

#[pymethods]
impl Attempt {
    /// Win the right to execute, for this process.
    #[staticmethod]
    #[pyo3(signature = (directory, number = None))]
    fn begin(py: Python<'_>, directory: PathBuf, number: Option<u32>) -> PyResult<Self> {
        let begun = py.detach(|| claim::Attempt::begin(JobDirectory::new(directory), number, now()));
        let inner = Arc::new(begun.map_err(|error| claim_error(py, &error))?);
        // Without a thread to spare the job still runs; other hosts then see it as lost, and it will notice at its end.
        let heartbeat = Heartbeat::start(Arc::clone(&inner)).ok();
        Ok(Self { inner, heartbeat })
    }

    /// Read once what tells this machine from others: forked children then know it.
    #[staticmethod]
    fn know_machine() {
        claim::ProcessIdentity::current();
    }

    /// The number of the attempt.
    #[getter]
    fn number(&self) -> u32 {
        self.inner.number()
    }

    /// Whether the attempt still counts.
    fn is_mine(&self, py: Python<'_>) -> PyResult<bool> {
        py.detach(|| self.inner.is_mine()).map_err(|error| claim_error(py, &error))
    }

    /// Record how it ended.
    #[pyo3(signature = (outcome, *, code = 0, message = None, error = None))]
    fn finish(
        &self,
        py: Python<'_>,
        outcome: &str,
        code: i32,
        message: Option<&str>,
        error: Option<(String, String, Option<String>)>,
    ) -> PyResult<()> {
        let outcome = match outcome {
            "done" => Outcome::Done,
            "failed" => Outcome::Failed,
            "timeout" => Outcome::Timeout,
            "cancelled" => Outcome::Cancelled,
            "memory" => Outcome::Memory,
            other => {
                return Err(PyValueError::new_err(format!(
                    "outcome must be done, failed, timeout, cancelled or memory, not {other:?}"
                )));
            }
        };
        let error = error.map(|(kind, message, place)| Origin { kind, message, place });
        let ending = Ending { error, ..Ending::new(outcome, Some(code), message) };
        let finished = py.detach(|| {
            if let Some(heartbeat) = &self.heartbeat {
                heartbeat.stop();
            }
            self.inner.finish_with(&ending, now())
        });
        finished.map_err(|error| claim_error(py, &error))
    }
}

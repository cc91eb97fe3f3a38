//! What is done to the folders of jobs from outside of their driver.

use std::path::PathBuf;

use experimaestro_core::fs;
use experimaestro_core::layout::JobDirectory;
use experimaestro_engine as engine;
use pyo3::prelude::*;

use crate::errors;

/// Ask the process of a job to stop; false when no process of this host is known to run it.
#[pyfunction]
pub(super) fn kill_job(py: Python<'_>, directory: PathBuf) -> PyResult<bool> {
    let killed = py.detach(|| engine::kill(&JobDirectory::new(directory)));
    killed.map_err(|error| errors::workspace(py, error.to_string()))
}

/// Let two names change places at one moment.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "paths of any kind are taken from Python by value")]
pub(super) fn exchange(py: Python<'_>, path: PathBuf, other: PathBuf) -> PyResult<()> {
    // As the system said it: the caller tells "cannot be done here" from other errors.
    py.detach(|| fs::exchange(&path, &other)).map_err(|error| error.source.into())
}

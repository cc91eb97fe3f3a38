//! Progress of a job, as its process appends it and monitors read it.

use std::path::PathBuf;

use experimaestro_core::job::progress::{self, Progress};
use experimaestro_core::layout::JobDirectory;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors;

/// Append one line to the job's progress file.
#[pyfunction]
#[pyo3(signature = (directory, level, value, description))]
pub(super) fn report_progress(
    py: Python<'_>,
    directory: PathBuf,
    level: u32,
    value: f64,
    description: Option<String>,
) -> PyResult<()> {
    let written =
        py.detach(|| progress::report(&JobDirectory::new(directory), &Progress { level, value, description }));
    written.map_err(|error| errors::workspace(py, error.to_string()))
}

/// The levels of progress as they are now.
#[pyfunction]
pub(super) fn read_progress(py: Python<'_>, directory: PathBuf) -> PyResult<Vec<Bound<'_, PyDict>>> {
    let levels = py
        .detach(|| progress::read(&JobDirectory::new(directory)))
        .map_err(|error| errors::workspace(py, error.to_string()))?;
    let as_dict = |level: Progress| {
        let row = PyDict::new(py);
        row.set_item("level", level.level)?;
        row.set_item("value", level.value)?;
        row.set_item("description", level.description)?;
        Ok(row)
    };
    levels.into_iter().map(as_dict).collect()
}

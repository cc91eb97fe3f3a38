//! Places for faults in Python code, for the tests that kill processes at every step.

use std::path::PathBuf;

use experimaestro_core::fs::fault;
use pyo3::prelude::*;

/// One operation of this process: a test may kill it here, or let it find the disk full.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "an argument of a Python function")]
pub(super) fn fault_point(operation: &str, path: PathBuf) -> PyResult<()> {
    Ok(fault::point(operation, &path)?)
}

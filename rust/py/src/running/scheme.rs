//! The identifier scheme that a workspace records.

use experimaestro_core::identifier::{Scheme, SchemeError};
use experimaestro_core::layout::Workspace;
use experimaestro_engine as engine;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::errors;

/// Make a folder a workspace, and record its identifier scheme; refused if another one is recorded.
#[pyfunction]
pub(super) fn record_scheme(py: Python<'_>, workspace: &str, scheme: &str) -> PyResult<()> {
    let scheme: Scheme = scheme.parse().map_err(|error: SchemeError| PyValueError::new_err(error.to_string()))?;
    py.detach(|| engine::mark(&Workspace::new(workspace), Some(scheme)))
        .map_err(|error| errors::workspace(py, error.to_string()))
}

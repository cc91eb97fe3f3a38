//! Running: the job process's side, and the driver's side.

use std::time::{SystemTime, UNIX_EPOCH};

use experimaestro_core::claim::ClaimError;
use pyo3::prelude::*;

use crate::errors;

mod attempt;
mod engine;
mod fault;
mod handle;
mod heartbeat;
mod launch;
mod outside;
mod progress;
mod query;
mod run;
mod scheme;
mod token;
mod values;
mod wait;

/// Seconds since 1970.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |elapsed| elapsed.as_secs_f64())
}

fn claim_error(py: Python<'_>, error: &ClaimError) -> PyErr {
    match error {
        ClaimError::Lost(message) => errors::claim_lost(py, message.as_str()),
        ClaimError::Fs(_) | ClaimError::Missing(_) => errors::workspace(py, error.to_string()),
    }
}

/// Add the classes and functions of this room to the module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<attempt::Attempt>()?;
    module.add_class::<engine::Engine>()?;
    module.add_class::<run::Run>()?;
    module.add_class::<handle::JobHandle>()?;
    module.add_function(wrap_pyfunction!(scheme::record_scheme, module)?)?;
    module.add_function(wrap_pyfunction!(query::list_runs, module)?)?;
    module.add_function(wrap_pyfunction!(query::list_jobs, module)?)?;
    module.add_function(wrap_pyfunction!(query::find_jobs, module)?)?;
    module.add_function(wrap_pyfunction!(outside::kill_job, module)?)?;
    module.add_function(wrap_pyfunction!(outside::exchange, module)?)?;
    module.add_function(wrap_pyfunction!(token::token_open, module)?)?;
    module.add_function(wrap_pyfunction!(token::token_state, module)?)?;
    module.add_function(wrap_pyfunction!(token::token_release, module)?)?;
    module.add_function(wrap_pyfunction!(fault::fault_point, module)?)?;
    module.add_function(wrap_pyfunction!(progress::report_progress, module)?)?;
    module.add_function(wrap_pyfunction!(progress::read_progress, module)?)
}

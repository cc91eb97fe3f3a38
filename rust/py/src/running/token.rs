//! Tokens: how many units there are, who has them, who waits.

use std::path::PathBuf;
use std::time::Duration;

use experimaestro_core::layout::LeaseDirectory;
use experimaestro_core::lease::{self, LeaseError, Observer, Total};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors;

fn token_error(py: Python<'_>, error: &LeaseError) -> PyErr {
    errors::workspace(py, error.to_string())
}

/// Make a token of a folder; answers how many units it has.
#[pyfunction]
#[pyo3(signature = (path, total, *, force = false))]
pub(super) fn token_open(py: Python<'_>, path: PathBuf, total: u32, force: bool) -> PyResult<u32> {
    let whose = if force { Total::Forced } else { Total::First };
    let told = py.detach(|| lease::set_total(&LeaseDirectory::new(path), total, whose));
    told.map_err(|error| token_error(py, &error))
}

/// How many units a token has, how many are free, who has the others, and who waits.
#[pyfunction]
pub(super) fn token_state(py: Python<'_>, path: PathBuf) -> PyResult<Bound<'_, PyDict>> {
    let looked = py.detach(|| {
        let mut observer = Observer::new(LeaseDirectory::new(path));
        let line = observer.peek(Duration::ZERO)?;
        let holders = observer.holders(&line);
        Ok((line, holders))
    });
    let (line, holders) = looked.map_err(|error| token_error(py, &error))?;
    let as_dict = |holder: lease::Holder| {
        let row = PyDict::new(py);
        row.set_item("ticket", holder.number)?;
        row.set_item("units", holder.units)?;
        row.set_item("granted", holder.granted)?;
        row.set_item("job", holder.job)?;
        row.set_item("attempt", holder.attempt)?;
        row.set_item("host", holder.host)?;
        row.set_item("pid", holder.pid)?;
        row.set_item("since", holder.since)?;
        Ok(row)
    };
    let state = PyDict::new(py);
    state.set_item("total", line.total())?;
    state.set_item("available", line.available())?;
    state.set_item("holders", holders.into_iter().map(as_dict).collect::<PyResult<Vec<_>>>()?)?;
    Ok(state)
}

/// Give a ticket back for a holder that cannot.
#[pyfunction]
pub(super) fn token_release(py: Python<'_>, path: PathBuf, ticket: u64) -> PyResult<()> {
    let given = py.detach(|| lease::give_back(&LeaseDirectory::new(path), ticket));
    given.map_err(|error| token_error(py, &error))
}

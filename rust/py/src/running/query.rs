//! What is in a workspace: rows for people and monitors.

use experimaestro_core::job::JobState;
use experimaestro_core::layout::Workspace;
use experimaestro_engine::{self as engine, JobRow, QueryError, RunRow};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::handle::{origin, origin_dict, reason, times};
use super::values::python_dict;
use crate::errors;

fn query_error(py: Python<'_>, error: &QueryError) -> PyErr {
    errors::workspace(py, error.to_string())
}

/// The runs of a workspace.
#[pyfunction]
#[pyo3(signature = (workspace, experiment = None))]
pub(super) fn list_runs<'py>(
    py: Python<'py>,
    workspace: &str,
    experiment: Option<&str>,
) -> PyResult<Vec<Bound<'py, PyDict>>> {
    let rows = py.detach(|| engine::list_runs(&Workspace::new(workspace), experiment));
    rows.map_err(|error| query_error(py, &error))?.into_iter().map(|row| run_row(py, row)).collect()
}

fn run_row(py: Python<'_>, row: RunRow) -> PyResult<Bound<'_, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("experiment", row.experiment)?;
    dict.set_item("run_id", row.run_id)?;
    dict.set_item("current", row.current)?;
    dict.set_item("status", row.status)?;
    dict.set_item("host", row.host)?;
    dict.set_item("started", row.started)?;
    dict.set_item("ended", row.ended)?;
    dict.set_item("total", row.total)?;
    dict.set_item("done", row.done)?;
    dict.set_item("failed", row.failed)?;
    Ok(dict)
}

/// The jobs of the current run of each experiment, or of one run.
#[pyfunction]
#[pyo3(signature = (workspace, experiment = None, run_id = None))]
pub(super) fn list_jobs<'py>(
    py: Python<'py>,
    workspace: &str,
    experiment: Option<&str>,
    run_id: Option<&str>,
) -> PyResult<Vec<Bound<'py, PyDict>>> {
    let rows = py.detach(|| engine::list_jobs(&Workspace::new(workspace), experiment, run_id));
    rows.map_err(|error| query_error(py, &error))?.into_iter().map(|row| job_row(py, row)).collect()
}

fn job_row(py: Python<'_>, row: JobRow) -> PyResult<Bound<'_, PyDict>> {
    let dict = PyDict::new(py);
    let (started, ended) = times(&row.state);
    dict.set_item("experiment", row.experiment)?;
    dict.set_item("run_id", row.run_id)?;
    dict.set_item("task_id", row.task_id)?;
    dict.set_item("identifier", row.identifier)?;
    dict.set_item("path", row.path)?;
    dict.set_item("state", row.state.name())?;
    dict.set_item("reason", reason(&row.state))?;
    dict.set_item(
        "message",
        if let JobState::Error(failure) = &row.state { failure.message.as_deref() } else { None },
    )?;
    dict.set_item("error", origin(&row.state).map(|origin| origin_dict(py, origin)).transpose()?)?;
    dict.set_item("tags", python_dict(py, &row.tags)?)?;
    dict.set_item("dependencies", row.dependencies)?;
    dict.set_item("archived", row.archived)?;
    dict.set_item("submitted", row.submitted)?;
    dict.set_item("started", started)?;
    dict.set_item("ended", ended)?;
    Ok(dict)
}

/// Folders of jobs whose identifier starts with a prefix.
#[pyfunction]
pub(super) fn find_jobs(py: Python<'_>, workspace: &str, prefix: &str) -> PyResult<Vec<String>> {
    py.detach(|| engine::find_jobs(&Workspace::new(workspace), prefix)).map_err(|error| query_error(py, &error))
}

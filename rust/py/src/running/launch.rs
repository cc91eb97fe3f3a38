//! Asking Python what a job needs to start.

use experimaestro_engine::{JudgeFn, Launch, LaunchFn};
use pyo3::exceptions::PyKeyError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

fn item<'py>(answer: &Bound<'py, PyDict>, name: &str) -> PyResult<Bound<'py, PyAny>> {
    answer.get_item(name)?.ok_or_else(|| PyKeyError::new_err(format!("launch() must give {name:?}")))
}

/// The environment of this process. Read while the GIL is held: Python changes the environment under it.
pub(super) fn inherited_environment() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

fn ask(py: Python<'_>, launch: &Py<PyAny>) -> PyResult<Launch> {
    let answer = launch.call0(py)?;
    let answer = answer.bind(py).cast::<PyDict>()?;
    let environment: Vec<(String, String)> = item(answer, "environment")?.cast::<PyDict>()?.items().extract()?;
    Ok(Launch {
        params: item(answer, "params")?.extract()?,
        identity: item(answer, "identity")?.extract()?,
        inherited: inherited_environment(),
        environment,
        python_path: item(answer, "python_path")?.extract()?,
    })
}

/// One line for people, and where in the user's code it comes from is in the message of the exception itself.
fn describe(py: Python<'_>, error: &PyErr) -> String {
    let name = error.get_type(py).name().map_or_else(|_| "error".to_owned(), |name| name.to_string());
    format!("it cannot be written down: {name}: {}", error.value(py))
}

/// The function that says of a job whether its outputs are good. An opinion that cannot be had is none.
pub(super) fn judge_function(judge: Py<PyAny>) -> JudgeFn {
    Box::new(move || {
        Python::try_attach(|py| match judge.call0(py).and_then(|answer| answer.extract::<Option<bool>>(py)) {
            Ok(answer) => answer,
            Err(error) => {
                error.write_unraisable(py, Some(judge.bind(py)));
                None
            }
        })
        .flatten()
    })
}

/// The function that the engine calls on a thread of its own.
pub(super) fn launch_function(launch: Py<PyAny>) -> LaunchFn {
    Box::new(move || {
        let asked = Python::try_attach(|py| ask(py, &launch).map_err(|error| describe(py, &error)));
        asked.unwrap_or_else(|| Err("the interpreter is shutting down".to_owned()))
    })
}

//! Configurations with files of their own, and their ways from what is saved: the names of folders.

use std::collections::HashSet;

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyType;

use super::children::{Child, children, collect};
use super::schema::{Kind, Schema};
use super::state::ConfigState;

/// A configuration under way, and the names that lead to it.
struct Waiting<'py> {
    config: Bound<'py, PyAny>,
    names: Vec<String>,
}

fn queue<'py>(waiting: &mut Vec<Waiting<'py>>, found: Vec<Child<'py>>, names: &[String], schema: Option<&Schema>) {
    waiting.extend(found.into_iter().rev().map(|child| {
        let mut names = names.to_vec();
        for component in &child.way {
            component.write(schema, &mut names);
        }
        Waiting { config: child.config, names }
    }));
}

/// Configurations in `data` (a configuration, or containers of them) that have files, each with the names that lead there.
///
/// Those have files whose class declares a `DataPath`, or defines another `__xpm_serialize__` than `default`.
#[pyfunction]
pub(crate) fn data_owners<'py>(
    data: &Bound<'py, PyAny>,
    default: &Bound<'py, PyAny>,
) -> PyResult<Vec<(Bound<'py, PyAny>, Vec<String>)>> {
    let py = data.py();
    let mut roots = Vec::new();
    collect(data, &mut Vec::new(), &mut roots, 0)
        .map_err(|stopped| stopped.raise(data.py(), "what is to be stored"))?;
    let mut waiting = Vec::new();
    queue(&mut waiting, roots, &[], None);
    let mut seen = HashSet::new();
    let mut owners = Vec::new();
    while let Some(Waiting { config, names }) = waiting.pop() {
        if !seen.insert(config.as_ptr() as usize) {
            continue;
        }
        let state = ConfigState::of_configuration(&config)?;
        let schema = state.get().schema.get();
        queue(&mut waiting, children(&config, state.get())?, &names, Some(schema));
        if schema.arguments.iter().any(|argument| argument.kind == Kind::Data) || !uses(schema.class.bind(py), default)?
        {
            owners.push((config, names));
        }
    }
    Ok(owners)
}

/// Configurations in a value that are reached without passing through another one.
#[pyfunction]
pub(crate) fn configurations_in<'py>(data: &Bound<'py, PyAny>) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let mut found = Vec::new();
    collect(data, &mut Vec::new(), &mut found, 0)
        .map_err(|stopped| stopped.raise(data.py(), "what is to be stored"))?;
    Ok(found.into_iter().map(|child| child.config).collect())
}

fn uses(class: &Bound<'_, PyType>, default: &Bound<'_, PyAny>) -> PyResult<bool> {
    Ok(class.getattr_opt(intern!(class.py(), "__xpm_serialize__"))?.is_none_or(|method| method.is(default)))
}

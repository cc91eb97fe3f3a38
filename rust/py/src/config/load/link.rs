//! How stored objects hang together besides their fields: linked tasks, init tasks, pre-tasks.

use std::collections::HashMap;

use pyo3::prelude::*;
use pyo3::types::PyList;

use super::make::Stored;
use super::{Mode, Table};
use crate::config::document::Definition;
use crate::config::instance::attach_pre_task;
use crate::config::state::ConfigState;
use crate::config::stored::Objects as _;
use crate::config::stub::TaskStub;
use crate::errors;

/// The tasks that configurations are linked to, and their init tasks.
pub(super) fn link<'a, 'py>(
    stored: &[Stored<'a, 'py>],
    table: &Table<'a, 'py>,
    stubs: &mut HashMap<i64, Bound<'py, PyAny>>,
) -> PyResult<()> {
    for Stored { definition, object, .. } in stored {
        let py = object.py();
        let made = |ids: &[i64]| -> PyResult<Vec<Py<PyAny>>> {
            ids.iter().map(|id| table.object(py, *id).map(Bound::unbind)).collect()
        };
        let (pre_tasks, init_tasks) = (made(&definition.pre_tasks)?, made(&definition.init_tasks)?);
        let task = match definition.task {
            Some(id) if id != definition.id => Some(linked_task(py, id, definition, table, stubs)?.unbind()),
            _ => None,
        };
        let state = ConfigState::of_configuration(object)?;
        let mut inner = state.get().lock();
        inner.submitted = definition.task == Some(definition.id);
        if task.is_some() || !init_tasks.is_empty() || !pre_tasks.is_empty() {
            let rare = inner.rare();
            rare.pre_tasks = pre_tasks;
            rare.task = task;
            rare.init_tasks = init_tasks;
        }
    }
    Ok(())
}

fn linked_task<'a, 'py>(
    py: Python<'py>,
    id: i64,
    definition: &Definition<'a>,
    table: &Table<'a, 'py>,
    stubs: &mut HashMap<i64, Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let Some(position) = table.document.position(id) else {
        return Err(errors::load(py, format!("{}: its task {id} is not in the file", definition.describe())));
    };
    if let Some(task) = &table.made.borrow()[position] {
        return Ok(task.clone());
    }
    if let Some(stub) = stubs.get(&id) {
        return Ok(stub.clone());
    }
    let stub = TaskStub::of(py, &table.document.definitions[position])?.into_any();
    stubs.insert(id, stub.clone());
    Ok(stub)
}

/// Pre-tasks of all objects, each once, then the init tasks of the main one: the order in which a job runs them.
pub(super) fn tasks_before<'py>(
    py: Python<'py>,
    stored: &[Stored<'_, 'py>],
    table: &Table<'_, 'py>,
    mode: Mode,
) -> PyResult<Bound<'py, PyList>> {
    let tasks = PyList::empty(py);
    let mut known: Vec<i64> = Vec::new();
    let pre_tasks = stored.iter().flat_map(|it| it.definition.pre_tasks.iter().map(|id| (*id, Some(it.definition.id))));
    // Data has no main object, hence no init tasks.
    let main = table.document.definitions.last().filter(|_| table.document.data.is_none());
    let init_tasks = main.into_iter().flat_map(|it| it.init_tasks.iter().map(|id| (*id, None)));
    for (id, owner) in pre_tasks.chain(init_tasks) {
        if known.contains(&id) {
            continue;
        }
        known.push(id);
        let task = table.object(py, id)?;
        if let Some(owner) = owner.filter(|_| mode == Mode::Instance) {
            attach_pre_task(&task, &table.object(py, owner)?)?;
        }
        tasks.append(task)?;
    }
    Ok(tasks)
}

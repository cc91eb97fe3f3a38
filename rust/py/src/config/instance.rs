//! `config.instance()`: objects straight from configurations, without a file in between.

use std::collections::{HashMap, HashSet};

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFrozenSet, PyList, PySet, PyString, PyTuple};
use pyo3::{ffi, intern};

use super::base::is_configuration;
use super::construct::make_value;
use super::containers::entries;
use super::reach::reachable;
use super::state::ConfigState;

/// Objects by the address of their configuration.
type Made<'py> = HashMap<usize, Bound<'py, PyAny>>;

/// A value with its configurations replaced by their objects; containers are new, so that objects cannot change configurations.
fn convert<'py>(value: &Bound<'py, PyAny>, made: &Made<'py>) -> PyResult<Bound<'py, PyAny>> {
    let py = value.py();
    if is_configuration(value) {
        return Ok(made.get(&(value.as_ptr() as usize)).cloned().unwrap_or_else(|| value.clone()));
    }
    if let Ok(list) = value.cast_exact::<PyList>() {
        let items = list.iter().map(|item| convert(&item, made)).collect::<PyResult<Vec<_>>>()?;
        return Ok(PyList::new(py, items)?.into_any());
    }
    if let Ok(dict) = value.cast_exact::<PyDict>() {
        let copy = PyDict::new(py);
        for (key, item) in entries(dict) {
            copy.set_item(convert(&key, made)?, convert(&item, made)?)?;
        }
        return Ok(copy.into_any());
    }
    if let Ok(tuple) = value.cast_exact::<PyTuple>() {
        let items = tuple.iter().map(|item| convert(&item, made)).collect::<PyResult<Vec<_>>>()?;
        return Ok(PyTuple::new(py, items)?.into_any());
    }
    if let Ok(set) = value.cast_exact::<PySet>() {
        let copy = PySet::empty(py)?;
        for item in set {
            copy.add(convert(&item, made)?)?;
        }
        return Ok(copy.into_any());
    }
    if let Ok(set) = value.cast_exact::<PyFrozenSet>() {
        let items = set.iter().map(|item| convert(&item, made)).collect::<PyResult<Vec<_>>>()?;
        return Ok(PyFrozenSet::new(py, items)?.into_any());
    }
    Ok(value.clone())
}

/// Tell a pre-task which object it belongs to, if it asks: a loader fills that object, not one like it.
pub(crate) fn attach_pre_task(task: &Bound<'_, PyAny>, owner: &Bound<'_, PyAny>) -> PyResult<()> {
    if let Some(attach) = task.getattr_opt(intern!(task.py(), "__xpm_pretask_of__"))? {
        attach.call1((owner,))?;
    }
    Ok(())
}

/// Set an attribute without asking the class: `torch.nn.Module` would take the configuration of a module for a part of it.
fn set_plainly(object: &Bound<'_, PyAny>, name: &Bound<'_, PyString>, value: &Bound<'_, PyAny>) -> PyResult<()> {
    // SAFETY: the three are live objects, and the thread is attached to the interpreter.
    let outcome = unsafe { ffi::PyObject_GenericSetAttr(object.as_ptr(), name.as_ptr(), value.as_ptr()) };
    if outcome == 0 { Ok(()) } else { Err(PyErr::fetch(object.py())) }
}

/// Objects for a configuration and all below it.
///
/// `store` (a dictionary from configuration address to `(configuration, object)`) is read and filled: objects already
/// in it are used again. Parents are made first, children completed first; then the pre-tasks run, each once.
#[pyfunction]
pub(crate) fn build_instance<'py>(
    config: &Bound<'py, PyAny>,
    store: &Bound<'py, PyDict>,
    keep: bool,
) -> PyResult<Bound<'py, PyAny>> {
    let py = config.py();
    let order = reachable(std::slice::from_ref(config))?;
    let mut made: Made<'py> = HashMap::with_capacity(order.len());
    let mut fresh = Vec::with_capacity(order.len());
    for current in order.iter().rev() {
        let address = current.as_ptr() as usize;
        if let Some(known) = store.get_item(address)? {
            made.insert(address, known.get_item(1)?);
            continue;
        }
        let state = ConfigState::of_configuration(current)?;
        let object = make_value(state.get().schema.get(), py)?;
        store.set_item(address, (current, &object))?;
        made.insert(address, object);
        fresh.push(current);
    }
    // Each with the address of the configuration that it belongs to.
    let mut pre_tasks: Vec<(Py<PyAny>, usize)> = Vec::new();
    for current in fresh.into_iter().rev() {
        let state = ConfigState::of_configuration(current)?;
        let schema = state.get().schema.get();
        let object = &made[&(current.as_ptr() as usize)];
        for argument in &schema.arguments {
            let name = argument.name.bind(py);
            if let Some(value) = current.getattr_opt(name)? {
                let value = if argument.spec.is_plain() { value } else { convert(&value, &made)? };
                object.setattr(name, value)?;
            }
        }
        if keep {
            set_plainly(object, intern!(py, "__config__"), current)?;
        }
        if schema.making().has_post_init {
            object.call_method0(intern!(py, "__post_init__"))?;
        }
        if let Some(rare) = &state.get().lock().rare {
            let owner = current.as_ptr() as usize;
            pre_tasks.extend(rare.pre_tasks.iter().map(|task| (task.clone_ref(py), owner)));
        }
    }
    let mut executed = HashSet::new();
    for (task, owner) in pre_tasks {
        let address = task.as_ptr() as usize;
        if executed.insert(address) {
            attach_pre_task(&made[&address], &made[&owner])?;
            made[&address].call_method0(intern!(py, "execute"))?;
        }
    }
    Ok(made[&(config.as_ptr() as usize)].clone())
}

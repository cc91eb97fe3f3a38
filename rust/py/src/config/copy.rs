//! What copies and pickles need of a configuration beyond its values.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyType};

use super::assign::checked;
use super::base::set_raw;
use super::construct::{allocate, make};
use super::provenance::Site;
use super::reach::reachable;
use super::schema::{Kind, Schema};
use super::state::{ConfigState, Inner, Tag};

/// Set a parameter without validation: the value was validated when it was set on the original.
#[pyfunction]
pub(crate) fn set_unchecked(
    config: &Bound<'_, PyAny>,
    name: &Bound<'_, PyString>,
    value: &Bound<'_, PyAny>,
) -> PyResult<()> {
    set_raw(config, name, value)
}

/// An open configuration with what the user set in another one, some of it changed; constants can be changed too.
#[pyfunction]
pub(crate) fn copy_changed<'py>(
    config: &Bound<'py, PyAny>,
    changes: &Bound<'py, PyDict>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = config.py();
    let state = ConfigState::of_configuration(config)?;
    let schema = state.get().schema.bind(py);
    let values = explicit_values(config, state.get())?;
    let mut constants = Vec::new();
    for (name, value) in changes {
        match schema.get().position(&name)? {
            Some(position) if schema.get().arguments[position].kind == Kind::Constant => {
                constants.push((position, value));
            }
            _ => values.set_item(name, value)?,
        }
    }
    let made = make(schema, Some(&values), Site::of_caller(py))?;
    keep_barriers(state.get(), &made, changes)?;
    for (position, value) in constants {
        let value = checked(schema.get(), position, &value, Site::of_caller(py).as_ref())?;
        set_raw(&made, schema.get().arguments[position].name.bind(py), &value)?;
    }
    Ok(made)
}

/// Tags that a value does not let through in the original, it does not let through in the copy; a new value is as it is given.
fn keep_barriers(source: &ConfigState, made: &Bound<'_, PyAny>, changes: &Bound<'_, PyDict>) -> PyResult<()> {
    let barriers = source.lock().rare.as_ref().map(|rare| rare.tag_barriers.clone()).unwrap_or_default();
    let state = ConfigState::of_configuration(made)?;
    for position in barriers {
        if !changes.contains(&source.schema.get().arguments[position].name)? {
            state.get().lock().rare().tag_barriers.push(position);
        }
    }
    Ok(())
}

/// What the user set and may set again, by name.
fn explicit_values<'py>(config: &Bound<'py, PyAny>, state: &ConfigState) -> PyResult<Bound<'py, PyDict>> {
    let py = config.py();
    let values = PyDict::new(py);
    for (position, argument) in state.schema.get().arguments.iter().enumerate() {
        let settable = !matches!(argument.kind, Kind::Constant | Kind::Generated);
        if settable && state.lock().is_explicit(position) {
            let name = argument.name.bind(py);
            if let Some(value) = config.getattr_opt(name)? {
                values.set_item(name, value)?;
            }
        }
    }
    Ok(values)
}

/// The configuration and all below it, sub-configurations first.
#[pyfunction]
pub(crate) fn reachable_configurations<'py>(config: &Bound<'py, PyAny>) -> PyResult<Vec<Bound<'py, PyAny>>> {
    reachable(std::slice::from_ref(config))
}

/// An open configuration of the same class without values, with the tags, the meta flag, the task that it is an output
/// of, and what was set by the user.
#[pyfunction]
pub(crate) fn empty_copy<'py>(config: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = config.py();
    let state = ConfigState::of_configuration(config)?;
    let schema = state.get().schema.clone_ref(py);
    let mut inner = Inner::default();
    {
        let source = state.get().lock();
        inner.meta = source.meta;
        inner.dynamic = source.dynamic;
        inner.site = source.site.as_ref().map(|site| site.clone_ref(py));
        for position in 0..schema.get().arguments.len() {
            if source.is_explicit(position) {
                inner.set_explicit(position);
            }
        }
        if let Some(rare) = &source.rare {
            let copy = inner.rare();
            copy.tag_barriers.clone_from(&rare.tag_barriers);
            // A task that was submitted is linked to itself; its copy is another one.
            let task = rare.task.as_ref().filter(|task| !task.is(config));
            copy.task = task.map(|task| task.clone_ref(py));
            copy.deprecated_from = rare.deprecated_from.as_ref().map(|old| old.clone_ref(py));
            copy.tags = rare
                .tags
                .iter()
                .map(|tag| Tag {
                    name: tag.name.clone(),
                    value: tag.value.clone_ref(py),
                    site: tag.site.as_ref().map(|site| site.clone_ref(py)),
                })
                .collect();
        }
    }
    with_state(py, schema, inner)
}

fn with_state(py: Python<'_>, schema: Py<Schema>, inner: Inner) -> PyResult<Bound<'_, PyAny>> {
    let object = allocate(schema.get().config_class.bind(py))?;
    let state = Bound::new(py, ConfigState::new(schema, inner))?;
    set_raw(&object, pyo3::intern!(py, "__xpm_state__"), state.as_any())?;
    Ok(object)
}

/// What is neither a parameter nor a task, as plain Python data: flags, digest, tags.
#[pyfunction]
pub(crate) fn export_state<'py>(config: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDict>> {
    let py = config.py();
    let state = ConfigState::of_configuration(config)?;
    let schema = state.get().schema.get();
    let inner = state.get().lock();
    let data = PyDict::new(py);
    let explicit: Vec<&str> = schema
        .arguments
        .iter()
        .enumerate()
        .filter(|(position, _)| inner.is_explicit(*position))
        .map(|(_, argument)| argument.text.as_str())
        .collect();
    data.set_item("explicit", explicit)?;
    data.set_item("flags", (inner.sealed, inner.loaded, inner.submitted))?;
    data.set_item("meta", inner.meta)?;
    data.set_item("digest", inner.digest.filter(|_| inner.sealed))?;
    data.set_item("in_cycle", inner.in_cycle.filter(|_| inner.sealed))?;
    if let Some(rare) = &inner.rare {
        let tags = PyList::empty(py);
        for tag in &rare.tags {
            tags.append((&tag.name, &tag.value))?;
        }
        data.set_item("tags", tags)?;
        let barriers: Vec<&str> = rare.tag_barriers.iter().map(|&i| schema.arguments[i].text.as_str()).collect();
        data.set_item("barriers", barriers)?;
        data.set_item("deprecated_from", &rare.deprecated_from)?;
    }
    Ok(data)
}

/// A configuration without values, with the state that was exported.
#[pyfunction]
pub(crate) fn import_state<'py>(cls: &Bound<'py, PyType>, data: &Bound<'py, PyDict>) -> PyResult<Bound<'py, PyAny>> {
    let py = cls.py();
    let schema = Schema::of_class(cls)?;
    let get = |name: &str| -> PyResult<Bound<'py, PyAny>> {
        Ok(data.get_item(name)?.unwrap_or_else(|| py.None().into_bound(py)))
    };
    let mut inner = Inner::default();
    for name in get("explicit")?.try_iter()? {
        if let Some(position) = schema.get().position(&name?)? {
            inner.set_explicit(position);
        }
    }
    (inner.sealed, inner.loaded, inner.submitted) = get("flags")?.extract()?;
    inner.validated = inner.sealed;
    inner.meta = get("meta")?.extract()?;
    inner.digest = get("digest")?.extract()?;
    inner.in_cycle = get("in_cycle")?.extract()?;
    if data.contains("tags")? {
        let rare = inner.rare();
        for tag in get("tags")?.try_iter()? {
            let (name, value) = tag?.extract()?;
            rare.tags.push(Tag { name, value, site: None });
        }
        for name in get("barriers")?.try_iter()? {
            rare.tag_barriers.extend(schema.get().position(&name?)?);
        }
        let old = get("deprecated_from")?;
        rare.deprecated_from = (!old.is_none()).then(|| old.unbind());
    }
    with_state(py, schema.unbind(), inner)
}

/// The tasks of a configuration, any of which may lead back to it: the one it is an output of, init tasks, pre-tasks.
type Tasks = (Option<Py<PyAny>>, Vec<Py<PyAny>>, Vec<Py<PyAny>>);

/// Task link, init tasks and pre-tasks of a configuration; `None` if there are none.
#[pyfunction]
pub(crate) fn export_tasks(config: &Bound<'_, PyAny>) -> PyResult<Option<Tasks>> {
    let py = config.py();
    let state = ConfigState::of_configuration(config)?;
    let inner = state.get().lock();
    let shared = |tasks: &[Py<PyAny>]| tasks.iter().map(|task| task.clone_ref(py)).collect::<Vec<_>>();
    Ok(inner.rare.as_ref().and_then(|rare| {
        let task = rare.task.as_ref().map(|task| task.clone_ref(py));
        let (init_tasks, pre_tasks) = (shared(&rare.init_tasks), shared(&rare.pre_tasks));
        let none = task.is_none() && init_tasks.is_empty() && pre_tasks.is_empty();
        (!none).then_some((task, init_tasks, pre_tasks))
    }))
}

/// Set what `export_tasks` returned; what is known of the configuration, as its identifier, stays.
#[pyfunction]
pub(crate) fn import_tasks(config: &Bound<'_, PyAny>, tasks: Tasks) -> PyResult<()> {
    let state = ConfigState::of_configuration(config)?;
    let mut inner = state.get().lock();
    let rare = inner.rare();
    (rare.task, rare.init_tasks, rare.pre_tasks) = tasks;
    Ok(())
}

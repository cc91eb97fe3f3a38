//! What a configuration holds: its sub-configurations, found through lists, tuples, sets and dictionaries.

use pyo3::exceptions::PyRecursionError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFrozenSet, PyList, PySet, PyTuple};

use super::base::is_configuration;
use super::schema::Schema;
use super::state::ConfigState;

/// Containers may be nested this deep in one parameter; configurations may be nested without limit.
const DEEPEST: usize = 200;

/// One component of the way from a configuration to one that it holds.
#[derive(Clone)]
pub(crate) enum Component {
    /// The parameter at this position of the schema.
    Parameter(usize),
    Index(usize),
    Key(String),
    /// The n-th init task.
    InitTask(usize),
    /// The n-th pre-task.
    PreTask(usize),
}

impl Component {
    /// As a part of a path; `schema` is that of the configuration in which the component starts, if it starts in one.
    pub(crate) fn write(&self, schema: Option<&Schema>, out: &mut Vec<String>) {
        match self {
            Self::Parameter(position) => out.extend(schema.map(|schema| schema.arguments[*position].text.clone())),
            Self::Index(index) => out.push(index.to_string()),
            Self::Key(key) => out.push(key.replace(['/', '\\', '\0'], "_")),
            Self::InitTask(index) => {
                out.push("__init_tasks__".to_owned());
                out.push(index.to_string());
            }
            Self::PreTask(index) => {
                out.push("__pre_tasks__".to_owned());
                out.push(index.to_string());
            }
        }
    }
}

/// A configuration found below another one, and the way to it.
pub(crate) struct Child<'py> {
    pub(crate) config: Bound<'py, PyAny>,
    pub(crate) way: Vec<Component>,
}

/// The direct sub-configurations in the order of the parameters, then the init tasks, then the pre-tasks.
pub(crate) fn children<'py>(config: &Bound<'py, PyAny>, state: &ConfigState) -> PyResult<Vec<Child<'py>>> {
    let py = config.py();
    let schema = state.schema.get();
    let mut found = Vec::new();
    for &position in &schema.holding {
        if let Some(value) = config.getattr_opt(schema.arguments[position].name.bind(py))? {
            let mut way = vec![Component::Parameter(position)];
            collect(&value, &mut way, &mut found, 0)?;
        }
    }
    let inner = state.lock();
    if let Some(rare) = &inner.rare {
        for (index, task) in rare.init_tasks.iter().enumerate() {
            found.push(Child { config: task.bind(py).clone(), way: vec![Component::InitTask(index)] });
        }
        for (index, task) in rare.pre_tasks.iter().enumerate() {
            found.push(Child { config: task.bind(py).clone(), way: vec![Component::PreTask(index)] });
        }
    }
    drop(inner);
    Ok(found)
}

/// The configurations in a value that is given to the parameter at this position.
pub(crate) fn held_by<'py>(value: &Bound<'py, PyAny>, position: usize) -> PyResult<Vec<Child<'py>>> {
    let mut found = Vec::new();
    collect(value, &mut vec![Component::Parameter(position)], &mut found, 0)?;
    Ok(found)
}

/// Configurations in a value, each with its way from there.
pub(crate) fn collect<'py>(
    value: &Bound<'py, PyAny>,
    way: &mut Vec<Component>,
    found: &mut Vec<Child<'py>>,
    depth: usize,
) -> PyResult<()> {
    if value.is_none() {
        return Ok(());
    }
    if is_configuration(value) {
        found.push(Child { config: value.clone(), way: way.clone() });
        return Ok(());
    }
    if depth > DEEPEST {
        return Err(PyRecursionError::new_err(format!(
            "lists or dictionaries are nested more than {DEEPEST} deep in one parameter (do they hold themselves?)"
        )));
    }
    let mut step = |component: Component, item: &Bound<'py, PyAny>, found: &mut Vec<Child<'py>>| {
        way.push(component);
        let result = collect(item, way, found, depth + 1);
        way.pop();
        result
    };
    if let Ok(list) = value.cast::<PyList>() {
        for (index, item) in list.iter().enumerate() {
            step(Component::Index(index), &item, found)?;
        }
    } else if let Ok(dict) = value.cast::<PyDict>() {
        for (key, item) in dict {
            let name = key.str()?.to_string_lossy().into_owned();
            step(Component::Key(name.clone()), &item, found)?;
            step(Component::Key(name), &key, found)?;
        }
    } else if let Ok(tuple) = value.cast::<PyTuple>() {
        for (index, item) in tuple.iter().enumerate() {
            step(Component::Index(index), &item, found)?;
        }
    } else if value.is_instance_of::<PySet>() || value.is_instance_of::<PyFrozenSet>() {
        for (index, item) in value.try_iter()?.enumerate() {
            step(Component::Index(index), &item?, found)?;
        }
    }
    Ok(())
}

//! What a configuration holds: its sub-configurations, found through lists, tuples, sets and dictionaries.

use experimaestro_core::identifier::Digest;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFrozenSet, PyList, PySet, PyTuple};

use super::base::is_configuration;
use super::containers::{entries, set_elements};
use super::hash;
use super::schema::Schema;
use super::short::short_repr;
use super::state::ConfigState;
use crate::errors;

/// Containers may be nested this deep in one parameter; configurations may be nested without limit.
const DEEPEST: usize = 200;

/// Bytes of the longest key that is a file name as it is; file systems take 255.
const LONGEST_NAME: usize = 200;

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
            Self::Key(key) => out.push(file_name(key)),
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

/// A key as the name of a file: itself where it can be one, else made different from every other.
fn file_name(key: &str) -> String {
    let plain = !key.is_empty() && key != "." && key != ".." && !key.contains(['/', '\\', '\0']);
    if plain && key.len() <= LONGEST_NAME {
        return key.to_owned();
    }
    let shown: String = key.replace(['/', '\\', '\0'], "_").chars().take(40).collect();
    format!("{shown}-{}", Digest::of(key.as_bytes()))
}

/// A configuration found below another one, and the way to it.
pub(crate) struct Child<'py> {
    pub(crate) config: Bound<'py, PyAny>,
    pub(crate) way: Vec<Component>,
}

/// Why a walk through a value was given up.
pub(crate) enum Stopped {
    /// Python raised.
    Raised(PyErr),
    /// Containers are nested too deep, or hold themselves.
    TooDeep,
}

impl From<PyErr> for Stopped {
    fn from(error: PyErr) -> Self {
        Self::Raised(error)
    }
}

impl From<pyo3::CastError<'_, '_>> for Stopped {
    fn from(error: pyo3::CastError<'_, '_>) -> Self {
        Self::Raised(error.into())
    }
}

impl Stopped {
    /// As Python raises it; `place` says where.
    pub(crate) fn raise(self, py: Python<'_>, place: &str) -> PyErr {
        match self {
            Self::Raised(error) => error,
            Self::TooDeep => errors::validation(
                py,
                format!(
                    "{place}: lists or dictionaries are nested more than {DEEPEST} deep (do they hold themselves?)"
                ),
            ),
        }
    }
}

/// The direct sub-configurations in the order of the parameters, then the init tasks, then the pre-tasks.
pub(crate) fn children<'py>(config: &Bound<'py, PyAny>, state: &ConfigState) -> PyResult<Vec<Child<'py>>> {
    let py = config.py();
    let schema = state.schema.get();
    let mut found = Vec::new();
    for &position in &schema.holding {
        if let Some(value) = config.getattr_opt(schema.arguments[position].name.bind(py))? {
            let mut way = vec![Component::Parameter(position)];
            collect(&value, &mut way, &mut found, 0).map_err(|stopped| {
                stopped.raise(py, &format!("parameter '{}' of {}", schema.arguments[position].text, schema.type_id))
            })?;
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
    match collect(value, &mut vec![Component::Parameter(position)], &mut found, 0) {
        // Told when the configuration is sealed, as for any value: assigning is not the place to look that deep.
        Ok(()) | Err(Stopped::TooDeep) => Ok(found),
        Err(Stopped::Raised(error)) => Err(error),
    }
}

/// A key as a part of a way: as text, if it has one.
fn name_of_key(key: &Bound<'_, PyAny>) -> String {
    // `str` would iterate as the subclass likes.
    if key.is_instance_of::<PyFrozenSet>() && !key.is_exact_instance_of::<PyFrozenSet>() {
        return short_repr(key);
    }
    key.str().map_or_else(|_| short_repr(key), |text| text.to_string_lossy().into_owned())
}

/// Configurations in a value, each with its way from there.
pub(crate) fn collect<'py>(
    value: &Bound<'py, PyAny>,
    way: &mut Vec<Component>,
    found: &mut Vec<Child<'py>>,
    depth: usize,
) -> Result<(), Stopped> {
    if value.is_none() {
        return Ok(());
    }
    if is_configuration(value) {
        found.push(Child { config: value.clone(), way: way.clone() });
        return Ok(());
    }
    if depth > DEEPEST {
        return Err(Stopped::TooDeep);
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
        for (key, item) in entries(dict) {
            // A configuration in a key is sealed: only then it has a hash.
            let name = if is_configuration(&key) { hash::hex(&hash::digest(&key)?) } else { name_of_key(&key) };
            step(Component::Key(name.clone()), &item, found)?;
            step(Component::Key(name), &key, found)?;
        }
    } else if let Ok(tuple) = value.cast::<PyTuple>() {
        for (index, item) in tuple.iter().enumerate() {
            step(Component::Index(index), &item, found)?;
        }
    } else if value.is_instance_of::<PySet>() || value.is_instance_of::<PyFrozenSet>() {
        for (index, item) in set_elements(value)?.iter().enumerate() {
            step(Component::Index(index), item, found)?;
        }
    }
    Ok(())
}

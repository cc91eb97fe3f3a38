//! Tags of a configuration and of everything below it.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};

use pyo3::exceptions::PyUserWarning;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::children::{Component, children};
use super::provenance::Site;
use super::short::short_repr;
use super::state::{ConfigState, Tag};

/// Grows whenever a tag is added: what was merged before is merged anew.
static EPOCH: AtomicU64 = AtomicU64::new(0);

/// Tag a configuration itself.
#[pyfunction]
pub(crate) fn add_tag(config: &Bound<'_, PyAny>, name: String, value: Py<PyAny>) -> PyResult<()> {
    let py = config.py();
    let state = ConfigState::of_configuration(config)?;
    let site = Site::of_caller(py);
    let mut inner = state.get().lock();
    let rare = inner.rare();
    rare.tags.retain(|tag| tag.name != name);
    rare.tags.push(Tag { name, value, site });
    if inner.sealed {
        // Only sealed configurations keep merged tags, and what they hold is sealed.
        EPOCH.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

/// A configuration under way: its own tags are added once those of all below it are known.
struct Visit<'py> {
    config: Bound<'py, PyAny>,
    waiting: Vec<Bound<'py, PyAny>>,
    merged: Bound<'py, PyDict>,
}

fn below<'py>(config: &Bound<'py, PyAny>, state: &ConfigState) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let py = config.py();
    let (barriers, init_barriers, task) = {
        let inner = state.lock();
        let rare = inner.rare.as_ref();
        (
            rare.map(|rare| rare.tag_barriers.clone()).unwrap_or_default(),
            rare.map(|rare| rare.init_barriers.clone()).unwrap_or_default(),
            rare.and_then(|rare| rare.task.as_ref().map(|task| task.clone_ref(py))),
        )
    };
    let mut found: Vec<_> = children(config, state)?
        .into_iter()
        .filter(|child| match child.way.first() {
            Some(Component::Parameter(position)) => !barriers.contains(position),
            Some(Component::InitTask(index)) => !init_barriers.contains(index),
            _ => true,
        })
        .map(|child| child.config)
        .collect();
    if let Some(task) = task {
        found.push(task.into_bound(py));
    }
    found.reverse();
    Ok(found)
}

/// Merged tags of a sealed configuration, if nothing was tagged since.
fn cached<'py>(state: &ConfigState, py: Python<'py>, epoch: u64) -> Option<Bound<'py, PyDict>> {
    let inner = state.lock();
    if !inner.sealed {
        return None;
    }
    if inner.untagged == epoch + 1 {
        return Some(PyDict::new(py));
    }
    let (known, merged) = inner.rare.as_ref()?.merged_tags.as_ref()?;
    if *known == epoch { merged.bind(py).cast::<PyDict>().ok().cloned() } else { None }
}

/// Merge the tags of `from` into `into`; a name with two values is worth a warning, the later one stays.
fn merge<'py>(into: &Bound<'py, PyDict>, from: &Bound<'py, PyDict>, root: &Bound<'py, PyAny>) -> PyResult<()> {
    let py = into.py();
    for (name, value) in from {
        if let Some(known) = into.get_item(&name)?
            && !known.is(&value)
            && !known.eq(&value)?
        {
            let name = name.to_string();
            let message = format!(
                "conflicting values of tag '{name}': {}{} and {}{}; the second one is kept",
                short_repr(&known),
                place_of(root, &name, &known)?,
                short_repr(&value),
                place_of(root, &name, &value)?
            );
            let message = std::ffi::CString::new(message.replace('\0', " "))?;
            PyErr::warn(py, py.get_type::<PyUserWarning>().as_any(), &message, 2)?;
        }
        into.set_item(name, value)?;
    }
    Ok(())
}

/// Where a tag got a value, for messages: looked for only when it is told.
fn place_of(root: &Bound<'_, PyAny>, name: &str, value: &Bound<'_, PyAny>) -> PyResult<String> {
    let py = root.py();
    let mut seen = HashSet::from([root.as_ptr() as usize]);
    let mut stack = vec![root.clone()];
    while let Some(config) = stack.pop() {
        let state = ConfigState::of_configuration(&config)?;
        for (own, given, site) in own_tags(state.get(), py) {
            if own == name && given.bind(py).is(value) {
                return Ok(site.map(|site| format!(" (at {})", site.resolve(py))).unwrap_or_default());
            }
        }
        stack.extend(below(&config, state.get())?.into_iter().filter(|config| seen.insert(config.as_ptr() as usize)));
    }
    Ok(String::new())
}

/// All tags, merged; sealed configurations keep the result, so that a chain of tasks is not walked again and again.
fn merged<'py>(root: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDict>> {
    let py = root.py();
    let epoch = EPOCH.load(Ordering::Relaxed);
    let visit = |config: Bound<'py, PyAny>| -> PyResult<Visit<'py>> {
        let state = ConfigState::of_configuration(&config)?;
        Ok(Visit { waiting: below(&config, state.get())?, config, merged: PyDict::new(py) })
    };
    let state = ConfigState::of_configuration(root)?;
    if let Some(known) = cached(state.get(), py, epoch) {
        return Ok(known);
    }
    let mut seen = HashSet::from([root.as_ptr() as usize]);
    let mut stack = vec![visit(root.clone())?];
    loop {
        let Some(top) = stack.last_mut() else { return Ok(PyDict::new(py)) };
        if let Some(child) = top.waiting.pop() {
            let state = ConfigState::of_configuration(&child)?;
            if let Some(known) = cached(state.get(), py, epoch) {
                merge(&top.merged, &known, root)?;
            } else if seen.insert(child.as_ptr() as usize) {
                stack.push(visit(child)?);
            }
            continue;
        }
        let Some(done) = stack.pop() else { return Ok(PyDict::new(py)) };
        let state = ConfigState::of_configuration(&done.config)?;
        for (name, value, _) in own_tags(state.get(), py) {
            let single = PyDict::new(py);
            single.set_item(name, value)?;
            merge(&done.merged, &single, root)?;
        }
        if state.get().is_sealed() {
            let mut inner = state.get().lock();
            if done.merged.is_empty() {
                inner.untagged = epoch + 1;
            } else {
                inner.rare().merged_tags = Some((epoch, done.merged.clone().into_any().unbind()));
            }
        }
        match stack.last() {
            Some(above) => merge(&above.merged, &done.merged, root)?,
            None => return Ok(done.merged),
        }
    }
}

type OwnTag = (String, Py<PyAny>, Option<Site>);

pub(crate) fn own_tags(state: &ConfigState, py: Python<'_>) -> Vec<OwnTag> {
    let inner = state.lock();
    inner
        .rare
        .as_ref()
        .map(|rare| {
            rare.tags
                .iter()
                .map(|tag| {
                    (tag.name.clone(), tag.value.clone_ref(py), tag.site.as_ref().map(|site| site.clone_ref(py)))
                })
                .collect()
        })
        .unwrap_or_default()
}

/// Tags of a configuration and of all below it, as `factory(dict)`.
#[pyfunction]
pub(crate) fn tags<'py>(config: &Bound<'py, PyAny>, factory: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    factory.call1((merged(config)?,))
}

//! From an open configuration to a sealed one: validation, generated values, sealing, dependencies.
//!
//! Every walk here uses a stack of its own, visits each configuration once, and stops at what is already done.

use std::collections::HashSet;

use pyo3::exceptions::PyException;
use pyo3::intern;
use pyo3::prelude::*;

use super::base::set_raw;
use super::children::{Child, Component, children};
use super::schema::Schema;
use super::state::ConfigState;
use crate::errors;

fn address(object: &Bound<'_, PyAny>) -> usize {
    object.as_ptr() as usize
}

/// A configuration under way in a walk.
struct Visit<'py> {
    config: Bound<'py, PyAny>,
    state: Bound<'py, ConfigState>,
    /// Last one first, so that `pop` goes in order.
    waiting: Vec<Child<'py>>,
    /// From the configuration above to this one.
    way: Vec<Component>,
}

impl<'py> Visit<'py> {
    fn of(child: Child<'py>) -> PyResult<Self> {
        let state = ConfigState::of_configuration(&child.config)?;
        let mut waiting = children(&child.config, state.get())?;
        waiting.reverse();
        Ok(Self { config: child.config, state, waiting, way: child.way })
    }

    fn root(config: &Bound<'py, PyAny>) -> PyResult<Self> {
        Self::of(Child { config: config.clone(), way: Vec::new() })
    }
}

fn missing_parameter(visit: &Visit<'_>, schema: &Schema) -> PyResult<Option<String>> {
    let py = visit.config.py();
    for argument in schema.arguments.iter().filter(|argument| argument.is_required()) {
        if visit.config.getattr_opt(argument.name.bind(py))?.is_none() {
            return Ok(Some(argument.text.clone()));
        }
    }
    Ok(None)
}

fn made_at(state: &ConfigState, py: Python<'_>) -> String {
    let site = state.lock().site.as_ref().map(|site| site.clone_ref(py));
    site.map(|site| format!("; made at {}", site.resolve(py))).unwrap_or_default()
}

/// Check that every required parameter below is set, and call the users' `__validate__`, sub-configurations first.
///
/// A `__validate__` may set parameters: what it sets is validated too.
#[pyfunction]
pub(crate) fn validate(config: &Bound<'_, PyAny>) -> PyResult<()> {
    let mut seen = HashSet::new();
    let mut hooked = HashSet::new();
    seen.insert(address(config));
    let mut stack = vec![Visit::root(config)?];
    while let Some(visit) = stack.last_mut() {
        if let Some(child) = visit.waiting.pop() {
            let state = ConfigState::of_configuration(&child.config)?;
            let done = {
                let inner = state.get().lock();
                inner.sealed || inner.validated
            };
            if !done && seen.insert(address(&child.config)) {
                stack.push(Visit::of(child)?);
            }
            continue;
        }
        validate_one(visit, &mut hooked)?;
        let state = visit.state.get();
        if state.lock().validated || state.is_sealed() {
            stack.pop();
        } else {
            // The hook set something: look at the sub-configurations again, some may be new.
            let mut waiting = children(&visit.config, state)?;
            waiting.reverse();
            visit.waiting = waiting;
        }
    }
    Ok(())
}

fn validate_one(visit: &Visit<'_>, hooked: &mut HashSet<usize>) -> PyResult<()> {
    let py = visit.config.py();
    let state = visit.state.get();
    if state.is_sealed() {
        return Ok(());
    }
    let schema = state.schema.get();
    state.lock().validated = true;
    if let Some(name) = missing_parameter(visit, schema)? {
        state.lock().validated = false;
        return Err(errors::validation(
            py,
            format!("parameter '{name}' of {} is required and not set{}", schema.type_id, made_at(state, py)),
        ));
    }
    if schema.lifecycle.has_validate
        && hooked.insert(address(&visit.config))
        && let Err(error) = visit.config.call_method0(intern!(py, "__validate__"))
    {
        state.lock().validated = false;
        note_place(&error, schema, &made_at(state, py), py);
        return Err(error);
    }
    Ok(())
}

/// Tell, on the user's own exception, which configuration was refused (a note on Python 3.11 and later).
fn note_place(error: &PyErr, schema: &Schema, place: &str, py: Python<'_>) {
    let note = format!("raised by __validate__ of {}{place}", schema.type_id);
    // Without notes (Python 3.10) the exception stays as it is: nothing is lost but the hint.
    drop(error.value(py).call_method1(intern!(py, "add_note"), (note,)));
}

/// Generate what is generated at sealing, and seal all that can be reached.
///
/// `context` makes generated values: its `at(components)` gives the context of a configuration inside the root.
/// `identified` says that the identifier was just computed with `keep`: digests of that walk stay.
#[pyfunction]
#[pyo3(signature = (config, context, *, identified = false))]
pub(crate) fn seal(config: &Bound<'_, PyAny>, context: &Bound<'_, PyAny>, identified: bool) -> PyResult<()> {
    let mut seen = HashSet::new();
    seen.insert(address(config));
    let mut stack = vec![Visit::root(config)?];
    if stack[0].state.get().is_complete() {
        return Ok(());
    }
    stack[0].state.get().lock().paths_pending = false;
    while let Some(visit) = stack.last_mut() {
        if let Some(child) = visit.waiting.pop() {
            let state = ConfigState::of_configuration(&child.config)?;
            if !state.get().is_complete() && seen.insert(address(&child.config)) {
                state.get().lock().paths_pending = false;
                stack.push(Visit::of(child)?);
            } else if state.get().lock().paths_pending {
                visit.state.get().lock().paths_pending = true;
            }
            continue;
        }
        let pending = !generate(&stack, context)?;
        if let Some(done) = stack.pop() {
            let mut inner = done.state.get().lock();
            // A digest of an earlier walk is of a configuration that may have changed since.
            let fresh = identified && inner.kept.as_ref().is_some_and(|kept| kept.is_of_last_walk());
            if !(inner.sealed || fresh) {
                inner.digest = None;
            }
            inner.sealed = true;
            inner.validated = true;
            inner.paths_pending |= pending;
            if inner.paths_pending
                && let Some(above) = stack.last()
            {
                above.state.get().lock().paths_pending = true;
            }
        }
    }
    Ok(())
}

/// Generate the values of the configuration on top; false if some must wait for a folder.
fn generate(stack: &[Visit<'_>], context: &Bound<'_, PyAny>) -> PyResult<bool> {
    let Some(visit) = stack.last() else { return Ok(true) };
    let py = context.py();
    let state = visit.state.get();
    let schema = state.schema.get();
    if schema.arguments.iter().all(|argument| argument.generator.is_none()) {
        return Ok(true);
    }
    let mut complete = true;
    let mut components = Vec::new();
    for (above, below) in stack.iter().zip(&stack[1..]) {
        for component in &below.way {
            component.write(above.state.get().schema.get(), &mut components);
        }
    }
    let here = context.call_method1(intern!(py, "at"), (components,))?;
    for (position, argument) in schema.arguments.iter().enumerate() {
        let Some(generator) = &argument.generator else { continue };
        if state.lock().is_explicit(position) {
            continue;
        }
        let value = here.call_method1(intern!(py, "generate"), (generator, &visit.config))?;
        if value.is(py.NotImplemented()) {
            complete = false;
            continue;
        }
        let value = super::assign::checked(schema, position, &value, None)?;
        set_raw(&visit.config, argument.name.bind(py), &value)?;
    }
    Ok(complete)
}

/// The tasks that must be done before this one: tasks given as parameters, and tasks whose outputs are.
///
/// Stops at a configuration that is linked to a task; configurations that were loaded are transparent.
#[pyfunction]
pub(crate) fn task_dependencies<'py>(config: &Bound<'py, PyAny>) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let py = config.py();
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    let mut known = HashSet::new();
    seen.insert(address(config));
    let mut stack = vec![config.clone()];
    while let Some(current) = stack.pop() {
        let state = ConfigState::of_configuration(&current)?;
        let it = state.get();
        if current.as_ptr() != config.as_ptr() {
            let task = {
                let inner = it.lock();
                let linked = inner.rare.as_ref().and_then(|rare| rare.task.as_ref().map(|task| task.clone_ref(py)));
                if inner.loaded {
                    None
                } else if inner.submitted {
                    Some(current.clone().unbind())
                } else {
                    linked
                }
            };
            if let Some(task) = task {
                let task = task.into_bound(py);
                if task.as_ptr() != config.as_ptr() && known.insert(address(&task)) {
                    found.push(task);
                }
                continue;
            }
        }
        let mut below = children(&current, it)?;
        below.reverse();
        for child in below {
            if seen.insert(address(&child.config)) {
                stack.push(child.config);
            }
        }
    }
    Ok(found)
}

/// Every configuration that can be reached, sub-configurations first, the root last; linked tasks are not followed.
pub(crate) fn reachable<'py>(roots: &[Bound<'py, PyAny>]) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let mut seen = HashSet::new();
    let mut order = Vec::new();
    for root in roots {
        if !seen.insert(address(root)) {
            continue;
        }
        let mut stack = vec![Visit::root(root)?];
        while let Some(visit) = stack.last_mut() {
            if let Some(child) = visit.waiting.pop() {
                if seen.insert(address(&child.config)) {
                    stack.push(Visit::of(child)?);
                }
            } else if let Some(done) = stack.pop() {
                order.push(done.config);
            }
        }
    }
    Ok(order)
}

/// Link an output to the task that makes it; returns nothing, raises if it is linked to another one.
#[pyfunction]
pub(crate) fn mark_output(config: &Bound<'_, PyAny>, task: &Bound<'_, PyAny>) -> PyResult<()> {
    let state = ConfigState::of_configuration(config)?;
    let mut inner = state.get().lock();
    let known = inner.rare.as_ref().and_then(|rare| rare.task.as_ref()).map(Py::as_ptr);
    match known {
        Some(known) if known == task.as_ptr() => Ok(()),
        Some(_) => {
            drop(inner);
            Err(PyException::new_err("already linked"))
        }
        None => {
            inner.digest = None;
            inner.rare().task = Some(task.clone().unbind());
            Ok(())
        }
    }
}

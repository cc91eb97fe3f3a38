//! From an open configuration to a sealed one: validation, generated values, sealing, dependencies.
//!
//! Every walk here uses a stack of its own, visits each configuration once, and stops at what is already done.

use std::collections::HashSet;

use pyo3::exceptions::PyException;
use pyo3::intern;
use pyo3::prelude::*;

use super::base::{delete_raw, set_raw};
use super::children::{Child, Component, children};
use super::placed;
use super::reach::{Visit, address};
use super::schema::{Kind, Schema};
use super::state::ConfigState;
use crate::errors;

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
    if schema.has_validate
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
    let mut done = Vec::new();
    let result = seal_all(config, context, identified, &mut done);
    if result.is_err() {
        // All or nothing: what was sealed now is opened again.
        for change in done {
            change.undo()?;
        }
    }
    result
}

/// A configuration that was just sealed, and what to restore if another one cannot be.
struct Change<'py> {
    config: Bound<'py, PyAny>,
    state: Bound<'py, ConfigState>,
    sealed: bool,
    pending: bool,
    placed: bool,
    /// Values before generation, by position.
    replaced: Vec<(usize, Option<Bound<'py, PyAny>>)>,
}

impl Change<'_> {
    fn undo(self) -> PyResult<()> {
        let py = self.config.py();
        let it = self.state.get();
        {
            let mut inner = it.lock();
            inner.sealed = self.sealed;
            inner.paths_pending = self.pending;
            inner.placed = self.placed;
            inner.forget_digest();
            if let Some(rare) = inner.rare.as_mut() {
                rare.legacy = None;
            }
        }
        for (position, before) in self.replaced {
            let name = it.schema.get().arguments[position].name.bind(py);
            match before {
                Some(value) => set_raw(&self.config, name, &value)?,
                None => delete_raw(&self.config, name)?,
            }
        }
        Ok(())
    }
}

fn begin_sealing<'py>(visit: &Visit<'py>) -> Change<'py> {
    let mut inner = visit.state.get().lock();
    let change = Change {
        config: visit.config.clone(),
        state: visit.state.clone(),
        sealed: inner.sealed,
        pending: inner.paths_pending,
        placed: inner.placed,
        replaced: Vec::new(),
    };
    inner.paths_pending = false;
    change
}

fn seal_all<'py>(
    config: &Bound<'py, PyAny>,
    context: &Bound<'py, PyAny>,
    identified: bool,
    done: &mut Vec<Change<'py>>,
) -> PyResult<()> {
    let mut seen = HashSet::new();
    seen.insert(address(config));
    let root = Visit::root(config)?;
    if root.state.get().is_complete() {
        return Ok(());
    }
    done.push(begin_sealing(&root));
    // With each visit, the position of its change in `done`.
    let mut stack = vec![root];
    let mut changes = vec![0];
    while let Some(visit) = stack.last_mut() {
        if let Some(child) = visit.waiting.pop() {
            let state = ConfigState::of_configuration(&child.config)?;
            let above = visit.state.get();
            if seen.contains(&address(&child.config)) {
                inherit(above, state.get());
            } else if state.get().is_complete() {
                if placed::is_placed(state.get()) && !may_be_placed(above.schema.get(), &child) {
                    return Err(misplaced(above, &child)?);
                }
            } else {
                seen.insert(address(&child.config));
                let below = Visit::of(child)?;
                changes.push(done.len());
                done.push(begin_sealing(&below));
                stack.push(below);
            }
            continue;
        }
        let generated = generate(&stack, context, &mut done[changes[changes.len() - 1]].replaced)?;
        changes.pop();
        if let Some(finished) = stack.pop() {
            let mut outdated = None;
            {
                let mut inner = finished.state.get().lock();
                // A digest of an earlier walk is of a configuration that may have changed since.
                let fresh = identified && inner.kept.as_ref().is_some_and(|kept| kept.is_of_last_walk());
                if !(inner.sealed || fresh) {
                    inner.forget_digest();
                    outdated = inner.rare.as_mut().and_then(|rare| rare.converted.take());
                }
                inner.sealed = true;
                inner.validated = true;
                inner.paths_pending |= !generated.complete;
                inner.placed |= generated.placed;
            }
            drop(outdated);
            if let Some(above) = stack.last() {
                inherit(above.state.get(), finished.state.get());
            }
        }
    }
    Ok(())
}

/// Whether the way to a child goes through a parameter with `field(ignore_generated=True)`.
fn may_be_placed(schema: &Schema, child: &Child<'_>) -> bool {
    matches!(child.way.first(), Some(Component::Parameter(position)) if schema.arguments[*position].ignore_generated)
}

fn misplaced(above: &ConfigState, child: &Child<'_>) -> PyResult<PyErr> {
    let py = child.config.py();
    let schema = above.schema.get();
    let mut way = Vec::new();
    child.way.iter().for_each(|component| component.write(Some(schema), &mut way));
    let reason = placed::explanation(child)?;
    let message = format!("parameter '{}' of {}: {reason}{}", way.join("."), schema.type_id, made_at(above, py));
    Ok(errors::attribute_validation(py, message))
}

/// What waits below, waits above; what is placed below, holds above.
fn inherit(above: &ConfigState, below: &ConfigState) {
    let (pending, placed) = {
        let inner = below.lock();
        (inner.paths_pending, inner.placed)
    };
    let mut inner = above.lock();
    inner.paths_pending |= pending;
    inner.placed |= placed;
}

/// What was made for one configuration.
struct Generated {
    /// Nothing must wait for a folder.
    complete: bool,
    /// Something was made for this very place.
    placed: bool,
}

/// Generate the values of the configuration on top; what they replace is noted.
fn generate<'py>(
    stack: &[Visit<'py>],
    context: &Bound<'py, PyAny>,
    replaced: &mut Vec<(usize, Option<Bound<'py, PyAny>>)>,
) -> PyResult<Generated> {
    let mut done = Generated { complete: true, placed: false };
    let Some(visit) = stack.last() else { return Ok(done) };
    let py = context.py();
    let state = visit.state.get();
    let schema = state.schema.get();
    if schema.arguments.iter().all(|argument| argument.generator.is_none()) {
        return Ok(done);
    }
    let mut components = Vec::new();
    for (above, below) in stack.iter().zip(&stack[1..]) {
        for component in &below.way {
            component.write(Some(above.state.get().schema.get()), &mut components);
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
            done.complete = false;
            continue;
        }
        let value = super::assign::checked(schema, position, &value, None)?;
        let name = argument.name.bind(py);
        replaced.push((position, visit.config.getattr_opt(name)?));
        set_raw(&visit.config, name, &value)?;
        if argument.kind == Kind::Generated {
            done.placed = true;
            placed::announce();
        }
    }
    Ok(done)
}

/// The tasks that must be done before this one: tasks given as parameters, and tasks whose outputs are.
///
/// Stops at a configuration that is linked to a task; configurations that were loaded are transparent. What a task
/// announced while it runs does not wait for this task, but for all else that it was made of.
#[pyfunction]
pub(crate) fn task_dependencies<'py>(config: &Bound<'py, PyAny>) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    let mut known = HashSet::new();
    // With each configuration, the running task on the way to it that announced it.
    let mut stack = vec![(config.clone(), None)];
    seen.insert((address(config), None));
    while let Some((current, mut announced_by)) = stack.pop() {
        let state = ConfigState::of_configuration(&current)?;
        let it = state.get();
        if current.as_ptr() != config.as_ptr()
            && let Some((task, dynamic)) = linked_task(&current, it)
        {
            if dynamic {
                announced_by = Some(address(&task));
            } else {
                let here = address(&task);
                if task.as_ptr() != config.as_ptr() && Some(here) != announced_by && known.insert(here) {
                    found.push(task);
                }
                continue;
            }
        }
        let mut below = children(&current, it)?;
        below.reverse();
        for child in below {
            if seen.insert((address(&child.config), announced_by)) {
                stack.push((child.config, announced_by));
            }
        }
    }
    Ok(found)
}

/// The task that a configuration is or is linked to, and whether it is an output of a task that may still run.
fn linked_task<'py>(config: &Bound<'py, PyAny>, state: &ConfigState) -> Option<(Bound<'py, PyAny>, bool)> {
    let inner = state.lock();
    if inner.loaded {
        None
    } else if inner.submitted {
        Some((config.clone(), false))
    } else {
        let task = inner.rare.as_ref().and_then(|rare| rare.task.as_ref());
        task.map(|task| (task.bind(config.py()).clone(), inner.dynamic))
    }
}

/// Link an output to the task that makes it; returns nothing, raises if it is linked to another one.
#[pyfunction]
#[pyo3(signature = (config, task, dynamic = false))]
pub(crate) fn mark_output(config: &Bound<'_, PyAny>, task: &Bound<'_, PyAny>, dynamic: bool) -> PyResult<()> {
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
            inner.forget_digest();
            inner.rare().task = Some(task.clone().unbind());
            inner.dynamic = dynamic;
            Ok(())
        }
    }
}

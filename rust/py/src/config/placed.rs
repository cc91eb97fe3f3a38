//! Values generated for a place: a configuration that holds some cannot move to another place.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::prelude::*;

use super::base::is_configuration;
use super::children::{Child, Component, children, held_by};
use super::schema::Kind;
use super::state::ConfigState;

/// Whether any configuration of this process has such values: while none has, nothing needs to be looked at.
static ANY: AtomicBool = AtomicBool::new(false);

/// At most this many places are told.
const MOST_TOLD: usize = 10;

/// Remember that some configuration holds a value generated for its place.
pub(crate) fn announce() {
    ANY.store(true, Ordering::Relaxed);
}

/// Whether a configuration, sealed before, cannot be put into another one: outputs of tasks and loaded ones can.
pub(crate) fn is_placed(state: &ConfigState) -> bool {
    let inner = state.lock();
    inner.placed
        && inner.sealed
        && !inner.loaded
        && !inner.submitted
        && inner.rare.as_ref().is_none_or(|rare| rare.task.is_none())
}

/// Why a value cannot be given to the parameter at this position, if a configuration in it is placed elsewhere.
pub(crate) fn refusal(value: &Bound<'_, PyAny>, position: usize) -> PyResult<Option<String>> {
    if value.is_none() || !ANY.load(Ordering::Relaxed) {
        return Ok(None);
    }
    if is_configuration(value) && !is_placed(ConfigState::of_configuration(value)?.get()) {
        return Ok(None);
    }
    for child in held_by(value, position)? {
        let state = ConfigState::of_configuration(&child.config)?;
        if is_placed(state.get()) {
            return explanation(&child).map(Some);
        }
    }
    Ok(None)
}

/// The sentence that tells what was generated, as dotted paths from the configuration.
pub(crate) fn explanation(child: &Child<'_>) -> PyResult<String> {
    let state = ConfigState::of_configuration(&child.config)?;
    let places = places(&child.config)?;
    Ok(format!(
        "this configuration of {} was sealed, and its generated values ({}) belong to another place; give an output of \
         the task that made it, a copy (copyconfig), or declare the parameter with field(ignore_generated=True)",
        state.get().schema.get().type_id,
        places.join(", ")
    ))
}

/// Dotted paths of the generated values below a configuration.
fn places(config: &Bound<'_, PyAny>) -> PyResult<Vec<String>> {
    let mut seen = HashSet::from([config.as_ptr() as usize]);
    let mut found = Vec::new();
    let mut stack = vec![(config.clone(), Vec::new())];
    while let Some((current, path)) = stack.pop() {
        let state = ConfigState::of_configuration(&current)?;
        let it = state.get();
        if !it.lock().placed {
            continue;
        }
        let schema = it.schema.get();
        for argument in schema.arguments.iter().filter(|argument| argument.kind == Kind::Generated) {
            if found.len() == MOST_TOLD {
                found.push("…".to_owned());
                return Ok(found);
            }
            let mut whole: Vec<String> = path.clone();
            whole.push(argument.text.clone());
            found.push(whole.join("."));
        }
        let mut below = children(&current, it)?;
        below.reverse();
        for child in below {
            if seen.insert(child.config.as_ptr() as usize) {
                let mut whole = path.clone();
                child.way.iter().for_each(|component: &Component| component.write(Some(schema), &mut whole));
                stack.push((child.config, whole));
            }
        }
    }
    Ok(found)
}

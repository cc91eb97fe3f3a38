//! What `sha256-v1` hashes once more: the tasks that run before others.

use std::collections::HashSet;

use pyo3::prelude::*;
use sha2::{Digest as _, Sha256};

use super::bytes::tag;
use super::walk::{Sha256Digest, Walk};
use crate::config::children::children;
use crate::config::state::ConfigState;

/// The digest of a configuration by itself: its digest as part of others, those of all pre-tasks below it in their own
/// order, and those of its init tasks.
pub(super) fn full_digest<'py>(
    walk: &mut Walk<'py>,
    config: &Bound<'py, PyAny>,
    nested: &Sha256Digest,
) -> PyResult<Sha256Digest> {
    let mut digests = Vec::new();
    for task in pre_tasks_below(config)? {
        digests.push(walk.digest(&task)?);
    }
    digests.sort_unstable();
    let mut hasher = Sha256::new_with_prefix(nested);
    for digest in &digests {
        hasher.update(digest);
    }
    let init_tasks = tasks(config, |rare| &rare.init_tasks)?;
    if !init_tasks.is_empty() {
        hasher.update([tag::INIT_TASKS]);
    }
    for task in init_tasks {
        hasher.update(walk.digest(&task)?);
    }
    Ok(hasher.finalize().into())
}

fn tasks<'py>(
    config: &Bound<'py, PyAny>,
    which: impl Fn(&crate::config::state::Rare) -> &Vec<Py<PyAny>>,
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let state = ConfigState::of_configuration(config)?;
    let inner = state.get().lock();
    let Some(rare) = &inner.rare else { return Ok(Vec::new()) };
    Ok(which(rare).iter().map(|task| task.clone_ref(config.py()).into_bound(config.py())).collect())
}

/// Pre-tasks of everything that can be reached through parameters that count or not, tasks that run before, and linked tasks; each once.
fn pre_tasks_below<'py>(root: &Bound<'py, PyAny>) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let py = root.py();
    let mut found = Vec::new();
    let mut known = HashSet::new();
    let mut seen = HashSet::from([root.as_ptr() as usize]);
    let mut pending = vec![root.clone()];
    while let Some(config) = pending.pop() {
        for task in tasks(&config, |rare| &rare.pre_tasks)? {
            if known.insert(task.as_ptr() as usize) {
                found.push(task);
            }
        }
        let state = ConfigState::of_configuration(&config)?;
        let linked = {
            let inner = state.get().lock();
            inner.rare.as_ref().and_then(|rare| rare.task.as_ref().map(|task| task.clone_ref(py).into_bound(py)))
        };
        for next in children(&config, state.get())?.into_iter().map(|child| child.config).chain(linked) {
            if seen.insert(next.as_ptr() as usize) {
                pending.push(next);
            }
        }
    }
    Ok(found)
}

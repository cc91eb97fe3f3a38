//! Objects that are told apart although they are equal: those of classes that derive from `InstanceConfig`.
//!
//! They are numbered within the configuration that is identified (`docs/identifiers.md`, "Instances"), so that an
//! identifier never depends on what was identified before.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};

use experimaestro_core::identifier::{Digest, NodeId};
use pyo3::prelude::*;

use crate::config::children::children;
use crate::config::state::ConfigState;

/// Whether there is any such class: without one, nothing here costs anything.
static EXIST: AtomicBool = AtomicBool::new(false);

/// A class of such objects was made.
pub(crate) fn exist() {
    EXIST.store(true, Ordering::Relaxed);
}

/// Whether there is any such class.
pub(crate) fn any() -> bool {
    EXIST.load(Ordering::Relaxed)
}

/// Whether a sealed configuration, or anything that it is made of, is such an object.
///
/// Its digest then does not tell everything that a larger configuration has to know of it.
pub(crate) fn holds_instances(config: &Bound<'_, PyAny>, state: &ConfigState) -> PyResult<bool> {
    if !any() {
        return Ok(false);
    }
    if let Some(known) = state.lock().instances {
        return Ok(known);
    }
    let mut seen = HashSet::from([config.as_ptr() as usize]);
    let mut pending = vec![config.clone()];
    let mut found = false;
    while let Some(next) = pending.pop() {
        let state = ConfigState::of_configuration(&next)?;
        let schema = state.get().schema.get();
        if schema.is_task && !next.is(config) && state.get().lock().digest.is_some() {
            continue;
        }
        if schema.is_instance {
            found = true;
            break;
        }
        let task =
            state.get().lock().rare.as_ref().and_then(|rare| rare.task.as_ref().map(|it| it.clone_ref(next.py())));
        let below = children(&next, state.get())?.into_iter().map(|child| child.config);
        for config in below.chain(task.map(|task| task.into_bound(next.py()))) {
            if seen.insert(config.as_ptr() as usize) {
                pending.push(config);
            }
        }
    }
    let mut inner = state.lock();
    if inner.sealed {
        inner.instances = Some(found);
    }
    Ok(found)
}

/// What a walk through a graph met.
#[derive(Default)]
pub(crate) struct Met {
    /// Each node once, in the order in which it was met.
    pub(crate) order: Vec<NodeId>,
    /// Nodes, and one that they refer to.
    pub(crate) references: Vec<(NodeId, NodeId)>,
}

impl Met {
    /// The nodes from which one of these can be reached, these included.
    pub(crate) fn above(&self, targets: impl IntoIterator<Item = NodeId>) -> HashSet<NodeId> {
        let mut parents: HashMap<NodeId, Vec<NodeId>> = HashMap::new();
        for (parent, child) in &self.references {
            parents.entry(*child).or_default().push(*parent);
        }
        let mut pending: Vec<NodeId> = targets.into_iter().collect();
        let mut found = HashSet::new();
        while let Some(node) = pending.pop() {
            if found.insert(node) {
                pending.extend(parents.get(&node).into_iter().flatten());
            }
        }
        found
    }
}

/// Numbers objects in the order in which the walk meets them; answers those that are the second or a later one.
pub(crate) fn further_instances(met: impl IntoIterator<Item = (NodeId, Digest)>) -> HashMap<NodeId, u64> {
    let mut counts: HashMap<Digest, u64> = HashMap::new();
    let mut further = HashMap::new();
    for (node, digest) in met {
        let count = counts.entry(digest).or_default();
        *count += 1;
        if *count > 1 {
            further.insert(node, *count);
        }
    }
    further
}

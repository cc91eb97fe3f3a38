//! What can be reached from configurations: all of it, or only what is not behind another submitted task.

use std::collections::HashSet;

use pyo3::prelude::*;

use super::children::{Child, Component, children};
use super::state::ConfigState;

/// A configuration under way in a walk.
pub(super) struct Visit<'py> {
    pub(super) config: Bound<'py, PyAny>,
    pub(super) state: Bound<'py, ConfigState>,
    /// Last one first, so that `pop` goes in order.
    pub(super) waiting: Vec<Child<'py>>,
    /// From the configuration above to this one.
    pub(super) way: Vec<Component>,
}

impl<'py> Visit<'py> {
    pub(super) fn of(child: Child<'py>) -> PyResult<Self> {
        let state = ConfigState::of_configuration(&child.config)?;
        let mut waiting = children(&child.config, state.get())?;
        waiting.reverse();
        Ok(Self { config: child.config, state, waiting, way: child.way })
    }

    pub(super) fn root(config: &Bound<'py, PyAny>) -> PyResult<Self> {
        Self::of(Child { config: config.clone(), way: Vec::new() })
    }
}

/// Where a configuration is in memory: it names the object while something holds it.
pub(super) fn address(config: &Bound<'_, PyAny>) -> usize {
    config.as_ptr() as usize
}

/// Every configuration that can be reached, sub-configurations first, the root last; linked tasks are not followed.
pub(super) fn reachable<'py>(roots: &[Bound<'py, PyAny>]) -> PyResult<Vec<Bound<'py, PyAny>>> {
    reachable_before(roots, |_| Ok(false))
}

/// The same, but neither what `stops` nor what is only behind it. A root is never asked about.
pub(super) fn reachable_before<'py>(
    roots: &[Bound<'py, PyAny>],
    mut stops: impl FnMut(&Bound<'py, PyAny>) -> PyResult<bool>,
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let mut seen = HashSet::new();
    let mut order = Vec::new();
    for root in roots {
        if !seen.insert(address(root)) {
            continue;
        }
        let mut stack = vec![Visit::root(root)?];
        while let Some(visit) = stack.last_mut() {
            if let Some(child) = visit.waiting.pop() {
                if seen.insert(address(&child.config)) && !stops(&child.config)? {
                    stack.push(Visit::of(child)?);
                }
            } else if let Some(done) = stack.pop() {
                order.push(done.config);
            }
        }
    }
    Ok(order)
}

/// What a task is made of, up to other submitted tasks.
pub(super) struct Own<'py> {
    /// Sub-configurations first, the task last.
    pub(super) objects: Vec<Bound<'py, PyAny>>,
    /// The submitted tasks where the walk ended, in the order of the walk.
    pub(super) tasks: Vec<Bound<'py, PyAny>>,
}

impl<'py> Own<'py> {
    /// `entered` are tasks that the walk does not end at: those that are being described already.
    pub(super) fn of(task: &Bound<'py, PyAny>, entered: &HashSet<usize>) -> PyResult<Self> {
        let mut tasks = Vec::new();
        let objects = reachable_before(std::slice::from_ref(task), |config| {
            let stops =
                ConfigState::of_configuration(config)?.get().is_submitted_task() && !entered.contains(&address(config));
            if stops {
                tasks.push(config.clone());
            }
            Ok(stops)
        })?;
        Ok(Self { objects, tasks })
    }
}

/// Whether more than so many configurations can be reached from these, themselves among them.
pub(super) fn exceeds(configs: &[Bound<'_, PyAny>], limit: usize) -> PyResult<bool> {
    let mut seen: HashSet<usize> = configs.iter().map(address).collect();
    let mut pending = configs.to_vec();
    while let Some(config) = pending.pop() {
        if seen.len() > limit {
            return Ok(true);
        }
        let state = ConfigState::of_configuration(&config)?;
        for child in children(&config, state.get())? {
            if seen.insert(address(&child.config)) {
                pending.push(child.config);
            }
        }
    }
    Ok(seen.len() > limit)
}

/// Whether lightweight tasks are to run in the job before these.
pub(super) fn have_pre_tasks(configs: &[Bound<'_, PyAny>]) -> PyResult<bool> {
    for config in configs {
        let state = ConfigState::of_configuration(config)?;
        let has = state.get().lock().rare.as_ref().is_some_and(|rare| !rare.pre_tasks.is_empty());
        if has {
            return Ok(true);
        }
    }
    Ok(false)
}

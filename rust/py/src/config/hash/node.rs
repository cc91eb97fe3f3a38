//! What one configuration writes: parameters that count, then its tasks.

use experimaestro_core::identifier::{NodeEncoder, NodeFlags, NodeId};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyString;

use super::default_bytes;
use super::walk::Walk;
use crate::config::base::is_configuration;
use crate::config::canonical::{Configurations, Failure, write_value};
use crate::config::plan::{Plan, Rule, default_of};
use crate::config::schema::{Argument, Schema};
use crate::config::state::ConfigState;
use crate::errors;

impl<'py> Walk<'py> {
    pub(super) fn write_node(
        &mut self,
        node: NodeId,
        config: &Bound<'py, PyAny>,
        state: &ConfigState,
        tasks: Linked<'py>,
        number: Option<u64>,
        encoder: &mut NodeEncoder<'_>,
    ) -> Result<(), Failure> {
        let py = config.py();
        let schema = state.schema.get();
        let plan = schema.plan.get_or_init(|| Plan::of(schema));
        let Linked { task, init_tasks, pre_tasks } = tasks;
        let flags = NodeFlags {
            task: task.is_some(),
            init_tasks: !init_tasks.is_empty(),
            pre_tasks: !pre_tasks.is_empty(),
            further_instance: number.is_some(),
        };
        let mark = encoder.begin_node(flags, &plan.type_id);
        let mut count = 0;
        for parameter in &plan.parameters {
            let argument = &schema.arguments[parameter.position];
            if self.reduced.as_ref().is_some_and(|(root, names)| *root == node && names.contains(&argument.text)) {
                continue;
            }
            let value = match parameter.rule {
                Rule::OnlyIfForced => match config.getattr_opt(argument.name.bind(py))? {
                    Some(value) if is_configuration(&value) && self.meta(&value)? == Some(false) => value,
                    _ => continue,
                },
                _ => attribute(config, argument.name.bind(py))?,
            };
            if parameter.rule == Rule::UnlessNone && value.is_none() {
                continue;
            }
            let default = default_of(argument, py).filter(|_| parameter.rule == Rule::UnlessDefault);
            if default.is_some_and(|default| default.is(&value)) {
                continue;
            }
            if is_configuration(&value) && self.is_left_out(&value)? {
                continue;
            }
            let start = encoder.checkpoint();
            let met = self.met.as_ref().map_or(0, Vec::len);
            encoder.parameter(&parameter.name);
            let from = encoder.checkpoint();
            write_value(&value, self, encoder).map_err(|failure| in_parameter(failure, argument, schema, state, py))?;
            if let Some(default) = default {
                if encoder.is_open_since(&from) {
                    // Whether it is the default shows when its digests are known.
                    encoder.decide_later();
                } else if encoder.since(&from) == default_bytes(argument, default)? {
                    encoder.rollback(&start);
                    self.forget_met(met);
                    continue;
                }
            }
            count += 1;
        }
        encoder.end_parameters(mark, count);
        if let Some(task) = task {
            self.write(&task, encoder)?;
        }
        if flags.init_tasks {
            encoder.section(init_tasks.len());
            for task in &init_tasks {
                self.write(task, encoder)?;
            }
        }
        if flags.pre_tasks {
            let mut nodes = Vec::with_capacity(pre_tasks.len());
            for task in &pre_tasks {
                nodes.push(self.number(task)?);
            }
            if let Some(met) = &mut self.met {
                nodes.sort_by_key(|node| self.plain.get(node).copied());
                met.append(&mut nodes);
            } else {
                encoder.pre_tasks(&nodes);
            }
        }
        if let Some(number) = number {
            encoder.instance(number);
        }
        Ok(())
    }
}

/// The tasks of a configuration.
#[derive(Default)]
pub(super) struct Linked<'py> {
    /// The one that it is an output of.
    task: Option<Bound<'py, PyAny>>,
    init_tasks: Vec<Bound<'py, PyAny>>,
    pre_tasks: Vec<Bound<'py, PyAny>>,
}

pub(super) fn linked<'py>(config: &Bound<'py, PyAny>, state: &ConfigState) -> Linked<'py> {
    let py = config.py();
    let inner = state.lock();
    let Some(rare) = &inner.rare else { return Linked::default() };
    let bind = |task: &Py<PyAny>| task.clone_ref(py).into_bound(py);
    let task = rare.task.as_ref().map(bind).filter(|task| !task.is(config));
    Linked {
        task,
        init_tasks: rare.init_tasks.iter().map(bind).collect(),
        pre_tasks: rare.pre_tasks.iter().map(bind).collect(),
    }
}

/// An attribute as `object` gives it: parameters are stored where Python looks first.
fn attribute<'py>(object: &Bound<'py, PyAny>, name: &Bound<'py, PyString>) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: two live objects and the GIL; the result is a new reference or null with an exception set.
    unsafe { Bound::from_owned_ptr_or_err(object.py(), ffi::PyObject_GenericGetAttr(object.as_ptr(), name.as_ptr())) }
}

fn in_parameter(
    failure: Failure,
    argument: &Argument,
    schema: &Schema,
    state: &ConfigState,
    py: Python<'_>,
) -> Failure {
    match failure {
        Failure::Unidentifiable(problem) => {
            let made = state.lock().site.as_ref().map(|site| site.clone_ref(py));
            let place = made.map(|site| format!(" (made at {})", site.resolve(py))).unwrap_or_default();
            Failure::Raised(errors::validation(
                py,
                format!("parameter '{}' of {}{place}: {problem}", argument.text, schema.type_id),
            ))
        }
        raised @ Failure::Raised(_) => raised,
    }
}

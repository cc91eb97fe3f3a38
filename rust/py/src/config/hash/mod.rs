//! Identifiers of live configurations: Python objects are walked straight into the hasher.
//!
//! The graph algorithm is the core's; this file says what a node holds. What each digest was made of can be kept in the
//! states of the configurations, for `identity.json`.

mod address;
pub(crate) mod instances;
mod kept;
mod numbering;

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::hash::BuildHasherDefault;

use experimaestro_core::identifier::{Digest, Digester, Graph, NodeEncoder, NodeFlags, NodeId};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyString;

use super::base::is_configuration;
use super::canonical::{Configurations, Failure, write_value};
use super::deprecation;
use super::plan::{Plan, Rule, default_of};
use super::schema::{Argument, Conversion, Schema};
use super::state::ConfigState;
use crate::errors;
use address::AddressHasher;
use instances::holds_instances;
pub(crate) use kept::Kept;
use kept::{begin_walk, keep, keep_document};
use numbering::with_instances;

/// An empty document: number of the scheme, and one node to come.
const DOCUMENT_START: usize = 2;

thread_local! {
    /// Memory that is used again by the next walk.
    static DIGESTER: RefCell<Option<Digester>> = const { RefCell::new(None) };
}

/// Digest of a configuration.
pub(crate) fn digest(config: &Bound<'_, PyAny>) -> PyResult<[u8; 16]> {
    compute(config, false)
}

/// Digest of a configuration that is about to be sealed: it stays in the states of all configurations it was made of.
pub(crate) fn digest_and_keep(config: &Bound<'_, PyAny>) -> PyResult<[u8; 16]> {
    begin_walk();
    compute(config, true)
}

/// As Python raises it.
fn raised(failure: Failure, py: Python<'_>) -> PyErr {
    match failure {
        Failure::Raised(error) => error,
        Failure::Unidentifiable(problem) => errors::validation(py, problem),
    }
}

fn compute(config: &Bound<'_, PyAny>, keep: bool) -> PyResult<[u8; 16]> {
    let state = ConfigState::of_configuration(config)?;
    if let Some(digest) = state.get().cached_digest() {
        return Ok(digest);
    }
    let mut walk = Walk::new(keep);
    let root = walk.add(config, state)?;
    digest_from(&mut walk, root).map(|digest| *digest.as_bytes()).map_err(|failure| raised(failure, config.py()))
}

/// Digest of a configuration without some of its own parameters, as if its class did not have them.
pub(crate) fn digest_without(config: &Bound<'_, PyAny>, left_out: HashSet<String>) -> PyResult<[u8; 16]> {
    let state = ConfigState::of_configuration(config)?;
    let mut walk = Walk::new(false);
    let root = walk.add(config, state)?;
    // What is known of the whole is of no use here, and what is found of it must not be kept.
    if let Item::Config { digest, .. } = &mut walk.items[root as usize] {
        *digest = None;
    }
    walk.reduced = Some((root, left_out));
    digest_from(&mut walk, root).map(|digest| *digest.as_bytes()).map_err(|failure| raised(failure, config.py()))
}

fn digest_from(walk: &mut Walk<'_>, root: NodeId) -> Result<Digest, Failure> {
    let plain = run(walk, root)?;
    match walk.pass {
        Pass::Plain { instances: true } => with_instances(walk, root, plain),
        _ => Ok(plain),
    }
}

fn run(walk: &mut Walk<'_>, root: NodeId) -> Result<Digest, Failure> {
    let mut digester = DIGESTER.take().unwrap_or_default();
    digester.clear();
    let digest = digester.digest(walk, root);
    DIGESTER.set(Some(digester));
    digest
}

/// Digest as hexadecimal text.
pub(crate) fn hex(digest: &[u8; 16]) -> String {
    Digest::from(*digest).to_string()
}

/// A configuration of a deprecated class, which is identified by another one.
#[derive(Clone)]
struct Deprecated<'py> {
    config: Bound<'py, PyAny>,
    state: Bound<'py, ConfigState>,
}

/// A node of the walk.
enum Item<'py> {
    Config {
        config: Bound<'py, PyAny>,
        state: Bound<'py, ConfigState>,
        /// Known before the walk, and all that has to be known.
        digest: Option<Digest>,
        /// Known before the walk.
        cached: Option<Digest>,
        sealed: bool,
        meta: Option<bool>,
        /// It has init tasks, or is linked to a task.
        has_tasks: bool,
        /// What was converted to it: its tasks count, and it gets the digest.
        deprecated: Option<Deprecated<'py>>,
    },
    /// Not a configuration: a default, whose bytes are wanted.
    Value(Bound<'py, PyAny>),
}

/// Which digests are computed.
#[derive(Clone, Copy)]
enum Pass {
    /// As if equal objects were the same; `instances` once an object was met that is told apart from equal ones.
    Plain { instances: bool },
    /// Those of a root below which some objects have numbers.
    Numbered(NodeId),
}

struct Walk<'py> {
    items: Vec<Item<'py>>,
    pass: Pass,
    /// Plain digests, by node.
    plain: HashMap<NodeId, Digest>,
    /// The configurations that are met in one node, while the order is found out in which they are met.
    met: Option<Vec<NodeId>>,
    /// Numbers of objects that are the second or a later one of several that are equal.
    further: HashMap<NodeId, u64>,
    numbers: HashMap<usize, NodeId, BuildHasherDefault<AddressHasher>>,
    keep: bool,
    /// A root that is seen without some of its parameters.
    reduced: Option<(NodeId, HashSet<String>)>,
    /// Canonical bytes of the `Item::Value`.
    value_bytes: Vec<u8>,
}

impl<'py> Walk<'py> {
    fn new(keep: bool) -> Self {
        Self {
            items: Vec::new(),
            pass: Pass::Plain { instances: false },
            plain: HashMap::new(),
            met: None,
            further: HashMap::new(),
            numbers: HashMap::default(),
            keep,
            reduced: None,
            value_bytes: Vec::new(),
        }
    }

    fn push(&mut self, item: Item<'py>) -> NodeId {
        // More than 2^32 configurations do not fit in memory.
        let number = NodeId::try_from(self.items.len()).unwrap_or(NodeId::MAX);
        self.items.push(item);
        number
    }

    fn add(&mut self, config: &Bound<'py, PyAny>, state: Bound<'py, ConfigState>) -> PyResult<NodeId> {
        let (sealed, digest, meta, has_tasks) = {
            let inner = state.get().lock();
            let has_tasks = inner
                .rare
                .as_ref()
                .is_some_and(|rare| rare.task.is_some() || !rare.init_tasks.is_empty() || !rare.pre_tasks.is_empty());
            (inner.sealed, inner.digest.filter(|_| inner.sealed).map(Digest::from), inner.meta, has_tasks)
        };
        // The digest alone does not tell which objects below are told apart. A task counts by its identifier all the same:
        // nothing in the job of another task is an object of this one.
        let cached = digest;
        let digest = match digest {
            Some(digest) if state.get().schema.get().is_task || !holds_instances(config, state.get())? => Some(digest),
            _ => None,
        };
        self.notice_instance(state.get().schema.get());
        let item = if digest.is_none() && state.get().schema.get().conversion != Conversion::None {
            let converted = deprecation::converted(config, state.get())?;
            let converted_state = ConfigState::of_configuration(&converted)?;
            self.notice_instance(converted_state.get().schema.get());
            // The digest of what it was made of has no tasks.
            let digest = converted_state.get().cached_digest().filter(|_| !has_tasks).map(Digest::from);
            let deprecated = Some(Deprecated { config: config.clone(), state });
            Item::Config {
                config: converted,
                state: converted_state,
                digest,
                cached,
                sealed,
                meta,
                has_tasks,
                deprecated,
            }
        } else {
            Item::Config { config: config.clone(), state, digest, cached, sealed, meta, has_tasks, deprecated: None }
        };
        let number = self.push(item);
        self.numbers.insert(config.as_ptr() as usize, number);
        Ok(number)
    }

    /// A configuration of this class was met.
    fn notice_instance(&mut self, schema: &Schema) {
        if schema.is_instance
            && let Pass::Plain { instances } = &mut self.pass
        {
            *instances = true;
        }
    }

    fn number(&mut self, config: &Bound<'py, PyAny>) -> PyResult<NodeId> {
        match self.numbers.get(&(config.as_ptr() as usize)) {
            Some(number) => Ok(*number),
            None => self.add(config, ConfigState::of_configuration(config)?),
        }
    }

    fn meta(&mut self, config: &Bound<'py, PyAny>) -> PyResult<Option<bool>> {
        let number = self.number(config)?;
        match &self.items[number as usize] {
            Item::Config { meta, .. } => Ok(*meta),
            Item::Value(_) => Ok(None),
        }
    }

    /// Whether the digest of a node must not be kept: only of this walk, that leaves out parameters of its root.
    fn is_reduced(&self, node: NodeId) -> bool {
        let numbered = matches!(self.pass, Pass::Numbered(_));
        self.reduced.as_ref().is_some_and(|(root, _)| *root == node || numbered)
    }

    fn write_node(
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
struct Linked<'py> {
    /// The one that it is an output of.
    task: Option<Bound<'py, PyAny>>,
    init_tasks: Vec<Bound<'py, PyAny>>,
    pre_tasks: Vec<Bound<'py, PyAny>>,
}

fn linked<'py>(config: &Bound<'py, PyAny>, state: &ConfigState) -> Linked<'py> {
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

/// Canonical bytes of a default, computed once.
pub(crate) fn default_bytes<'a>(argument: &'a Argument, default: &Bound<'_, PyAny>) -> PyResult<&'a [u8]> {
    if let Some(bytes) = argument.default_bytes.get() {
        return Ok(bytes);
    }
    let bytes = value_bytes(default)?;
    Ok(argument.default_bytes.get_or_init(|| bytes))
}

/// Canonical bytes of a value that is no configuration.
pub(crate) fn value_bytes(value: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    let mut walk = Walk::new(false);
    let root = walk.push(Item::Value(value.clone()));
    run(&mut walk, root).map_err(|failure| raised(failure, value.py()))?;
    Ok(walk.value_bytes)
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

impl<'py> Configurations<'py> for Walk<'py> {
    fn is_left_out(&mut self, config: &Bound<'py, PyAny>) -> PyResult<bool> {
        Ok(self.meta(config)? == Some(true))
    }

    fn in_order(&self) -> bool {
        self.met.is_some()
    }

    fn order(&mut self, value: &Bound<'py, PyAny>, encoder: &mut NodeEncoder<'_>) -> Result<Vec<u8>, Failure> {
        let met = self.met.as_ref().map_or(0, Vec::len);
        let from = encoder.checkpoint();
        write_value(value, self, encoder)?;
        let bytes = encoder.since(&from).to_vec();
        encoder.rollback(&from);
        self.forget_met(met);
        Ok(bytes)
    }

    fn write(&mut self, config: &Bound<'py, PyAny>, encoder: &mut NodeEncoder<'_>) -> PyResult<()> {
        let number = self.number(config)?;
        let known = match &self.items[number as usize] {
            Item::Config { digest, .. } => *digest,
            Item::Value(_) => None,
        };
        if let Some(met) = &mut self.met {
            met.push(number);
            encoder.config(&known.or_else(|| self.plain.get(&number).copied()).unwrap_or_default());
            return Ok(());
        }
        match known {
            Some(digest) => encoder.config(&digest),
            None => encoder.reference(number),
        }
        Ok(())
    }
}

impl Graph for Walk<'_> {
    type Error = Failure;

    fn encode(&mut self, node: NodeId, encoder: &mut NodeEncoder<'_>) -> Result<(), Failure> {
        match &self.items[node as usize] {
            Item::Config { config, state, has_tasks, deprecated, .. } => {
                let tasks = match deprecated {
                    _ if !has_tasks => Linked::default(),
                    Some(old) => linked(&old.config, old.state.get()),
                    None => linked(config, state.get()),
                };
                let (config, state) = (config.clone(), state.clone());
                let number = self.further.get(&node).copied();
                self.write_node(node, &config, state.get(), tasks, number, encoder)
            }
            Item::Value(value) => {
                let value = value.clone();
                write_value(&value, self, encoder)
            }
        }
    }

    fn digested(&mut self, node: NodeId, document: &[u8], digest: &Digest) {
        if matches!(self.pass, Pass::Plain { .. }) && instances::any() {
            self.plain.insert(node, *digest);
        }
        match &self.items[node as usize] {
            Item::Config { .. } if self.is_reduced(node) => {}
            Item::Config { state, sealed, deprecated, .. } if matches!(self.pass, Pass::Numbered(root) if root != node) => {
                if self.keep || *sealed {
                    let state = deprecated.as_ref().map_or(state, |old| &old.state);
                    keep_document(&mut state.get().lock(), document, digest);
                }
            }
            Item::Config { config, state, sealed, deprecated, .. } => {
                if self.keep || *sealed {
                    match deprecated {
                        Some(old) => {
                            keep(old.state.get(), *sealed, document, digest);
                            // Dropped without the lock: the end of an object may run Python.
                            let before = old.state.get().lock().rare().converted.replace(config.clone().unbind());
                            drop(before);
                        }
                        None => keep(state.get(), *sealed, document, digest),
                    }
                }
            }
            Item::Value(_) => self.value_bytes = document[DOCUMENT_START..].to_vec(),
        }
    }
}

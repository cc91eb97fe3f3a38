//! A walk through configurations: which nodes it has met, and what is known of each.

use std::collections::{HashMap, HashSet};
use std::hash::BuildHasherDefault;

use experimaestro_core::identifier::{Digest, NodeId};
use pyo3::prelude::*;

use super::address::AddressHasher;
use super::instances::holds_instances;
use crate::config::deprecation;
use crate::config::schema::{Conversion, Schema};
use crate::config::state::{ConfigState, Inner};

/// A configuration of a deprecated class, which is identified by another one.
#[derive(Clone)]
pub(super) struct Deprecated<'py> {
    pub(super) config: Bound<'py, PyAny>,
    pub(super) state: Bound<'py, ConfigState>,
}

/// A node of the walk.
pub(super) enum Item<'py> {
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
pub(super) enum Pass {
    /// As if equal objects were the same; `instances` once an object was met that is told apart from equal ones.
    Plain { instances: bool },
    /// Those of a root below which some objects have numbers.
    Numbered(NodeId),
}

/// The nodes that were met, by number.
pub(super) struct Walk<'py> {
    pub(super) items: Vec<Item<'py>>,
    pub(super) pass: Pass,
    /// Plain digests, by node.
    pub(super) plain: HashMap<NodeId, Digest>,
    /// The configurations that are met in one node, while the order is found out in which they are met.
    pub(super) met: Option<Vec<NodeId>>,
    /// Numbers of objects that are the second or a later one of several that are equal.
    pub(super) further: HashMap<NodeId, u64>,
    pub(super) numbers: HashMap<usize, NodeId, BuildHasherDefault<AddressHasher>>,
    pub(super) keep: bool,
    /// Digests that are known are computed again, and none is kept.
    pub(super) forgetful: bool,
    /// Whether the root of the last run leads back to itself.
    pub(super) root_is_in_cycle: bool,
    /// A root that is seen without some of its parameters.
    pub(super) reduced: Option<(NodeId, HashSet<String>)>,
    /// Canonical bytes of the `Item::Value`.
    pub(super) value_bytes: Vec<u8>,
}

impl<'py> Walk<'py> {
    pub(super) fn new(keep: bool) -> Self {
        Self {
            items: Vec::new(),
            pass: Pass::Plain { instances: false },
            plain: HashMap::new(),
            met: None,
            further: HashMap::new(),
            numbers: HashMap::default(),
            keep,
            forgetful: false,
            root_is_in_cycle: false,
            reduced: None,
            value_bytes: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, item: Item<'py>) -> NodeId {
        // More than 2^32 configurations do not fit in memory.
        let number = NodeId::try_from(self.items.len()).unwrap_or(NodeId::MAX);
        self.items.push(item);
        number
    }

    pub(super) fn add(&mut self, config: &Bound<'py, PyAny>, state: Bound<'py, ConfigState>) -> PyResult<NodeId> {
        let (sealed, digest, meta, has_tasks) = {
            let inner = state.get().lock();
            let has_tasks = inner
                .rare
                .as_ref()
                .is_some_and(|rare| rare.task.is_some() || !rare.init_tasks.is_empty() || !rare.pre_tasks.is_empty());
            (inner.sealed, self.cached(&inner), inner.meta, has_tasks)
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
            let digest = self.cached(&converted_state.get().lock()).filter(|_| !has_tasks);
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

    /// The digest that stands for a configuration wherever it is, if it is known.
    fn cached(&self, inner: &Inner) -> Option<Digest> {
        // In a cycle it stands for its member only outside of the cycle, and here may be inside.
        let usable = inner.sealed && inner.in_cycle != Some(true) && !self.forgetful;
        inner.digest.filter(|_| usable).map(Digest::from)
    }

    /// A configuration of this class was met.
    fn notice_instance(&mut self, schema: &Schema) {
        if schema.is_instance
            && let Pass::Plain { instances } = &mut self.pass
        {
            *instances = true;
        }
    }

    pub(super) fn number(&mut self, config: &Bound<'py, PyAny>) -> PyResult<NodeId> {
        match self.numbers.get(&(config.as_ptr() as usize)) {
            Some(number) => Ok(*number),
            None => self.add(config, ConfigState::of_configuration(config)?),
        }
    }

    pub(super) fn meta(&mut self, config: &Bound<'py, PyAny>) -> PyResult<Option<bool>> {
        let number = self.number(config)?;
        match &self.items[number as usize] {
            Item::Config { meta, .. } => Ok(*meta),
            Item::Value(_) => Ok(None),
        }
    }

    /// Whether the digest of a node must not be kept: it is computed again, or of a root without some of its parameters.
    pub(super) fn is_reduced(&self, node: NodeId) -> bool {
        let numbered = matches!(self.pass, Pass::Numbered(_));
        self.forgetful || self.reduced.as_ref().is_some_and(|(root, _)| *root == node || numbered)
    }
}

//! The second pass of a walk: objects that are told apart from equal ones are numbered in the order in which they are met.

use std::collections::HashSet;

use experimaestro_core::identifier::{Digest, Digester, Graph, NodeEncoder, NodeId};

use super::instances::{Met, further_instances};
use super::run;
use super::walk::{Item, Pass, Walk};
use crate::config::canonical::Failure;

/// The plain digest, if no two equal objects below are told apart; else a second one, in which they are numbered.
pub(super) fn with_instances(walk: &mut Walk<'_>, root: NodeId, plain: Digest) -> Result<Digest, Failure> {
    let met = walk.meet(root)?;
    let instances = |node: &NodeId| walk.instance_digest(*node).map(|digest| (*node, digest));
    let instances: Vec<(NodeId, Digest)> = met.order.iter().filter_map(instances).collect();
    walk.further = further_instances(instances.iter().copied());
    if walk.further.is_empty() {
        return Ok(plain);
    }
    walk.forget_plain(met.above(instances.into_iter().map(|(node, _)| node)));
    walk.pass = Pass::Numbered(root);
    run(walk, root)
}

impl Walk<'_> {
    /// What was met since then does not count after all.
    pub(super) fn forget_met(&mut self, length: usize) {
        if let Some(met) = &mut self.met {
            met.truncate(length);
        }
    }

    /// The nodes below a root that count, in the order in which a walk meets them: depth first, each once.
    fn meet(&mut self, root: NodeId) -> Result<Met, Failure> {
        let mut found = Met::default();
        let mut seen = HashSet::new();
        let mut pending = vec![root];
        while let Some(node) = pending.pop() {
            if !seen.insert(node) {
                continue;
            }
            found.order.push(node);
            if matches!(self.items[node as usize], Item::Config { digest: None, .. }) {
                self.met = Some(Vec::new());
                Digester::default().digest(&mut Meeting(self), node)?;
                let below = self.met.take().unwrap_or_default();
                found.references.extend(below.iter().map(|child| (node, *child)));
                pending.extend(below.into_iter().rev());
            }
        }
        Ok(found)
    }

    /// Plain digests identify nothing that has objects below which are told apart: what was known before holds again.
    fn forget_plain(&self, nodes: impl IntoIterator<Item = NodeId>) {
        for node in nodes {
            if let Item::Config { state, deprecated, cached, .. } = &self.items[node as usize] {
                let state = deprecated.as_ref().map_or(state, |old| &old.state);
                state.get().lock().digest = cached.map(|digest| *digest.as_bytes());
            }
        }
    }

    /// The plain digest of an object that is told apart from equal ones.
    fn instance_digest(&self, node: NodeId) -> Option<Digest> {
        match &self.items[node as usize] {
            Item::Config { state, .. } if state.get().schema.get().is_instance => self.plain.get(&node).copied(),
            _ => None,
        }
    }
}

/// Meets the configurations of one node: others count by their plain digests.
struct Meeting<'a, 'py>(&'a mut Walk<'py>);

impl Graph for Meeting<'_, '_> {
    type Error = Failure;

    fn encode(&mut self, node: NodeId, encoder: &mut NodeEncoder<'_>) -> Result<(), Failure> {
        if let Some(met) = &mut self.0.met {
            met.clear();
        }
        self.0.encode(node, encoder)
    }
}

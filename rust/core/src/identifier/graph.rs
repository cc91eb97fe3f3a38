//! Digests of a graph of configurations: one visit a node, no recursion, cycles included.
//!
//! A node is encoded as soon as it is met. Digests of other nodes that are not known yet are left open in the buffer and
//! filled in when their nodes are done, so an acyclic graph is encoded once. Tarjan's algorithm runs along on the same
//! stack and tells nodes that are in a cycle, which are encoded again, once for each member that is asked for.

use std::collections::HashMap;
use std::ops::{Deref, DerefMut};

use super::encode::{EncodeError, Encoder};
use super::{Digest, tag, varint};

/// A node, as the caller numbers it: from zero, without large gaps.
pub type NodeId = u32;

/// Configurations that refer to one another.
pub trait Graph {
    /// What can go wrong while a node is encoded.
    type Error: From<EncodeError>;

    /// Writes one node: [`Encoder::begin_node`] and what follows, with [`NodeEncoder::reference`] for other nodes.
    ///
    /// Called again for the same node when it is in a cycle or holds other nodes in a set; it must write the same.
    ///
    /// # Errors
    /// The node holds what cannot be encoded.
    fn encode(&mut self, node: NodeId, encoder: &mut NodeEncoder<'_>) -> Result<(), Self::Error>;

    /// Told of each digest and the bytes it was made of, once; `in_cycle` if the node leads back to itself.
    ///
    /// What is in the same cycle is made of the whole cycle too: it must not be given this digest in place of the node.
    fn digested(&mut self, node: NodeId, document: &[u8], digest: &Digest, in_cycle: bool) {
        let _ = (node, document, digest, in_cycle);
    }
}

/// The encoder of one node: an [`Encoder`] that knows digests of other nodes.
#[derive(Debug)]
pub struct NodeEncoder<'a> {
    encoder: &'a mut Encoder,
    nodes: &'a Nodes,
    /// The cycle that is being encoded: its members are left open even if their digests are known.
    cycle: Option<u32>,
}

impl NodeEncoder<'_> {
    /// Writes a configuration that is a node of this graph.
    #[inline]
    pub fn reference(&mut self, node: NodeId) {
        match self.nodes.digest(node) {
            Some(digest) if self.cycle.is_none() || self.nodes.cycle(node) != self.cycle => {
                self.encoder.config(&digest);
            }
            _ => self.encoder.placeholder(node),
        }
    }

    /// Asks to encode this node once more when the digests are known that are left open now.
    ///
    /// Within a cycle there is no such moment: what is open stays so, and must not be waited for.
    pub fn decide_later(&mut self) {
        self.encoder.undecided_order |= self.cycle.is_none();
    }

    /// Writes the section of pre-tasks, given as nodes of this graph: their order does not count.
    pub fn pre_tasks(&mut self, nodes: &[NodeId]) {
        let mut digests = nodes.iter().filter_map(|node| self.nodes.digest(*node)).collect::<Vec<_>>();
        let in_cycle = |node: &NodeId| self.cycle.is_some() && self.nodes.cycle(*node) == self.cycle;
        if digests.len() == nodes.len() && !nodes.iter().any(in_cycle) {
            self.encoder.pre_tasks(&mut digests);
        } else {
            self.encoder.undecided_order = true;
            for node in nodes {
                self.encoder.placeholder(*node);
            }
        }
    }
}

impl Deref for NodeEncoder<'_> {
    type Target = Encoder;

    fn deref(&self) -> &Encoder {
        self.encoder
    }
}

impl DerefMut for NodeEncoder<'_> {
    fn deref_mut(&mut self) -> &mut Encoder {
        self.encoder
    }
}

#[derive(Clone, Copy, Debug, Default)]
enum State {
    #[default]
    New,
    /// Being visited: its position in the order of discovery.
    Open(u32),
    /// Member of a cycle, its own digest not asked for yet.
    InCycle,
    Done(Digest),
}

/// What is known of each node.
#[derive(Debug, Default)]
struct Nodes {
    states: Vec<State>,
    /// For members of cycles, the number of the cycle.
    cycles: HashMap<NodeId, u32>,
}

impl Nodes {
    #[inline]
    fn state(&self, node: NodeId) -> State {
        self.states.get(node as usize).copied().unwrap_or_default()
    }

    #[inline]
    fn digest(&self, node: NodeId) -> Option<Digest> {
        match self.state(node) {
            State::Done(digest) => Some(digest),
            _ => None,
        }
    }

    #[inline]
    fn set(&mut self, node: NodeId, state: State) {
        let position = node as usize;
        if position >= self.states.len() {
            self.states.resize(position + 1, State::New);
        }
        self.states[position] = state;
    }

    fn cycle(&self, node: NodeId) -> Option<u32> {
        self.cycles.get(&node).copied()
    }
}

/// A node whose references are being visited.
#[derive(Debug)]
struct Frame {
    node: NodeId,
    index: u32,
    /// The earliest discovered node that can be reached and is still open.
    low: u32,
    /// Where its bytes and its placeholders start and end, and the next placeholder to look at.
    bytes: usize,
    placeholders: (usize, usize),
    next: usize,
    undecided_order: bool,
    refers_to_itself: bool,
}

/// Computes digests of the nodes of one graph, and remembers them.
///
/// ```
/// use experimaestro_core::identifier::{Digester, EncodeError, Graph, Name, NodeEncoder, NodeFlags, NodeId};
///
/// /// Node `n` has a parameter `next` that is node `n - 1`.
/// struct Chain;
///
/// impl Graph for Chain {
///     type Error = EncodeError;
///     fn encode(&mut self, node: NodeId, encoder: &mut NodeEncoder<'_>) -> Result<(), EncodeError> {
///         let mark = encoder.begin_node(NodeFlags::default(), &Name::new("link"));
///         encoder.parameter(&Name::new("next"));
///         if node == 0 { encoder.none() } else { encoder.reference(node - 1) }
///         encoder.end_parameters(mark, 1);
///         Ok(())
///     }
/// }
///
/// let digest = Digester::default().digest(&mut Chain, 100_000)?;
/// assert_ne!(digest, Digester::default().digest(&mut Chain, 99_999)?);
/// # Ok::<(), EncodeError>(())
/// ```
#[derive(Debug, Default)]
pub struct Digester {
    encoder: Encoder,
    nodes: Nodes,
    frames: Vec<Frame>,
    /// Tarjan's stack: nodes discovered whose cycle is not closed.
    open: Vec<NodeId>,
    discovered: u32,
    cycles: u32,
}

impl Digester {
    /// Forgets the graph, but keeps the memory.
    pub fn clear(&mut self) {
        self.nodes.states.clear();
        self.nodes.cycles.clear();
        self.cycles = 0;
        self.reset();
    }

    /// The digest of a node, if it was computed.
    pub fn known(&self, node: NodeId) -> Option<Digest> {
        self.nodes.digest(node)
    }

    /// Whether a node leads back to itself, if its digest was computed.
    pub fn is_in_cycle(&self, node: NodeId) -> bool {
        self.nodes.cycle(node).is_some()
    }

    /// The digest of a node.
    ///
    /// # Errors
    /// What [`Graph::encode`] answers, or [`EncodeError::CycleThroughSet`]. The digester must then be cleared.
    pub fn digest<G: Graph>(&mut self, graph: &mut G, root: NodeId) -> Result<Digest, G::Error> {
        self.reset();
        self.visit(graph, root)?;
        while let Some(frame) = self.frames.last_mut() {
            if frame.next == frame.placeholders.1 {
                self.leave(graph)?;
            } else {
                let child = self.encoder.placeholders[frame.next].node;
                frame.next += 1;
                self.visit(graph, child)?;
            }
        }
        match self.nodes.state(root) {
            State::Done(digest) => Ok(digest),
            // Leaving the last frame closes the component of the root.
            _ => Err(EncodeError::CycleThroughSet.into()),
        }
    }

    fn reset(&mut self) {
        self.encoder.clear();
        self.frames.clear();
        self.open.clear();
        self.discovered = 0;
    }

    /// Makes sure that a node is done, or open, or on its way: a frame on top.
    #[inline]
    fn visit<G: Graph>(&mut self, graph: &mut G, node: NodeId) -> Result<(), G::Error> {
        match self.nodes.state(node) {
            State::New => self.discover(graph, node),
            State::Open(index) => {
                if let Some(frame) = self.frames.last_mut() {
                    frame.low = frame.low.min(index);
                    frame.refers_to_itself |= frame.node == node;
                }
                Ok(())
            }
            State::InCycle => self.digest_cycle(graph, node),
            State::Done(_) => Ok(()),
        }
    }

    fn discover<G: Graph>(&mut self, graph: &mut G, node: NodeId) -> Result<(), G::Error> {
        let (bytes, placeholders) = (self.encoder.bytes.len(), self.encoder.placeholders.len());
        self.encode_alone(graph, node)?;
        let end = self.encoder.placeholders.len();
        if placeholders == end {
            self.finish(graph, node, bytes, placeholders);
            return Ok(());
        }
        let index = self.discovered;
        self.discovered += 1;
        self.nodes.set(node, State::Open(index));
        self.open.push(node);
        self.frames.push(Frame {
            node,
            index,
            low: index,
            bytes,
            placeholders: (placeholders, end),
            next: placeholders,
            undecided_order: std::mem::take(&mut self.encoder.undecided_order),
            refers_to_itself: false,
        });
        Ok(())
    }

    /// Closes the top frame: all its references are done, or in the same cycle.
    fn leave<G: Graph>(&mut self, graph: &mut G) -> Result<(), G::Error> {
        let Some(frame) = self.frames.pop() else {
            return Ok(());
        };
        if frame.low < frame.index {
            // In a cycle with a node below; its bytes are made again when the whole cycle is known.
            self.encoder.truncate(frame.bytes, frame.placeholders.0);
            if let Some(parent) = self.frames.last_mut() {
                parent.low = parent.low.min(frame.low);
            }
            return Ok(());
        }
        if self.open.last() == Some(&frame.node) && !frame.refers_to_itself {
            self.open.pop();
            if frame.undecided_order {
                self.encoder.truncate(frame.bytes, frame.placeholders.0);
                self.encode_alone(graph, frame.node)?;
            } else {
                self.fill(frame.placeholders);
            }
            self.finish(graph, frame.node, frame.bytes, frame.placeholders.0);
            return Ok(());
        }
        self.encoder.truncate(frame.bytes, frame.placeholders.0);
        let cycle = self.cycles;
        self.cycles += 1;
        while let Some(member) = self.open.pop() {
            self.nodes.set(member, State::InCycle);
            self.nodes.cycles.insert(member, cycle);
            if member == frame.node {
                break;
            }
        }
        self.digest_cycle(graph, frame.node)
    }

    fn encode_alone<G: Graph>(&mut self, graph: &mut G, node: NodeId) -> Result<(), G::Error> {
        self.encoder.begin_document(1);
        graph.encode(node, &mut NodeEncoder { encoder: &mut self.encoder, nodes: &self.nodes, cycle: None })
    }

    /// Writes digests where they were left open.
    fn fill(&mut self, (first, end): (usize, usize)) {
        for placeholder in &self.encoder.placeholders[first..end] {
            if let Some(digest) = self.nodes.digest(placeholder.node) {
                let start = placeholder.offset + 1;
                self.encoder.bytes[start..start + Digest::LENGTH].copy_from_slice(digest.as_bytes());
            }
        }
    }

    /// Digests the document at the end of the buffer, and removes it.
    fn finish<G: Graph>(&mut self, graph: &mut G, node: NodeId, bytes: usize, placeholders: usize) {
        let document = &self.encoder.bytes[bytes..];
        let digest = Digest::of(document);
        graph.digested(node, document, &digest, false);
        self.encoder.truncate(bytes, placeholders);
        self.nodes.set(node, State::Done(digest));
    }

    /// Digests a whole cycle, seen from one of its members.
    fn digest_cycle<G: Graph>(&mut self, graph: &mut G, first: NodeId) -> Result<(), G::Error> {
        let cycle = self.nodes.cycle(first);
        let mut document = vec![tag::SCHEME];
        let mut members = vec![first];
        let mut positions = HashMap::from([(first, 0_u64)]);
        let mut body = Vec::new();
        let (bytes, placeholders) = (self.encoder.bytes.len(), self.encoder.placeholders.len());
        let mut next = 0;
        while let Some(member) = members.get(next).copied() {
            next += 1;
            graph.encode(member, &mut NodeEncoder { encoder: &mut self.encoder, nodes: &self.nodes, cycle })?;
            if std::mem::take(&mut self.encoder.undecided_order) {
                return Err(EncodeError::CycleThroughSet.into());
            }
            let mut copied = bytes;
            for placeholder in &self.encoder.placeholders[placeholders..] {
                body.extend_from_slice(&self.encoder.bytes[copied..placeholder.offset]);
                copied = placeholder.offset + 1 + Digest::LENGTH;
                let position = *positions.entry(placeholder.node).or_insert_with(|| {
                    members.push(placeholder.node);
                    members.len() as u64 - 1
                });
                body.push(tag::MEMBER);
                varint::write(&mut body, position);
            }
            body.extend_from_slice(&self.encoder.bytes[copied..]);
            self.encoder.truncate(bytes, placeholders);
        }
        varint::write(&mut document, members.len() as u64);
        document.extend_from_slice(&body);
        let digest = Digest::of(&document);
        graph.digested(first, &document, &digest, true);
        self.nodes.set(first, State::Done(digest));
        Ok(())
    }
}

//! Digests of graphs: one visit a node, any depth, cycles that look the same from wherever they are entered.

use std::collections::{BTreeMap, BTreeSet};

use experimaestro_core::identifier::{
    Digester, EncodeError, Graph, Name, NodeEncoder, NodeFlags, NodeId, decode_document,
};
use experimaestro_core::value::{Node, Reference, Value};
use proptest::prelude::*;

use super::support::{TestGraph, digest_by_definition, graphs};

fn member(node: usize) -> Value {
    Value::Config(Reference::Member(u32::try_from(node).unwrap()))
}

fn node(parameters: impl IntoIterator<Item = (&'static str, Value)>) -> Node {
    Node {
        type_id: "t".into(),
        parameters: parameters.into_iter().map(|(name, value)| (name.into(), value)).collect(),
        ..Node::default()
    }
}

fn chain(length: usize) -> Vec<Node> {
    let mut nodes = (1..length).map(|next| node([("next", member(next))])).collect::<Vec<_>>();
    nodes.push(node([]));
    nodes
}

proptest! {
    #[test]
    fn digests_are_those_of_the_definition(nodes in graphs(), first: prop::sample::Index) {
        let first = first.index(nodes.len());
        let mut graph = TestGraph::new(nodes.clone());
        let digest = graph.digests(&[first]).unwrap()[first];
        prop_assert_eq!(digest, digest_by_definition(&nodes, u32::try_from(first).unwrap()));
    }

    #[test]
    fn it_does_not_matter_which_node_is_asked_first(nodes in graphs(), keys in prop::collection::vec(any::<u32>(), 7)) {
        let size = nodes.len();
        let mut graph = TestGraph::new(nodes.clone());
        let forward = graph.digests(&(0..size).collect::<Vec<_>>()).unwrap();
        let mut order = (0..size).collect::<Vec<_>>();
        order.sort_by_key(|node| keys[*node]);
        let mut again = TestGraph { backwards: true, ..TestGraph::new(nodes) };
        prop_assert_eq!(forward, again.digests(&order).unwrap());
    }

    #[test]
    fn the_numbering_of_nodes_does_not_count(nodes in graphs(), gap in 1_u32..5) {
        // The same graph behind `gap` nodes that nobody refers to.
        let size = nodes.len();
        let mut moved = vec![node([]); gap as usize];
        moved.extend(nodes.iter().map(|node| shifted(node, gap)));
        let digests = TestGraph::new(nodes).digests(&(0..size).collect::<Vec<_>>()).unwrap();
        let order = (0..moved.len()).collect::<Vec<_>>();
        prop_assert_eq!(&digests[..], &TestGraph::new(moved).digests(&order).unwrap()[gap as usize..]);
    }
}

fn shifted_value(item: &Value, gap: u32) -> Value {
    match item {
        Value::Config(Reference::Member(target)) => Value::Config(Reference::Member(target + gap)),
        Value::List(elements) => Value::List(elements.iter().map(|element| shifted_value(element, gap)).collect()),
        Value::Dict(entries) => {
            Value::Dict(entries.iter().map(|(key, item)| (key.clone(), shifted_value(item, gap))).collect())
        }
        other => other.clone(),
    }
}

fn shifted(node: &Node, gap: u32) -> Node {
    let reference = |reference: &Reference| match reference {
        Reference::Member(target) => Reference::Member(target + gap),
        outside @ Reference::Digest(_) => *outside,
    };
    Node {
        parameters: node.parameters.iter().map(|(name, item)| (name.clone(), shifted_value(item, gap))).collect(),
        task: node.task.as_ref().map(reference),
        init_tasks: node.init_tasks.iter().map(reference).collect(),
        ..node.clone()
    }
}

/// Node `n` refers to node `n - 1`; counts visits.
struct Chain(u32);

impl Graph for Chain {
    type Error = EncodeError;

    fn encode(&mut self, node: NodeId, encoder: &mut NodeEncoder<'_>) -> Result<(), EncodeError> {
        self.0 += 1;
        let mark = encoder.begin_node(NodeFlags::default(), &Name::new("t"));
        encoder.parameter(&Name::new("next"));
        match node.checked_sub(1) {
            Some(next) => encoder.reference(next),
            None => encoder.none(),
        }
        encoder.end_parameters(mark, 1);
        Ok(())
    }
}

#[test]
fn a_chain_of_a_million_is_encoded_once_and_needs_no_stack() {
    let mut chain = Chain(0);
    Digester::default().digest(&mut chain, 999_999).unwrap();
    assert_eq!(chain.0, 1_000_000);
}

#[test]
fn a_cycle_of_ten_thousand_needs_no_stack() {
    let mut nodes = chain(10_000);
    nodes[9_999] = node([("next", member(0))]);
    let mut graph = TestGraph::new(nodes);
    graph.digests(&[0]).unwrap();
    assert_eq!(graph.visits, 20_000, "once to find the cycle, once to digest it");
}

#[test]
fn diamonds_cost_one_visit_a_node() {
    let depth = 200;
    let mut nodes =
        (0..depth).map(|level| node([("a", member(level + 1)), ("b", member(level + 1))])).collect::<Vec<_>>();
    nodes.push(node([]));
    let mut graph = TestGraph::new(nodes);
    graph.digests(&[0]).unwrap();
    assert_eq!(graph.visits, depth + 1);
}

#[test]
fn nodes_in_sets_are_encoded_again_once_their_digests_are_known() {
    let set = |targets: [usize; 2]| Value::Set(targets.map(member).into());
    let leaves = [node([("x", Value::None)]), node([])];
    let digest_of = |nodes: Vec<Node>| {
        let mut graph = TestGraph::new(nodes);
        (graph.digests(&[0]).unwrap()[0], graph.visits)
    };
    let [a, b] = leaves.clone();
    let (digest, visits) = digest_of(vec![node([("s", set([1, 2]))]), a.clone(), b.clone()]);
    assert_eq!(visits, 4);
    assert_eq!(digest_of(vec![node([("s", set([1, 2]))]), b, a]).0, digest);
}

#[test]
fn a_cycle_through_a_set_or_a_key_is_refused() {
    let in_set = Value::Set(BTreeSet::from([member(0)]));
    let as_key = Value::Dict(BTreeMap::from([(member(0), Value::None)]));
    for value in [in_set, as_key] {
        let alone = TestGraph::new(vec![node([("x", value.clone())])]).digests(&[0]);
        assert_eq!(alone, Err(EncodeError::CycleThroughSet));
        let pair = TestGraph::new(vec![node([("y", member(1))]), node([("x", value)])]).digests(&[0]);
        assert_eq!(pair, Err(EncodeError::CycleThroughSet));
    }
}

#[test]
fn a_failed_digest_leaves_nothing_behind_once_cleared() {
    let mut digester = Digester::default();
    let mut broken = TestGraph::new(vec![node([("x", Value::Set(BTreeSet::from([member(0)])))])]);
    assert!(digester.digest(&mut broken, 0).is_err());
    digester.clear();
    let mut graph = TestGraph::new(chain(3));
    let again = digester.digest(&mut graph, 0).unwrap();
    assert_eq!(again, TestGraph::new(chain(3)).digests(&[0]).unwrap()[0]);
}

#[test]
fn a_digester_used_again_remembers() {
    let mut digester = Digester::default();
    let mut graph = TestGraph::new(chain(10));
    digester.digest(&mut graph, 5).unwrap();
    digester.digest(&mut graph, 0).unwrap();
    assert_eq!(graph.visits, 10);
    assert!(digester.known(7).is_some());
}

#[test]
fn members_of_a_cycle_differ_when_they_are_not_alike() {
    let mut graph = TestGraph::new(vec![
        node([("n", Value::Bool(true)), ("next", member(1))]),
        node([("n", Value::Bool(false)), ("next", member(0))]),
    ]);
    let digests = graph.digests(&[0, 1]).unwrap();
    assert_ne!(digests[0], digests[1]);
    for (bytes, _) in graph.documents.values() {
        assert_eq!(decode_document(bytes).unwrap().nodes.len(), 2);
    }
}

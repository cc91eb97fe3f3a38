//! A graph of configurations in memory, a second way to its digests, and strategies for random values.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use experimaestro_core::identifier::{
    Digest, Digester, EncodeError, Graph, Name, NodeEncoder, NodeFlags, NodeId, encode_document,
};
use experimaestro_core::value::{Array, Document, Enumerated, Float, Integer, Node, Reference, Value};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut digits, byte| {
        write!(digits, "{byte:02x}").unwrap();
        digits
    })
}

/// Configurations that refer to each other: `Reference::Member(n)` is the n-th of `nodes`.
pub(crate) struct TestGraph {
    pub(crate) nodes: Vec<Node>,
    pub(crate) documents: BTreeMap<NodeId, (Vec<u8>, Digest)>,
    /// Writes dicts and sets backwards.
    pub(crate) backwards: bool,
    pub(crate) visits: usize,
}

impl TestGraph {
    pub(crate) fn new(nodes: Vec<Node>) -> Self {
        Self { nodes, documents: BTreeMap::new(), backwards: false, visits: 0 }
    }

    /// Digests of all nodes, asked for in the given order.
    pub(crate) fn digests(&mut self, order: &[usize]) -> Result<Vec<Digest>, EncodeError> {
        let mut digester = Digester::default();
        let mut digests = vec![Digest::default(); self.nodes.len()];
        for node in order {
            digests[*node] = digester.digest(self, u32::try_from(*node).unwrap())?;
        }
        Ok(digests)
    }

    fn value(&self, value: &Value, encoder: &mut NodeEncoder<'_>) -> Result<(), EncodeError> {
        match value {
            Value::None => encoder.none(),
            Value::Bool(value) => encoder.bool(*value),
            Value::Int(value) => match value.to_i64() {
                Some(small) => encoder.int(small),
                None => encoder.integer(value),
            },
            Value::Float(value) => encoder.float(value.get()),
            Value::Str(value) => encoder.str(value),
            Value::Bytes(value) => encoder.bytes(value),
            Value::Path(value) => encoder.path(value),
            Value::Enum(value) => encoder.enumerated(&value.type_id, &value.member),
            Value::Array(value) => encoder.array(&value.dtype, &value.shape, &value.data),
            Value::Config(reference) => write_reference(reference, encoder),
            Value::List(elements) => {
                encoder.begin_list(elements.len())?;
                elements.iter().try_for_each(|element| self.value(element, encoder))?;
                encoder.end_list();
            }
            Value::Tuple(elements) => {
                encoder.begin_tuple(elements.len())?;
                elements.iter().try_for_each(|element| self.value(element, encoder))?;
                encoder.end_tuple();
            }
            Value::Set(elements) => {
                let mark = encoder.begin_set(elements.len())?;
                for element in self.turned(elements.iter().collect()) {
                    encoder.begin_entry();
                    self.value(element, encoder)?;
                }
                encoder.end_set(mark)?;
            }
            Value::Dict(entries) => {
                let mark = encoder.begin_dict(entries.len())?;
                for (key, value) in self.turned(entries.iter().collect()) {
                    encoder.begin_entry();
                    self.value(key, encoder)?;
                    encoder.end_key();
                    self.value(value, encoder)?;
                }
                encoder.end_dict(mark)?;
            }
        }
        Ok(())
    }

    fn turned<T>(&self, mut items: Vec<T>) -> Vec<T> {
        if self.backwards {
            items.reverse();
        }
        items
    }
}

fn write_reference(reference: &Reference, encoder: &mut NodeEncoder<'_>) {
    match reference {
        Reference::Digest(digest) => encoder.config(digest),
        Reference::Member(node) => encoder.reference(*node),
    }
}

impl Graph for TestGraph {
    type Error = EncodeError;

    fn encode(&mut self, node: NodeId, encoder: &mut NodeEncoder<'_>) -> Result<(), EncodeError> {
        self.visits += 1;
        let node = &self.nodes[node as usize];
        let flags = NodeFlags {
            task: node.task.is_some(),
            init_tasks: !node.init_tasks.is_empty(),
            pre_tasks: !node.pre_tasks.is_empty(),
            further_instance: node.instance.is_some(),
        };
        let mark = encoder.begin_node(flags, &Name::new(&node.type_id));
        for (name, value) in &node.parameters {
            encoder.parameter(&Name::new(name));
            self.value(value, encoder)?;
        }
        encoder.end_parameters(mark, node.parameters.len());
        if let Some(task) = &node.task {
            write_reference(task, encoder);
        }
        if flags.init_tasks {
            encoder.section(node.init_tasks.len());
            node.init_tasks.iter().for_each(|task| write_reference(task, encoder));
        }
        if flags.pre_tasks {
            let mut digests = node.pre_tasks.iter().copied().collect();
            (**encoder).pre_tasks(&mut digests);
        }
        if let Some(number) = node.instance {
            encoder.instance(number);
        }
        Ok(())
    }

    fn digested(&mut self, node: NodeId, document: &[u8], digest: &Digest, _in_cycle: bool) {
        let before = self.documents.insert(node, (document.to_vec(), *digest));
        assert!(before.is_none(), "node {node} was digested twice");
    }
}

/// Digests computed from the definition: recursion, no memory, no in-place anything.
pub(crate) fn digest_by_definition(nodes: &[Node], first: u32) -> Digest {
    let reached = |from: u32| {
        let mut reached = BTreeSet::new();
        let mut pending = targets(&nodes[from as usize]);
        while let Some(node) = pending.pop() {
            if reached.insert(node) {
                pending.extend(targets(&nodes[node as usize]));
            }
        }
        reached
    };
    let cycle = reached(first).into_iter().filter(|node| reached(*node).contains(&first)).collect::<BTreeSet<_>>();
    let mut order = vec![first];
    let mut document = Document { nodes: Vec::new() };
    while document.nodes.len() < order.len() {
        let mut node = nodes[order[document.nodes.len()] as usize].clone();
        rewrite(&mut node, &mut |target| {
            if !cycle.contains(&target) {
                return Reference::Digest(digest_by_definition(nodes, target));
            }
            let position = order.iter().position(|node| *node == target).unwrap_or_else(|| {
                order.push(target);
                order.len() - 1
            });
            Reference::Member(u32::try_from(position).unwrap())
        });
        document.nodes.push(node);
    }
    Digest::of(&encode_document(&document).unwrap())
}

fn targets(node: &Node) -> Vec<u32> {
    let mut targets = Vec::new();
    rewrite(&mut node.clone(), &mut |target| {
        targets.push(target);
        Reference::Member(target)
    });
    targets
}

/// Replaces references in the order of canonical bytes.
fn rewrite(node: &mut Node, replace: &mut dyn FnMut(u32) -> Reference) {
    let mut reference = |reference: &mut Reference| {
        if let Reference::Member(target) = reference {
            *reference = replace(*target);
        }
    };
    node.parameters.values_mut().for_each(|value| rewrite_value(value, &mut reference));
    node.task.iter_mut().for_each(&mut reference);
    node.init_tasks.iter_mut().for_each(&mut reference);
}

fn rewrite_value(value: &mut Value, replace: &mut dyn FnMut(&mut Reference)) {
    match value {
        Value::Config(reference) => replace(reference),
        Value::List(elements) | Value::Tuple(elements) => {
            for element in elements {
                rewrite_value(element, replace);
            }
        }
        Value::Set(elements) => {
            *elements = std::mem::take(elements)
                .into_iter()
                .map(|mut element| {
                    rewrite_value(&mut element, replace);
                    element
                })
                .collect();
        }
        Value::Dict(entries) => {
            let mut entries = entries.iter_mut().collect::<Vec<_>>();
            entries.sort_by_key(|(key, _)| experimaestro_core::identifier::encode_value(key).unwrap());
            for (_, value) in entries {
                rewrite_value(value, replace);
            }
        }
        _ => {}
    }
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-c]{0,3}", "key_[0-9]{1,3}", any::<String>()]
}

fn number() -> impl Strategy<Value = Integer> {
    prop_oneof![
        (-300_i64..300).prop_map(Integer::from),
        any::<i64>().prop_map(Integer::from),
        vec(any::<u8>(), 0..20).prop_map(|bytes| Integer::from_signed_bytes(&bytes)),
    ]
}

fn digest() -> impl Strategy<Value = Digest> {
    any::<[u8; 16]>().prop_map(Digest::from)
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::None),
        any::<bool>().prop_map(Value::Bool),
        number().prop_map(Value::Int),
        prop_oneof![any::<f64>(), Just(f64::NAN), Just(-0.0), (-3_i8..3).prop_map(f64::from)]
            .prop_map(|float| Value::Float(Float::new(float))),
        text().prop_map(Value::Str),
        vec(any::<u8>(), 0..9).prop_map(Value::Bytes),
        vec(any::<u8>(), 0..9).prop_map(Value::Path),
        (text(), text()).prop_map(|(type_id, member)| Value::Enum(Enumerated { type_id, member })),
        (text(), vec(0..300_u64, 0..3), vec(any::<u8>(), 0..9)).prop_map(|(dtype, shape, data)| Value::Array(Array {
            dtype,
            shape,
            data
        })),
        digest().prop_map(|digest| Value::Config(Reference::Digest(digest))),
    ]
}

/// Values of every kind, nested, without members of cycles.
pub(crate) fn values() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(4, 48, 8, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..8).prop_map(Value::List),
            vec(inner.clone(), 0..8).prop_map(Value::Tuple),
            btree_set(inner.clone(), 0..8).prop_map(Value::Set),
            btree_map(inner.clone(), inner, 0..8).prop_map(Value::Dict),
        ]
    })
}

/// Values in which configurations are nodes of a graph, never in a set or in a key.
fn graph_values(size: u32) -> impl Strategy<Value = Value> {
    let target = (0..size).prop_map(|node| Value::Config(Reference::Member(node)));
    let leaf = prop_oneof![1 => scalar(), 1 => target];
    leaf.prop_recursive(2, 8, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::List),
            btree_map(scalar(), inner, 0..4).prop_map(Value::Dict),
        ]
    })
}

/// Configurations with references anywhere, cycles included.
pub(crate) fn graphs() -> impl Strategy<Value = Vec<Node>> {
    (1_u32..7).prop_flat_map(|size| {
        let node = (
            "[ab]",
            btree_map("[xyz]", graph_values(size), 0..4),
            proptest::option::weighted(0.2, (0..size).prop_map(Reference::Member)),
            prop_oneof![3 => Just(Vec::new()), 1 => vec((0..size).prop_map(Reference::Member), 0..3)],
            prop_oneof![3 => Just(BTreeSet::new()), 1 => btree_set(digest(), 0..3)],
            proptest::option::weighted(0.2, 2..300_u64),
        );
        let node = node.prop_map(|(type_id, parameters, task, init_tasks, pre_tasks, instance)| Node {
            type_id,
            parameters,
            task,
            init_tasks,
            pre_tasks,
            instance,
        });
        vec(node, size as usize)
    })
}

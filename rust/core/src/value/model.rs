//! The value model: every value that counts in an identifier, told apart by type.

use std::collections::{BTreeMap, BTreeSet};

use super::Integer;
use crate::identifier::Digest;

/// A value of a parameter.
///
/// Equality is that of identifiers: `1`, `1.0` and `true` are three values, `0.0` and `-0.0` are two, there is one NaN,
/// and the order of dict entries and set elements does not count. The derived order has no meaning of its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// No value.
    None,
    /// A truth value.
    Bool(bool),
    /// An integer of any size.
    Int(Integer),
    /// A 64-bit IEEE 754 number.
    Float(Float),
    /// A text.
    Str(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A path of the file system, as the bytes the system knows it by.
    Path(Vec<u8>),
    /// A list.
    List(Vec<Value>),
    /// A tuple.
    Tuple(Vec<Value>),
    /// A set.
    Set(BTreeSet<Value>),
    /// A dictionary.
    Dict(BTreeMap<Value, Value>),
    /// A member of an enumeration.
    Enum(Enumerated),
    /// An array of numbers.
    Array(Array),
    /// Another configuration.
    Config(Reference),
}

/// A float that is equal to another when their bits are, with one NaN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Float(u64);

impl Float {
    /// The bits of every NaN.
    const NAN: u64 = 0x7ff8_0000_0000_0000;

    /// Takes a float; every NaN becomes the same one.
    #[inline]
    pub fn new(number: f64) -> Self {
        Self(if number.is_nan() { Self::NAN } else { number.to_bits() })
    }

    /// The number.
    pub fn get(self) -> f64 {
        f64::from_bits(self.0)
    }

    /// The IEEE 754 bits.
    #[inline]
    pub fn to_bits(self) -> u64 {
        self.0
    }
}

/// A member of an enumeration: the value it stands for does not count.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Enumerated {
    /// `module.qualname` of the enumeration.
    pub type_id: String,
    /// Name of the member.
    pub member: String,
}

/// An array of numbers, by element type, shape and elements.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Array {
    /// The `dtype.str` of numpy, of little-endian byte order where order matters (`<f8`, `|u1`).
    pub dtype: String,
    /// Length of each dimension.
    pub shape: Vec<u64>,
    /// The elements, in C order.
    pub data: Vec<u8>,
}

/// Which configuration is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reference {
    /// A configuration outside of the cycle, by its digest.
    Digest(Digest),
    /// A configuration of the same cycle, by its position in the document.
    Member(u32),
}

/// What is hashed of one configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node {
    /// Type identifier of its class.
    pub type_id: String,
    /// The parameters that count, by name.
    pub parameters: BTreeMap<String, Value>,
    /// The task it is an output of.
    pub task: Option<Reference>,
    /// Tasks to execute before this one, in order.
    pub init_tasks: Vec<Reference>,
    /// Tasks to execute before this one, in no order.
    pub pre_tasks: BTreeSet<Digest>,
    /// Which one it is of several that are alike and must not be taken for one another: 2 or more; `None` for the first.
    pub instance: Option<u64>,
}

/// What is hashed for one identifier: a configuration, or all configurations of a cycle seen from one of them.
///
/// The first node is the one that is identified. `Member(n)` is `nodes[n]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The nodes, in the order they are first referred to. Never empty.
    pub nodes: Vec<Node>,
}

impl From<Node> for Document {
    fn from(node: Node) -> Self {
        Self { nodes: vec![node] }
    }
}

impl Document {
    /// The configurations outside of the document that its parameters and init tasks refer to, in order, with repetitions.
    ///
    /// The task that a node is an output of is not among them.
    pub fn references(&self) -> Vec<Digest> {
        let mut found = Vec::new();
        for node in &self.nodes {
            for value in node.parameters.values() {
                value.collect_references(&mut found);
            }
            found.extend(node.init_tasks.iter().filter_map(Reference::digest));
            found.extend(&node.pre_tasks);
        }
        found
    }
}

impl Reference {
    /// The digest, unless it is in the same cycle.
    pub fn digest(&self) -> Option<Digest> {
        match self {
            Self::Digest(digest) => Some(*digest),
            Self::Member(_) => None,
        }
    }
}

impl Value {
    fn collect_references(&self, found: &mut Vec<Digest>) {
        match self {
            Self::Config(reference) => found.extend(reference.digest()),
            Self::List(elements) | Self::Tuple(elements) => {
                for element in elements {
                    element.collect_references(found);
                }
            }
            Self::Set(elements) => {
                for element in elements {
                    element.collect_references(found);
                }
            }
            Self::Dict(entries) => {
                for (key, value) in entries {
                    key.collect_references(found);
                    value.collect_references(found);
                }
            }
            Self::None
            | Self::Bool(_)
            | Self::Int(_)
            | Self::Float(_)
            | Self::Str(_)
            | Self::Bytes(_)
            | Self::Path(_)
            | Self::Enum(_)
            | Self::Array(_) => {}
        }
    }
}

//! Reads canonical bytes back, and refuses every other bytes.
//!
//! Each check here is half of the proof that the encoding is injective: what is accepted is written again as it was.

use std::collections::{BTreeMap, BTreeSet};

use super::{Digest, tag, varint};
use crate::value::{Array, Document, Enumerated, Float, Integer, Node, Reference, Value};

/// Bytes that are not canonical, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("byte {offset}: {problem}")]
pub struct DecodeError {
    /// Offset of the part that is wrong.
    pub offset: usize,
    /// What is wrong.
    pub problem: &'static str,
}

/// Reads the canonical bytes of one value.
///
/// ```
/// use experimaestro_core::{identifier::decode_value, value::Value};
/// assert_eq!(decode_value(&[0x11, 0x07]), Ok(Value::Int(7.into())));
/// assert!(decode_value(&[0x12, 0x00, 0x07]).is_err(), "seven, but too long");
/// ```
///
/// # Errors
/// The bytes are not the canonical bytes of a value.
pub fn decode_value(bytes: &[u8]) -> Result<Value, DecodeError> {
    let mut reader = Reader::new(bytes);
    let value = reader.value(0)?;
    reader.end()?;
    match reader.members_seen {
        0 => Ok(value),
        _ => Err(DecodeError { offset: 0, problem: "a member of a cycle, outside of a document" }),
    }
}

/// Reads the bytes that were hashed for an identifier.
///
/// # Errors
/// The bytes are not those of a document.
pub fn decode_document(bytes: &[u8]) -> Result<Document, DecodeError> {
    let mut reader = Reader::new(bytes);
    if reader.byte()? != tag::SCHEME {
        return Err(DecodeError { offset: 0, problem: "not the number of this scheme" });
    }
    let count = reader.count()?;
    if count == 0 {
        return Err(reader.wrong("no node"));
    }
    reader.members = Some(count);
    reader.members_seen = 1;
    let mut nodes = Vec::new();
    let mut references = Vec::new();
    for position in 0..count {
        if position >= reader.members_seen {
            return Err(reader.wrong("a node that no node before refers to"));
        }
        reader.referred.clear();
        nodes.push(reader.node()?);
        references.push(std::mem::take(&mut reader.referred));
    }
    reader.end()?;
    if count > 1 && !every_node_reaches_the_first(&references) {
        return Err(DecodeError { offset: 0, problem: "nodes that are not in a cycle with the first one" });
    }
    Ok(Document { nodes })
}

fn every_node_reaches_the_first(references: &[BTreeSet<u32>]) -> bool {
    let mut referrers = vec![Vec::new(); references.len()];
    for (node, targets) in references.iter().enumerate() {
        for target in targets {
            if let Some(list) = referrers.get_mut(*target as usize) {
                list.push(node);
            }
        }
    }
    let mut reached = vec![false; references.len()];
    let mut pending = vec![0];
    while let Some(node) = pending.pop() {
        if !std::mem::replace(&mut reached[node], true) {
            pending.extend(&referrers[node]);
        }
    }
    reached.into_iter().all(|reached| reached)
}

struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
    /// Nodes in the document; none while a lone value is read.
    members: Option<usize>,
    /// Members come in the order of their first mention: this many were mentioned.
    members_seen: usize,
    /// Members that the current node refers to.
    referred: BTreeSet<u32>,
}

impl<'a> Reader<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, offset: 0, members: None, members_seen: 0, referred: BTreeSet::new() }
    }

    fn wrong(&self, problem: &'static str) -> DecodeError {
        DecodeError { offset: self.offset, problem }
    }

    fn end(&self) -> Result<(), DecodeError> {
        if self.offset == self.bytes.len() { Ok(()) } else { Err(self.wrong("more bytes than expected")) }
    }

    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.offset..).unwrap_or_default()
    }

    fn byte(&mut self) -> Result<u8, DecodeError> {
        let byte = self.rest().first().copied().ok_or_else(|| self.wrong("the bytes end too early"))?;
        self.offset += 1;
        Ok(byte)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        let taken = self.rest().get(..length).ok_or_else(|| self.wrong("the bytes end too early"))?;
        self.offset += length;
        Ok(taken)
    }

    fn number(&mut self) -> Result<u64, DecodeError> {
        let (number, length) = varint::read(self.rest()).map_err(|wrong| match wrong {
            varint::Wrong::Truncated => self.wrong("the bytes end too early"),
            varint::Wrong::NotShortest => self.wrong("a number that is not in its shortest form, or too large"),
        })?;
        self.offset += length;
        Ok(number)
    }

    /// A count of things that take a byte or more each, so a wrong one cannot ask for much memory.
    fn count(&mut self) -> Result<usize, DecodeError> {
        let number = self.number()?;
        usize::try_from(number)
            .ok()
            .filter(|count| *count <= self.rest().len())
            .ok_or_else(|| self.wrong("a count that is larger than what follows"))
    }

    fn sized(&mut self) -> Result<&'a [u8], DecodeError> {
        let length = self.count()?;
        self.take(length)
    }

    fn text(&mut self) -> Result<String, DecodeError> {
        let bytes = self.sized()?;
        std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| self.wrong("a text that is not UTF-8"))
    }

    fn node(&mut self) -> Result<Node, DecodeError> {
        let tag = self.byte()?;
        if tag & !tag::ALL_FLAGS != tag::NODE {
            return Err(self.wrong("not a node"));
        }
        let type_id = self.text()?;
        let mut parameters = BTreeMap::new();
        for _ in 0..self.count()? {
            let name = self.text()?;
            if parameters.last_key_value().is_some_and(|(last, _)| *last >= name) {
                return Err(self.wrong("parameters that are not in name order"));
            }
            let value = self.value(0)?;
            parameters.insert(name, value);
        }
        let task = if tag & tag::HAS_TASK == 0 { None } else { Some(self.reference()?) };
        let mut init_tasks = Vec::new();
        if tag & tag::HAS_INIT_TASKS != 0 {
            for _ in 0..self.section()? {
                init_tasks.push(self.reference()?);
            }
        }
        let mut pre_tasks = BTreeSet::new();
        if tag & tag::HAS_PRE_TASKS != 0 {
            for _ in 0..self.section()? {
                let Reference::Digest(digest) = self.reference()? else {
                    return Err(self.wrong("a pre-task in the same cycle"));
                };
                if pre_tasks.last().is_some_and(|last| *last >= digest) {
                    return Err(self.wrong("pre-tasks that are not in order"));
                }
                pre_tasks.insert(digest);
            }
        }
        let mut instance = None;
        if tag & tag::IS_FURTHER_INSTANCE != 0 {
            instance = Some(self.number()?).filter(|number| *number >= 2);
            if instance.is_none() {
                return Err(self.wrong("an instance that is not a further one"));
            }
        }
        Ok(Node { type_id, parameters, task, init_tasks, pre_tasks, instance })
    }

    fn section(&mut self) -> Result<usize, DecodeError> {
        match self.count()? {
            0 => Err(self.wrong("a section that is announced but empty")),
            count => Ok(count),
        }
    }

    fn reference(&mut self) -> Result<Reference, DecodeError> {
        match self.byte()? {
            tag::CONFIG => self.digest(),
            tag::MEMBER => self.member(),
            _ => Err(self.wrong("not a configuration")),
        }
    }

    fn digest(&mut self) -> Result<Reference, DecodeError> {
        let bytes = self.take(Digest::LENGTH)?;
        let bytes = <[u8; Digest::LENGTH]>::try_from(bytes).map_err(|_| self.wrong("the bytes end too early"))?;
        Ok(Reference::Digest(bytes.into()))
    }

    fn member(&mut self) -> Result<Reference, DecodeError> {
        let number = self.number()?;
        let position = u32::try_from(number).map_err(|_| self.wrong("a member that does not exist"))?;
        let index = position as usize;
        if index > self.members_seen {
            return Err(self.wrong("a member before the one that comes first"));
        }
        if self.members.is_some_and(|members| index >= members) {
            return Err(self.wrong("a member that does not exist"));
        }
        self.members_seen = self.members_seen.max(index + 1);
        self.referred.insert(position);
        Ok(Reference::Member(position))
    }

    fn value(&mut self, depth: u32) -> Result<Value, DecodeError> {
        let tag = self.byte()?;
        let value = match tag {
            tag::NONE => Value::None,
            tag::FALSE => Value::Bool(false),
            tag::TRUE => Value::Bool(true),
            tag::FLOAT => Value::Float(self.float()?),
            tag::STR => Value::Str(self.text()?),
            tag::BYTES => Value::Bytes(self.sized()?.to_vec()),
            tag::PATH => Value::Path(self.sized()?.to_vec()),
            tag::LIST => Value::List(self.elements(depth)?),
            tag::TUPLE => Value::Tuple(self.elements(depth)?),
            tag::SET => Value::Set(self.set(depth)?),
            tag::DICT => Value::Dict(self.dict(depth)?),
            tag::ENUM => Value::Enum(Enumerated { type_id: self.text()?, member: self.text()? }),
            tag::ARRAY => Value::Array(self.array()?),
            tag::CONFIG => Value::Config(self.digest()?),
            tag::MEMBER => Value::Config(self.member()?),
            tag::INT..tag::BIG_INT => Value::Int(self.integer(usize::from(tag - tag::INT))?),
            tag::BIG_INT => {
                let length = self.count()?;
                if length <= 8 {
                    return Err(self.wrong("a short integer in the form of a long one"));
                }
                Value::Int(self.integer(length)?)
            }
            _ => return Err(self.wrong("not a value")),
        };
        Ok(value)
    }

    fn float(&mut self) -> Result<Float, DecodeError> {
        let bytes = self.take(8)?;
        let bits = bytes.iter().fold(0, |bits, byte| (bits << 8) | u64::from(*byte));
        let float = Float::new(f64::from_bits(bits));
        if float.to_bits() == bits { Ok(float) } else { Err(self.wrong("another NaN than the canonical one")) }
    }

    fn integer(&mut self, length: usize) -> Result<Integer, DecodeError> {
        let bytes = self.take(length)?;
        let integer = Integer::from_signed_bytes(bytes);
        if integer.as_bytes() == bytes {
            Ok(integer)
        } else {
            Err(self.wrong("an integer that is not in its shortest form"))
        }
    }

    fn array(&mut self) -> Result<Array, DecodeError> {
        let dtype = self.text()?;
        let mut shape = Vec::new();
        for _ in 0..self.count()? {
            shape.push(self.number()?);
        }
        Ok(Array { dtype, shape, data: self.sized()?.to_vec() })
    }

    fn nested(&self, depth: u32) -> Result<u32, DecodeError> {
        if depth < tag::MAX_NESTING { Ok(depth + 1) } else { Err(self.wrong("containers that are nested too deeply")) }
    }

    fn elements(&mut self, depth: u32) -> Result<Vec<Value>, DecodeError> {
        let depth = self.nested(depth)?;
        (0..self.count()?).map(|_| self.value(depth)).collect()
    }

    fn set(&mut self, depth: u32) -> Result<BTreeSet<Value>, DecodeError> {
        let depth = self.nested(depth)?;
        let mut elements = BTreeSet::new();
        let mut last: Option<&[u8]> = None;
        for _ in 0..self.count()? {
            let (element, bytes) = self.ordered(depth, last)?;
            last = Some(bytes);
            elements.insert(element);
        }
        Ok(elements)
    }

    fn dict(&mut self, depth: u32) -> Result<BTreeMap<Value, Value>, DecodeError> {
        let depth = self.nested(depth)?;
        let mut entries = BTreeMap::new();
        let mut last: Option<&[u8]> = None;
        for _ in 0..self.count()? {
            let (key, bytes) = self.ordered(depth, last)?;
            last = Some(bytes);
            let value = self.value(depth)?;
            entries.insert(key, value);
        }
        Ok(entries)
    }

    /// A key or element, whose bytes must come after those of the last one, and hold no member of the cycle.
    fn ordered(&mut self, depth: u32, last: Option<&[u8]>) -> Result<(Value, &'a [u8]), DecodeError> {
        let start = self.offset;
        let referred = std::mem::take(&mut self.referred);
        let value = self.value(depth)?;
        if !std::mem::replace(&mut self.referred, referred).is_empty() {
            return Err(self.wrong("a member of a cycle where order matters"));
        }
        let bytes = self.bytes.get(start..self.offset).unwrap_or_default();
        if last.is_some_and(|last| last >= bytes) {
            return Err(self.wrong("keys or elements that are not in order"));
        }
        Ok((value, bytes))
    }
}

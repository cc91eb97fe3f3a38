//! Writes canonical bytes straight into one buffer.

use super::order::{self, Entry, Placeholder};
use super::{Digest, NodeId, tag, varint};
use crate::value::{Float, Integer};

/// Values that have no canonical bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// Containers nest too deeply, or a container holds itself.
    #[error("containers are nested more than {} levels deep (or one contains itself)", tag::MAX_NESTING)]
    TooDeep,
    /// Two keys of a dict are the same value.
    #[error("a dict has the same key twice")]
    DuplicateKey,
    /// Two elements of a set are the same value.
    #[error("a set has the same element twice: what Python tells apart counts as one, as several NaNs do; keep one")]
    DuplicateElement,
    /// A set, or a dict by its keys, is part of a cycle of configurations: its order would depend on itself.
    #[error(
        "a cycle of configurations goes through an element of a set or a key of a dict, which has no order of its own"
    )]
    CycleThroughSet,
}

/// A name or type identifier in its canonical bytes, prepared once and written often.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Box<[u8]>);

impl Name {
    /// Prepares a name.
    pub fn new(text: &str) -> Self {
        let mut bytes = Vec::with_capacity(text.len() + 2);
        varint::write(&mut bytes, text.len() as u64);
        bytes.extend_from_slice(text.as_bytes());
        Self(bytes.into())
    }
}

/// Which sections follow the parameters of a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own in the bytes")]
pub struct NodeFlags {
    /// It is the output of a task.
    pub task: bool,
    /// It has init tasks.
    pub init_tasks: bool,
    /// It has pre-tasks.
    pub pre_tasks: bool,
    /// It is the second or a later one of several that are alike.
    pub further_instance: bool,
}

/// An open node; given back to [`Encoder::end_parameters`].
#[derive(Debug)]
#[must_use]
pub struct NodeMark {
    count_at: usize,
}

/// An open dict or set; given back to [`Encoder::end_dict`] or [`Encoder::end_set`].
#[derive(Debug)]
#[must_use]
pub struct EntriesMark {
    first_entry: usize,
}

/// A place to come back to; made by [`Encoder::checkpoint`].
#[derive(Clone, Copy, Debug)]
pub struct Checkpoint {
    bytes: usize,
    placeholders: usize,
    entries: usize,
    nesting: u32,
}

/// A buffer of canonical bytes.
///
/// The caller says what comes and keeps its word: as many elements as announced, parameters in name order.
///
/// ```
/// use experimaestro_core::identifier::Encoder;
/// let mut encoder = Encoder::default();
/// encoder.begin_list(2)?;
/// encoder.int(300);
/// encoder.str("a");
/// encoder.end_list();
/// assert_eq!(encoder.as_bytes(), [0x07, 2, 0x12, 0x01, 0x2c, 0x04, 1, b'a']);
/// # Ok::<(), experimaestro_core::identifier::EncodeError>(())
/// ```
#[derive(Debug, Default)]
pub struct Encoder {
    pub(super) bytes: Vec<u8>,
    /// Places kept for digests that are not known yet, by increasing offset.
    pub(super) placeholders: Vec<Placeholder>,
    /// True when the order of a set or dict depends on a digest that is not known yet.
    pub(super) undecided_order: bool,
    entries: Vec<Entry>,
    scratch: order::Scratch,
    nesting: u32,
}

impl Encoder {
    /// The bytes so far.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Forgets everything but the memory it holds.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.placeholders.clear();
        self.entries.clear();
        self.undecided_order = false;
        self.nesting = 0;
    }

    /// The place where the next byte goes.
    #[inline]
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            bytes: self.bytes.len(),
            placeholders: self.placeholders.len(),
            entries: self.entries.len(),
            nesting: self.nesting,
        }
    }

    /// Takes back what was written since.
    pub fn rollback(&mut self, checkpoint: &Checkpoint) {
        self.truncate(checkpoint.bytes, checkpoint.placeholders);
        self.entries.truncate(checkpoint.entries);
        self.nesting = checkpoint.nesting;
    }

    /// What was written since.
    pub fn since(&self, checkpoint: &Checkpoint) -> &[u8] {
        &self.bytes[checkpoint.bytes..]
    }

    /// Whether a digest is missing in what was written since.
    pub fn is_open_since(&self, checkpoint: &Checkpoint) -> bool {
        self.placeholders.len() > checkpoint.placeholders
    }

    /// Writes no value.
    #[inline]
    pub fn none(&mut self) {
        self.bytes.push(tag::NONE);
    }

    /// Writes a truth value.
    #[inline]
    pub fn bool(&mut self, value: bool) {
        self.bytes.push(if value { tag::TRUE } else { tag::FALSE });
    }

    /// Writes an integer.
    #[inline]
    pub fn int(&mut self, value: i64) {
        // Bits beyond the sign's copies, plus one sign bit; zero and minus one differ by their bytes.
        let magnitude = if value < 0 { !value } else { value };
        let length = if value == 0 { 0 } else { (64 - magnitude.leading_zeros()) / 8 + 1 };
        let shifted = if length == 0 { 0 } else { value << (64 - 8 * length) };
        let mut chunk = [0; 9];
        #[expect(clippy::cast_possible_truncation, reason = "at most 8")]
        let tag = tag::INT + length as u8;
        chunk[0] = tag;
        chunk[1..].copy_from_slice(&shifted.to_be_bytes());
        self.bytes.extend_from_slice(&chunk);
        let excess = 8 - length as usize;
        self.bytes.truncate(self.bytes.len() - excess);
    }

    /// Writes an integer given as big-endian two's complement of any length.
    pub fn int_bytes(&mut self, bytes: &[u8]) {
        let bytes = crate::value::shortest_integer(bytes);
        match u8::try_from(bytes.len()) {
            Ok(length) if length <= 8 => self.bytes.push(tag::INT + length),
            _ => {
                self.bytes.push(tag::BIG_INT);
                varint::write(&mut self.bytes, bytes.len() as u64);
            }
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// Writes an integer of any size.
    pub fn integer(&mut self, value: &Integer) {
        self.int_bytes(value.as_bytes());
    }

    /// Writes a float; every NaN is the same.
    #[inline]
    pub fn float(&mut self, value: f64) {
        let mut chunk = [tag::FLOAT; 9];
        chunk[1..].copy_from_slice(&Float::new(value).to_bits().to_be_bytes());
        self.bytes.extend_from_slice(&chunk);
    }

    /// Writes a text.
    #[inline]
    pub fn str(&mut self, value: &str) {
        self.tagged(tag::STR, value.as_bytes());
    }

    /// Writes bytes.
    pub fn bytes(&mut self, value: &[u8]) {
        self.tagged(tag::BYTES, value);
    }

    /// Writes a path, as the bytes the file system knows it by.
    pub fn path(&mut self, value: &[u8]) {
        self.tagged(tag::PATH, value);
    }

    /// Writes a member of an enumeration.
    pub fn enumerated(&mut self, type_id: &str, member: &str) {
        self.tagged(tag::ENUM, type_id.as_bytes());
        self.sized(member.as_bytes());
    }

    /// Writes an array: `dtype.str`, shape, and the elements in C order.
    pub fn array(&mut self, dtype: &str, shape: &[u64], data: &[u8]) {
        self.tagged(tag::ARRAY, dtype.as_bytes());
        varint::write(&mut self.bytes, shape.len() as u64);
        for length in shape {
            varint::write(&mut self.bytes, *length);
        }
        self.sized(data);
    }

    /// Writes a configuration by its digest.
    #[inline]
    pub fn config(&mut self, digest: &Digest) {
        self.bytes.push(tag::CONFIG);
        self.bytes.extend_from_slice(digest.as_bytes());
    }

    /// Writes a configuration of the same cycle by its position in the document.
    pub fn member(&mut self, position: u32) {
        self.bytes.push(tag::MEMBER);
        varint::write(&mut self.bytes, u64::from(position));
    }

    /// Keeps a place for the digest of a node.
    #[inline]
    pub(super) fn placeholder(&mut self, node: NodeId) {
        self.placeholders.push(Placeholder { offset: self.bytes.len(), node });
        self.config(&Digest::default());
    }

    /// Starts a list of `count` elements.
    ///
    /// # Errors
    /// Containers are nested too deeply.
    #[inline]
    pub fn begin_list(&mut self, count: usize) -> Result<(), EncodeError> {
        self.begin_container(tag::LIST, count)
    }

    /// Ends a list.
    #[inline]
    pub fn end_list(&mut self) {
        self.nesting -= 1;
    }

    /// Starts a tuple of `count` elements.
    ///
    /// # Errors
    /// Containers are nested too deeply.
    #[inline]
    pub fn begin_tuple(&mut self, count: usize) -> Result<(), EncodeError> {
        self.begin_container(tag::TUPLE, count)
    }

    /// Ends a tuple.
    #[inline]
    pub fn end_tuple(&mut self) {
        self.nesting -= 1;
    }

    /// Starts a set of `count` elements, in any order; [`Encoder::begin_entry`] comes before each.
    ///
    /// # Errors
    /// Containers are nested too deeply.
    pub fn begin_set(&mut self, count: usize) -> Result<EntriesMark, EncodeError> {
        self.begin_container(tag::SET, count)?;
        Ok(EntriesMark { first_entry: self.entries.len() })
    }

    /// Starts a dict of `count` entries, in any order; [`Encoder::begin_entry`] comes before each key and
    /// [`Encoder::end_key`] after it.
    ///
    /// # Errors
    /// Containers are nested too deeply.
    pub fn begin_dict(&mut self, count: usize) -> Result<EntriesMark, EncodeError> {
        self.begin_container(tag::DICT, count)?;
        Ok(EntriesMark { first_entry: self.entries.len() })
    }

    /// Starts an element of a set or an entry of a dict.
    #[inline]
    pub fn begin_entry(&mut self) {
        let start = self.bytes.len();
        self.entries.push(Entry { start, key_end: start });
    }

    /// Ends the key of a dict's entry; its value comes next.
    #[inline]
    pub fn end_key(&mut self) {
        let end = self.bytes.len();
        if let Some(entry) = self.entries.last_mut() {
            entry.key_end = end;
            if self.placeholders.last().is_some_and(|last| last.offset >= entry.start) {
                self.undecided_order = true;
            }
        }
    }

    /// Ends a dict: puts its entries in canonical order.
    ///
    /// # Errors
    /// The same key occurs twice.
    pub fn end_dict(&mut self, mark: EntriesMark) -> Result<(), EncodeError> {
        self.end_entries(mark, EncodeError::DuplicateKey)
    }

    /// Ends a set: puts its elements in canonical order.
    ///
    /// # Errors
    /// The same element occurs twice.
    pub fn end_set(&mut self, mark: EntriesMark) -> Result<(), EncodeError> {
        if let Some(first) = self.entries.get(mark.first_entry) {
            if self.placeholders.last().is_some_and(|last| last.offset >= first.start) {
                self.undecided_order = true;
            }
            // An element is its own key.
            for position in mark.first_entry..self.entries.len() {
                let end = self.entries.get(position + 1).map_or(self.bytes.len(), |next| next.start);
                self.entries[position].key_end = end;
            }
        }
        self.end_entries(mark, EncodeError::DuplicateElement)
    }

    /// Starts a node; its parameters come next, in name order.
    #[inline]
    pub fn begin_node(&mut self, flags: NodeFlags, type_id: &Name) -> NodeMark {
        let mut node = tag::NODE;
        for (set, flag) in [
            (flags.task, tag::HAS_TASK),
            (flags.init_tasks, tag::HAS_INIT_TASKS),
            (flags.pre_tasks, tag::HAS_PRE_TASKS),
            (flags.further_instance, tag::IS_FURTHER_INSTANCE),
        ] {
            node |= if set { flag } else { 0 };
        }
        self.bytes.push(node);
        self.bytes.extend_from_slice(&type_id.0);
        self.bytes.push(0);
        NodeMark { count_at: self.bytes.len() - 1 }
    }

    /// Starts a parameter; its value comes next.
    #[inline]
    pub fn parameter(&mut self, name: &Name) {
        self.bytes.extend_from_slice(&name.0);
    }

    /// Ends the parameters of a node, `count` of them. The sections that its flags announced come next: the task
    /// (a configuration), the init tasks (a count and configurations), the pre-tasks ([`Encoder::pre_tasks`]), the number
    /// of the instance ([`Encoder::instance`]).
    #[inline]
    pub fn end_parameters(&mut self, NodeMark { count_at }: NodeMark, count: usize) {
        match u8::try_from(count) {
            Ok(count) if count < 0x80 => self.bytes[count_at] = count,
            _ => self.widen_count(count_at, count),
        }
    }

    #[cold]
    fn widen_count(&mut self, count_at: usize, count: usize) {
        let mut written = Vec::with_capacity(4);
        varint::write(&mut written, count as u64);
        let growth = written.len() - 1;
        self.bytes.splice(count_at..=count_at, written);
        for placeholder in self.placeholders.iter_mut().rev().take_while(|it| it.offset > count_at) {
            placeholder.offset += growth;
        }
    }

    /// Starts a section of `count` configurations.
    #[inline]
    pub fn section(&mut self, count: usize) {
        varint::write(&mut self.bytes, count as u64);
    }

    /// Writes the pre-tasks, whose order does not count.
    pub fn pre_tasks(&mut self, digests: &mut Vec<Digest>) {
        digests.sort_unstable();
        digests.dedup();
        self.section(digests.len());
        for digest in digests {
            self.config(digest);
        }
    }

    /// Writes which one it is of several that are alike: 2 or more.
    pub fn instance(&mut self, number: u64) {
        varint::write(&mut self.bytes, number);
    }

    /// Starts a document of `count` nodes.
    pub(super) fn begin_document(&mut self, count: usize) {
        self.bytes.push(tag::SCHEME);
        varint::write(&mut self.bytes, count as u64);
    }

    /// Drops everything from an offset on.
    pub(super) fn truncate(&mut self, length: usize, placeholders: usize) {
        self.bytes.truncate(length);
        self.placeholders.truncate(placeholders);
    }

    fn begin_container(&mut self, tag: u8, count: usize) -> Result<(), EncodeError> {
        if self.nesting == tag::MAX_NESTING {
            return Err(EncodeError::TooDeep);
        }
        self.nesting += 1;
        self.bytes.push(tag);
        varint::write(&mut self.bytes, count as u64);
        Ok(())
    }

    fn end_entries(
        &mut self,
        EntriesMark { first_entry }: EntriesMark,
        duplicate: EncodeError,
    ) -> Result<(), EncodeError> {
        self.nesting -= 1;
        let entries = &self.entries[first_entry..];
        let sorted =
            self.undecided_order || order::sort(&mut self.bytes, &mut self.placeholders, entries, &mut self.scratch);
        self.entries.truncate(first_entry);
        if sorted { Ok(()) } else { Err(duplicate) }
    }

    #[inline]
    fn tagged(&mut self, tag: u8, payload: &[u8]) {
        self.bytes.push(tag);
        self.sized(payload);
    }

    #[inline]
    fn sized(&mut self, payload: &[u8]) {
        varint::write(&mut self.bytes, payload.len() as u64);
        self.bytes.extend_from_slice(payload);
    }
}

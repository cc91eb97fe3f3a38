//! The bytes that say what follows. Never renumber: every identifier ever computed depends on them.

/// First byte of every document: the number of the scheme `md5`.
pub(crate) const SCHEME: u8 = 0x01;

pub(crate) const NONE: u8 = 0x00;
pub(crate) const FALSE: u8 = 0x01;
pub(crate) const TRUE: u8 = 0x02;
pub(crate) const FLOAT: u8 = 0x03;
pub(crate) const STR: u8 = 0x04;
pub(crate) const BYTES: u8 = 0x05;
pub(crate) const PATH: u8 = 0x06;
pub(crate) const LIST: u8 = 0x07;
pub(crate) const TUPLE: u8 = 0x08;
pub(crate) const SET: u8 = 0x09;
pub(crate) const DICT: u8 = 0x0a;
pub(crate) const ENUM: u8 = 0x0b;
pub(crate) const ARRAY: u8 = 0x0c;
pub(crate) const CONFIG: u8 = 0x0d;
pub(crate) const MEMBER: u8 = 0x0e;
/// An integer of `n` bytes, up to 8: `INT + n`.
pub(crate) const INT: u8 = 0x10;
/// An integer of more than 8 bytes.
pub(crate) const BIG_INT: u8 = 0x19;
/// A node, plus the flags of the sections that follow its parameters.
pub(crate) const NODE: u8 = 0x20;

/// Flag of a node: it is the output of a task.
pub(crate) const HAS_TASK: u8 = 0x01;
/// Flag of a node: it has init tasks.
pub(crate) const HAS_INIT_TASKS: u8 = 0x02;
/// Flag of a node: it has pre-tasks.
pub(crate) const HAS_PRE_TASKS: u8 = 0x04;
/// Flag of a node: it is the second or a later one of several that are alike and must not be taken for one another.
pub(crate) const IS_FURTHER_INSTANCE: u8 = 0x08;
/// Every flag that has a meaning.
pub(crate) const ALL_FLAGS: u8 = HAS_TASK | HAS_INIT_TASKS | HAS_PRE_TASKS | IS_FURTHER_INSTANCE;

/// How deep containers may nest: beyond, reading would need too much stack.
pub(crate) const MAX_NESTING: u32 = 200;

//! Canonical bytes and digests of values, as `docs/identifiers.md` specifies them.
//!
//! * [`Encoder`] writes canonical bytes, without a model in between;
//! * [`encode_value`] and [`encode_document`] write the bytes of a model, [`decode_value`] and [`decode_document`] read them back;
//! * [`Digester`] computes the digests of a graph of configurations.

mod decode;
mod digest;
mod document;
mod encode;
mod graph;
mod order;
mod tag;
mod varint;

pub use decode::{DecodeError, decode_document, decode_value};
pub use digest::{Digest, DigestError, Scheme, SchemeError};
pub use document::{encode_document, encode_value};
pub use encode::{Checkpoint, EncodeError, Encoder, EntriesMark, Name, NodeFlags, NodeMark};
pub use graph::{Digester, Graph, NodeEncoder, NodeId};

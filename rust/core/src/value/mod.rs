//! Typed values: what a configuration is made of.
//!
//! [`Value`], [`Node`] and [`Document`] are the readable side of an identifier; the bytes are made in
//! [`crate::identifier`]. [`notation`] writes and reads them as JSON.

mod integer;
mod model;
pub mod notation;

pub(crate) use integer::shortest as shortest_integer;
pub use integer::{Integer, IntegerError};
pub use model::{Array, Document, Enumerated, Float, Node, Reference, Value};

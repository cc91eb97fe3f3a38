//! Identifiers: what `docs/identifiers.md` promises.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod graphs;
mod properties;
mod specification;
mod support;
mod vectors;

//! Identifiers of live configurations: Python objects are walked straight into the hasher.
//!
//! The graph algorithm is the core's; `node` says what a configuration holds. What each digest was made of can be kept in the
//! states of the configurations, for `identity.json`.

mod address;
mod graph;
pub(crate) mod instances;
mod kept;
mod node;
mod numbering;
mod walk;

use std::cell::RefCell;
use std::collections::HashSet;

use experimaestro_core::identifier::{Digest, Digester, NodeId};
use pyo3::prelude::*;

use super::canonical::Failure;
use super::schema::Argument;
use super::state::ConfigState;
use crate::errors;
pub(crate) use kept::Kept;
use kept::begin_walk;
use numbering::with_instances;
use walk::{Item, Pass, Walk};

/// An empty document: number of the scheme, and one node to come.
const DOCUMENT_START: usize = 2;

thread_local! {
    /// Memory that is used again by the next walk.
    static DIGESTER: RefCell<Option<Digester>> = const { RefCell::new(None) };
}

/// Digest of a configuration.
pub(crate) fn digest(config: &Bound<'_, PyAny>) -> PyResult<[u8; 16]> {
    Ok(compute(config, false)?.digest)
}

/// Digest of a configuration that is about to be sealed: it stays in the states of all configurations it was made of.
pub(crate) fn digest_and_keep(config: &Bound<'_, PyAny>) -> PyResult<[u8; 16]> {
    Ok(digested(config, true)?.digest)
}

/// A digest, and what was seen on the way to it.
pub(crate) struct Computed {
    pub(crate) digest: [u8; 16],
    /// Whether the configuration leads back to itself, by what counts; `None` if its digest was stored.
    pub(crate) leads_back: Option<bool>,
}

/// Digest of a configuration; with `keep` it stays in the states, as by `digest_and_keep`.
pub(crate) fn digested(config: &Bound<'_, PyAny>, keep: bool) -> PyResult<Computed> {
    if keep {
        begin_walk();
    }
    compute(config, keep)
}

/// Whether a configuration leads back to itself by what counts, whatever is known of its digest.
pub(crate) fn leads_back(config: &Bound<'_, PyAny>) -> PyResult<bool> {
    let mut walk = Walk::new(false);
    walk.forgetful = true;
    let root = walk.add(config, ConfigState::of_configuration(config)?)?;
    run(&mut walk, root).map_err(|failure| raised(failure, config.py()))?;
    Ok(walk.root_is_in_cycle)
}

/// As Python raises it.
fn raised(failure: Failure, py: Python<'_>) -> PyErr {
    match failure {
        Failure::Raised(error) => error,
        Failure::Unidentifiable(problem) => errors::validation(py, problem),
    }
}

fn compute(config: &Bound<'_, PyAny>, keep: bool) -> PyResult<Computed> {
    let state = ConfigState::of_configuration(config)?;
    if let Some(digest) = state.get().cached_digest() {
        return Ok(Computed { digest, leads_back: state.get().lock().in_cycle });
    }
    let mut walk = Walk::new(keep);
    let root = walk.add(config, state)?;
    computed(&mut walk, root, config.py())
}

fn computed(walk: &mut Walk<'_>, root: NodeId, py: Python<'_>) -> PyResult<Computed> {
    let digest = digest_from(walk, root).map_err(|failure| raised(failure, py))?;
    Ok(Computed { digest: *digest.as_bytes(), leads_back: Some(walk.root_is_in_cycle) })
}

/// Digest of a configuration without some of its own parameters, as if its class did not have them.
pub(crate) fn digest_without(config: &Bound<'_, PyAny>, left_out: HashSet<String>) -> PyResult<Computed> {
    let state = ConfigState::of_configuration(config)?;
    let mut walk = Walk::new(false);
    let root = walk.add(config, state)?;
    // What is known of the whole is of no use here, and what is found of it must not be kept.
    if let Item::Config { digest, .. } = &mut walk.items[root as usize] {
        *digest = None;
    }
    walk.reduced = Some((root, left_out));
    computed(&mut walk, root, config.py())
}

fn digest_from(walk: &mut Walk<'_>, root: NodeId) -> Result<Digest, Failure> {
    let plain = run(walk, root)?;
    match walk.pass {
        Pass::Plain { instances: true } => with_instances(walk, root, plain),
        _ => Ok(plain),
    }
}

fn run(walk: &mut Walk<'_>, root: NodeId) -> Result<Digest, Failure> {
    let mut digester = DIGESTER.take().unwrap_or_default();
    digester.clear();
    let digest = digester.digest(walk, root);
    walk.root_is_in_cycle = digester.is_in_cycle(root);
    DIGESTER.set(Some(digester));
    digest
}

/// Digest as hexadecimal text.
pub(crate) fn hex(digest: &[u8; 16]) -> String {
    Digest::from(*digest).to_string()
}

/// Canonical bytes of a default, computed once.
pub(crate) fn default_bytes<'a>(argument: &'a Argument, default: &Bound<'_, PyAny>) -> PyResult<&'a [u8]> {
    if let Some(bytes) = argument.default_bytes.get() {
        return Ok(bytes);
    }
    let bytes = value_bytes(default)?;
    Ok(argument.default_bytes.get_or_init(|| bytes))
}

/// Canonical bytes of a value that is no configuration.
pub(crate) fn value_bytes(value: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    let mut walk = Walk::new(false);
    let root = walk.push(Item::Value(value.clone()));
    run(&mut walk, root).map_err(|failure| raised(failure, value.py()))?;
    Ok(walk.value_bytes)
}

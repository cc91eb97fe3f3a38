//! Identifiers of live configurations.
//!
//! The walk into the hasher is not there yet: only digests that were stored can be told.

use pyo3::prelude::*;

use super::state::ConfigState;

/// Digest of a configuration.
pub(crate) fn digest(config: &Bound<'_, PyAny>) -> PyResult<[u8; 16]> {
    let state = ConfigState::of_configuration(config)?;
    Ok(state.get().cached_digest().unwrap_or_default())
}

/// Digest as hexadecimal text.
pub(crate) fn hex(digest: &[u8; 16]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

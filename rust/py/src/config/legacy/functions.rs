//! What Python, and the writer of files, ask.

use experimaestro_core::identifier::Scheme;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::Stored;
use super::scheme::{LegacyScheme, set_current};
use super::walk::{Walk, identify};
use crate::config::identifier::Identifier;
use crate::config::state::ConfigState;

fn scheme_named(name: &str) -> PyResult<Scheme> {
    name.parse().map_err(|error: experimaestro_core::identifier::SchemeError| PyValueError::new_err(error.to_string()))
}

/// Make identifiers of this scheme from now on, where nobody asks for a certain one: that of the current workspace.
#[pyfunction]
pub(crate) fn use_scheme(scheme: &str) -> PyResult<()> {
    set_current(LegacyScheme::of(scheme_named(scheme)?));
    Ok(())
}

/// The identifier of a configuration under a scheme of an older package.
///
/// With `store`, it stays the identifier of the configuration, if that is sealed next.
#[pyfunction]
#[pyo3(signature = (config, scheme, *, store = false))]
pub(crate) fn legacy_identifier(config: &Bound<'_, PyAny>, scheme: &str, store: bool) -> PyResult<Identifier> {
    let Some(legacy) = LegacyScheme::of(scheme_named(scheme)?) else {
        return Err(PyValueError::new_err(format!("{scheme:?} is not the scheme of an older package")));
    };
    let identity = identify(config, legacy)?;
    if store {
        let state = ConfigState::of_configuration(config)?;
        state.get().lock().rare().legacy = Some(Stored { scheme: legacy, identity });
    }
    Identifier::of(&identity.full, config)
}

/// Identifiers of configurations that are written together, under the scheme that one of the roots was submitted with.
pub(crate) fn identifiers_of<'a, 'py: 'a>(
    roots: &[Bound<'py, PyAny>],
    configs: impl Iterator<Item = &'a Bound<'py, PyAny>>,
) -> PyResult<Option<Vec<Identifier>>> {
    let mut scheme = None;
    for root in roots {
        scheme = scheme.or(ConfigState::of_configuration(root)?.get().stored_legacy().map(|stored| stored.scheme));
    }
    let Some(scheme) = scheme else { return Ok(None) };
    let mut walk = Walk::new(scheme);
    configs.map(|config| Ok(Identifier::new(&walk.identify(config)?.full))).collect::<PyResult<_>>().map(Some)
}

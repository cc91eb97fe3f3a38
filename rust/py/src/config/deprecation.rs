//! Deprecated classes: a configuration of one is identified by what it converts to.
//!
//! What a conversion is, and what is wrong with one, is told in `_config/deprecation.py`.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyString;

use super::state::ConfigState;

const MODULE: &str = "experimaestro._config.deprecation";

/// What a configuration of a deprecated class converts to, at the end of the chain if that is deprecated too.
///
/// A sealed configuration converts once: the conversion that its identifier was made of is kept.
pub(crate) fn converted<'py>(config: &Bound<'py, PyAny>, state: &ConfigState) -> PyResult<Bound<'py, PyAny>> {
    let py = config.py();
    let known = {
        let inner = state.lock();
        let converted = inner.rare.as_ref().and_then(|rare| rare.converted.as_ref());
        converted.filter(|_| inner.sealed).map(|converted| converted.clone_ref(py))
    };
    match known {
        Some(known) => Ok(known.into_bound(py)),
        None => py.import(MODULE)?.call_method1(intern!(py, "convert"), (config,)),
    }
}

/// What the constructor of a class that is replaced answers: the conversion, which remembers what was written.
pub(crate) fn replacement<'py>(old: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    old.py().import(MODULE)?.call_method1(intern!(old.py(), "replacement"), (old,))
}

/// Whether an attribute that is set on a configuration is only known to the class that it replaces: then the value is
/// not used, and a warning tells so.
pub(crate) fn discards(object: &Bound<'_, PyAny>, state: &ConfigState, name: &Bound<'_, PyString>) -> PyResult<bool> {
    let py = object.py();
    let old = {
        let inner = state.lock();
        let old = inner.rare.as_ref().and_then(|rare| rare.deprecated_from.as_ref());
        old.map(|old| old.clone_ref(py))
    };
    let Some(old) = old else { return Ok(false) };
    py.import(MODULE)?.call_method1(intern!(py, "discards"), (old, object, name))?.extract()
}

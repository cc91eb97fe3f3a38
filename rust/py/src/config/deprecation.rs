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

/// What stands for a stored configuration of a class that is replaced: the conversion, sealed, with the identifier, the
/// tasks and the flags that were stored.
pub(crate) fn replacement_of_loaded<'py>(old: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = old.py();
    let made = py.import(MODULE)?.call_method1(intern!(py, "replacement_of_loaded"), (old,))?;
    let (stored, state) = (ConfigState::of_configuration(old)?, ConfigState::of_configuration(&made)?);
    let (stored, mut inner) = (stored.get().lock(), state.get().lock());
    // What was in the file itself has all that.
    if !inner.loaded {
        inner.loaded = true;
        inner.digest = stored.digest;
        inner.submitted = stored.submitted;
        inner.meta = stored.meta;
        if let Some(rare) = &stored.rare {
            let all = |tasks: &[Py<PyAny>]| tasks.iter().map(|task| task.clone_ref(py)).collect();
            let own = inner.rare();
            own.task = rare.task.as_ref().map(|task| task.clone_ref(py));
            own.init_tasks = all(&rare.init_tasks);
            own.pre_tasks = all(&rare.pre_tasks);
            own.foreign_identifier.clone_from(&rare.foreign_identifier);
        }
    }
    drop((stored, inner));
    Ok(made)
}

/// Let a configuration that is linked to a task that was replaced be linked to what replaces it.
pub(crate) fn redirect_tasks(state: &ConfigState, old: &Bound<'_, PyAny>, new: &Bound<'_, PyAny>) {
    let mut inner = state.lock();
    let Some(rare) = inner.rare.as_mut() else { return };
    let tasks = rare.task.iter_mut().chain(&mut rare.init_tasks).chain(&mut rare.pre_tasks);
    for task in tasks.filter(|task| task.is(old)) {
        // The caller holds the old one: nothing ends here.
        *task = new.clone().unbind();
    }
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

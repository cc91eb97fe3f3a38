//! Setting parameters: every value goes through here, in the constructor and by assignment.

use pyo3::intern;
use pyo3::prelude::*;

use super::base::set_raw;
use super::mismatch::Mismatch;
use super::provenance::Site;
use super::schema::{Kind, Schema};
use super::state::{ConfigState, Tag};
use super::tagged::TaggedValue;
use crate::errors;

/// The value to store for a parameter, or the error that tells which parameter, type, place and line.
pub(crate) fn checked<'py>(
    schema: &Schema,
    position: usize,
    value: &Bound<'py, PyAny>,
    site: Option<&Site>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = value.py();
    let argument = &schema.arguments[position];
    if value.is_none() && !argument.is_required() && (!argument.has_default || argument.spec.accepts_none()) {
        return Ok(value.clone());
    }
    let stored = argument.spec.coerce(value).map_err(|mismatch| {
        if value.is_none() {
            explain(py, schema, position, mismatch.into_attribute_error(), site)
        } else {
            explain(py, schema, position, mismatch, site)
        }
    })?;
    if let Some(checker) = &argument.checker {
        let accepted: bool =
            stored.is_none() || checker.bind(py).call_method1(intern!(py, "check"), (&stored,))?.extract()?;
        if !accepted {
            let mismatch = argument.spec.mismatch(value).because(format!("refused by {}", checker.bind(py).str()?));
            return Err(explain(py, schema, position, mismatch, site));
        }
    }
    Ok(stored)
}

fn explain(py: Python<'_>, schema: &Schema, position: usize, mismatch: Mismatch, site: Option<&Site>) -> PyErr {
    let mismatch = match mismatch {
        Mismatch::Raised(error) => return *error,
        Mismatch::Type(mismatch) => mismatch,
    };
    let inside = mismatch.position();
    let at = if inside.is_empty() { String::new() } else { format!(" at {inside}") };
    let set_at = site.map(|site| format!("; set at {}", site.resolve(py))).unwrap_or_default();
    let message = format!(
        "parameter '{}' of {}{at}: {}{set_at}",
        schema.arguments[position].text,
        schema.type_id,
        mismatch.explanation()
    );
    if mismatch.attribute_error { errors::attribute_validation(py, message) } else { errors::validation(py, message) }
}

/// A value taken out of its `tag(...)` and `stop_tags(...)` wrappers.
pub(crate) struct Unwrapped<'py> {
    pub(crate) value: Bound<'py, PyAny>,
    pub(crate) tagged: bool,
    pub(crate) barrier: bool,
}

/// Take the wrappers off.
pub(crate) fn unwrap<'py>(value: &Bound<'py, PyAny>) -> Unwrapped<'py> {
    let mut result = Unwrapped { value: value.clone(), tagged: false, barrier: false };
    while let Ok(wrapper) = result.value.cast::<TaggedValue>() {
        result.tagged |= !wrapper.get().stops;
        result.barrier |= wrapper.get().stops;
        let inner = wrapper.get().value.bind(value.py()).clone();
        result.value = inner;
    }
    result
}

/// Why a parameter cannot be assigned now, if so.
fn refusal(schema: &Schema, position: usize, sealed: bool) -> Option<String> {
    let argument = &schema.arguments[position];
    let name = &argument.text;
    match argument.kind {
        Kind::Constant => Some(format!("parameter '{name}' of {} is a constant, hence read-only", schema.type_id)),
        Kind::Generated => Some(format!(
            "parameter '{name}' of {} is generated when the configuration is sealed, hence read-only",
            schema.type_id
        )),
        _ if sealed => Some(format!(
            "parameter '{name}' of {} cannot be set: the configuration is sealed (it was submitted, or made into an \
             instance); use copyconfig(config, {name}=...) for a variant",
            schema.type_id
        )),
        _ => None,
    }
}

/// `config.name = value`.
pub(crate) fn assign(
    object: &Bound<'_, PyAny>,
    state: &Bound<'_, ConfigState>,
    position: usize,
    value: &Bound<'_, PyAny>,
    site: Option<Site>,
) -> PyResult<()> {
    let py = object.py();
    let it = state.get();
    let schema = it.schema.get();
    if let Some(reason) = refusal(schema, position, it.is_sealed()) {
        let place = site.as_ref().map(|site| format!("; set at {}", site.resolve(py))).unwrap_or_default();
        return Err(errors::sealed(py, reason + &place));
    }
    let unwrapped = unwrap(value);
    let stored = checked(schema, position, &unwrapped.value, site.as_ref())?;
    set_raw(object, schema.arguments[position].name.bind(py), &stored)?;
    note(it, position, &unwrapped, site, py);
    Ok(())
}

/// Record that the user set a parameter, with its tags.
fn note(state: &ConfigState, position: usize, given: &Unwrapped<'_>, site: Option<Site>, py: Python<'_>) {
    let schema = state.schema.get();
    let mut inner = state.lock();
    inner.set_explicit(position);
    inner.validated = false;
    let name = &schema.arguments[position].text;
    let tag_site = site.as_ref().map(|site| site.clone_ref(py));
    // A plain assignment replaces the value, so a tag that told the old one goes with it.
    if let Some(rare) = inner.rare.as_mut() {
        rare.tags.retain(|tag| tag.name != *name);
        rare.tag_barriers.retain(|barrier| *barrier != position);
        rare.merged_tags = None;
    }
    if given.tagged {
        inner.rare().tags.push(Tag { name: name.clone(), value: given.value.clone().unbind(), site: tag_site });
    }
    if given.barrier {
        inner.rare().tag_barriers.push(position);
    }
    if let Some(site) = site {
        let rare = inner.rare();
        rare.sites.retain(|(index, _)| *index != position);
        rare.sites.push((position, site));
    }
}

//! Setting parameters: every value goes through here, in the constructor and by assignment.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use super::base::set_raw;
use super::mismatch::Mismatch;
use super::placed;
use super::provenance::Site;
use super::schema::{Kind, Schema};
use super::short::short_str;
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
    let converted = match &argument.converter {
        Some(converter) => converter.bind(py).call1((value,)).map_err(|error| {
            let converting = argument.spec.mismatch(value).by(error, py);
            explain(py, schema, position, converting, site)
        })?,
        None => value.clone(),
    };
    let stored = argument.spec.coerce(&converted).map_err(|mismatch| {
        if value.is_none() {
            explain(py, schema, position, mismatch.into_attribute_error(), site)
        } else {
            explain(py, schema, position, mismatch, site)
        }
    })?;
    if let Some(checker) = &argument.checker {
        check(checker.bind(py), &stored).map_err(|why| {
            let mismatch = argument.spec.mismatch(value);
            let mismatch = if let Some(error) = why {
                mismatch.by(error, py)
            } else {
                mismatch.because(format!("refused by {}", short_str(checker.bind(py))))
            };
            explain(py, schema, position, mismatch, site)
        })?;
    }
    if argument.holds_configurations
        && !argument.ignore_generated
        && let Some(places) = placed::refusal(&stored, position)
            .map_err(|error| explain(py, schema, position, argument.spec.mismatch(value).by(error, py), site))?
    {
        let message = format!("parameter '{}' of {}: {places}{}", argument.text, schema.type_id, set_at(py, site));
        return Err(errors::attribute_validation(py, message));
    }
    Ok(stored)
}

/// Ask the checker; why not, if it says no (`None`) or raises.
fn check(checker: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> Result<(), Option<PyErr>> {
    if value.is_none() {
        return Ok(());
    }
    let answer = checker.call_method1(intern!(checker.py(), "check"), (value,)).map_err(Some)?;
    if answer.is_truthy().map_err(Some)? { Ok(()) } else { Err(None) }
}

fn set_at(py: Python<'_>, site: Option<&Site>) -> String {
    site.map(|site| format!("; set at {}", site.resolve(py))).unwrap_or_default()
}

/// Make the type variables of the class agree with a value, or tell why they cannot.
///
/// `bound` is the dictionary of the configuration, made here at first need.
pub(crate) fn bind_variables(
    schema: &Schema,
    position: usize,
    value: &Bound<'_, PyAny>,
    bound: &mut Option<Py<PyAny>>,
    site: Option<&Site>,
) -> PyResult<()> {
    let py = value.py();
    let argument = &schema.arguments[position];
    let Some(annotation) = &argument.generic else { return Ok(()) };
    let bound = bound.get_or_insert_with(|| PyDict::new(py).into_any().unbind());
    let generics = py.import(intern!(py, "experimaestro._config.generics"))?;
    let mismatch = match generics.call_method1(intern!(py, "bind"), (annotation.bind(py), bound.bind(py), value)) {
        Ok(agreed) if agreed.is_none() => return Ok(()),
        Ok(reason) => argument.spec.mismatch(value).because(reason.cast::<PyString>()?.to_string_lossy()),
        // Classes of values may have code of their own.
        Err(error) => argument.spec.mismatch(value).by(error, py),
    };
    Err(explain(py, schema, position, mismatch, site))
}

fn explain(py: Python<'_>, schema: &Schema, position: usize, mismatch: Mismatch, site: Option<&Site>) -> PyErr {
    let mismatch = match mismatch {
        Mismatch::Raised(error) => return *error,
        Mismatch::Type(mismatch) => mismatch,
    };
    let inside = mismatch.position(py);
    let at = if inside.is_empty() { String::new() } else { format!(" at {inside}") };
    let message = format!(
        "parameter '{}' of {}{at}: {}{}",
        schema.arguments[position].text,
        schema.type_id,
        mismatch.explanation(),
        set_at(py, site)
    );
    let error = if mismatch.attribute_error {
        errors::attribute_validation(py, message)
    } else {
        errors::validation(py, message)
    };
    mismatch.raise(py, error)
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
    if schema.arguments[position].generic.is_some() {
        let mut bound =
            it.lock().rare.as_ref().and_then(|rare| rare.type_variables.as_ref().map(|bound| bound.clone_ref(py)));
        bind_variables(schema, position, &stored, &mut bound, site.as_ref())?;
        it.lock().rare().type_variables = bound;
    }
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

//! Which parameters count, by the rules of the older packages.

use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use super::bytes::Nested;
use crate::config::base::is_configuration;
use crate::config::containers::entries;
use crate::config::plan::{Plan, Rule, default_of};
use crate::config::schema::{Argument, Schema};
use crate::config::state::ConfigState;

/// A parameter that counts.
pub(super) struct Parameter<'schema, 'py> {
    pub(super) argument: &'schema Argument,
    pub(super) value: Bound<'py, PyAny>,
}

/// Parameters that count, in name order.
pub(super) fn kept_parameters<'schema, 'py, N: Nested<'py>>(
    config: &Bound<'py, PyAny>,
    schema: &'schema Schema,
    nested: &N,
) -> PyResult<Vec<Parameter<'schema, 'py>>> {
    let py = config.py();
    let plan = schema.plan.get_or_init(|| Plan::of(schema));
    let mut kept = Vec::with_capacity(plan.parameters.len());
    for parameter in &plan.parameters {
        let argument = &schema.arguments[parameter.position];
        let name = argument.name.bind(py);
        let value = if parameter.rule == Rule::OnlyIfForced {
            match config.getattr_opt(name)? {
                Some(value) if is_forced(&value)? => value,
                _ => continue,
            }
        } else {
            // SAFETY: two live objects and the GIL; the result is a new reference or null with an exception set.
            unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyObject_GenericGetAttr(config.as_ptr(), name.as_ptr())) }?
        };
        let left_out = match parameter.rule {
            _ if is_configuration(&value) && nested.is_left_out(&value)? => true,
            Rule::UnlessNone => value.is_none(),
            Rule::UnlessDefault => match default_of(argument, py) {
                Some(default) => is_default(&value, default, nested)?,
                None => false,
            },
            Rule::Always | Rule::OnlyIfForced => false,
        };
        if !left_out {
            kept.push(Parameter { argument, value });
        }
    }
    Ok(kept)
}

fn is_forced(value: &Bound<'_, PyAny>) -> PyResult<bool> {
    if !is_configuration(value) {
        return Ok(false);
    }
    let state = ConfigState::of_configuration(value)?;
    let meta = state.get().lock().meta;
    Ok(meta == Some(false))
}

/// Whether a value equals its default by `==`, once what does not count is taken out of it: `1`, `1.0` and `True` are equal.
fn is_default<'py, N: Nested<'py>>(
    value: &Bound<'py, PyAny>,
    default: &Bound<'py, PyAny>,
    nested: &N,
) -> PyResult<bool> {
    let py = value.py();
    if value.is(default) {
        return Ok(true);
    }
    if is_configuration(value) {
        // Notes and paths count in this comparison, also between sealed configurations.
        let comparison = py.import(intern!(py, "experimaestro._config.comparison"))?;
        return comparison.call_method1(intern!(py, "same_values"), (value, default))?.extract();
    }
    without_meta(value, nested)?.eq(default)
}

fn without_meta<'py, N: Nested<'py>>(value: &Bound<'py, PyAny>, nested: &N) -> PyResult<Bound<'py, PyAny>> {
    let py = value.py();
    let counts = |element: &Bound<'py, PyAny>| -> PyResult<bool> {
        Ok(!(is_configuration(element) && nested.is_left_out(element)?))
    };
    if let Ok(list) = value.cast::<PyList>() {
        let kept = PyList::empty(py);
        for element in list.iter() {
            if counts(&element)? {
                kept.append(element)?;
            }
        }
        Ok(kept.into_any())
    } else if let Ok(dict) = value.cast::<PyDict>() {
        let kept = PyDict::new(py);
        for (key, element) in entries(dict) {
            if counts(&element)? {
                kept.set_item(key, element)?;
            }
        }
        Ok(kept.into_any())
    } else {
        Ok(value.clone())
    }
}

//! What JSON cannot tell apart, told by the declared type: tuples, whole floats, keys that are no strings.
//!
//! Our own files mark all of these; those of older packages do not. For instances, whose values cannot be validated again.

use jiter::JsonValue;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyInt, PyList, PyString, PyTuple};

use super::types::TypeSpec;

/// Whether what was decoded may not yet be what the type declares.
pub(crate) fn is_needed(spec: &TypeSpec, value: &JsonValue<'_>) -> bool {
    match (spec, value) {
        (TypeSpec::Float, JsonValue::Int(_) | JsonValue::BigInt(_))
        | (TypeSpec::Tuple(_) | TypeSpec::VariadicTuple(_), JsonValue::Array(_)) => true,
        (TypeSpec::List(item), JsonValue::Array(items)) => items.iter().any(|value| is_needed(item, value)),
        (TypeSpec::Dict(key, item), JsonValue::Object(entries)) => {
            entries.iter().any(|(_, value)| !matches!(**key, TypeSpec::Str | TypeSpec::Any) || is_needed(item, value))
        }
        (TypeSpec::Optional(inner), value) => is_needed(inner, value),
        _ => false,
    }
}

/// The value as the type declares it; unchanged where it does not fit.
pub(crate) fn restore<'py>(spec: &TypeSpec, value: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = value.py();
    match spec {
        TypeSpec::Float if value.is_exact_instance_of::<PyInt>() => Ok(spec.coerce(&value).unwrap_or(value)),
        TypeSpec::Optional(inner) if !value.is_none() => restore(inner, value),
        TypeSpec::List(item) => match value.cast::<PyList>() {
            Ok(list) => {
                let items = list.iter().map(|value| restore(item, value)).collect::<PyResult<Vec<_>>>()?;
                Ok(PyList::new(py, items)?.into_any())
            }
            Err(_) => Ok(value),
        },
        TypeSpec::Tuple(types) => match value.cast::<PyList>() {
            Ok(list) if list.len() == types.len() => {
                let items = types.iter().zip(list).map(|(spec, value)| restore(spec, value));
                Ok(PyTuple::new(py, items.collect::<PyResult<Vec<_>>>()?)?.into_any())
            }
            _ => Ok(value),
        },
        TypeSpec::VariadicTuple(item) => match value.cast::<PyList>() {
            Ok(list) => {
                let items = list.iter().map(|value| restore(item, value)).collect::<PyResult<Vec<_>>>()?;
                Ok(PyTuple::new(py, items)?.into_any())
            }
            Err(_) => Ok(value),
        },
        TypeSpec::Dict(key_type, item_type) => match value.cast::<PyDict>() {
            Ok(dict) => {
                let restored = PyDict::new(py);
                for (key, item) in dict {
                    let key = match &**key_type {
                        TypeSpec::Int | TypeSpec::Float | TypeSpec::Bool if key.is_instance_of::<PyString>() => {
                            key_type.coerce(&key).unwrap_or(key)
                        }
                        _ => key,
                    };
                    restored.set_item(key, restore(item_type, item)?)?;
                }
                Ok(restored.into_any())
            }
            Err(_) => Ok(value),
        },
        _ => Ok(value),
    }
}

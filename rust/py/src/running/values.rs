//! Tags: small Python values as JSON, and back.

use pyo3::IntoPyObjectExt as _;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyMapping, PyString};
use serde_json::{Map, Number, Value};

/// A mapping of tags. What JSON cannot express is written as text.
pub(super) fn json_map(tags: &Bound<'_, PyAny>) -> PyResult<Map<String, Value>> {
    let mut map = Map::new();
    for pair in tags.cast::<PyMapping>()?.items()?.iter() {
        let (name, value): (String, Bound<'_, PyAny>) = pair.extract()?;
        map.insert(name, json(&value)?);
    }
    Ok(map)
}

fn json(value: &Bound<'_, PyAny>) -> PyResult<Value> {
    let known = if value.is_none() {
        Some(Value::Null)
    } else if value.is_exact_instance_of::<PyBool>() {
        Some(Value::Bool(value.extract()?))
    } else if value.is_exact_instance_of::<PyInt>() {
        value.extract::<i64>().ok().map(Value::from)
    } else if value.is_exact_instance_of::<PyFloat>() {
        Number::from_f64(value.extract()?).map(Value::Number)
    } else if value.is_exact_instance_of::<PyString>() {
        Some(Value::String(value.extract()?))
    } else {
        None
    };
    match known {
        Some(known) => Ok(known),
        None => Ok(Value::String(value.str()?.to_string())),
    }
}

/// The tags as a dictionary.
pub(super) fn python_dict<'py>(py: Python<'py>, map: &Map<String, Value>) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for (name, value) in map {
        dict.set_item(name, python(py, value)?)?;
    }
    Ok(dict)
}

fn python<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    match value {
        Value::Null => Ok(py.None().into_bound(py)),
        Value::Bool(value) => value.into_bound_py_any(py),
        Value::Number(number) => match number.as_i64() {
            Some(integer) => integer.into_bound_py_any(py),
            None => number.as_f64().into_bound_py_any(py),
        },
        Value::String(text) => text.into_bound_py_any(py),
        Value::Array(values) => {
            let values: Vec<_> = values.iter().map(|value| python(py, value)).collect::<PyResult<_>>()?;
            PyList::new(py, values).map(Bound::into_any)
        }
        Value::Object(map) => python_dict(py, map).map(Bound::into_any),
    }
}

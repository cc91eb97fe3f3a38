//! Reading values out of stored JSON.

use jiter::JsonValue;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PySet, PyString, PyTuple};

use super::coerce::path_type;
use super::json::Bases;
use crate::errors;

/// Gives the object that a number in the file stands for.
pub(crate) trait Objects<'py> {
    /// The object with this number.
    fn object(&self, py: Python<'py>, number: i64) -> PyResult<Bound<'py, PyAny>>;
}

/// A member of a JSON object.
pub(crate) fn member<'a, 'j>(value: &'a JsonValue<'j>, name: &str) -> Option<&'a JsonValue<'j>> {
    match value {
        JsonValue::Object(members) => members.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value),
        _ => None,
    }
}

/// A string member of a JSON object.
pub(crate) fn text<'a>(value: &'a JsonValue<'_>, name: &str) -> Option<&'a str> {
    match member(value, name) {
        Some(JsonValue::Str(text)) => Some(text),
        _ => None,
    }
}

/// An integer member of a JSON object.
pub(crate) fn number(value: &JsonValue<'_>, name: &str) -> Option<i64> {
    match member(value, name) {
        Some(JsonValue::Int(number)) => Some(*number),
        _ => None,
    }
}

fn damaged(py: Python<'_>, what: &str) -> PyErr {
    errors::load(py, format!("stored value is damaged: {what}"))
}

/// Numbers of the objects that a stored value refers to.
pub(crate) fn references(value: &JsonValue<'_>, found: &mut Vec<i64>) {
    match value {
        JsonValue::Array(items) => items.iter().for_each(|item| references(item, found)),
        JsonValue::Object(members) => {
            if text(value, "type") == Some("python") {
                found.extend(number(value, "value"));
            } else {
                members.iter().for_each(|(_, item)| references(item, found));
            }
        }
        _ => {}
    }
}

/// A stored value as a Python value.
pub(crate) fn decode<'py>(
    py: Python<'py>,
    value: &JsonValue<'_>,
    objects: &dyn Objects<'py>,
    bases: &Bases,
) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        JsonValue::Null => py.None().into_bound(py),
        JsonValue::Bool(truth) => PyBool::new(py, *truth).to_owned().into_any(),
        JsonValue::Int(number) => number.into_pyobject(py)?.into_any(),
        JsonValue::BigInt(number) => py.get_type::<PyInt>().call1((number.to_string(),))?,
        JsonValue::Float(number) => PyFloat::new(py, *number).into_any(),
        JsonValue::Str(text) => PyString::new(py, text).into_any(),
        JsonValue::Array(items) => decode_list(py, items, objects, bases)?.into_any(),
        JsonValue::Object(members) => match text(value, "type") {
            None => {
                let dict = PyDict::new(py);
                for (key, item) in members.iter() {
                    dict.set_item(key.as_ref(), decode(py, item, objects, bases)?)?;
                }
                dict.into_any()
            }
            Some(kind) => decode_marked(py, kind, value, objects, bases)?,
        },
    })
}

fn decode_list<'py>(
    py: Python<'py>,
    items: &[JsonValue<'_>],
    objects: &dyn Objects<'py>,
    bases: &Bases,
) -> PyResult<Bound<'py, PyList>> {
    let items = items.iter().map(|item| decode(py, item, objects, bases)).collect::<PyResult<Vec<_>>>()?;
    PyList::new(py, items)
}

fn decode_items<'py>(
    py: Python<'py>,
    value: &JsonValue<'_>,
    objects: &dyn Objects<'py>,
    bases: &Bases,
) -> PyResult<Bound<'py, PyList>> {
    match member(value, "items") {
        Some(JsonValue::Array(items)) => decode_list(py, items, objects, bases),
        _ => Err(damaged(py, "no list of items")),
    }
}

fn decode_marked<'py>(
    py: Python<'py>,
    kind: &str,
    value: &JsonValue<'_>,
    objects: &dyn Objects<'py>,
    bases: &Bases,
) -> PyResult<Bound<'py, PyAny>> {
    let wanted = |name: &str| text(value, name).ok_or_else(|| damaged(py, &format!("{kind} without {name}")));
    match kind {
        "python" => objects.object(py, number(value, "value").ok_or_else(|| damaged(py, "reference without number"))?),
        "tuple" => Ok(PyTuple::new(py, decode_items(py, value, objects, bases)?)?.into_any()),
        "set" => {
            let set = PySet::empty(py)?;
            for item in decode_items(py, value, objects, bases)? {
                set.add(item)?;
            }
            Ok(set.into_any())
        }
        "dict" => {
            let dict = PyDict::new(py);
            for pair in decode_items(py, value, objects, bases)? {
                dict.set_item(pair.get_item(0)?, pair.get_item(1)?)?;
            }
            Ok(dict.into_any())
        }
        "path" => decode_path(py, wanted("value")?, text(value, "base"), bases),
        "enum" => {
            let module = py.import(wanted("module")?).map_err(|error| {
                errors::load(py, format!("the module of a stored enumeration cannot be imported: {error}"))
            })?;
            let mut class = module.into_any();
            for part in wanted("enum")?.split('.') {
                class = class.getattr(part)?;
            }
            class.get_item(wanted("value")?)
        }
        "bytes" => base64(py, wanted("value")?),
        "ndarray" => {
            let numpy = py.import("numpy")?;
            let flat = numpy.call_method1("frombuffer", (base64(py, wanted("value")?)?, wanted("dtype")?))?;
            let Some(shape) = member(value, "shape") else { return Err(damaged(py, "array without shape")) };
            let shape = decode(py, shape, objects, bases)?;
            flat.call_method1("reshape", (shape,))?.call_method0("copy")
        }
        other => Err(damaged(py, &format!("unknown kind {other:?}"))),
    }
}

fn base64<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyAny>> {
    py.import("binascii")?.call_method1("a2b_base64", (text,))
}

fn decode_path<'py>(py: Python<'py>, value: &str, base: Option<&str>, bases: &Bases) -> PyResult<Bound<'py, PyAny>> {
    let path = path_type(py)?;
    let (folder, name) = match base {
        None => return path.call1((value,)),
        Some("job") => (&bases.job, "taskpath"),
        Some("workspace") => (&bases.workspace, "wspath"),
        Some(other) => return Err(damaged(py, &format!("path relative to {other:?}"))),
    };
    let Some(folder) = folder else {
        return Err(errors::load(
            py,
            format!(
                "a stored path is relative to a folder that is not known here: set experimaestro.taskglobals.Env.{name} first"
            ),
        ));
    };
    if value == "." { path.call1((folder,)) } else { path.call1((folder, value)) }
}

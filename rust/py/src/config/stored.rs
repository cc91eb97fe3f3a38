//! Reading values out of stored JSON.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Component, Path};

use jiter::JsonValue;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PySet, PyString, PyTuple};

use super::coerce::path_type;
use super::json::{Bases, Place};
use super::load::ancestor_file::AncestorFile;
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

fn damaged(py: Python<'_>, what: impl std::fmt::Display) -> PyErr {
    errors::load(py, format!("stored value is damaged: {what}"))
}

/// Where a stored reference leads in a file of ancestors.
fn place_of(value: &JsonValue<'_>) -> Option<Place> {
    Place::of(number(value, "at")?, number(value, "value")?)
}

/// What a stored value refers to.
pub(crate) enum Reference<'a, 'j> {
    /// The object of the same list with this number.
    Here(i64),
    /// An object in a file of ancestors; of a submitted task with what is told of it.
    Elsewhere(Place, Option<&'a JsonValue<'j>>),
}

/// Meet everything that a stored value refers to.
pub(crate) fn each_reference<'a, 'j>(value: &'a JsonValue<'j>, meet: &mut impl FnMut(Reference<'a, 'j>)) {
    match value {
        JsonValue::Array(items) => items.iter().for_each(|item| each_reference(item, meet)),
        JsonValue::Object(members) => {
            if text(value, "type") != Some("python") {
                members.iter().for_each(|(_, item)| each_reference(item, meet));
            } else if member(value, "at").is_none() {
                number(value, "value").map(Reference::Here).into_iter().for_each(meet);
            } else if let Some(place) = place_of(value) {
                meet(Reference::Elsewhere(place, member(value, "task")));
            }
        }
        _ => {}
    }
}

/// Enumerations by module and name: each is looked up once per file.
pub(crate) type Enumerations<'py> = RefCell<HashMap<(String, String), Bound<'py, PyAny>>>;

/// What is needed to turn stored values into Python values.
pub(crate) struct Reading<'a, 'py> {
    pub(crate) objects: &'a dyn Objects<'py>,
    /// Where references lead that are to no object of the same list.
    pub(crate) ancestors: Option<&'a Bound<'py, AncestorFile>>,
    pub(crate) bases: &'a Bases,
    /// `resolver(module, qualname, file or None)` gives a class.
    pub(crate) resolver: &'a Bound<'py, PyAny>,
    /// `loader(SerializedPath)` gives the path of a file that was saved.
    pub(crate) loader: Option<&'a Bound<'py, PyAny>>,
    pub(crate) enumerations: &'a Enumerations<'py>,
    /// Source of the script that the object's class comes from.
    pub(crate) file: Option<&'a str>,
}

impl<'py> Reading<'_, 'py> {
    fn py(&self) -> Python<'py> {
        self.resolver.py()
    }

    /// A stored value as a Python value.
    pub(crate) fn decode(&self, value: &JsonValue<'_>) -> PyResult<Bound<'py, PyAny>> {
        let py = self.py();
        Ok(match value {
            JsonValue::Null => py.None().into_bound(py),
            JsonValue::Bool(truth) => PyBool::new(py, *truth).to_owned().into_any(),
            JsonValue::Int(number) => number.into_pyobject(py)?.into_any(),
            JsonValue::BigInt(number) => py.get_type::<PyInt>().call1((number.to_string(),))?,
            JsonValue::Float(number) => PyFloat::new(py, *number).into_any(),
            JsonValue::Str(text) => PyString::new(py, text).into_any(),
            JsonValue::Array(items) => self.list(items)?.into_any(),
            JsonValue::Object(members) => match text(value, "type") {
                Some(kind) => match self.marked(kind, value)? {
                    Some(value) => value,
                    // Older files do not mark a dictionary that happens to have a key "type".
                    None => self.plain_dict(members)?.into_any(),
                },
                None => self.plain_dict(members)?.into_any(),
            },
        })
    }

    fn plain_dict(&self, members: &[(Cow<'_, str>, JsonValue<'_>)]) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(self.py());
        for (key, item) in members {
            dict.set_item(key.as_ref(), self.decode(item)?)?;
        }
        Ok(dict)
    }

    fn list(&self, items: &[JsonValue<'_>]) -> PyResult<Bound<'py, PyList>> {
        let items = items.iter().map(|item| self.decode(item)).collect::<PyResult<Vec<_>>>()?;
        PyList::new(self.py(), items)
    }

    fn items(&self, value: &JsonValue<'_>) -> PyResult<Bound<'py, PyList>> {
        match member(value, "items") {
            Some(JsonValue::Array(items)) => self.list(items),
            _ => Err(damaged(self.py(), "no list of items")),
        }
    }

    /// A value with a mark; `None` if the mark is none of ours.
    fn marked(&self, kind: &str, value: &JsonValue<'_>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let py = self.py();
        let wanted = |name: &str| text(value, name).ok_or_else(|| damaged(py, format_args!("{kind} without {name}")));
        Ok(Some(match kind {
            "python" => {
                if member(value, "at").is_some() {
                    return self.far(value).map(Some);
                }
                let number = number(value, "value").ok_or_else(|| damaged(py, "reference without number"))?;
                self.objects.object(py, number)?
            }
            "tuple" => PyTuple::new(py, self.items(value)?)?.into_any(),
            "set" => {
                let set = PySet::empty(py)?;
                for item in self.items(value)? {
                    set.add(item).map_err(|error| damaged(py, format_args!("element of a set: {error}")))?;
                }
                set.into_any()
            }
            "dict" => {
                let dict = PyDict::new(py);
                for pair in self.items(value)? {
                    let Ok(pair) = pair.cast_into::<PyList>() else {
                        return Err(damaged(py, "entry of a dictionary that is no pair"));
                    };
                    if pair.len() != 2 {
                        return Err(damaged(py, "entry of a dictionary that is no pair"));
                    }
                    let added = dict.set_item(pair.get_item(0)?, pair.get_item(1)?);
                    added.map_err(|error| damaged(py, format_args!("key of a dictionary: {error}")))?;
                }
                dict.into_any()
            }
            "path" => decode_path(py, wanted("value")?, text(value, "base"), self.bases)?,
            "path.serialized" => {
                self.saved(wanted("value")?, matches!(member(value, "is_folder"), Some(JsonValue::Bool(true))))?
            }
            "enum" => self.enumeration(wanted("module")?, wanted("enum")?, wanted("value")?)?,
            "bytes" => base64(py, wanted("value")?)?,
            "ndarray" => {
                let Some(shape) = member(value, "shape") else { return Err(damaged(py, "array without shape")) };
                array(&base64(py, wanted("value")?)?, wanted("dtype")?, &self.decode(shape)?)
                    .map_err(|error| damaged(py, format_args!("array: {error}")))?
            }
            _ => return Ok(None),
        }))
    }

    fn far(&self, value: &JsonValue<'_>) -> PyResult<Bound<'py, PyAny>> {
        let Some((file, place)) = self.ancestors.zip(place_of(value)) else {
            return Err(damaged(self.py(), "it refers to another file, and none is named"));
        };
        AncestorFile::object(file, place, member(value, "task"))
    }

    fn enumeration(&self, module: &str, name: &str, member: &str) -> PyResult<Bound<'py, PyAny>> {
        let key = (module.to_owned(), name.to_owned());
        let known = self.enumerations.borrow().get(&key).cloned();
        let class = if let Some(class) = known {
            class
        } else {
            let class = self.resolver.call1((module, name, self.file))?;
            self.enumerations.borrow_mut().insert(key, class.clone());
            class
        };
        class.get_item(member).map_err(|_| {
            errors::load(
                self.py(),
                format!("the enumeration {module}.{name} has no member {member:?} any more: it was renamed or removed"),
            )
        })
    }

    /// The path of a file or folder that was saved beside the definition.
    fn saved(&self, relative: &str, is_folder: bool) -> PyResult<Bound<'py, PyAny>> {
        let py = self.py();
        let Some(loader) = self.loader else {
            return Err(errors::load(
                py,
                format!("{relative:?} was saved with the configuration: give path=, the folder that it is in"),
            ));
        };
        let inside = Path::new(relative).components().all(|part| matches!(part, Component::Normal(_)));
        if !inside || relative.is_empty() {
            return Err(damaged(py, format_args!("{relative:?} points out of the folder")));
        }
        let class = py.import(intern!(py, "experimaestro._config.data_paths"))?.getattr("SerializedPath")?;
        loader.call1((class.call1((relative, is_folder))?,))
    }
}

fn array<'py>(bytes: &Bound<'py, PyAny>, dtype: &str, shape: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let numpy = bytes.py().import("numpy")?;
    let flat = numpy.call_method1("frombuffer", (bytes, dtype))?;
    flat.call_method1("reshape", (shape,))?.call_method0("copy")
}

fn base64<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyAny>> {
    let decoded = py.import("binascii")?.call_method1("a2b_base64", (text,));
    decoded.map_err(|error| damaged(py, format_args!("base64: {error}")))
}

fn decode_path<'py>(py: Python<'py>, value: &str, base: Option<&str>, bases: &Bases) -> PyResult<Bound<'py, PyAny>> {
    let path = path_type(py)?;
    let (folder, name) = match base {
        None => return path.call1((value,)),
        Some("job") => (&bases.job, "taskpath"),
        Some("workspace") => (&bases.workspace, "wspath"),
        Some(other) => return Err(damaged(py, format_args!("path relative to {other:?}"))),
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

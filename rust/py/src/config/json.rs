//! Writing parameter values as JSON, in the form of `params.json` version 3.

use std::collections::HashMap;

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyFrozenSet, PyInt, PyList, PySet, PyString, PyTuple, PyType};

use super::class_name::write_task_of_reference;
use super::coerce::{array_without_identity, path_type};
use super::containers::{entries, set_elements};
use super::short::{class_name, short_repr};
use crate::errors;

static ENUM: PyOnceLock<Py<PyType>> = PyOnceLock::new();

/// Whether the value is a member of an enumeration.
pub(crate) fn is_enum(value: &Bound<'_, PyAny>) -> PyResult<bool> {
    value.get_type().is_subclass(ENUM.import(value.py(), "enum", "Enum")?)
}

/// The name by which another process imports a module: that of `python -m package.module` is not `__main__` there.
pub(crate) fn importable(py: Python<'_>, module: &str) -> PyResult<String> {
    if module == "__main__" {
        let main = py.import(intern!(py, "__main__"))?;
        if let Some(spec) = main.getattr_opt(intern!(py, "__spec__"))?.filter(|spec| !spec.is_none()) {
            return spec.getattr(intern!(py, "name"))?.extract();
        }
    }
    Ok(module.to_owned())
}

/// Folders against which paths are written, so that a workspace can be moved.
pub(crate) struct Bases {
    pub(crate) workspace: Option<String>,
    pub(crate) job: Option<String>,
}

/// An object in a file of ancestors: where its list begins, and its number there.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) at: u64,
    pub(crate) number: usize,
}

impl Place {
    pub(crate) fn of(at: i64, number: i64) -> Option<Self> {
        Some(Self { at: at.try_into().ok()?, number: number.try_into().ok()? })
    }
}

/// Objects that are in a file of ancestors, by their address; they are kept alive, so that it stays theirs.
#[derive(Default)]
pub(crate) struct Elsewhere(HashMap<usize, (Place, Py<PyAny>)>);

impl Elsewhere {
    pub(crate) fn get(&self, config: &Bound<'_, PyAny>) -> Option<Place> {
        self.0.get(&(config.as_ptr() as usize)).map(|(place, _)| *place)
    }

    pub(crate) fn insert(&mut self, config: Bound<'_, PyAny>, place: Place) {
        self.0.insert(config.as_ptr() as usize, (place, config.unbind()));
    }
}

/// Writes values; knows the numbers of the configurations in the file.
pub(crate) struct Writer<'a> {
    pub(crate) out: Vec<u8>,
    pub(crate) numbers: &'a HashMap<usize, usize>,
    pub(crate) elsewhere: &'a Elsewhere,
    pub(crate) bases: &'a Bases,
}

impl Writer<'_> {
    pub(crate) fn raw(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    pub(crate) fn string(&mut self, text: &str) {
        // Writing to memory cannot fail.
        let _ = serde_json::to_writer(&mut self.out, text);
    }

    /// `"key":`, after a comma unless it is the first one.
    pub(crate) fn key(&mut self, name: &str, first: bool) {
        if !first {
            self.raw(",");
        }
        self.string(name);
        self.raw(":");
    }

    /// A parameter value.
    pub(crate) fn value(&mut self, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = value.py();
        if value.is_none() {
            self.raw("null");
        } else if let Ok(text) = value.cast_exact::<PyString>() {
            self.text(text)?;
        } else if let Ok(number) = value.cast_exact::<PyFloat>() {
            self.float(number.value());
        } else if value.is_exact_instance_of::<PyBool>() {
            self.raw(if value.is_truthy()? { "true" } else { "false" });
        } else if value.is_exact_instance_of::<PyInt>() {
            match value.extract::<i64>() {
                Ok(number) => self.raw(&number.to_string()),
                // Longer than 64 bits: Python writes the digits.
                Err(_) => self.raw(value.str()?.to_str()?),
            }
        } else if super::base::is_configuration(value) {
            self.reference(value)?;
        } else if let Ok(list) = value.cast::<PyList>() {
            self.items(list.iter())?;
        } else if let Ok(dict) = value.cast::<PyDict>() {
            self.dict(dict)?;
        } else if let Ok(tuple) = value.cast::<PyTuple>() {
            self.raw("{\"type\":\"tuple\",\"items\":");
            self.items(tuple.iter())?;
            self.raw("}");
        } else if value.is_instance_of::<PySet>() || value.is_instance_of::<PyFrozenSet>() {
            self.set(value)?;
        } else if value.get_type().is_subclass(path_type(py)?)? {
            self.path(value)?;
        } else if is_enum(value)? {
            self.member(value)?;
        } else if let Ok(bytes) = value.cast::<PyBytes>() {
            self.raw("{\"type\":\"bytes\",\"value\":");
            self.base64(bytes.as_any())?;
            self.raw("}");
        } else if value.hasattr(intern!(py, "dtype"))? && value.hasattr(intern!(py, "tobytes"))? {
            self.array(value)?;
        } else {
            return Err(errors::validation(
                py,
                format!("{} ({}) cannot be stored", short_repr(value), class_name(&value.get_type())),
            ));
        }
        Ok(())
    }

    fn text(&mut self, text: &Bound<'_, PyString>) -> PyResult<()> {
        let text = text.to_str().map_err(|_| {
            errors::validation(text.py(), format!("{} is no valid Unicode text and cannot be stored", short_repr(text)))
        })?;
        self.string(text);
        Ok(())
    }

    pub(crate) fn float(&mut self, number: f64) {
        // The tokens that Python's json module reads and writes.
        if number.is_nan() {
            self.raw("NaN");
        } else if number.is_infinite() {
            self.raw(if number > 0.0 { "Infinity" } else { "-Infinity" });
        } else {
            let _ = serde_json::to_writer(&mut self.out, &number);
        }
    }

    fn reference(&mut self, config: &Bound<'_, PyAny>) -> PyResult<()> {
        if let Some(number) = self.numbers.get(&(config.as_ptr() as usize)) {
            self.raw(&format!("{{\"type\":\"python\",\"value\":{number}}}"));
            return Ok(());
        }
        let Some(place) = self.elsewhere.get(config) else {
            return Err(errors::error(config.py(), format!("{} is not among the stored objects", short_repr(config))));
        };
        self.raw(&format!("{{\"type\":\"python\",\"at\":{},\"value\":{}", place.at, place.number));
        write_task_of_reference(self, config)?;
        self.raw("}");
        Ok(())
    }

    fn items<'py>(&mut self, items: impl Iterator<Item = Bound<'py, PyAny>>) -> PyResult<()> {
        self.raw("[");
        for (index, item) in items.enumerate() {
            if index > 0 {
                self.raw(",");
            }
            self.value(&item)?;
        }
        self.raw("]");
        Ok(())
    }

    /// A plain object when the keys allow it, else a list of pairs: a key `"type"` would pass for one of our marks.
    fn dict(&mut self, dict: &Bound<'_, PyDict>) -> PyResult<()> {
        let plain = dict
            .iter()
            .all(|(key, _)| key.cast_exact::<PyString>().is_ok_and(|key| key.to_str().is_ok_and(|key| key != "type")));
        self.raw(if plain { "{" } else { "{\"type\":\"dict\",\"items\":[" });
        for (index, (key, value)) in entries(dict).into_iter().enumerate() {
            if index > 0 {
                self.raw(",");
            }
            if plain {
                self.text(key.cast::<PyString>()?)?;
                self.raw(":");
                self.value(&value)?;
            } else {
                self.raw("[");
                self.value(&key)?;
                self.raw(",");
                self.value(&value)?;
                self.raw("]");
            }
        }
        self.raw(if plain { "}" } else { "]}" });
        Ok(())
    }

    /// Elements in the order of their own text, so that a file does not depend on hash seeds.
    fn set(&mut self, set: &Bound<'_, PyAny>) -> PyResult<()> {
        let mut elements = Vec::new();
        for element in set_elements(set)? {
            let mut writer =
                Writer { out: Vec::new(), numbers: self.numbers, elsewhere: self.elsewhere, bases: self.bases };
            writer.value(&element)?;
            elements.push(writer.out);
        }
        elements.sort();
        self.raw("{\"type\":\"set\",\"items\":[");
        for (index, element) in elements.iter().enumerate() {
            if index > 0 {
                self.raw(",");
            }
            self.out.extend_from_slice(element);
        }
        self.raw("]}");
        Ok(())
    }

    fn path(&mut self, path: &Bound<'_, PyAny>) -> PyResult<()> {
        let text: String = path.str()?.to_str()?.to_owned();
        let inside = |base: &Option<String>| -> Option<String> {
            let base = base.as_ref()?.trim_end_matches('/');
            let rest = text.strip_prefix(base)?;
            if rest.is_empty() { Some(".".to_owned()) } else { rest.strip_prefix('/').map(ToOwned::to_owned) }
        };
        let (value, base) = if let Some(rest) = inside(&self.bases.job) {
            (rest, Some("job"))
        } else if let Some(rest) = inside(&self.bases.workspace) {
            (rest, Some("workspace"))
        } else {
            (text, None)
        };
        self.raw("{\"type\":\"path\",\"value\":");
        self.string(&value);
        if let Some(base) = base {
            self.raw(&format!(",\"base\":\"{base}\""));
        }
        self.raw("}");
        Ok(())
    }

    fn member(&mut self, member: &Bound<'_, PyAny>) -> PyResult<()> {
        let class = member.get_type();
        self.raw("{\"type\":\"enum\",\"module\":");
        self.string(&importable(member.py(), class.module()?.to_str()?)?);
        self.raw(",\"enum\":");
        self.string(class.qualname()?.to_str()?);
        self.raw(",\"value\":");
        self.string(&member.getattr(intern!(member.py(), "name"))?.extract::<String>()?);
        self.raw("}");
        Ok(())
    }

    fn base64(&mut self, bytes: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = bytes.py();
        let options = PyDict::new(py);
        options.set_item("newline", false)?;
        let encoded = py.import("binascii")?.call_method("b2a_base64", (bytes,), Some(&options))?;
        self.string(&String::from_utf8_lossy(encoded.cast::<PyBytes>()?.as_bytes()));
        Ok(())
    }

    fn array(&mut self, array: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = array.py();
        if let Some(reason) = array_without_identity(array)? {
            return Err(errors::validation(py, format!("{} cannot be stored: {reason}", short_repr(array))));
        }
        self.raw("{\"type\":\"ndarray\",\"dtype\":");
        self.string(&array.getattr(intern!(py, "dtype"))?.getattr(intern!(py, "str"))?.extract::<String>()?);
        self.raw(",\"shape\":");
        self.items(array.getattr(intern!(py, "shape"))?.cast::<PyTuple>()?.iter())?;
        self.raw(",\"value\":");
        self.base64(&array.call_method0(intern!(py, "tobytes"))?)?;
        self.raw("}");
        Ok(())
    }
}

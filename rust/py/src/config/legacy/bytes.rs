//! Bytes of values: big-endian, tagged, without lengths.

use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFloat, PyInt, PyList, PySet, PyString};
use sha2::{Digest as _, Sha256};

use super::scheme::LegacyScheme;
use crate::config::base::is_configuration;
use crate::config::canonical::Failure;
use crate::config::containers::{entries, set_elements};
use crate::config::json::is_enum;
use crate::config::short::{class_name, short_repr};

/// Tags of values.
pub(super) mod tag {
    pub(crate) const CONFIG: u8 = 0x00;
    pub(crate) const INTEGER: u8 = 0x01;
    pub(crate) const FLOAT: u8 = 0x02;
    pub(crate) const TEXT: u8 = 0x03;
    pub(crate) const VALUE: u8 = 0x05;
    pub(crate) const NONE: u8 = 0x06;
    pub(crate) const LIST: u8 = 0x07;
    pub(crate) const TASK: u8 = 0x08;
    pub(crate) const DICT: u8 = 0x09;
    pub(crate) const MEMBER: u8 = 0x0a;
    pub(crate) const LEVELS_UP: u8 = 0x0b;
    pub(crate) const INIT_TASKS: u8 = 0x0c;
    pub(crate) const INSTANCE: u8 = 0x0d;
    pub(crate) const SET: u8 = 0x0e;
}

/// Containers may be nested this deep in one value.
const DEEPEST: usize = 200;

/// Writes the configurations in values.
pub(super) trait Nested<'py> {
    fn scheme(&self) -> LegacyScheme;

    /// Whether its meta flag leaves the configuration out of what holds it.
    fn is_left_out(&self, config: &Bound<'py, PyAny>) -> PyResult<bool>;

    fn write(&mut self, config: &Bound<'py, PyAny>, out: &mut Vec<u8>) -> Result<(), Failure>;
}

/// Appends the bytes of a value.
pub(super) fn write_value<'py, N: Nested<'py>>(
    value: &Bound<'py, PyAny>,
    nested: &mut N,
    out: &mut Vec<u8>,
    depth: usize,
) -> Result<(), Failure> {
    if depth > DEEPEST {
        let problem = format!("lists or dictionaries are nested more than {DEEPEST} deep (do they hold themselves?)");
        return Err(Failure::Unidentifiable(problem));
    }
    if value.is_none() {
        out.push(tag::NONE);
    } else if let Ok(number) = value.cast::<PyFloat>() {
        out.push(tag::FLOAT);
        out.extend(number.value().to_be_bytes());
    } else if let Ok(number) = value.cast::<PyInt>() {
        write_integer(number, nested.scheme(), out)?;
    } else if let Ok(text) = value.cast::<PyString>() {
        write_text(text, out)?;
    } else if let Ok(list) = value.cast::<PyList>() {
        let mut kept = Vec::with_capacity(list.len());
        for element in list.iter() {
            if !is_left_out(&element, nested)? {
                kept.push(element);
            }
        }
        write_count(tag::LIST, kept.len(), out);
        for element in &kept {
            write_value(element, nested, out, depth + 1)?;
        }
    } else if let Ok(dict) = value.cast::<PyDict>() {
        write_dict(dict, nested, out, depth)?;
    } else if let Ok(set) = value.cast::<PySet>()
        && nested.scheme() == LegacyScheme::V2
    {
        write_set(set, nested, out, depth)?;
    } else if is_enum(value)? {
        write_member(value, out)?;
    } else if is_configuration(value) {
        nested.write(value, out)?;
    } else {
        return Err(unidentifiable(value, nested.scheme(), ""));
    }
    Ok(())
}

fn unidentifiable(value: &Bound<'_, PyAny>, scheme: LegacyScheme, because: &str) -> Failure {
    Failure::Unidentifiable(format!(
        "{} ({}) has no identifier under the scheme {} of this workspace{because}; make the parameter a Meta, give another \
         kind of value, or use a new workspace, whose scheme is md5",
        short_repr(value),
        class_name(&value.get_type()),
        scheme.name(),
    ))
}

fn is_left_out<'py, N: Nested<'py>>(value: &Bound<'py, PyAny>, nested: &N) -> PyResult<bool> {
    Ok(is_configuration(value) && nested.is_left_out(value)?)
}

/// Counts are written as floats.
#[allow(clippy::cast_precision_loss)]
fn write_count(tag: u8, count: usize, out: &mut Vec<u8>) {
    out.push(tag);
    out.extend((count as f64).to_be_bytes());
}

fn write_integer(number: &Bound<'_, PyInt>, scheme: LegacyScheme, out: &mut Vec<u8>) -> Result<(), Failure> {
    let small: i64 = number.extract().map_err(|_| unidentifiable(number, scheme, ": it does not fit in 64 bits"))?;
    out.push(tag::INTEGER);
    out.extend(small.to_be_bytes());
    Ok(())
}

/// Text as it is, with its tag.
pub(super) fn write_text(text: &Bound<'_, PyString>, out: &mut Vec<u8>) -> Result<(), Failure> {
    let Ok(text) = text.to_str() else {
        return Err(Failure::Unidentifiable("a text that is no valid Unicode cannot be part of an identifier".into()));
    };
    out.push(tag::TEXT);
    out.extend(text.as_bytes());
    Ok(())
}

/// Neither a count nor an end: `{"a": {"b": 1}, "c": 2}` and `{"a": {"b": 1, "c": 2}}` have the same bytes.
fn write_dict<'py, N: Nested<'py>>(
    dict: &Bound<'py, PyDict>,
    nested: &mut N,
    out: &mut Vec<u8>,
    depth: usize,
) -> Result<(), Failure> {
    let mut keys = Vec::with_capacity(dict.len());
    for (key, value) in entries(dict) {
        if !is_left_out(&value, nested)? {
            keys.push(key);
        }
    }
    let keys = PyList::new(dict.py(), keys)?;
    if let Err(error) = keys.sort() {
        if error.is_instance_of::<PyTypeError>(dict.py()) {
            return Err(unidentifiable(dict, nested.scheme(), ": its keys cannot be compared with each other"));
        }
        return Err(error.into());
    }
    out.push(tag::DICT);
    for key in keys.iter() {
        let Some(value) = dict.get_item(&key)? else { continue };
        write_value(&key, nested, out, depth + 1)?;
        write_value(&value, nested, out, depth + 1)?;
    }
    Ok(())
}

fn write_set<'py, N: Nested<'py>>(
    set: &Bound<'py, PySet>,
    nested: &mut N,
    out: &mut Vec<u8>,
    depth: usize,
) -> Result<(), Failure> {
    let mut elements = Vec::with_capacity(set.len());
    for element in set_elements(set)? {
        if is_left_out(&element, nested)? {
            continue;
        }
        let mut bytes = Vec::new();
        write_value(&element, nested, &mut bytes, depth + 1)?;
        elements.push((Sha256::digest(&bytes), bytes));
    }
    elements.sort_by_key(|(digest, _)| *digest);
    write_count(tag::SET, elements.len(), out);
    for (_, bytes) in &elements {
        out.extend(bytes);
    }
    Ok(())
}

/// Members of enumerations that are texts or numbers were written as such before this is asked.
fn write_member(member: &Bound<'_, PyAny>, out: &mut Vec<u8>) -> Result<(), Failure> {
    let class = member.get_type();
    let name = member.getattr(intern!(member.py(), "name"))?;
    out.push(tag::MEMBER);
    let text = format!("{}.{}:{}", class.module()?.to_str()?, class.qualname()?.to_str()?, name.str()?.to_str()?);
    out.extend(text.as_bytes());
    Ok(())
}

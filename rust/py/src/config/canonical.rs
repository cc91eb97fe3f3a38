//! Python values as canonical bytes (`docs/identifiers.md`), without anything in between.

use experimaestro_core::identifier::{EncodeError, Encoder, NodeEncoder};
use pyo3::exceptions::PyException;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyByteArray, PyBytes, PyDict, PyFloat, PyFrozenSet, PyInt, PyList, PySet, PyString, PyTuple,
};

use super::base::is_configuration;
use super::coerce::{array_without_identity, path_type};
use super::containers::{entries, set_elements};
use super::json::is_enum;
use super::short::{class_name, short_reason, short_repr};

/// Why a value has no canonical bytes.
pub(crate) enum Failure {
    /// Python raised.
    Raised(PyErr),
    /// The value, or something in it, cannot be identified: a sentence without the parameter's name.
    Unidentifiable(String),
}

impl From<PyErr> for Failure {
    fn from(error: PyErr) -> Self {
        Self::Raised(error)
    }
}

impl From<EncodeError> for Failure {
    fn from(error: EncodeError) -> Self {
        Self::Unidentifiable(error.to_string())
    }
}

impl From<pyo3::CastError<'_, '_>> for Failure {
    fn from(error: pyo3::CastError<'_, '_>) -> Self {
        Self::Raised(error.into())
    }
}

/// Knows the configurations that values refer to.
pub(crate) trait Configurations<'py>: Sized {
    /// Whether its meta flag leaves the configuration out wherever it is.
    fn is_left_out(&mut self, config: &Bound<'py, PyAny>) -> PyResult<bool>;

    /// Whether configurations must be met in the order of the canonical bytes, rather than in Python's.
    fn in_order(&self) -> bool;

    /// What a key or an element is sorted by, if they must be met in order; meeting it here does not count.
    fn order(&mut self, value: &Bound<'py, PyAny>, encoder: &mut NodeEncoder<'_>) -> Result<Vec<u8>, Failure>;

    /// Writes the configuration by its digest, or keeps a place for it.
    fn write(&mut self, config: &Bound<'py, PyAny>, encoder: &mut NodeEncoder<'_>) -> PyResult<()>;
}

/// Writes a value.
pub(crate) fn write_value<'py, C: Configurations<'py>>(
    value: &Bound<'py, PyAny>,
    configs: &mut C,
    encoder: &mut NodeEncoder<'_>,
) -> Result<(), Failure> {
    // Exact types first: they are nearly all there is, and one comparison each.
    if let Ok(text) = value.cast_exact::<PyString>() {
        write_text(text, encoder)
    } else if let Ok(number) = value.cast_exact::<PyFloat>() {
        encoder.float(number.value());
        Ok(())
    } else if let Ok(number) = value.cast_exact::<PyInt>() {
        write_integer(number, encoder)
    } else if let Ok(truth) = value.cast_exact::<PyBool>() {
        encoder.bool(truth.is_true());
        Ok(())
    } else if value.is_none() {
        encoder.none();
        Ok(())
    } else if let Ok(list) = value.cast_exact::<PyList>() {
        write_list(list, configs, encoder)
    } else if let Ok(dict) = value.cast_exact::<PyDict>() {
        write_dict(dict, configs, encoder)
    } else if is_configuration(value) {
        Ok(configs.write(value, encoder)?)
    } else if let Ok(tuple) = value.cast_exact::<PyTuple>() {
        write_tuple(tuple, configs, encoder)
    } else {
        write_other(value, configs, encoder)
    }
}

/// Subclasses count as what they are, except members of enumerations, which come before `int` and `str`.
fn write_other<'py, C: Configurations<'py>>(
    value: &Bound<'py, PyAny>,
    configs: &mut C,
    encoder: &mut NodeEncoder<'_>,
) -> Result<(), Failure> {
    let is_member = is_enum(value)?;
    if !is_member && (value.is_instance_of::<PySet>() || value.is_instance_of::<PyFrozenSet>()) {
        write_set(value, configs, encoder)
    } else if let (false, Ok(list)) = (is_member, value.cast::<PyList>()) {
        write_list(list, configs, encoder)
    } else if let (false, Ok(dict)) = (is_member, value.cast::<PyDict>()) {
        write_dict(dict, configs, encoder)
    } else if let (false, Ok(tuple)) = (is_member, value.cast::<PyTuple>()) {
        write_tuple(tuple, configs, encoder)
    } else {
        write_leaf(value, configs, encoder).map_err(|failure| match failure {
            // Raised by the value's own code.
            Failure::Raised(error) if error.is_instance_of::<PyException>(value.py()) => {
                unidentifiable(value, &format!(" ({})", short_reason(&error, value.py())))
            }
            other => other,
        })
    }
}

fn write_leaf<'py, C: Configurations<'py>>(
    value: &Bound<'py, PyAny>,
    configs: &mut C,
    encoder: &mut NodeEncoder<'_>,
) -> Result<(), Failure> {
    let py = value.py();
    if is_enum(value)? {
        write_member(value, encoder)
    } else if let Ok(bytes) = value.cast::<PyBytes>() {
        encoder.bytes(bytes.as_bytes());
        Ok(())
    } else if let Ok(bytes) = value.cast::<PyByteArray>() {
        encoder.bytes(&bytes.to_vec());
        Ok(())
    } else if value.get_type().is_subclass(path_type(py)?)? {
        let bytes = py.import(intern!(py, "os"))?.call_method1(intern!(py, "fsencode"), (value,))?;
        encoder.path(bytes.cast::<PyBytes>()?.as_bytes());
        Ok(())
    } else if let Ok(text) = value.cast::<PyString>() {
        write_text(text, encoder)
    } else if let Ok(number) = value.cast::<PyFloat>() {
        encoder.float(number.value());
        Ok(())
    } else if let Ok(number) = value.cast::<PyInt>() {
        write_integer(number, encoder)
    } else if value.hasattr(intern!(py, "dtype"))? && value.hasattr(intern!(py, "tobytes"))? {
        write_numpy(value, configs, encoder)
    } else {
        Err(unidentifiable(value, ""))
    }
}

fn unidentifiable(value: &Bound<'_, PyAny>, because: &str) -> Failure {
    Failure::Unidentifiable(format!(
        "{} ({}) cannot be part of an identifier{because}; make the parameter a Meta, or store a number, a text, \
         an enumeration member or a configuration instead",
        short_repr(value),
        class_name(&value.get_type()),
    ))
}

fn write_text(text: &Bound<'_, PyString>, encoder: &mut Encoder) -> Result<(), Failure> {
    match text.to_str() {
        Ok(text) => {
            encoder.str(text);
            Ok(())
        }
        Err(_) => Err(unidentifiable(text, ": it is no valid Unicode text")),
    }
}

fn write_integer(number: &Bound<'_, PyInt>, encoder: &mut Encoder) -> Result<(), Failure> {
    if let Ok(small) = number.extract::<i64>() {
        encoder.int(small);
        return Ok(());
    }
    let py = number.py();
    let bits: usize = number.call_method0(intern!(py, "bit_length"))?.extract()?;
    let options = PyDict::new(py);
    options.set_item(intern!(py, "signed"), true)?;
    let bytes = number.call_method(intern!(py, "to_bytes"), (bits / 8 + 1, intern!(py, "big")), Some(&options))?;
    encoder.int_bytes(bytes.cast::<PyBytes>()?.as_bytes());
    Ok(())
}

/// Whether an element is a configuration that its meta flag leaves out.
#[inline]
fn is_left_out<'py, C: Configurations<'py>>(value: &Bound<'py, PyAny>, configs: &mut C) -> PyResult<bool> {
    if value.is_exact_instance_of::<PyFloat>()
        || value.is_exact_instance_of::<PyInt>()
        || value.is_exact_instance_of::<PyString>()
        || !is_configuration(value)
    {
        return Ok(false);
    }
    configs.is_left_out(value)
}

/// Writes a list or tuple of `count` elements with `begin`; begins again with a smaller count if some are left out.
fn write_elements<'py, C: Configurations<'py>>(
    elements: impl Fn() -> Box<dyn Iterator<Item = Bound<'py, PyAny>> + 'py>,
    count: usize,
    begin: impl Fn(&mut Encoder, usize) -> Result<(), EncodeError>,
    configs: &mut C,
    encoder: &mut NodeEncoder<'_>,
) -> Result<(), Failure> {
    let start = encoder.checkpoint();
    let mut announced = count;
    loop {
        begin(encoder, announced)?;
        let mut written = 0;
        for element in elements() {
            if !is_left_out(&element, configs)? {
                write_value(&element, configs, encoder)?;
                written += 1;
            }
        }
        encoder.end_list();
        if written == announced {
            return Ok(());
        }
        encoder.rollback(&start);
        announced = written;
    }
}

fn write_list<'py, C: Configurations<'py>>(
    list: &Bound<'py, PyList>,
    configs: &mut C,
    encoder: &mut NodeEncoder<'_>,
) -> Result<(), Failure> {
    write_elements(|| Box::new(list.iter()), list.len(), Encoder::begin_list, configs, encoder)
}

fn write_tuple<'py, C: Configurations<'py>>(
    tuple: &Bound<'py, PyTuple>,
    configs: &mut C,
    encoder: &mut NodeEncoder<'_>,
) -> Result<(), Failure> {
    write_elements(|| Box::new(tuple.iter()), tuple.len(), Encoder::begin_tuple, configs, encoder)
}

fn write_set<'py, C: Configurations<'py>>(
    set: &Bound<'py, PyAny>,
    configs: &mut C,
    encoder: &mut NodeEncoder<'_>,
) -> Result<(), Failure> {
    let mut kept = Vec::new();
    for element in set_elements(set)? {
        if !is_left_out(&element, configs)? {
            kept.push(element);
        }
    }
    if configs.in_order() {
        kept = sorted(kept, |element| element, configs, encoder)?;
    }
    let mark = encoder.begin_set(kept.len())?;
    for element in &kept {
        encoder.begin_entry();
        write_value(element, configs, encoder)?;
    }
    Ok(encoder.end_set(mark)?)
}

/// The entries of a container, by the canonical bytes of their keys.
fn sorted<'py, C: Configurations<'py>, E>(
    entries: Vec<E>,
    key: impl Fn(&E) -> &Bound<'py, PyAny>,
    configs: &mut C,
    encoder: &mut NodeEncoder<'_>,
) -> Result<Vec<E>, Failure> {
    let mut ordered = Vec::with_capacity(entries.len());
    for entry in entries {
        ordered.push((configs.order(key(&entry), encoder)?, entry));
    }
    ordered.sort_by(|(left, _), (right, _)| left.cmp(right));
    Ok(ordered.into_iter().map(|(_, entry)| entry).collect())
}

fn write_dict<'py, C: Configurations<'py>>(
    dict: &Bound<'py, PyDict>,
    configs: &mut C,
    encoder: &mut NodeEncoder<'_>,
) -> Result<(), Failure> {
    let start = encoder.checkpoint();
    let mut announced = dict.len();
    loop {
        let mark = encoder.begin_dict(announced)?;
        let mut written = 0;
        let in_order: Box<dyn Iterator<Item = _>> = if configs.in_order() {
            Box::new(sorted(entries(dict), |(key, _)| key, configs, encoder)?.into_iter())
        } else {
            Box::new(entries(dict).into_iter())
        };
        for (key, value) in in_order {
            if !is_left_out(&value, configs)? {
                encoder.begin_entry();
                write_value(&key, configs, encoder)?;
                encoder.end_key();
                write_value(&value, configs, encoder)?;
                written += 1;
            }
        }
        if written == announced {
            return Ok(encoder.end_dict(mark)?);
        }
        encoder.rollback(&start);
        announced = written;
    }
}

fn write_member(member: &Bound<'_, PyAny>, encoder: &mut Encoder) -> Result<(), Failure> {
    let py = member.py();
    let class = member.get_type();
    let type_id = format!("{}.{}", class.module()?.to_str()?, class.qualname()?.to_str()?);
    let name = member.getattr(intern!(py, "name"))?;
    match name.extract::<&str>() {
        Ok(name) if !name.contains('|') => encoder.enumerated(&type_id, name),
        // Several flags at once have no name of their own, or one that depends on the version of Python.
        _ => encoder.enumerated(&type_id, &format!("#{}", member.getattr(intern!(py, "value"))?)),
    }
    Ok(())
}

/// Arrays by element type, shape and elements; scalars as the Python scalars they are equal to.
fn write_numpy<'py, C: Configurations<'py>>(
    value: &Bound<'py, PyAny>,
    configs: &mut C,
    encoder: &mut NodeEncoder<'_>,
) -> Result<(), Failure> {
    let py = value.py();
    let numpy = py.import(intern!(py, "numpy"))?;
    if value.is_instance(&numpy.getattr(intern!(py, "generic"))?)? {
        let scalar = value.call_method0(intern!(py, "item"))?;
        if scalar.get_type().is(value.get_type()) {
            return Err(unidentifiable(value, ""));
        }
        return write_value(&scalar, configs, encoder);
    }
    let dtype = value.getattr(intern!(py, "dtype"))?;
    if let Some(reason) = array_without_identity(value)? {
        return Err(unidentifiable(value, &format!(": {reason}")));
    }
    let little = dtype.call_method1(intern!(py, "newbyteorder"), (intern!(py, "<"),))?;
    let array = value.call_method1(intern!(py, "astype"), (&little,))?;
    let shape: Vec<u64> = array.getattr(intern!(py, "shape"))?.extract()?;
    let name: String = little.getattr(intern!(py, "str"))?.extract()?;
    let data = array.call_method0(intern!(py, "tobytes"))?;
    encoder.array(&name, &shape, data.cast::<PyBytes>()?.as_bytes());
    Ok(())
}

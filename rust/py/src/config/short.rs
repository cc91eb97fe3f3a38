//! Values for people, cut to one short line: made whatever the value's own code does, and without looking at all of it.

use std::fmt::Write;

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyFrozenSet, PyInt, PyList, PySet, PyString, PyTuple, PyType};

use super::containers::{entries, set_elements};

/// Longest representation of a value, in characters.
const SHORT: usize = 60;

/// Longest text of an error of the value's own code, in characters.
const REASON: usize = 200;

/// Levels of containers that are shown.
const DEEPEST: usize = 6;

/// Integers of more bits are not written: Python refuses to from 4300 digits on.
const WIDEST: usize = 1000;

/// `repr(value)`, cut to one short line.
pub(crate) fn short_repr(value: &Bound<'_, PyAny>) -> String {
    let mut out = String::new();
    write(value, &mut out, 0);
    one_line(&out, SHORT)
}

/// `repr(value)` cut to one short line, for Python.
#[pyfunction]
pub(crate) fn short_text(value: &Bound<'_, PyAny>) -> String {
    short_repr(value)
}

/// `str(value)`, cut to one short line.
pub(crate) fn short_str(value: &Bound<'_, PyAny>) -> String {
    match value.str() {
        Ok(text) => one_line(&text.to_string_lossy(), SHORT),
        Err(_) => short_repr(value),
    }
}

/// What an error says, cut to one line.
pub(crate) fn short_reason(error: &PyErr, py: Python<'_>) -> String {
    let value = error.value(py);
    let kind = class_name(&value.get_type());
    match value.str() {
        Ok(text) if text.len().is_ok_and(|length| length > 0) => {
            format!("{kind}: {}", one_line(&text.to_string_lossy(), REASON))
        }
        _ => kind,
    }
}

fn one_line(text: &str, longest: usize) -> String {
    let mut line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(longest + 1).collect();
    if line.chars().count() > longest {
        line = line.chars().take(longest - 1).collect();
        line.push('…');
    }
    line
}

/// The name a user would recognise: without `builtins.`.
pub(crate) fn class_name(class: &Bound<'_, PyType>) -> String {
    let name = class.qualname().map_or_else(|_| "?".into(), |name| name.to_string_lossy().into_owned());
    match class.module().map(|module| module.to_string_lossy().into_owned()) {
        Ok(module) if module != "builtins" => format!("{module}.{name}"),
        _ => name,
    }
}

/// Whether a class shows its objects as its base does, so that their own code need not be asked.
fn is_shown_as<T: pyo3::PyTypeInfo>(value: &Bound<'_, PyAny>) -> bool {
    if value.is_exact_instance_of::<T>() {
        return true;
    }
    let py = value.py();
    let repr = intern!(py, "__repr__");
    let (Ok(own), Ok(base)) = (value.get_type().getattr(repr), py.get_type::<T>().getattr(repr)) else { return false };
    value.is_instance_of::<T>() && own.is(&base)
}

fn append(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to memory cannot fail.
    let _ = out.write_fmt(text);
}

fn write(value: &Bound<'_, PyAny>, out: &mut String, depth: usize) {
    // Longer than what is kept: nothing more will be seen.
    if out.len() > 4 * SHORT {
        return;
    }
    if depth > DEEPEST {
        out.push('…');
    } else if is_shown_as::<PyList>(value)
        && let Ok(list) = value.cast::<PyList>()
    {
        write_items(list.iter(), ("[", "]"), out, depth);
    } else if is_shown_as::<PyTuple>(value)
        && let Ok(tuple) = value.cast::<PyTuple>()
    {
        write_items(tuple.iter(), ("(", if tuple.len() == 1 { ",)" } else { ")" }), out, depth);
    } else if is_shown_as::<PyDict>(value)
        && let Ok(dict) = value.cast::<PyDict>()
    {
        write_dict(dict, out, depth);
    } else if is_shown_as::<PySet>(value) || is_shown_as::<PyFrozenSet>(value) {
        write_set(value, out, depth);
    } else {
        write_other(value, out);
    }
}

fn write_items<'py>(
    items: impl Iterator<Item = Bound<'py, PyAny>>,
    (open, close): (&str, &str),
    out: &mut String,
    depth: usize,
) {
    out.push_str(open);
    for (index, item) in items.enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        if index > SHORT {
            break;
        }
        write(&item, out, depth + 1);
    }
    out.push_str(close);
}

fn write_dict(dict: &Bound<'_, PyDict>, out: &mut String, depth: usize) {
    out.push('{');
    for (index, (key, value)) in entries(dict).into_iter().take(SHORT).enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        write(&key, out, depth + 1);
        out.push_str(": ");
        write(&value, out, depth + 1);
    }
    out.push('}');
}

fn write_set(set: &Bound<'_, PyAny>, out: &mut String, depth: usize) {
    let elements = set_elements(set).unwrap_or_default();
    let name = if set.is_instance_of::<PySet>() { "set" } else { "frozenset" };
    match (elements.is_empty(), name) {
        (true, _) => append(out, format_args!("{name}()")),
        (false, "set") => write_items(elements.into_iter(), ("{", "}"), out, depth),
        _ => write_items(elements.into_iter(), ("frozenset({", "})"), out, depth),
    }
}

fn write_other(value: &Bound<'_, PyAny>, out: &mut String) {
    let py = value.py();
    if let Ok(number) = value.cast_exact::<PyInt>() {
        let bits = number.call_method0(intern!(py, "bit_length")).and_then(|bits| bits.extract::<usize>());
        if let Ok(bits) = bits.as_ref()
            && *bits > WIDEST
        {
            append(out, format_args!("<int of {bits} bits>"));
            return;
        }
    }
    let is_long = value.is_exact_instance_of::<PyString>() || value.is_exact_instance_of::<PyBytes>();
    let beginning = pyo3::types::PySlice::new(py, 0, 2 * SHORT.cast_signed(), 1);
    let shown = if is_long { value.get_item(beginning) } else { Ok(value.clone()) };
    match shown.and_then(|shown| shown.repr()) {
        Ok(text) => out.push_str(&text.to_string_lossy()),
        Err(_) => append(out, format_args!("<{} without repr>", class_name(&value.get_type()))),
    }
}

//! The slower paths of coercion: values that are not yet of the exact type.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyByteArray, PyBytes, PyFloat, PyInt, PyString, PyType};

use super::base;
use super::mismatch::Mismatch;
use super::state::ConfigState;
use super::types::TypeSpec;

/// Longest representation of a value in an error message, in characters.
const SHORT: usize = 60;

static PATH: PyOnceLock<Py<PyType>> = PyOnceLock::new();

/// `pathlib.Path`, imported at first use.
pub(crate) fn path_type(py: Python<'_>) -> PyResult<&Bound<'_, PyType>> {
    PATH.import(py, "pathlib", "Path")
}

static REPR: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// `reprlib`'s short representation: long containers and texts are never written whole.
fn repr_lib(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    let made = REPR.get_or_try_init(py, || -> PyResult<Py<PyAny>> {
        let short = py.import("reprlib")?.getattr("Repr")?.call0()?;
        for limit in ["maxstring", "maxother", "maxlong"] {
            short.setattr(limit, SHORT + 8)?;
        }
        Ok(short.unbind())
    })?;
    Ok(made.bind(py))
}

/// `repr(value)`, cut to one short line.
pub(crate) fn short_repr(value: &Bound<'_, PyAny>) -> String {
    let py = value.py();
    let text = repr_lib(py)
        .and_then(|short| short.call_method1(intern!(py, "repr"), (value,)))
        .and_then(|text| Ok(text.cast_into::<PyString>()?.to_string_lossy().into_owned()));
    match text {
        Ok(text) => one_short_line(&text),
        Err(_) => format!("<{} without repr>", class_name(&value.get_type())),
    }
}

/// `str(value)`, cut to one short line.
pub(crate) fn short_str(value: &Bound<'_, PyAny>) -> String {
    match value.str() {
        Ok(text) => one_short_line(&text.to_string_lossy()),
        Err(_) => short_repr(value),
    }
}

fn one_short_line(text: &str) -> String {
    let mut line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SHORT + 1).collect();
    if line.chars().count() > SHORT {
        line = line.chars().take(SHORT - 1).collect();
        line.push('…');
    }
    line
}

/// The name a user would recognise: without `builtins.`.
pub(crate) fn class_name(class: &Bound<'_, PyType>) -> String {
    let name = class.qualname().map_or_else(|_| "?".into(), |n| n.to_string_lossy().into_owned());
    match class.module().map(|m| m.to_string_lossy().into_owned()) {
        Ok(module) if module != "builtins" => format!("{module}.{name}"),
        _ => name,
    }
}

/// Numbers that are whole, and strings that spell one.
pub(crate) fn int<'py>(value: &Bound<'py, PyAny>) -> Option<Bound<'py, PyAny>> {
    let py = value.py();
    let builtin = py.get_type::<PyInt>();
    if value.is_instance_of::<PyInt>() {
        // bool, IntEnum and other subclasses lose their class: `1 + 0` is a plain int.
        return value
            .call_method1(intern!(py, "__add__"), (0,))
            .ok()
            .filter(pyo3::types::PyAnyMethods::is_exact_instance_of::<PyInt>);
    }
    if value.is_instance_of::<PyString>() {
        if let Ok(whole) = builtin.call1((value,)) {
            return Some(whole);
        }
        let number = py.get_type::<PyFloat>().call1((value,)).ok()?;
        return whole_float(&number);
    }
    if let Ok(index) = value.call_method0(intern!(py, "__index__")) {
        return Some(index);
    }
    if value.is_instance_of::<PyFloat>() {
        return whole_float(value);
    }
    if !is_number(value) {
        return None;
    }
    let whole = builtin.call1((value,)).ok()?;
    whole.eq(value).ok()?.then_some(whole)
}

fn whole_float<'py>(value: &Bound<'py, PyAny>) -> Option<Bound<'py, PyAny>> {
    let py = value.py();
    let is_whole: bool = value.call_method0(intern!(py, "is_integer")).ok()?.extract().ok()?;
    if is_whole { py.get_type::<PyInt>().call1((value,)).ok() } else { None }
}

/// Real numbers (numpy scalars and 0-d arrays, `Decimal`), and strings that spell one.
pub(crate) fn float<'py>(value: &Bound<'py, PyAny>) -> Option<Bound<'py, PyAny>> {
    let py = value.py();
    if value.is_instance_of::<PyString>() || is_number(value) {
        return py.get_type::<PyFloat>().call1((value,)).ok();
    }
    None
}

fn is_number(value: &Bound<'_, PyAny>) -> bool {
    let py = value.py();
    let class = value.get_type();
    let has = |name: &Bound<'_, PyString>| class.hasattr(name).unwrap_or(false);
    has(intern!(py, "__float__")) || has(intern!(py, "__index__"))
}

/// 0 and 1, and the words for true and false.
pub(crate) fn bool<'py>(value: &Bound<'py, PyAny>) -> Option<Bound<'py, PyAny>> {
    let py = value.py();
    let truth = |b: bool| Some(PyBool::new(py, b).to_owned().into_any());
    if let Ok(text) = value.cast::<PyString>() {
        return match text.to_string_lossy().trim().to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "t" | "y" | "1" => truth(true),
            "false" | "no" | "off" | "f" | "n" | "0" => truth(false),
            _ => None,
        };
    }
    if !is_number(value) {
        // numpy.bool_ is not a number for Python, but knows its item.
        let item = value.call_method0(intern!(py, "item")).ok()?;
        return item.is_exact_instance_of::<PyBool>().then_some(item);
    }
    if value.eq(0).unwrap_or(false) {
        truth(false)
    } else if value.eq(1).unwrap_or(false) {
        truth(true)
    } else {
        None
    }
}

/// Strings; subclasses, enumerations of strings included, become plain ones.
pub(crate) fn str<'py>(value: &Bound<'py, PyAny>) -> Option<Bound<'py, PyAny>> {
    let text = value.cast::<PyString>().ok()?;
    // SAFETY: `text` is a live str; the call returns a new reference to an exact str, or null with an exception set.
    let exact = unsafe { Bound::from_owned_ptr_or_err(value.py(), pyo3::ffi::PyUnicode_FromObject(text.as_ptr())) };
    exact.ok()
}

/// Bytes; bytearrays are copied.
pub(crate) fn bytes<'py>(value: &Bound<'py, PyAny>) -> Option<Bound<'py, PyAny>> {
    if value.is_exact_instance_of::<PyBytes>() {
        return Some(value.clone());
    }
    if value.is_instance_of::<PyBytes>() || value.is_instance_of::<PyByteArray>() {
        return value.py().get_type::<PyBytes>().call1((value,)).ok();
    }
    None
}

/// Paths, and strings that name one.
pub(crate) fn path<'py>(value: &Bound<'py, PyAny>) -> Option<Bound<'py, PyAny>> {
    let class = path_type(value.py()).ok()?;
    if value.is_instance(class).unwrap_or(false) {
        return Some(value.clone());
    }
    if value.is_instance_of::<PyString>() {
        return class.call1((value,)).ok();
    }
    None
}

/// numpy arrays; numpy is imported only if a value comes from it.
pub(crate) fn array<'py>(value: &Bound<'py, PyAny>) -> Option<Bound<'py, PyAny>> {
    let py = value.py();
    let numpy = py.import(intern!(py, "sys")).ok()?.getattr(intern!(py, "modules")).ok()?.get_item("numpy").ok()?;
    let class = numpy.getattr(intern!(py, "ndarray")).ok()?;
    value.is_instance(&class).unwrap_or(false).then(|| value.clone())
}

/// Anything but a value object: numpy scalars become Python scalars.
pub(crate) fn any<'py>(value: &Bound<'py, PyAny>) -> Result<Bound<'py, PyAny>, Mismatch> {
    let py = value.py();
    let module = value.get_type().module();
    if module.is_ok_and(|m| m.to_str().is_ok_and(|m| m == "numpy"))
        && value.hasattr(intern!(py, "dtype")).unwrap_or(false)
        && value.getattr(intern!(py, "ndim")).and_then(|n| n.extract::<usize>()).is_ok_and(|n| n == 0)
        && !value.get_type().name().is_ok_and(|n| n == "ndarray")
    {
        return value.call_method0(intern!(py, "item")).map_err(|error| TypeSpec::Any.refused(value, &error));
    }
    Ok(value.clone())
}

/// A configuration of the class or of a subclass; of a task, one that was submitted.
pub(crate) fn configuration<'py>(
    value: &Bound<'py, PyAny>,
    class: &Bound<'py, PyType>,
    spec: &TypeSpec,
) -> Result<Bound<'py, PyAny>, Mismatch> {
    if !value.is_instance(class).map_err(|error| spec.refused(value, &error))? {
        let mismatch = spec.mismatch(value);
        return Err(if value.is_none() { mismatch } else { mismatch.because(class_hint(value, class)) });
    }
    let Some(state) = ConfigState::of(value)? else {
        return Err(spec
            .mismatch(value)
            .because(format!("this is a value, not a configuration; build it with {}.C(...)", class_name(class)))
            .into_attribute_error());
    };
    if state.get().is_unsubmitted_task() {
        return Err(spec
            .mismatch(value)
            .because("this task was not submitted; call .submit() on it first, and use what that returns"));
    }
    Ok(value.clone())
}

fn class_hint(value: &Bound<'_, PyAny>, class: &Bound<'_, PyType>) -> String {
    if value.cast::<PyType>().is_ok() {
        return format!("this is a class; build a configuration with {}.C(...)", class_name(class));
    }
    if base::is_configuration(value) {
        return "another configuration class".to_owned();
    }
    "not a configuration".to_owned()
}

/// What to write instead, when somebody gave the value or the name of a member.
pub(crate) fn enum_hint(class: &Bound<'_, PyType>, value: &Bound<'_, PyAny>) -> String {
    let name = class.name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let members: Vec<String> = class
        .getattr("__members__")
        .and_then(|members| members.call_method0("items"))
        .and_then(|items| {
            items.try_iter()?.map(|item| item?.extract::<(String, Py<PyAny>)>()).collect::<PyResult<Vec<_>>>()
        })
        .unwrap_or_default()
        .into_iter()
        .filter(|(member, content)| {
            value.extract::<String>().is_ok_and(|text| text == *member)
                || content.bind(value.py()).getattr("value").is_ok_and(|v| v.eq(value).unwrap_or(false))
        })
        .map(|(member, _)| format!("{name}.{member}"))
        .collect();
    match members.first() {
        Some(member) => format!("write {member}"),
        None => format!("write one of the members of {name}"),
    }
}

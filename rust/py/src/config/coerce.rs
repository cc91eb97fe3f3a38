//! The slower paths of coercion: values that are not yet of the exact type.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyByteArray, PyBytes, PyFloat, PyInt, PyString, PyType};

use super::base;
use super::mismatch::Mismatch;
use super::schema::Conversion;
use super::short::class_name;
use super::state::ConfigState;
use super::types::TypeSpec;

/// Longest decimal exponent of a number that is made an integer: where Python stops to write and read them, too.
const MOST_DIGITS: i64 = 4300;

static PATH: PyOnceLock<Py<PyType>> = PyOnceLock::new();

/// `pathlib.Path`, imported at first use.
pub(crate) fn path_type(py: Python<'_>) -> PyResult<&Bound<'_, PyType>> {
    PATH.import(py, "pathlib", "Path")
}

/// Numbers that are whole, and strings that spell one.
pub(crate) fn int<'py>(value: &Bound<'py, PyAny>) -> Option<Bound<'py, PyAny>> {
    let py = value.py();
    let builtin = py.get_type::<PyInt>();
    if value.is_instance_of::<PyInt>() {
        return plain_int(value);
    }
    if value.is_instance_of::<PyString>() {
        if let Ok(whole) = builtin.call1((value,)) {
            return Some(whole);
        }
        let number = py.get_type::<PyFloat>().call1((value,)).ok()?;
        return whole_float(&number);
    }
    if let Ok(index) = value.call_method0(intern!(py, "__index__")) {
        return if index.is_instance_of::<PyInt>() { plain_int(&index) } else { None };
    }
    if value.is_instance_of::<PyFloat>() {
        return whole_float(value);
    }
    if !is_number(value) || has_many_digits(value) {
        return None;
    }
    let whole = builtin.call1((value,)).ok().filter(pyo3::types::PyAnyMethods::is_exact_instance_of::<PyInt>)?;
    whole.eq(value).ok()?.then_some(whole)
}

/// bool, `IntEnum` and other subclasses lose their class, without being asked.
fn plain_int<'py>(value: &Bound<'py, PyAny>) -> Option<Bound<'py, PyAny>> {
    let py = value.py();
    py.get_type::<PyInt>().call_method1(intern!(py, "__add__"), (value, 0)).ok()
}

/// Whether a `Decimal` is so large that it is no number that anybody counts with: making it an integer takes for ever.
fn has_many_digits(value: &Bound<'_, PyAny>) -> bool {
    let exponent = value.call_method0(intern!(value.py(), "adjusted"));
    exponent.is_ok_and(|exponent| exponent.extract::<i64>().is_ok_and(|exponent| exponent > MOST_DIGITS))
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
    if value.get_type().is_subclass(class).unwrap_or(false) {
        return Some(value.clone());
    }
    class.call1((str(value)?,)).ok()
}

/// numpy arrays; numpy is imported only if a value comes from it.
pub(crate) fn array<'py>(value: &Bound<'py, PyAny>, spec: &TypeSpec) -> Result<Bound<'py, PyAny>, Mismatch> {
    if !is_array(value).unwrap_or(false) {
        return Err(spec.mismatch(value));
    }
    match array_without_identity(value) {
        Ok(None) => Ok(value.clone()),
        Ok(Some(reason)) => Err(spec.mismatch(value).because(reason)),
        Err(error) => Err(spec.refused(value, error)),
    }
}

fn is_array(value: &Bound<'_, PyAny>) -> PyResult<bool> {
    let py = value.py();
    let numpy = py.import(intern!(py, "sys"))?.getattr(intern!(py, "modules"))?.get_item("numpy")?;
    value.get_type().is_subclass(&numpy.getattr(intern!(py, "ndarray"))?)
}

/// Why an array is more than elements of one plain type, if so: neither its identity nor its stored form can be told.
pub(crate) fn array_without_identity(array: &Bound<'_, PyAny>) -> PyResult<Option<&'static str>> {
    let py = array.py();
    let dtype = array.getattr(intern!(py, "dtype"))?;
    if dtype.getattr(intern!(py, "hasobject"))?.extract()? || !dtype.getattr(intern!(py, "names"))?.is_none() {
        return Ok(Some("only arrays of plain numbers or texts can be told apart and stored"));
    }
    if array.hasattr(intern!(py, "mask"))? {
        return Ok(Some("the mask of a masked array would be lost: give the array and the mask, or array.filled(...)"));
    }
    Ok(None)
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
        return value.call_method0(intern!(py, "item")).map_err(|error| TypeSpec::Any.refused(value, error));
    }
    Ok(value.clone())
}

/// A configuration of the class or of a subclass; of a task, one that was submitted.
pub(crate) fn configuration<'py>(
    value: &Bound<'py, PyAny>,
    class: &Bound<'py, PyType>,
    spec: &TypeSpec,
) -> Result<Bound<'py, PyAny>, Mismatch> {
    if !value.is_instance(class).map_err(|error| spec.refused(value, error))? {
        let mismatch = spec.mismatch(value);
        return Err(if value.is_none() { mismatch } else { mismatch.because(class_hint(value, class)) });
    }
    let Some(state) = ConfigState::of(value).map_err(|error| spec.refused(value, error))? else {
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
        let state = ConfigState::of(value).ok().flatten();
        let converts = state.is_some_and(|state| state.get().schema.get().conversion == Conversion::Identifies);
        return if converts {
            "another configuration class, which is deprecated: with @deprecate(.., replace=True) on it, what takes its \
             place would be here, also where it is stored"
        } else {
            "another configuration class"
        }
        .to_owned();
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

//! Parameter types: what a parameter accepts, and how an accepted value is stored.
//!
//! A [`TypeSpec`] is compiled once per class from a tuple that Python built out of the annotation, then
//! used at every assignment. The fast path of each type is the value that already has the exact type.

use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PySet, PyString, PyTuple, PyType};

use super::coerce;
use super::containers::{entries, set_elements};
use super::mismatch::{Mismatch, Step};
use super::short::{class_name, short_repr};

/// A compiled parameter type.
pub(crate) enum TypeSpec {
    Any,
    Int,
    Float,
    Bool,
    Str,
    Bytes,
    Path,
    Array,
    List(Box<TypeSpec>),
    Set(Box<TypeSpec>),
    Dict(Box<TypeSpec>, Box<TypeSpec>),
    Tuple(Vec<TypeSpec>),
    VariadicTuple(Box<TypeSpec>),
    Optional(Box<TypeSpec>),
    Union(Vec<TypeSpec>),
    Literal(Vec<Py<PyAny>>),
    Enum(Py<PyType>),
    Config(Py<PyType>),
    /// A type variable, and what it is bounded by.
    Variable(Py<PyAny>, Box<TypeSpec>),
    /// A generic class with arguments: the class, and the annotation for messages.
    Generic(Py<PyType>, Py<PyAny>),
    /// A type known only to Python: an object with `coerce(value)`.
    Custom(Py<PyAny>),
}

impl TypeSpec {
    /// Compile the tuple form, e.g. `("list", ("int",))`.
    pub(crate) fn compile(spec: &Bound<'_, PyAny>) -> PyResult<Self> {
        let spec = spec.cast::<PyTuple>()?;
        let kind: String = spec.get_item(0)?.extract()?;
        let sub = |index: usize| -> PyResult<Box<TypeSpec>> { Ok(Box::new(Self::compile(&spec.get_item(index)?)?)) };
        let rest = || -> PyResult<Vec<TypeSpec>> { spec.iter().skip(1).map(|item| Self::compile(&item)).collect() };
        Ok(match kind.as_str() {
            "any" => Self::Any,
            "int" => Self::Int,
            "float" => Self::Float,
            "bool" => Self::Bool,
            "str" => Self::Str,
            "bytes" => Self::Bytes,
            "path" => Self::Path,
            "ndarray" => Self::Array,
            "list" => Self::List(sub(1)?),
            "set" => Self::Set(sub(1)?),
            "dict" => Self::Dict(sub(1)?, sub(2)?),
            "tuple" => Self::Tuple(rest()?),
            "tuple*" => Self::VariadicTuple(sub(1)?),
            "optional" => Self::Optional(sub(1)?),
            "union" => Self::Union(rest()?),
            "literal" => Self::Literal(spec.iter().skip(1).map(Bound::unbind).collect()),
            "enum" => Self::Enum(spec.get_item(1)?.cast_into::<PyType>()?.unbind()),
            "config" => Self::Config(spec.get_item(1)?.cast_into::<PyType>()?.unbind()),
            "variable" => Self::Variable(spec.get_item(1)?.unbind(), sub(2)?),
            "generic" => Self::Generic(spec.get_item(1)?.cast_into::<PyType>()?.unbind(), spec.get_item(2)?.unbind()),
            "custom" => Self::Custom(spec.get_item(1)?.unbind()),
            _ => return Err(PyTypeError::new_err(format!("unknown parameter type {kind:?}"))),
        })
    }

    /// Whether a configuration may be found in a value of this type: walks skip the others.
    pub(crate) fn may_hold_configurations(&self) -> bool {
        match self {
            Self::Any | Self::Config(_) | Self::Generic(..) | Self::Custom(_) => true,
            Self::Variable(_, bound) => bound.may_hold_configurations(),
            Self::List(item) | Self::Set(item) | Self::VariadicTuple(item) | Self::Optional(item) => {
                item.may_hold_configurations()
            }
            Self::Dict(key, value) => key.may_hold_configurations() || value.may_hold_configurations(),
            Self::Tuple(items) | Self::Union(items) => items.iter().any(Self::may_hold_configurations),
            Self::Int
            | Self::Float
            | Self::Bool
            | Self::Str
            | Self::Bytes
            | Self::Path
            | Self::Array
            | Self::Literal(_)
            | Self::Enum(_) => false,
        }
    }

    /// Whether values are immutable and hold nothing: they can be shared between configurations and objects.
    pub(crate) fn is_plain(&self) -> bool {
        match self {
            Self::Int | Self::Float | Self::Bool | Self::Str | Self::Bytes | Self::Path | Self::Enum(_) => true,
            Self::Optional(inner) => inner.is_plain(),
            _ => false,
        }
    }

    /// Whether this is `Path` or `Optional[Path]`, which never counts in an identifier.
    pub(crate) fn is_path(&self) -> bool {
        match self {
            Self::Path => true,
            Self::Optional(inner) => matches!(**inner, Self::Path),
            _ => false,
        }
    }

    /// Whether `None` is a value of this type.
    pub(crate) fn accepts_none(&self) -> bool {
        match self {
            Self::Any | Self::Optional(_) | Self::Custom(_) => true,
            Self::Variable(_, bound) => bound.accepts_none(),
            Self::Union(items) => items.iter().any(Self::accepts_none),
            _ => false,
        }
    }

    /// The type as a user would write it.
    pub(crate) fn describe(&self, py: Python<'_>) -> String {
        let list = |items: &[TypeSpec], by: &str| items.iter().map(|i| i.describe(py)).collect::<Vec<_>>().join(by);
        match self {
            Self::Any => "Any".into(),
            Self::Int => "int".into(),
            Self::Float => "float".into(),
            Self::Bool => "bool".into(),
            Self::Str => "str".into(),
            Self::Bytes => "bytes".into(),
            Self::Path => "Path".into(),
            Self::Array => "numpy.ndarray".into(),
            Self::List(item) => format!("list[{}]", item.describe(py)),
            Self::Set(item) => format!("set[{}]", item.describe(py)),
            Self::Dict(key, value) => format!("dict[{}, {}]", key.describe(py), value.describe(py)),
            Self::Tuple(items) => format!("tuple[{}]", list(items, ", ")),
            Self::VariadicTuple(item) => format!("tuple[{}, ...]", item.describe(py)),
            Self::Optional(item) => format!("Optional[{}]", item.describe(py)),
            Self::Union(items) => list(items, " | "),
            Self::Literal(values) => {
                let shown: Vec<_> = values.iter().map(|v| short_repr(v.bind(py))).collect();
                format!("Literal[{}]", shown.join(", "))
            }
            Self::Enum(class) | Self::Config(class) => class_name(class.bind(py)),
            Self::Variable(variable, _) => short_repr(variable.bind(py)),
            Self::Generic(class, annotation) => {
                let text = short_repr(annotation.bind(py));
                if text.is_empty() { class_name(class.bind(py)) } else { text }
            }
            Self::Custom(custom) => short_repr(custom.bind(py)),
        }
    }

    /// The value to store, or why it does not fit. The given value is never changed.
    pub(crate) fn coerce<'py>(&self, value: &Bound<'py, PyAny>) -> Result<Bound<'py, PyAny>, Mismatch> {
        let py = value.py();
        match self {
            Self::Any => coerce::any(value),
            Self::Int if value.is_exact_instance_of::<PyInt>() => Ok(value.clone()),
            Self::Int => coerce::int(value).ok_or_else(|| self.mismatch(value)),
            Self::Float if value.is_exact_instance_of::<PyFloat>() => Ok(value.clone()),
            Self::Float => coerce::float(value).ok_or_else(|| self.mismatch(value)),
            Self::Bool if value.is_exact_instance_of::<PyBool>() => Ok(value.clone()),
            Self::Bool => coerce::bool(value).ok_or_else(|| self.mismatch(value)),
            Self::Str if value.is_exact_instance_of::<PyString>() => Ok(value.clone()),
            Self::Str => coerce::str(value).ok_or_else(|| self.mismatch(value)),
            Self::Bytes => coerce::bytes(value).ok_or_else(|| self.mismatch(value)),
            Self::Path => coerce::path(value).ok_or_else(|| self.mismatch(value)),
            Self::Array => coerce::array(value, self),
            Self::List(item) => {
                let list = value.cast::<PyList>().map_err(|_| self.mismatch(value))?;
                coerce_items(item, list.iter(), list.len()).map(|items| to_list(py, items))?.map_err(Into::into)
            }
            Self::Set(item) => {
                let set = value.cast::<PySet>().map_err(|_| self.mismatch(value))?;
                let result = PySet::empty(py)?;
                for element in set_elements(set).map_err(|error| self.refused(value, error))? {
                    let stored = item.coerce(&element).map_err(|m| m.inside(Step::Element))?;
                    result.add(stored).map_err(|error| self.refused(value, error))?;
                }
                Ok(result.into_any())
            }
            Self::Dict(key_type, value_type) => {
                let dict = value.cast::<PyDict>().map_err(|_| self.mismatch(value))?;
                let result = PyDict::new(py);
                for (key, item) in entries(dict) {
                    let stored = key_type.coerce(&key).map_err(|m| m.inside(Step::key_of(&key)))?;
                    let item = value_type.coerce(&item).map_err(|m| m.inside(Step::value_at(&key)))?;
                    result.set_item(stored, item).map_err(|error| self.refused(value, error))?;
                }
                Ok(result.into_any())
            }
            Self::Tuple(types) => {
                let given = sequence(value).ok_or_else(|| self.mismatch(value))?;
                if given.len() != types.len() {
                    return Err(self.mismatch(value).because(format!(
                        "{} elements instead of {}",
                        given.len(),
                        types.len()
                    )));
                }
                let mut items = Vec::with_capacity(given.len());
                for (index, (kind, element)) in types.iter().zip(&given).enumerate() {
                    items.push(kind.coerce(element).map_err(|m| m.inside(Step::Index(index)))?);
                }
                Ok(PyTuple::new(py, items)?.into_any())
            }
            Self::VariadicTuple(item) => {
                let given = sequence(value).ok_or_else(|| self.mismatch(value))?;
                let count = given.len();
                Ok(PyTuple::new(py, coerce_items(item, given.into_iter(), count)?)?.into_any())
            }
            Self::Optional(_) if value.is_none() => Ok(value.clone()),
            Self::Optional(item) => item.coerce(value),
            Self::Union(types) => self.coerce_union(types, value),
            Self::Literal(values) => {
                for literal in values {
                    let literal = literal.bind(py);
                    if literal.get_type().is(value.get_type()) && literal.eq(value).unwrap_or(false) {
                        return Ok(literal.clone());
                    }
                }
                Err(self.mismatch(value))
            }
            Self::Enum(class) => {
                // Of the class itself, whatever `__class__` says.
                if value.get_type().is_subclass(class.bind(py)).map_err(|error| self.refused(value, error))? {
                    return Ok(value.clone());
                }
                Err(self.mismatch(value).because(coerce::enum_hint(class.bind(py), value)))
            }
            Self::Config(class) | Self::Generic(class, _) => coerce::configuration(value, class.bind(py), self),
            Self::Variable(_, bound) => bound.coerce(value),
            Self::Custom(custom) => custom
                .bind(py)
                .call_method1(intern!(py, "coerce"), (value,))
                .map_err(|error| self.refused(value, error)),
        }
    }

    /// Members are tried from left to right, the first that accepts wins: `int | str` stores `"5"` as 5.
    fn coerce_union<'py>(&self, types: &[TypeSpec], value: &Bound<'py, PyAny>) -> Result<Bound<'py, PyAny>, Mismatch> {
        let mut deepest: Option<Mismatch> = None;
        for kind in types {
            match kind.coerce(value) {
                Ok(stored) => return Ok(stored),
                Err(Mismatch::Raised(error)) => return Err(Mismatch::Raised(error)),
                Err(mismatch) => {
                    if mismatch.depth() > deepest.as_ref().map_or(0, Mismatch::depth) {
                        deepest = Some(mismatch);
                    }
                }
            }
        }
        Err(deepest.unwrap_or_else(|| self.mismatch(value)))
    }

    /// The mismatch for a value whose own code raised; interruptions and the like go on as they are.
    pub(crate) fn refused(&self, value: &Bound<'_, PyAny>, error: PyErr) -> Mismatch {
        self.mismatch(value).by(error, value.py())
    }

    pub(crate) fn mismatch(&self, value: &Bound<'_, PyAny>) -> Mismatch {
        Mismatch::new(self.describe(value.py()), value)
    }
}

fn coerce_items<'py>(
    item: &TypeSpec,
    given: impl Iterator<Item = Bound<'py, PyAny>>,
    count: usize,
) -> Result<Vec<Bound<'py, PyAny>>, Mismatch> {
    let mut items = Vec::with_capacity(count);
    for (index, element) in given.enumerate() {
        items.push(item.coerce(&element).map_err(|m| m.inside(Step::Index(index)))?);
    }
    Ok(items)
}

fn to_list<'py>(py: Python<'py>, items: Vec<Bound<'py, PyAny>>) -> PyResult<Bound<'py, PyAny>> {
    Ok(PyList::new(py, items)?.into_any())
}

/// Elements of a list or a tuple; other iterables are not sequences of parameters.
fn sequence<'py>(value: &Bound<'py, PyAny>) -> Option<Vec<Bound<'py, PyAny>>> {
    if let Ok(tuple) = value.cast::<PyTuple>() {
        return Some(tuple.iter().collect());
    }
    value.cast::<PyList>().ok().map(|list| list.iter().collect())
}

/// The value to store for a type given in tuple form; raises `ValidationError` if it does not fit.
#[pyfunction]
#[pyo3(name = "coerce")]
pub(crate) fn coerce_value<'py>(spec: &Bound<'py, PyAny>, value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    TypeSpec::compile(spec)?.coerce(value).map_err(|mismatch| match mismatch {
        Mismatch::Raised(error) => *error,
        Mismatch::Type(mismatch) => {
            let py = value.py();
            let inside = mismatch.position(py);
            let at = if inside.is_empty() { String::new() } else { format!("at {inside}: ") };
            let error = crate::errors::validation(py, format!("{at}{}", mismatch.explanation()));
            mismatch.raise(py, error)
        }
    })
}

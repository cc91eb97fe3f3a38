//! Why a value does not fit its parameter, and where inside the value.

use pyo3::exceptions::PyException;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};

use super::short::{class_name, short_reason, short_repr};

/// One step from a container to what it holds.
pub(crate) enum Step {
    Index(usize),
    /// Inside a set, whose elements have no position.
    Element,
    /// The key itself is wrong.
    Key(Py<PyAny>),
    /// The value found at this key is wrong.
    Value(Py<PyAny>),
}

impl Step {
    pub(crate) fn key_of(key: &Bound<'_, PyAny>) -> Self {
        Self::Key(key.clone().unbind())
    }

    pub(crate) fn value_at(key: &Bound<'_, PyAny>) -> Self {
        Self::Value(key.clone().unbind())
    }
}

/// A value that does not fit.
pub(crate) enum Mismatch {
    /// The type of the value is wrong.
    Type(Box<TypeMismatch>),
    /// Python code (a custom type, a comparison) raised.
    Raised(Box<PyErr>),
}

/// What was expected, what was given, and where.
pub(crate) struct TypeMismatch {
    /// Steps from the innermost outwards.
    steps: Vec<Step>,
    expected: String,
    given: String,
    because: Option<String>,
    /// What the value's own code, or a checker, raised.
    cause: Option<PyErr>,
    /// The user gave `None` or a value object where only an attribute error tells it rightly.
    pub(crate) attribute_error: bool,
}

impl From<PyErr> for Mismatch {
    fn from(error: PyErr) -> Self {
        Self::Raised(Box::new(error))
    }
}

impl Mismatch {
    pub(crate) fn new(expected: String, value: &Bound<'_, PyAny>) -> Self {
        let given = if value.is_none() {
            "None".to_owned()
        } else {
            format!("{} ({})", short_repr(value), class_name(&value.get_type()))
        };
        Self::Type(Box::new(TypeMismatch {
            steps: Vec::new(),
            expected,
            given,
            because: None,
            cause: None,
            attribute_error: false,
        }))
    }

    /// A mismatch that shows itself by an error: what the value's own code raises says why it does not fit.
    ///
    /// Interruptions and the like go on as they are.
    pub(crate) fn by(self, error: PyErr, py: Python<'_>) -> Self {
        if !error.is_instance_of::<PyException>(py) {
            return error.into();
        }
        let reason = short_reason(&error, py);
        let mut made = self.because(reason);
        if let Self::Type(mismatch) = &mut made {
            mismatch.cause = Some(error);
        }
        made
    }

    pub(crate) fn inside(mut self, step: Step) -> Self {
        if let Self::Type(mismatch) = &mut self {
            mismatch.steps.push(step);
        }
        self
    }

    pub(crate) fn because(mut self, reason: impl Into<String>) -> Self {
        if let Self::Type(mismatch) = &mut self {
            mismatch.because = Some(reason.into());
        }
        self
    }

    pub(crate) fn into_attribute_error(mut self) -> Self {
        if let Self::Type(mismatch) = &mut self {
            mismatch.attribute_error = true;
        }
        self
    }

    /// How far inside the value the mismatch is: of a union's members, the deepest one tells most.
    pub(crate) fn depth(&self) -> usize {
        match self {
            Self::Type(mismatch) => mismatch.steps.len(),
            Self::Raised(_) => usize::MAX,
        }
    }
}

impl TypeMismatch {
    /// Position inside the value, outermost first: `[2]['lr']`.
    pub(crate) fn position(&self, py: Python<'_>) -> String {
        self.steps
            .iter()
            .rev()
            .map(|step| match step {
                Step::Index(index) => format!("[{index}]"),
                Step::Element => "{element}".to_owned(),
                Step::Key(key) => format!("[key {}]", short_repr(key.bind(py))),
                Step::Value(key) => format!("[{}]", short_repr(key.bind(py))),
            })
            .collect()
    }

    /// Position inside the value as a tuple of indices and keys: `(2, "lr")`.
    pub(crate) fn location<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let steps = self.steps.iter().rev().map(|step| match step {
            Step::Index(index) => Ok(index.into_pyobject(py)?.into_any()),
            Step::Element => Ok(PyString::new(py, "element").into_any()),
            Step::Key(key) | Step::Value(key) => Ok(key.bind(py).clone()),
        });
        PyTuple::new(py, steps.collect::<PyResult<Vec<_>>>()?)
    }

    /// The error as Python raises it, knowing the place inside the value, and what was raised before.
    pub(crate) fn raise(self, py: Python<'_>, error: PyErr) -> PyErr {
        let located = self.location(py).and_then(|location| error.value(py).setattr(intern!(py, "loc"), location));
        if let Some(cause) = self.cause {
            error.set_cause(py, Some(cause));
        }
        match located {
            Ok(()) => error,
            Err(failed) => failed,
        }
    }

    /// The sentence after the place: expected, given, and the reason if there is one.
    pub(crate) fn explanation(&self) -> String {
        let because = self.because.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        format!("expected {}, got {}{because}", self.expected, self.given)
    }
}

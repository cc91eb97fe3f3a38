//! Every Python exception of this package is made here, and only here.

use pyo3::exceptions::{
    PyAttributeError, PyException, PyFileNotFoundError, PyKeyError, PyModuleNotFoundError, PyRuntimeError, PyTypeError,
    PyValueError,
};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyTuple, PyType};

/// The exception classes, built once: the macro of `PyO3` cannot give a class several bases.
struct Classes {
    base: Py<PyType>,
    validation: Py<PyType>,
    attribute_validation: Py<PyType>,
    sealed: Py<PyType>,
    load: Py<PyType>,
    /// Errors of loading that are also what `dict`, `getattr`, `import` and `open` raise.
    load_kinds: [Py<PyType>; 4],
    workspace: Py<PyType>,
    claim_lost: Py<PyType>,
}

static CLASSES: PyOnceLock<Classes> = PyOnceLock::new();

fn class(py: Python<'_>, name: &str, bases: &[&Bound<'_, PyType>], doc: &str) -> PyResult<Py<PyType>> {
    let namespace = PyDict::new(py);
    namespace.set_item("__module__", "experimaestro.exceptions")?;
    namespace.set_item("__doc__", doc)?;
    let made = py.get_type::<PyType>().call1((name, PyTuple::new(py, bases)?, namespace))?;
    Ok(made.cast_into::<PyType>()?.unbind())
}

/// The kinds of `LoadError` that code written for plain Python errors may wish to catch.
fn load_kinds(py: Python<'_>, load: &Bound<'_, PyType>) -> PyResult<[Py<PyType>; 4]> {
    let kind = |name: &str, other: Bound<'_, PyType>, doc: &str| -> PyResult<Py<PyType>> {
        let made = class(py, name, &[load, &other], doc)?;
        // `KeyError` would show the representation of its message.
        made.bind(py).setattr("__str__", py.get_type::<PyException>().getattr("__str__")?)?;
        Ok(made)
    };
    Ok([
        kind(
            "UnknownFieldError",
            py.get_type::<PyKeyError>(),
            "A stored object has a field that its class does not have.",
        )?,
        kind(
            "MissingClassError",
            py.get_type::<PyAttributeError>(),
            "The module of a stored object has no such class.",
        )?,
        kind(
            "MissingModuleError",
            py.get_type::<PyModuleNotFoundError>(),
            "The module of a stored object cannot be imported.",
        )?,
        kind("MissingFileError", py.get_type::<PyFileNotFoundError>(), "There is no stored file in this folder.")?,
    ])
}

fn classes(py: Python<'_>) -> PyResult<&Classes> {
    CLASSES.get_or_try_init(py, || {
        let (type_error, value_error) = (py.get_type::<PyTypeError>(), py.get_type::<PyValueError>());
        let (attribute_error, runtime_error) = (py.get_type::<PyAttributeError>(), py.get_type::<PyRuntimeError>());
        let base = class(
            py,
            "ExperimaestroError",
            &[&py.get_type::<PyException>()],
            "Base class of every error that this package raises on purpose.",
        )?;
        let parent = base.bind(py);
        let validation =
            class(py, "ValidationError", &[parent, &type_error, &value_error], "A value does not fit its parameter.")?;
        // One entry in the form that users of validators know: place inside the value, message, kind.
        let errors = py.eval(
            c"lambda self: [{'loc': getattr(self, 'loc', ()), 'msg': str(self), 'type': 'type_error'}]",
            None,
            None,
        )?;
        validation.bind(py).setattr("errors", errors)?;
        let attribute_validation = class(
            py,
            "AttributeValidationError",
            &[validation.bind(py), &attribute_error],
            "None for a required parameter, or a value object where a configuration is expected.",
        )?;
        let load = class(
            py,
            "LoadError",
            &[parent, &runtime_error],
            "A stored file cannot be read: damaged, of a newer version, or its class is gone.",
        )?;
        Ok(Classes {
            load_kinds: load_kinds(py, load.bind(py))?,
            load,
            sealed: class(
                py,
                "SealedError",
                &[parent, &attribute_error],
                "A sealed configuration, a constant or a generated value was to be changed.",
            )?,
            workspace: class(
                py,
                "WorkspaceError",
                &[parent, &runtime_error],
                "A workspace cannot be used: missing, not writable, of another scheme.",
            )?,
            claim_lost: class(
                py,
                "ClaimLost",
                &[parent, &runtime_error],
                "This attempt of a job is no longer ours: somebody else took over, or it was already done.",
            )?,
            base,
            validation,
            attribute_validation,
        })
    })
}

fn raise(py: Python<'_>, pick: impl Fn(&Classes) -> &Py<PyType>, message: impl Into<String>) -> PyErr {
    match classes(py) {
        Ok(classes) => PyErr::from_type(pick(classes).bind(py).clone(), (message.into(),)),
        Err(error) => error,
    }
}

/// `ExperimaestroError`.
pub(crate) fn error(py: Python<'_>, message: impl Into<String>) -> PyErr {
    raise(py, |classes| &classes.base, message)
}

/// `ValidationError`: also a `TypeError` and a `ValueError`.
pub(crate) fn validation(py: Python<'_>, message: impl Into<String>) -> PyErr {
    raise(py, |classes| &classes.validation, message)
}

/// `AttributeValidationError`: a `ValidationError` that is an `AttributeError` too.
pub(crate) fn attribute_validation(py: Python<'_>, message: impl Into<String>) -> PyErr {
    raise(py, |classes| &classes.attribute_validation, message)
}

/// `SealedError`.
pub(crate) fn sealed(py: Python<'_>, message: impl Into<String>) -> PyErr {
    raise(py, |classes| &classes.sealed, message)
}

/// `LoadError`.
pub(crate) fn load(py: Python<'_>, message: impl Into<String>) -> PyErr {
    raise(py, |classes| &classes.load, message)
}

/// `UnknownFieldError`: a `LoadError` that is a `KeyError` too.
pub(crate) fn unknown_field(py: Python<'_>, message: impl Into<String>) -> PyErr {
    raise(py, |classes| &classes.load_kinds[0], message)
}

/// A `LoadError` with the place where it happened in front; any other error as it is.
pub(crate) fn loading(py: Python<'_>, error: PyErr, place: impl FnOnce() -> String) -> PyErr {
    let Ok(all) = classes(py) else { return error };
    if !error.is_instance(py, all.load.bind(py)) {
        return error;
    }
    let placed = PyErr::from_type(error.get_type(py), (format!("{}: {}", place(), error.value(py)),));
    placed.set_cause(py, error.cause(py));
    placed
}

/// `WorkspaceError`.
pub(crate) fn workspace(py: Python<'_>, message: impl Into<String>) -> PyErr {
    raise(py, |classes| &classes.workspace, message)
}

/// `ClaimLost`.
pub(crate) fn claim_lost(py: Python<'_>, message: impl Into<String>) -> PyErr {
    raise(py, |classes| &classes.claim_lost, message)
}

/// Add the classes to the module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    let all = classes(py)?;
    for class in
        [&all.base, &all.validation, &all.attribute_validation, &all.sealed, &all.load, &all.workspace, &all.claim_lost]
    {
        let class = class.bind(py);
        module.add(class.name()?, class)?;
    }
    for class in &all.load_kinds {
        let class = class.bind(py);
        module.add(class.name()?, class)?;
    }
    Ok(())
}

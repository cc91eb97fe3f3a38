//! The base of every generated configuration class: attribute access that validates.

use pyo3::exceptions::PyAttributeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyType};

use super::assign;
use super::deprecation;
use super::provenance::Site;
use super::schema::Schema;
use super::state::ConfigState;
use crate::errors;

/// Base of configuration classes. It has no data of its own, so that users may mix in any class.
#[pyclass(frozen, subclass, module = "experimaestro._core")]
pub struct ConfigBase;

/// Whether the object is a configuration (not a value, not a class).
pub(crate) fn is_configuration(value: &Bound<'_, PyAny>) -> bool {
    value.is_instance_of::<ConfigBase>()
}

/// Set an attribute as `object` would, without validation.
pub(crate) fn set_raw(object: &Bound<'_, PyAny>, name: &Bound<'_, PyString>, value: &Bound<'_, PyAny>) -> PyResult<()> {
    // SAFETY: three live objects and the GIL.
    let result = unsafe { ffi::PyObject_GenericSetAttr(object.as_ptr(), name.as_ptr(), value.as_ptr()) };
    if result == 0 { Ok(()) } else { Err(PyErr::fetch(object.py())) }
}

/// Delete an attribute as `object` would.
pub(crate) fn delete_raw(object: &Bound<'_, PyAny>, name: &Bound<'_, PyString>) -> PyResult<()> {
    // SAFETY: two live objects and the GIL; a null value deletes.
    let result = unsafe { ffi::PyObject_GenericSetAttr(object.as_ptr(), name.as_ptr(), std::ptr::null_mut()) };
    if result == 0 { Ok(()) } else { Err(PyErr::fetch(object.py())) }
}

#[pymethods]
impl ConfigBase {
    fn __setattr__(slf: &Bound<'_, Self>, name: &Bound<'_, PyString>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let object = slf.as_any();
        let state = ConfigState::of_configuration(object)?;
        let schema = state.get().schema.bind(slf.py()).clone();
        match schema.get().position(name)? {
            Some(position) => assign::assign(object, &state, position, value, Site::of_caller(slf.py())),
            None if deprecation::discards(object, state.get(), name)? => Ok(()),
            None => set_raw(object, name, value),
        }
    }

    fn __delattr__(slf: &Bound<'_, Self>, name: &Bound<'_, PyString>) -> PyResult<()> {
        let py = slf.py();
        let state = ConfigState::of_configuration(slf.as_any())?;
        if state.get().schema.get().position(name)?.is_some() || name.to_str()? == "__xpm_state__" {
            return Err(errors::sealed(
                py,
                format!("parameter '{name}' cannot be deleted; assign another value instead"),
            ));
        }
        delete_raw(slf.as_any(), name)
    }
}

/// Stands on the configuration class under the name of each parameter: reached only while the parameter is not set.
#[pyclass(frozen, module = "experimaestro._core")]
pub struct UnsetParameter {
    name: Py<PyString>,
}

#[pymethods]
impl UnsetParameter {
    #[new]
    fn new(name: Py<PyString>) -> Self {
        Self { name }
    }

    fn __get__<'py>(
        slf: &Bound<'py, Self>,
        instance: Option<&Bound<'py, PyAny>>,
        _owner: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let Some(instance) = instance else { return Ok(slf.as_any().clone()) };
        let state = ConfigState::of_configuration(instance)?;
        let name = &slf.get().name;
        let made = state.get().lock().site.as_ref().map(|site| site.clone_ref(slf.py()));
        let place = made.map(|site| format!(" (made at {})", site.resolve(slf.py()))).unwrap_or_default();
        Err(PyAttributeError::new_err(format!(
            "parameter '{name}' of {}{place} is not set",
            state.get().schema.get().type_id
        )))
    }
}

/// `A.C`, `A.XPMValue`, `A.__xpmtype__`: what the schema of the class says, compiled at first use.
#[pyclass(frozen, module = "experimaestro._core")]
pub struct ClassAttribute {
    which: Which,
}

enum Which {
    Config,
    Value,
    Type,
}

#[pymethods]
impl ClassAttribute {
    #[new]
    fn new(which: &str) -> PyResult<Self> {
        let which = match which {
            "config" => Which::Config,
            "value" => Which::Value,
            "type" => Which::Type,
            other => return Err(pyo3::exceptions::PyValueError::new_err(format!("unknown class attribute {other:?}"))),
        };
        Ok(Self { which })
    }

    fn __get__<'py>(
        &self,
        instance: Option<&Bound<'py, PyAny>>,
        owner: Option<&Bound<'py, PyType>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let class = match (owner, instance) {
            (Some(owner), _) => owner.clone(),
            (None, Some(instance)) => instance.get_type(),
            (None, None) => return Err(PyAttributeError::new_err("no class")),
        };
        let py = class.py();
        let schema = Schema::of_class(&class)?;
        let it = schema.get();
        Ok(match self.which {
            Which::Config => it.config_class.bind(py).clone().into_any(),
            Which::Value => it.making().class.bind(py).clone().into_any(),
            Which::Type => it.object_type.bind(py).clone(),
        })
    }
}

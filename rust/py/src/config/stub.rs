//! `TaskStub`: stands for a linked task of which only the identity is known.

use pyo3::prelude::*;
use pyo3::types::{PyString, PyType};

use super::base::ConfigBase;
use super::document::Definition;
use super::identifier::{Identifier, bytes_of_hex};
use super::schema::Schema;
use super::state::{ConfigState, Inner};

/// A linked task that was not loaded: its identifier and the name of its class.
///
/// It walks like a configuration without parameters, so that what it is linked to keeps its identity.
#[pyclass(frozen, extends = ConfigBase, module = "experimaestro._core")]
pub struct TaskStub {
    state: Py<ConfigState>,
    identifier: String,
    typename: String,
    /// Module and qualified name of the class, where they are known apart.
    class: Option<(String, String)>,
}

impl TaskStub {
    fn make<'py>(
        py: Python<'py>,
        identifier: &str,
        typename: &str,
        type_id: &str,
        class: Option<(String, String)>,
    ) -> PyResult<Bound<'py, Self>> {
        let schema = Schema::without_parameters(&py.get_type::<Self>(), type_id);
        let mut inner = Inner::loaded();
        inner.submitted = true;
        inner.store_identifier(&bytes_of_hex(identifier)?);
        let state = Py::new(py, ConfigState::new(Py::new(py, schema)?, inner))?;
        let stub = Self { state, identifier: identifier.to_owned(), typename: typename.to_owned(), class };
        Bound::new(py, PyClassInitializer::from(ConfigBase).add_subclass(stub))
    }

    /// Module and qualified name of the class.
    pub(crate) fn class_name(&self) -> (&str, &str) {
        match &self.class {
            Some((module, name)) => (module, name),
            None => self.typename.rsplit_once('.').unwrap_or(("", &self.typename)),
        }
    }

    /// The stub of an object in a file.
    pub(crate) fn of<'py>(py: Python<'py>, definition: &Definition<'_>) -> PyResult<Bound<'py, Self>> {
        let name = definition.name();
        let type_id = definition.type_id.map_or_else(|| name.to_lowercase(), ToOwned::to_owned);
        let class = (definition.module.to_owned(), definition.class.to_owned());
        Self::make(py, definition.identifier.unwrap_or_default(), &name, &type_id, Some(class))
            .map_err(|error| crate::errors::load(py, format!("{}: {error}", definition.describe())))
    }
}

#[pymethods]
impl TaskStub {
    #[new]
    fn new<'py>(py: Python<'py>, identifier: &str, typename: &str) -> PyResult<Bound<'py, Self>> {
        Self::make(py, identifier, typename, &typename.to_lowercase(), None)
    }

    /// The identifier, in hexadecimal.
    #[getter]
    fn identifier(&self) -> &str {
        &self.identifier
    }

    /// `module.Class` of the task.
    #[getter]
    pub(crate) fn typename(&self) -> &str {
        &self.typename
    }

    /// A stub has no job in this process.
    #[classattr]
    fn job() -> Option<Py<PyAny>> {
        None
    }

    #[getter(__xpm_state__)]
    fn xpm_state(&self, py: Python<'_>) -> Py<ConfigState> {
        self.state.clone_ref(py)
    }

    fn __identifier__(&self) -> PyResult<Identifier> {
        Ok(Identifier::new(&bytes_of_hex(&self.identifier)?))
    }

    fn __repr__(&self) -> String {
        format!("TaskStub({:?}, {:?})", self.identifier, self.typename)
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Self>().is_ok_and(|other| {
            let other = other.get();
            other.identifier == self.identifier && other.typename == self.typename
        })
    }

    fn __hash__(&self, py: Python<'_>) -> PyResult<isize> {
        PyString::new(py, &self.identifier).hash()
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> (Bound<'py, PyType>, (String, String)) {
        let it = slf.get();
        (slf.get_type(), (it.identifier.clone(), it.typename.clone()))
    }
}

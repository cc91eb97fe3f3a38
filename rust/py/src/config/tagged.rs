//! `tag(value)` and `stop_tags(value)`: wrappers that a parameter takes off when it is set.

use pyo3::prelude::*;

/// A value with a mark for the parameter that it is given to.
#[pyclass(frozen, module = "experimaestro._core")]
pub struct TaggedValue {
    pub(crate) value: Py<PyAny>,
    pub(crate) stops: bool,
}

#[pymethods]
impl TaggedValue {
    #[new]
    #[pyo3(signature = (value, *, stops = false))]
    fn new(value: Py<PyAny>, stops: bool) -> Self {
        Self { value, stops }
    }

    /// The value inside.
    #[getter]
    fn value(&self, py: Python<'_>) -> Py<PyAny> {
        self.value.clone_ref(py)
    }

    /// True for `stop_tags`, false for `tag`.
    #[getter]
    fn stops(&self) -> bool {
        self.stops
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let name = if self.stops { "stop_tags" } else { "tag" };
        Ok(format!("{name}({})", self.value.bind(py).repr()?))
    }
}

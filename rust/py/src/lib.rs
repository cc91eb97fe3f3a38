//! The extension module `experimaestro._core`: the only crate that knows Python.
#![warn(missing_docs)]

use pyo3::prelude::*;

#[pymodule]
mod _core {
    use super::{PyModule, PyResult, Bound};
    use pyo3::types::PyModuleMethods;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}

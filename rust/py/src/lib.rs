//! The extension module `experimaestro._core`: the only crate that knows Python.
#![warn(missing_docs)]

use pyo3::prelude::*;

mod config;
mod errors;
mod running;

#[pymodule]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    errors::register(module)?;
    config::register(module)?;
    running::register(module)
}

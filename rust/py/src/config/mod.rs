//! Configurations: classes compiled to schemas, validation, state, identifiers, serialization.

pub(crate) mod assign;
pub(crate) mod base;
pub(crate) mod children;
pub(crate) mod coerce;
pub(crate) mod construct;
pub(crate) mod lifecycle;
pub(crate) mod mismatch;
pub(crate) mod provenance;
pub(crate) mod schema;
pub(crate) mod state;
pub(crate) mod tagged;
pub(crate) mod types;

use pyo3::prelude::*;

/// Add the classes and functions of this room to the module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<base::ConfigBase>()?;
    module.add_class::<base::UnsetParameter>()?;
    module.add_class::<schema::Schema>()?;
    module.add_class::<state::ConfigState>()?;
    module.add_class::<tagged::TaggedValue>()?;
    module.add_function(wrap_pyfunction!(construct::new_object, module)?)?;
    module.add_function(wrap_pyfunction!(construct::construct, module)?)?;
    module.add_function(wrap_pyfunction!(construct::state_of, module)?)?;
    module.add_function(wrap_pyfunction!(lifecycle::validate, module)?)?;
    module.add_function(wrap_pyfunction!(lifecycle::seal, module)?)?;
    module.add_function(wrap_pyfunction!(lifecycle::task_dependencies, module)?)?;
    module.add_function(wrap_pyfunction!(lifecycle::mark_output, module)?)?;
    Ok(())
}

//! Configurations: classes compiled to schemas, validation, state, identifiers, serialization.

pub(crate) mod ancestors;
pub(crate) mod assign;
pub(crate) mod base;
pub(crate) mod canonical;
pub(crate) mod children;
pub(crate) mod class_name;
pub(crate) mod coerce;
pub(crate) mod construct;
pub(crate) mod containers;
pub(crate) mod copy;
pub(crate) mod deprecation;
pub(crate) mod document;
pub(crate) mod hash;
pub(crate) mod identifier;
pub(crate) mod identity;
pub(crate) mod instance;
pub(crate) mod json;
pub(crate) mod legacy;
pub(crate) mod lifecycle;
pub(crate) mod load;
pub(crate) mod mismatch;
pub(crate) mod placed;
pub(crate) mod plan;
pub(crate) mod provenance;
pub(crate) mod reach;
pub(crate) mod restore;
pub(crate) mod schema;
pub(crate) mod serialize;
pub(crate) mod short;
pub(crate) mod sources;
pub(crate) mod state;
pub(crate) mod stored;
pub(crate) mod stub;
pub(crate) mod tagged;
pub(crate) mod tags;
pub(crate) mod types;
pub(crate) mod ways;

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
    module.add_class::<base::ClassAttribute>()?;
    module.add_class::<identifier::Identifier>()?;
    module.add_function(wrap_pyfunction!(identifier::identifier, module)?)?;
    module.add_function(wrap_pyfunction!(legacy::use_scheme, module)?)?;
    module.add_function(wrap_pyfunction!(legacy::legacy_identifier, module)?)?;
    module.add_function(wrap_pyfunction!(identifier::partial_identifier, module)?)?;
    module.add_function(wrap_pyfunction!(identity::identity_json, module)?)?;
    module.add_function(wrap_pyfunction!(sources::sources_json, module)?)?;
    module.add_function(wrap_pyfunction!(short::short_text, module)?)?;
    module.add_function(wrap_pyfunction!(types::coerce_value, module)?)?;
    module.add_function(wrap_pyfunction!(tags::add_tag, module)?)?;
    module.add_function(wrap_pyfunction!(tags::tags, module)?)?;
    module.add_class::<stub::TaskStub>()?;
    module.add_function(wrap_pyfunction!(serialize::objects_json, module)?)?;
    module.add_function(wrap_pyfunction!(serialize::state_json, module)?)?;
    module.add_function(wrap_pyfunction!(ways::data_owners, module)?)?;
    module.add_function(wrap_pyfunction!(ways::configurations_in, module)?)?;
    module.add_class::<ancestors::Ancestors>()?;
    module.add_class::<load::ancestor_file::AncestorFile>()?;
    module.add_function(wrap_pyfunction!(construct::new_value, module)?)?;
    module.add_function(wrap_pyfunction!(serialize::params_json, module)?)?;
    module.add_function(wrap_pyfunction!(load::load_objects, module)?)?;
    module.add_function(wrap_pyfunction!(instance::build_instance, module)?)?;
    for function in [
        wrap_pyfunction!(copy::copy_changed, module)?,
        wrap_pyfunction!(copy::set_unchecked, module)?,
        wrap_pyfunction!(copy::reachable_configurations, module)?,
        wrap_pyfunction!(copy::empty_copy, module)?,
        wrap_pyfunction!(copy::export_state, module)?,
        wrap_pyfunction!(copy::export_tasks, module)?,
        wrap_pyfunction!(copy::import_state, module)?,
        wrap_pyfunction!(copy::import_tasks, module)?,
    ] {
        module.add_function(function)?;
    }
    Ok(())
}

//! How a stored object names its class, so that another process finds it.

use std::fmt::Write as _;

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyType;

use super::hash;
use super::identifier;
use super::json::{Writer, importable};
use super::schema::Schema;
use super::state::ConfigState;

/// Members of a JSON object, each after a comma.
pub(super) fn write_class(writer: &mut Writer<'_>, schema: &Schema, py: Python<'_>) -> PyResult<()> {
    if let Some(text) = schema.class_text.get() {
        writer.raw(text);
        return Ok(());
    }
    let text = class_text(schema.class.bind(py))?;
    writer.raw(schema.class_text.get_or_init(|| text));
    Ok(())
}

fn class_text(class: &Bound<'_, PyType>) -> PyResult<String> {
    let module = importable(class.py(), class.module()?.to_str()?)?;
    let name = class.qualname()?;
    let name = name.to_str()?;
    let mut text = String::new();
    let mut member = |key: &str, value: &str| {
        // Writing to a string cannot fail.
        let _ = write!(text, ",\"{key}\":{}", serde_json::Value::from(value));
    };
    member("module", &module);
    member("type", name);
    member("typename", &format!("{module}.{name}"));
    if let Some(file) = script_of(class.py(), &module)? {
        member("file", &file);
    }
    Ok(text)
}

/// The source of a module that is in no package: a job may need it to find the class.
fn script_of(py: Python<'_>, module: &str) -> PyResult<Option<String>> {
    let Ok(module) = py.import(intern!(py, "sys"))?.getattr(intern!(py, "modules"))?.get_item(module) else {
        return Ok(None);
    };
    let package: Option<String> = module.getattr_opt(intern!(py, "__package__"))?.and_then(|p| p.extract().ok());
    if package.is_some_and(|package| !package.is_empty()) {
        return Ok(None);
    }
    let Some(file) = module.getattr_opt(intern!(py, "__file__"))?.filter(|file| !file.is_none()) else {
        return Ok(None);
    };
    let absolute = py.import(intern!(py, "os.path"))?.call_method1(intern!(py, "abspath"), (file,))?;
    Ok(Some(absolute.extract()?))
}

/// Of a submitted task that is elsewhere: its class, so that an object can stand for it unread, and its job for people.
pub(super) fn write_task_of_reference(writer: &mut Writer<'_>, config: &Bound<'_, PyAny>) -> PyResult<()> {
    let state = ConfigState::of_configuration(config)?;
    let state = state.get();
    let schema = state.schema.get();
    if !state.is_submitted_task() {
        return Ok(());
    }
    let identifier = match state.stored_legacy() {
        Some(stored) => identifier::hex_of_bytes(&stored.identity.full),
        None => hash::hex(&hash::digest(config)?),
    };
    writer.key("task", false);
    writer.raw("{\"job\":");
    writer.string(&format!("{}/{identifier}", schema.type_id));
    write_class(writer, schema, config.py())?;
    writer.raw("}");
    Ok(())
}

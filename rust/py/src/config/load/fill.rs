//! The values of stored objects.

use jiter::JsonValue;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyString;

use super::Mode;
use super::make::Stored;
use crate::config::assign;
use crate::config::base::set_raw;
use crate::config::document::Definition;
use crate::config::restore;
use crate::config::schema::{Argument, Default, copy_default};
use crate::config::state::ConfigState;
use crate::config::stored::{Reading, text};
use crate::errors;

/// What an object of this mode holds for a parameter that the file does not know: the class is newer than the file.
fn missing<'py>(object: &Bound<'py, PyAny>, argument: &Argument, mode: Mode) -> PyResult<Option<Bound<'py, PyAny>>> {
    let py = object.py();
    match &argument.default {
        Default::Shared(value) => Ok(Some(value.bind(py).clone())),
        Default::Copied(value) => {
            let value = copy_default(value.bind(py))?;
            if mode == Mode::Configuration || !argument.holds_configurations {
                return Ok(Some(value));
            }
            let module = py.import(intern!(py, "experimaestro._config.loading"))?;
            module.call_method1(intern!(py, "default_as_instance"), (value,)).map(Some)
        }
        Default::Required => Ok(None),
        Default::Generated => {
            let Some(generator) = &argument.generator else { return Ok(None) };
            let module = py.import(intern!(py, "experimaestro._config.loading"))?;
            let value = module.call_method1(intern!(py, "generated_default"), (generator, object))?;
            Ok((!value.is(py.NotImplemented())).then_some(value))
        }
    }
}

fn set<'py>(
    object: &Bound<'py, PyAny>,
    name: &Bound<'py, PyString>,
    value: &Bound<'py, PyAny>,
    mode: Mode,
) -> PyResult<()> {
    match mode {
        Mode::Instance => object.setattr(name, value),
        Mode::Configuration => set_raw(object, name, value),
    }
}

/// Give an object the values of its fields.
pub(super) fn fill<'py>(stored: &Stored<'_, 'py>, reading: &Reading<'_, 'py>, mode: Mode) -> PyResult<()> {
    let object = &stored.object;
    let py = object.py();
    let schema = stored.schema.get();
    let Some(fields) = stored.definition.fields else { return Ok(()) };
    let placed = |name: &str, error: PyErr| {
        errors::loading(py, error, || format!("field '{name}' of {}", stored.definition.describe()))
    };
    // Written in the order of the schema: the next field is nearly always the next one in the file.
    let mut expected = 0;
    let mut used = 0;
    let mut explicit = Vec::new();
    let mut bound = None;
    for (position, argument) in schema.arguments.iter().enumerate() {
        let found = match fields.get(expected) {
            Some((key, value)) if *key == argument.text => Some((expected, value)),
            _ => fields.iter().position(|(key, _)| *key == argument.text).map(|index| (index, &fields[index].1)),
        };
        let name = argument.name.bind(py);
        let Some((index, json)) = found else {
            if let Some(value) = missing(object, argument, mode)? {
                set(object, name, &value, mode)?;
            }
            continue;
        };
        expected = index + 1;
        used += 1;
        let decoded = reading.decode(json).map_err(|error| placed(&argument.text, error))?;
        let value = match mode {
            Mode::Configuration => {
                explicit.push(position);
                let value = assign::checked(schema, position, &decoded, None)?;
                assign::bind_variables(schema, position, &value, &mut bound, None)?;
                value
            }
            Mode::Instance if restore::is_needed(&argument.spec, json) => restore::restore(&argument.spec, decoded)?,
            Mode::Instance => decoded,
        };
        set(object, name, &value, mode)?;
    }
    if mode == Mode::Configuration {
        let state = ConfigState::of_configuration(object)?;
        let mut inner = state.get().lock();
        for position in explicit {
            inner.set_explicit(position);
        }
        if bound.is_some() {
            inner.rare().type_variables = bound;
        }
    }
    if used < fields.len() {
        for (key, json) in fields.iter().filter(|(key, _)| !schema.arguments.iter().any(|a| a.text == *key)) {
            let value = reading.decode(json).map_err(|error| placed(key, error))?;
            fill_other(stored, key, json, &value, mode)?;
        }
    }
    Ok(())
}

/// A field that is no parameter: a file that `__xpm_serialize__` added, or the former name of a parameter.
fn fill_other<'py>(
    stored: &Stored<'_, 'py>,
    key: &str,
    json: &JsonValue<'_>,
    value: &Bound<'py, PyAny>,
    mode: Mode,
) -> PyResult<()> {
    let object = &stored.object;
    let py = object.py();
    let name = PyString::new(py, key);
    if text(json, "type") == Some("path.serialized") {
        return set(object, &name, value, mode);
    }
    let schema = stored.schema.get();
    let object_type = schema.object_type.bind(py);
    if !object_type.call_method1(intern!(py, "is_deprecated_attribute"), (&name,))?.extract::<bool>()? {
        return Err(errors::unknown_field(
            py,
            format!(
                "class {} has no parameter '{key}', which the stored object has: the class has changed",
                schema.type_id
            ),
        ));
    }
    if mode == Mode::Instance {
        return object.setattr(name, value);
    }
    let state = ConfigState::of_configuration(object)?;
    state.get().lock().sealed = false;
    let done = object.setattr(name, value);
    state.get().lock().sealed = true;
    done
}

pub(super) fn identify(object: &Bound<'_, PyAny>, definition: &Definition<'_>) -> PyResult<()> {
    let py = object.py();
    if let Some(identifier) = definition.identifier {
        object.setattr(intern!(py, "__xpmidentifier__"), identifier)?;
    }
    if let Some(typename) = definition.typename {
        object.setattr(intern!(py, "__xpmtypename__"), typename)?;
    }
    Ok(())
}

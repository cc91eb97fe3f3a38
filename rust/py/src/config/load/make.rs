//! Stored objects before they have values.

use std::collections::HashMap;

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyType;

use super::{Mode, Table};
use crate::config::base::set_raw;
use crate::config::construct::{allocate, initialise, make_value};
use crate::config::document::Definition;
use crate::config::identifier::bytes_of_hex;
use crate::config::schema::Schema;
use crate::config::state::{ConfigState, Inner};
use crate::config::stub::TaskStub;
use crate::errors;

/// Schemas of the classes in a file; each class is looked up once.
struct Classes<'a, 'py> {
    resolver: &'a Bound<'py, PyAny>,
    known: Vec<(&'a str, &'a str, Bound<'py, Schema>)>,
    by_name: HashMap<(&'a str, &'a str), usize>,
}

impl<'a, 'py> Classes<'a, 'py> {
    fn of(&mut self, definition: &Definition<'a>) -> PyResult<Bound<'py, Schema>> {
        let key = (definition.module, definition.class);
        // The last one again, most often.
        if let Some((module, name, schema)) = self.known.last()
            && (*module, *name) == key
        {
            return Ok(schema.clone());
        }
        if let Some(index) = self.by_name.get(&key) {
            return Ok(self.known[*index].2.clone());
        }
        let schema = schema_of(self.resolver, definition)?;
        self.by_name.insert(key, self.known.len());
        self.known.push((definition.module, definition.class, schema.clone()));
        Ok(schema)
    }
}

/// The schema of the class that a definition names.
pub(super) fn schema_of<'py>(
    resolver: &Bound<'py, PyAny>,
    definition: &Definition<'_>,
) -> PyResult<Bound<'py, Schema>> {
    let py = resolver.py();
    let class = resolver.call1((definition.module, definition.class, definition.file))?;
    let class =
        class.cast_into::<PyType>().map_err(|_| errors::load(py, format!("{} is not a class", definition.name())))?;
    if !class.hasattr(intern!(py, "__xpm_compile__"))? {
        return Err(errors::load(py, format!("{} is no configuration class", definition.name())));
    }
    Schema::of_class(&class)
}

/// An object of the file that is to be filled.
pub(super) struct Stored<'a, 'py> {
    pub(super) definition: &'a Definition<'a>,
    pub(super) object: Bound<'py, PyAny>,
    pub(super) schema: Bound<'py, Schema>,
}

/// A configuration that is still without values.
fn make_configuration<'py>(schema: &Bound<'py, Schema>, definition: &Definition<'_>) -> PyResult<Bound<'py, PyAny>> {
    let py = schema.py();
    let object = allocate(schema.get().config_class.bind(py))?;
    let mut inner = Inner::loaded();
    inner.meta = definition.meta;
    if let Some(identifier) = definition.identifier {
        let bytes = bytes_of_hex(identifier)
            .map_err(|error| errors::load(py, format!("{}: {error}", definition.describe())))?;
        inner.store_identifier(&bytes);
    }
    let state = Bound::new(py, ConfigState::new(schema.clone().unbind(), inner))?;
    set_raw(&object, intern!(py, "__xpm_state__"), state.as_any())?;
    Ok(object)
}

/// Make the needed objects, without their values: those that hold others first. What is made already, and needed all
/// the same, is initialised.
pub(super) fn make_all<'a, 'py>(
    resolver: &'a Bound<'py, PyAny>,
    table: &mut Table<'a, 'py>,
    needed: &[bool],
    mode: Mode,
    stubs: &mut HashMap<i64, Bound<'py, PyAny>>,
) -> PyResult<Vec<Stored<'a, 'py>>> {
    let py = resolver.py();
    let document = table.document;
    let mut classes = Classes { resolver, known: Vec::new(), by_name: HashMap::new() };
    let mut stored = Vec::with_capacity(document.definitions.len());
    // Classes in the order of the file, so that modules are imported in that order.
    let mut schemas = Vec::with_capacity(document.definitions.len());
    for (definition, needed) in document.definitions.iter().zip(needed) {
        schemas.push(if *needed && !definition.stub { Some(classes.of(definition)?) } else { None });
    }
    for (position, definition) in document.definitions.iter().enumerate().rev() {
        if needed[position] && definition.stub && mode == Mode::Configuration {
            let stub = TaskStub::of(py, definition)?.into_any();
            stubs.insert(definition.id, stub.clone());
            table.made.get_mut()[position] = Some(stub);
        }
        let Some(schema) = schemas[position].take() else { continue };
        let object = match (table.made.get_mut()[position].take(), mode) {
            // It stood for itself until now.
            (Some(object), _) => {
                initialise(schema.get(), &object)?;
                object
            }
            (None, Mode::Instance) => make_value(schema.get(), py)?,
            (None, Mode::Configuration) => make_configuration(&schema, definition)?,
        };
        table.made.get_mut()[position] = Some(object.clone());
        stored.push(Stored { definition, object, schema });
    }
    stored.reverse();
    Ok(stored)
}

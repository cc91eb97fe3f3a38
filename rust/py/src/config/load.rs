//! From a stored `params.json` to the objects of a job.

use std::collections::HashMap;

use jiter::JsonValue;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use super::construct::make_value;
use super::json::Bases;
use super::schema::{Argument, Default, Schema, copy_default};
use super::stored::{Objects, decode, member, number, references, text};
use super::types::TypeSpec;
use crate::errors;

/// Newest version of the format that is understood.
const NEWEST: i64 = 3;

/// Objects of a file by their number.
struct Table<'py> {
    made: HashMap<i64, Bound<'py, PyAny>>,
}

impl<'py> Objects<'py> for Table<'py> {
    fn object(&self, py: Python<'py>, number: i64) -> PyResult<Bound<'py, PyAny>> {
        self.made.get(&number).cloned().ok_or_else(|| {
            errors::load(py, format!("object {number} is used before it is defined, or not at all in the file"))
        })
    }
}

/// An object of the file that must be built.
struct Stored<'py, 'j> {
    number: i64,
    definition: &'j JsonValue<'j>,
    schema: Bound<'py, Schema>,
}

/// Numbers of the objects to build: reached from the main one through fields and init tasks, not through task links.
fn needed(definitions: &[JsonValue<'_>]) -> Vec<bool> {
    let position: HashMap<i64, usize> =
        definitions.iter().enumerate().filter_map(|(i, d)| number(d, "id").map(|id| (id, i))).collect();
    let mut wanted = vec![false; definitions.len()];
    let Some(last) = definitions.len().checked_sub(1) else { return wanted };
    let mut stack = vec![last];
    wanted[last] = true;
    while let Some(current) = stack.pop() {
        let definition = &definitions[current];
        let mut below = Vec::new();
        if let Some(fields) = member(definition, "fields") {
            match fields {
                JsonValue::Object(fields) => fields.iter().for_each(|(_, field)| references(field, &mut below)),
                other => references(other, &mut below),
            }
        }
        for list in ["init-tasks", "pre-tasks"] {
            if let Some(JsonValue::Array(tasks)) = member(definition, list) {
                below.extend(tasks.iter().filter_map(|t| if let JsonValue::Int(id) = t { Some(*id) } else { None }));
            }
        }
        for id in below {
            if let Some(&next) = position.get(&id)
                && !wanted[next]
            {
                wanted[next] = true;
                stack.push(next);
            }
        }
    }
    wanted
}

/// Schemas of the classes in a file; each class is looked up once.
struct Classes<'py, 'r> {
    resolver: &'r Bound<'py, PyAny>,
    known: HashMap<(String, String), Bound<'py, Schema>>,
}

impl<'py> Classes<'py, '_> {
    fn of(&mut self, definition: &JsonValue<'_>) -> PyResult<Bound<'py, Schema>> {
        let py = self.resolver.py();
        let module = text(definition, "module").unwrap_or_default();
        let name = text(definition, "type").unwrap_or_default();
        let key = (module.to_owned(), name.to_owned());
        if let Some(schema) = self.known.get(&key) {
            return Ok(schema.clone());
        }
        let class = self.resolver.call1((module, name, text(definition, "file")))?;
        let class = class
            .cast_into::<pyo3::types::PyType>()
            .map_err(|_| errors::load(py, format!("{module}.{name} is not a class")))?;
        let schema = Schema::of_class(&class)?;
        self.known.insert(key, schema.clone());
        Ok(schema)
    }
}

/// Whether what JSON gives for this type is not yet what the class declares.
fn needs_coercion(spec: &TypeSpec, value: &JsonValue<'_>) -> bool {
    match (spec, value) {
        (TypeSpec::Tuple(_) | TypeSpec::VariadicTuple(_), JsonValue::Array(_))
        | (TypeSpec::Float, JsonValue::Int(_) | JsonValue::BigInt(_)) => true,
        (TypeSpec::Dict(key, _), JsonValue::Object(_)) => {
            !matches!(**key, TypeSpec::Str | TypeSpec::Any) && text(value, "type").is_none()
        }
        (TypeSpec::Optional(inner), other) => needs_coercion(inner, other),
        _ => false,
    }
}

fn default_of<'py>(py: Python<'py>, argument: &Argument) -> PyResult<Option<Bound<'py, PyAny>>> {
    Ok(match &argument.default {
        Default::Shared(value) => Some(value.bind(py).clone()),
        // Configurations among the defaults of an object cannot be built here: the file has them, unless it is older.
        Default::Copied(value) => Some(copy_default(value.bind(py))?),
        Default::Required | Default::Generated => None,
    })
}

fn fill<'py>(py: Python<'py>, stored: &Stored<'py, '_>, table: &Table<'py>, bases: &Bases) -> PyResult<()> {
    let object = table.object(py, stored.number)?;
    let schema = stored.schema.get();
    let Some(JsonValue::Object(fields)) = member(stored.definition, "fields") else {
        return Err(errors::load(py, format!("object {} of class {} has no fields", stored.number, schema.type_id)));
    };
    // Written in the order of the schema: the next field is nearly always the next one in the file.
    let mut expected = 0;
    for argument in &schema.arguments {
        let name = argument.name.bind(py);
        let found = match fields.get(expected) {
            Some((key, value)) if *key == argument.text => {
                expected += 1;
                Some(value)
            }
            _ => fields.iter().find(|(key, _)| *key == argument.text).map(|(_, value)| value),
        };
        let value = match found {
            Some(value) => {
                let decoded = decode(py, value, table, bases)?;
                if needs_coercion(&argument.spec, value) {
                    super::assign::checked(schema, schema.position(name.as_any())?.unwrap_or_default(), &decoded, None)?
                } else {
                    decoded
                }
            }
            None => match default_of(py, argument)? {
                Some(value) => value,
                None => continue,
            },
        };
        object.setattr(name, value)?;
    }
    if let Some((unknown, _)) = fields.iter().find(|(key, _)| !schema.arguments.iter().any(|a| a.text == *key)) {
        return Err(errors::load(
            py,
            format!(
                "class {} has no parameter '{unknown}', which the stored object has: the class has changed",
                schema.type_id
            ),
        ));
    }
    if schema.making().has_post_init {
        object.call_method0(intern!(py, "__post_init__"))?;
    }
    Ok(())
}

fn identify(object: &Bound<'_, PyAny>, definition: &JsonValue<'_>) -> PyResult<()> {
    let py = object.py();
    let identifier = match member(definition, "identifier") {
        Some(JsonValue::Str(hex)) => Some(hex.as_ref()),
        Some(other) => text(other, "main"),
        None => None,
    };
    if let Some(identifier) = identifier {
        object.setattr(intern!(py, "__xpmidentifier__"), identifier)?;
    }
    if let Some(typename) = text(definition, "typename") {
        object.setattr(intern!(py, "__xpmtypename__"), typename)?;
    }
    Ok(())
}

/// Build the objects of a `params.json`.
///
/// `resolver(module, qualname, file or None)` gives a class. Returns `(main object, init tasks, envelope)`: the
/// envelope has `workspace`, `version` and `tags`. Objects are made parents first, completed children first.
#[pyfunction]
pub(crate) fn load_objects<'py>(
    data: &[u8],
    resolver: &Bound<'py, PyAny>,
    workspace: Option<String>,
    directory: Option<String>,
) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyList>, Bound<'py, PyDict>)> {
    let py = resolver.py();
    let file = JsonValue::parse(data, true)
        .map_err(|error| errors::load(py, format!("the file is damaged (no valid JSON): {error}")))?;
    let version = number(&file, "version").unwrap_or(0);
    if version > NEWEST {
        return Err(errors::load(
            py,
            format!(
                "the file has version {version}, and this release reads up to version {NEWEST}: upgrade experimaestro"
            ),
        ));
    }
    let Some(JsonValue::Array(definitions)) = member(&file, "objects") else {
        return Err(errors::load(py, "the file is damaged: it has no list of objects"));
    };
    if definitions.is_empty() {
        return Err(errors::load(py, "the file is damaged: its list of objects is empty"));
    }
    let bases = Bases { workspace, job: directory };
    let mut classes = Classes { resolver, known: HashMap::new() };
    let mut stored = Vec::with_capacity(definitions.len());
    for (definition, wanted) in definitions.iter().zip(needed(definitions)) {
        if wanted {
            let id =
                number(definition, "id").ok_or_else(|| errors::load(py, "the file is damaged: object without id"))?;
            stored.push(Stored { number: id, definition, schema: classes.of(definition)? });
        }
    }
    let mut table = Table { made: HashMap::with_capacity(stored.len()) };
    for object in stored.iter().rev() {
        table.made.insert(object.number, make_value(object.schema.get(), py)?);
    }
    for object in &stored {
        identify(&table.object(py, object.number)?, object.definition)?;
        fill(py, object, &table, &bases)?;
    }
    let Some(main) = stored.last() else { return Err(errors::load(py, "the file has no main object")) };
    let init_tasks = PyList::empty(py);
    for list in ["pre-tasks", "init-tasks"] {
        if let Some(JsonValue::Array(tasks)) = member(main.definition, list) {
            for task in tasks.iter() {
                if let JsonValue::Int(id) = task {
                    init_tasks.append(table.object(py, *id)?)?;
                }
            }
        }
    }
    let envelope = PyDict::new(py);
    envelope.set_item("version", version)?;
    envelope.set_item("workspace", text(&file, "workspace"))?;
    if let Some(tags) = member(&file, "tags") {
        envelope.set_item("tags", decode(py, tags, &table, &bases)?)?;
    }
    Ok((table.object(py, main.number)?, init_tasks, envelope))
}

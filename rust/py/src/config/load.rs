//! From stored objects to Python objects: instances for a job, or configurations to work with.

use std::cell::RefCell;
use std::collections::HashMap;

use jiter::JsonValue;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyType};

use super::base::set_raw;
use super::construct::{allocate, make_value};
use super::deprecation;
use super::document::{Definition, Document, Wanted};
use super::identifier::bytes_of_hex;
use super::instance::attach_pre_task;
use super::json::Bases;
use super::restore;
use super::schema::{Argument, Conversion, Default, Schema, copy_default};
use super::state::{ConfigState, Inner};
use super::stored::{Enumerations, Objects, Reading, text};
use super::stub::TaskStub;
use crate::errors;

/// What the objects of a file become.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Objects whose methods run.
    Instance,
    /// Sealed configurations.
    Configuration,
}

/// The objects of a file that were made, by their place in it.
struct Table<'a, 'py> {
    document: &'a Document<'a>,
    made: RefCell<Vec<Option<Bound<'py, PyAny>>>>,
}

impl<'py> Objects<'py> for Table<'_, 'py> {
    fn object(&self, py: Python<'py>, number: i64) -> PyResult<Bound<'py, PyAny>> {
        let Some(position) = self.document.position(number) else {
            return Err(errors::load(py, format!("object {number} is used, and is not in the file")));
        };
        self.made.borrow()[position].clone().ok_or_else(|| {
            let name = self.document.definitions[position].describe();
            errors::load(py, format!("{name} is used as a value, and the file holds only a reference to it"))
        })
    }
}

/// Schemas of the classes in a file; each class is looked up once.
struct Classes<'a, 'py> {
    resolver: &'a Bound<'py, PyAny>,
    known: Vec<(&'a str, &'a str, Bound<'py, Schema>)>,
    by_name: HashMap<(&'a str, &'a str), usize>,
}

impl<'a, 'py> Classes<'a, 'py> {
    fn of(&mut self, definition: &Definition<'a>) -> PyResult<Bound<'py, Schema>> {
        let py = self.resolver.py();
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
        let class = self.resolver.call1((definition.module, definition.class, definition.file))?;
        let class = class
            .cast_into::<PyType>()
            .map_err(|_| errors::load(py, format!("{} is not a class", definition.name())))?;
        if !class.hasattr(intern!(py, "__xpm_compile__"))? {
            return Err(errors::load(py, format!("{} is no configuration class", definition.name())));
        }
        let schema = Schema::of_class(&class)?;
        self.by_name.insert(key, self.known.len());
        self.known.push((definition.module, definition.class, schema.clone()));
        Ok(schema)
    }
}

/// An object of the file that is to be filled.
struct Stored<'a, 'py> {
    definition: &'a Definition<'a>,
    object: Bound<'py, PyAny>,
    schema: Bound<'py, Schema>,
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
fn fill<'py>(stored: &Stored<'_, 'py>, reading: &Reading<'_, 'py>, mode: Mode) -> PyResult<()> {
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
                let value = super::assign::checked(schema, position, &decoded, None)?;
                super::assign::bind_variables(schema, position, &value, &mut bound, None)?;
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

fn identify(object: &Bound<'_, PyAny>, definition: &Definition<'_>) -> PyResult<()> {
    let py = object.py();
    if let Some(identifier) = definition.identifier {
        object.setattr(intern!(py, "__xpmidentifier__"), identifier)?;
    }
    if let Some(typename) = definition.typename {
        object.setattr(intern!(py, "__xpmtypename__"), typename)?;
    }
    Ok(())
}

/// The tasks that configurations are linked to, and their init tasks.
fn link<'a, 'py>(
    stored: &[Stored<'a, 'py>],
    table: &Table<'a, 'py>,
    stubs: &mut HashMap<i64, Bound<'py, PyAny>>,
) -> PyResult<()> {
    for Stored { definition, object, .. } in stored {
        let py = object.py();
        let made = |ids: &[i64]| -> PyResult<Vec<Py<PyAny>>> {
            ids.iter().map(|id| table.object(py, *id).map(Bound::unbind)).collect()
        };
        let (pre_tasks, init_tasks) = (made(&definition.pre_tasks)?, made(&definition.init_tasks)?);
        let task = match definition.task {
            Some(id) if id != definition.id => Some(linked_task(py, id, definition, table, stubs)?.unbind()),
            _ => None,
        };
        let state = ConfigState::of_configuration(object)?;
        let mut inner = state.get().lock();
        inner.submitted = definition.task == Some(definition.id);
        if task.is_some() || !init_tasks.is_empty() || !pre_tasks.is_empty() {
            let rare = inner.rare();
            rare.pre_tasks = pre_tasks;
            rare.task = task;
            rare.init_tasks = init_tasks;
        }
    }
    Ok(())
}

fn linked_task<'a, 'py>(
    py: Python<'py>,
    id: i64,
    definition: &Definition<'a>,
    table: &Table<'a, 'py>,
    stubs: &mut HashMap<i64, Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let Some(position) = table.document.position(id) else {
        return Err(errors::load(py, format!("{}: its task {id} is not in the file", definition.describe())));
    };
    if let Some(task) = &table.made.borrow()[position] {
        return Ok(task.clone());
    }
    if let Some(stub) = stubs.get(&id) {
        return Ok(stub.clone());
    }
    let stub = TaskStub::of(py, &table.document.definitions[position])?.into_any();
    stubs.insert(id, stub.clone());
    Ok(stub)
}

/// Pre-tasks of all objects, each once, then the init tasks of the main one: the order in which a job runs them.
fn tasks_before<'py>(
    py: Python<'py>,
    stored: &[Stored<'_, 'py>],
    table: &Table<'_, 'py>,
    mode: Mode,
) -> PyResult<Bound<'py, PyList>> {
    let tasks = PyList::empty(py);
    let mut known: Vec<i64> = Vec::new();
    let pre_tasks = stored.iter().flat_map(|it| it.definition.pre_tasks.iter().map(|id| (*id, Some(it.definition.id))));
    // Data has no main object, hence no init tasks.
    let main = table.document.definitions.last().filter(|_| table.document.data.is_none());
    let init_tasks = main.into_iter().flat_map(|it| it.init_tasks.iter().map(|id| (*id, None)));
    for (id, owner) in pre_tasks.chain(init_tasks) {
        if known.contains(&id) {
            continue;
        }
        known.push(id);
        let task = table.object(py, id)?;
        if let Some(owner) = owner.filter(|_| mode == Mode::Instance) {
            attach_pre_task(&task, &table.object(py, owner)?)?;
        }
        tasks.append(task)?;
    }
    Ok(tasks)
}

/// Build the objects of a stored file.
///
/// `resolver(module, qualname, file or None)` gives a class, `loader(SerializedPath)` the path of a saved file. Returns
/// `(result, tasks to run before it, envelope)`: the result is `data` if the file has it, else the main object; or, if
/// `every` is set, all objects by number. The envelope has `workspace`, `version` and `tags`. `partial` leaves out what
/// is reached only through links to tasks. Objects are made parents first, completed children first.
#[pyfunction]
#[pyo3(signature = (
    data, resolver, workspace = None, directory = None, *,
    as_instance = true, partial = None, every = false, loader = None
))]
#[allow(clippy::too_many_arguments)]
pub(crate) fn load_objects<'py>(
    data: &[u8],
    resolver: &Bound<'py, PyAny>,
    workspace: Option<String>,
    directory: Option<String>,
    as_instance: bool,
    partial: Option<bool>,
    every: bool,
    loader: Option<&Bound<'py, PyAny>>,
) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyList>, Bound<'py, PyDict>)> {
    let py = resolver.py();
    let file = JsonValue::parse(data, true)
        .map_err(|error| errors::load(py, format!("the file is damaged (no valid JSON): {error}")))?;
    let document = Document::parse(py, &file)?;
    let bases = Bases { workspace, job: directory };
    let mode = if as_instance { Mode::Instance } else { Mode::Configuration };
    let wanted = if every { Wanted::Every } else { Wanted::Main };
    let needed = document.needed(wanted, !partial.unwrap_or(as_instance));
    let mut table = Table { document: &document, made: RefCell::new(vec![None; document.definitions.len()]) };
    let mut stubs = HashMap::new();
    let stored = make_all(resolver, &mut table, &needed, mode, &mut stubs)?;
    let enumerations: Enumerations<'py> = RefCell::new(HashMap::new());
    if mode == Mode::Configuration {
        link(&stored, &table, &mut stubs)?;
    }
    let reading =
        |file| Reading { objects: &table, bases: &bases, resolver, loader, enumerations: &enumerations, file };
    for it in &stored {
        if mode == Mode::Instance {
            identify(&it.object, it.definition)?;
        }
        fill(it, &reading(it.definition.file), mode)?;
        if mode == Mode::Configuration
            && it.schema.get().conversion == Conversion::Replaces
            && let Some(position) = document.position(it.definition.id)
        {
            let replacement = deprecation::replacement_of_loaded(&it.object)?;
            for other in &stored {
                deprecation::redirect_tasks(
                    ConfigState::of_configuration(&other.object)?.get(),
                    &it.object,
                    &replacement,
                );
            }
            table.made.borrow_mut()[position] = Some(replacement);
        }
        if mode == Mode::Instance && it.schema.get().making().has_post_init {
            it.object.call_method0(intern!(py, "__post_init__"))?;
        }
    }
    let result = match (every, document.data, document.definitions.last()) {
        (true, ..) => {
            let all = PyDict::new(py);
            for it in &stored {
                all.set_item(it.definition.id, &it.object)?;
            }
            all.into_any()
        }
        (false, Some(data), _) => reading(None).decode(data)?,
        (false, None, Some(main)) => table.object(py, main.id)?,
        (false, None, None) => py.None().into_bound(py),
    };
    let envelope = PyDict::new(py);
    envelope.set_item("version", document.version)?;
    envelope.set_item("workspace", document.workspace)?;
    if let Some(tags) = document.tags {
        envelope.set_item("tags", reading(None).decode(tags)?)?;
    }
    Ok((result, tasks_before(py, &stored, &table, mode)?, envelope))
}

/// Make the needed objects, without their values: those that hold others first.
fn make_all<'a, 'py>(
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
        let object = match mode {
            Mode::Instance => make_value(schema.get(), py)?,
            Mode::Configuration => make_configuration(&schema, definition)?,
        };
        table.made.get_mut()[position] = Some(object.clone());
        stored.push(Stored { definition, object, schema });
    }
    stored.reverse();
    Ok(stored)
}

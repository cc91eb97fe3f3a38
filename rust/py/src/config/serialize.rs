//! `params.json`: a configuration and everything that its fields reach, in one file.

use std::collections::HashMap;

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyDictMethods, PyList, PyString};

use super::children::collect;
use super::class_name::write_class;
use super::hash;
use super::identifier;
use super::json::{Bases, Elsewhere, Writer};
use super::legacy;
use super::reach::{address, reachable};
use super::schema::Schema;
use super::state::ConfigState;
use super::stub::TaskStub;
use crate::errors;

/// Version of the format, shared with the older package.
const VERSION: u32 = 3;
/// The version of a file that holds references to objects in another one.
const VERSION_WITH_ANCESTORS: u32 = 4;

/// What is written of an object.
pub(super) enum Entry<'py> {
    /// With all its fields.
    Whole(Bound<'py, PyAny>),
    /// A linked task that only gives an output its identity: type and identifier, not its own ancestors.
    Reference(Bound<'py, PyAny>),
}

/// Objects in file order: sub-objects first, a linked task before its outputs, the roots last.
pub(super) fn entries<'py>(roots: &[Bound<'py, PyAny>]) -> PyResult<(Vec<Entry<'py>>, HashMap<usize, usize>)> {
    listed(reachable(roots)?)
}

/// These objects, and the tasks that they are linked to, in file order; each has its place in the list as number.
pub(super) fn listed(configs: Vec<Bound<'_, PyAny>>) -> PyResult<(Vec<Entry<'_>>, HashMap<usize, usize>)> {
    let mut numbers = HashMap::with_capacity(configs.len());
    for config in &configs {
        numbers.insert(config.as_ptr() as usize, usize::MAX);
    }
    let mut entries = Vec::with_capacity(configs.len());
    for config in configs {
        let task = linked_task(&config)?;
        if let Some(task) = task.filter(|task| !numbers.contains_key(&(task.as_ptr() as usize))) {
            numbers.insert(task.as_ptr() as usize, entries.len());
            entries.push(Entry::Reference(task));
        }
        numbers.insert(config.as_ptr() as usize, entries.len());
        entries.push(Entry::Whole(config));
    }
    Ok((entries, numbers))
}

fn linked_task<'py>(config: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let state = ConfigState::of_configuration(config)?;
    let inner = state.get().lock();
    let task = inner.rare.as_ref().and_then(|rare| rare.task.as_ref().map(|task| task.clone_ref(config.py())));
    Ok(task.map(|task| task.into_bound(config.py())))
}

/// Identifiers of what is written, in hexadecimal.
///
/// One walk tells those of all that an open root counts; what it does not count (`Meta`) has walks of its own.
fn identifiers(roots: &[Bound<'_, PyAny>], entries: &[Entry<'_>]) -> PyResult<Vec<String>> {
    let configs = entries.iter().map(|(Entry::Whole(config) | Entry::Reference(config))| config);
    if let Some(identifiers) = legacy::identifiers_of(roots, configs)? {
        return Ok(identifiers.iter().map(identifier::Identifier::hex).collect());
    }
    let mut known: HashMap<usize, [u8; 16]> = HashMap::new();
    for root in roots {
        if ConfigState::of_configuration(root)?.get().is_sealed() {
            continue;
        }
        hash::digest_and_keep(root)?;
        for config in reachable(std::slice::from_ref(root))? {
            let state = ConfigState::of_configuration(&config)?;
            let inner = state.get().lock();
            if let Some(digest) = inner.digest
                && inner.kept.as_ref().is_some_and(|kept| kept.is_of_last_walk())
            {
                known.insert(config.as_ptr() as usize, digest);
            }
        }
    }
    entries
        .iter()
        .map(|(Entry::Whole(config) | Entry::Reference(config))| {
            if let Some(foreign) = identifier::foreign(config)? {
                return Ok(identifier::hex_of_bytes(&foreign));
            }
            let digest = known.get(&(config.as_ptr() as usize)).copied();
            Ok(hash::hex(&digest.map_or_else(|| hash::digest(config), Ok)?))
        })
        .collect()
}

/// What is written of one object.
struct Written<'a, 'py> {
    number: usize,
    config: &'a Bound<'py, PyAny>,
    identifier: &'a str,
    /// Its files, by field: name to `SerializedPath`.
    files: Option<Bound<'py, PyDict>>,
}

fn write_object(writer: &mut Writer<'_>, it: &Written<'_, '_>) -> PyResult<()> {
    let (number, config) = (it.number, it.config);
    let py = config.py();
    let state = ConfigState::of_configuration(config)?;
    let state = state.get();
    let schema = state.schema.get();
    begin_object(writer, it, schema)?;
    let (submitted, meta, tasks) = {
        let inner = state.lock();
        let bound = |tasks: &[Py<PyAny>]| -> Vec<Bound<'_, PyAny>> {
            tasks.iter().map(|task| task.clone_ref(py).into_bound(py)).collect()
        };
        let tasks = inner.rare.as_ref().map(|rare| (bound(&rare.init_tasks), bound(&rare.pre_tasks)));
        (inner.submitted || (schema.is_task && inner.sealed), inner.meta, tasks.unwrap_or_default())
    };
    if let Some(task) = linked_task(config)? {
        write_number(writer, "task", &task);
    } else if submitted {
        writer.key("task", false);
        writer.raw(&number.to_string());
    }
    for (key, tasks) in [("init-tasks", tasks.0), ("pre-tasks", tasks.1)] {
        if !tasks.is_empty() {
            writer.key(key, false);
            write_tasks(writer, &tasks)?;
        }
    }
    if let Some(meta) = meta {
        writer.key("meta", false);
        writer.raw(if meta { "true" } else { "false" });
    }
    writer.key("fields", false);
    writer.raw("{");
    let mut first = true;
    for argument in &schema.arguments {
        let Some(value) = config.getattr_opt(argument.name.bind(py))? else { continue };
        let file = it.files.as_ref().map(|files| files.get_item(&argument.name)).transpose()?.flatten();
        writer.key(&argument.text, first);
        first = false;
        match file {
            Some(file) => write_file(writer, &file)?,
            None => {
                writer.value(&value).map_err(|error| unstorable(py, &error, &argument.text, schema))?;
            }
        }
    }
    for (name, file) in it.files.iter().flat_map(PyDictMethods::iter) {
        if schema.position(&name)?.is_none() {
            writer.key(name.cast::<PyString>()?.to_str()?, first);
            first = false;
            write_file(writer, &file)?;
        }
    }
    writer.raw("}}");
    Ok(())
}

/// Numbers of tasks that run before; references where they are elsewhere.
fn write_tasks(writer: &mut Writer<'_>, tasks: &[Bound<'_, PyAny>]) -> PyResult<()> {
    writer.raw("[");
    for (index, task) in tasks.iter().enumerate() {
        if index > 0 {
            writer.raw(",");
        }
        match writer.numbers.get(&address(task)) {
            Some(number) => writer.raw(&number.to_string()),
            None => writer.value(task)?,
        }
    }
    writer.raw("]");
    Ok(())
}

fn unstorable(py: Python<'_>, error: &PyErr, parameter: &str, schema: &Schema) -> PyErr {
    errors::validation(py, format!("parameter '{parameter}' of {}: {}", schema.type_id, error.value(py)))
}

/// A file or folder that is saved beside the definition.
fn write_file(writer: &mut Writer<'_>, file: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = file.py();
    writer.raw("{\"type\":\"path.serialized\",\"value\":");
    let path = file.getattr(intern!(py, "path"))?.call_method0(intern!(py, "as_posix"))?;
    writer.string(path.cast::<PyString>()?.to_str()?);
    let is_folder = file.getattr(intern!(py, "is_folder"))?.is_truthy()?;
    writer.raw(if is_folder { ",\"is_folder\":true}" } else { ",\"is_folder\":false}" });
    Ok(())
}

fn begin_object(writer: &mut Writer<'_>, it: &Written<'_, '_>, schema: &Schema) -> PyResult<()> {
    writer.raw("\n{\"id\":");
    writer.raw(&it.number.to_string());
    match it.config.cast::<TaskStub>() {
        Ok(stub) => write_class_of_stub(writer, stub.get()),
        Err(_) => write_class(writer, schema, it.config.py())?,
    }
    writer.key("identifier", false);
    writer.string(it.identifier);
    if let Some(place) = writer.elsewhere.get(it.config) {
        writer.raw(&format!(",\"same\":[{},{}]", place.at, place.number));
    }
    Ok(())
}

fn write_class_of_stub(writer: &mut Writer<'_>, stub: &TaskStub) {
    let (module, name) = stub.class_name();
    writer.key("module", false);
    writer.string(module);
    writer.key("type", false);
    writer.string(name);
    writer.key("typename", false);
    writer.string(stub.typename());
}

fn write_number(writer: &mut Writer<'_>, key: &str, config: &Bound<'_, PyAny>) {
    let number = writer.numbers.get(&(config.as_ptr() as usize)).copied().unwrap_or_default();
    writer.key(key, false);
    writer.raw(&number.to_string());
}

fn write_reference(writer: &mut Writer<'_>, it: &Written<'_, '_>) -> PyResult<()> {
    let state = ConfigState::of_configuration(it.config)?;
    let schema = state.get().schema.get();
    begin_object(writer, it, schema)?;
    writer.key("type-id", false);
    writer.string(&schema.type_id);
    writer.key("task", false);
    writer.raw(&it.number.to_string());
    writer.raw(",\"stub\":true,\"fields\":{}}");
    Ok(())
}

/// What an `objects` array is written from.
pub(super) struct Listing<'a, 'py> {
    pub(super) entries: &'a [Entry<'py>],
    /// The number of each object that is in the list.
    pub(super) numbers: &'a HashMap<usize, usize>,
    /// Where objects are that are not in the list, or are the same as one that is.
    pub(super) elsewhere: &'a Elsewhere,
}

/// The `objects` array.
pub(super) fn write_listing(
    roots: &[Bound<'_, PyAny>],
    listing: &Listing<'_, '_>,
    bases: &Bases,
    files: Option<&Bound<'_, PyDict>>,
) -> PyResult<Vec<u8>> {
    let &Listing { entries, numbers, elsewhere } = listing;
    let identifiers = identifiers(roots, entries)?;
    let mut writer = Writer { out: Vec::with_capacity(512 * entries.len()), numbers, elsewhere, bases };
    writer.raw("[");
    for (number, (entry, identifier)) in entries.iter().zip(&identifiers).enumerate() {
        if number > 0 {
            writer.raw(",");
        }
        let (Entry::Whole(config) | Entry::Reference(config)) = entry;
        let files = files.map(|files| files.get_item(address(config))).transpose()?.flatten();
        let files = files.map(Bound::cast_into::<PyDict>).transpose()?;
        let it = Written { number, config, identifier, files };
        match entry {
            Entry::Whole(_) => write_object(&mut writer, &it)?,
            Entry::Reference(_) => write_reference(&mut writer, &it)?,
        }
    }
    writer.raw("\n]");
    Ok(writer.out)
}

/// All that roots reach, as an `objects` array, and what it was written from.
pub(super) struct Objects<'py> {
    pub(super) json: Vec<u8>,
    pub(super) entries: Vec<Entry<'py>>,
    numbers: HashMap<usize, usize>,
}

pub(super) fn write_objects<'py>(
    roots: &[Bound<'py, PyAny>],
    bases: &Bases,
    files: Option<&Bound<'py, PyDict>>,
) -> PyResult<Objects<'py>> {
    let (entries, numbers) = entries(roots)?;
    let listing = Listing { entries: &entries, numbers: &numbers, elsewhere: &Elsewhere::default() };
    let json = write_listing(roots, &listing, bases, files)?;
    Ok(Objects { json, entries, numbers })
}

/// Configurations as a JSON array of objects, each main one after all that it needs.
#[pyfunction]
#[pyo3(signature = (configs, workspace = None, directory = None, files = None))]
pub(crate) fn objects_json(
    configs: &Bound<'_, PyList>,
    workspace: Option<String>,
    directory: Option<String>,
    files: Option<&Bound<'_, PyDict>>,
) -> PyResult<Vec<u8>> {
    let configs: Vec<_> = configs.iter().collect();
    Ok(write_objects(&configs, &Bases { workspace, job: directory }, files)?.json)
}

/// `{"objects": .., "data": ..}`: configurations in lists, dictionaries or alone, with all that they need.
///
/// `files` are the files of configurations: address to name of the field to `SerializedPath`.
#[pyfunction]
#[pyo3(signature = (data, workspace = None, directory = None, files = None))]
pub(crate) fn state_json(
    data: &Bound<'_, PyAny>,
    workspace: Option<String>,
    directory: Option<String>,
    files: Option<&Bound<'_, PyDict>>,
) -> PyResult<Vec<u8>> {
    let bases = Bases { workspace, job: directory };
    let mut found = Vec::new();
    collect(data, &mut Vec::new(), &mut found, 0)
        .map_err(|stopped| stopped.raise(data.py(), "what is to be stored"))?;
    let roots: Vec<_> = found.into_iter().map(|child| child.config).collect();
    let objects = write_objects(&roots, &bases, files)?;
    let elsewhere = Elsewhere::default();
    let mut writer =
        Writer { out: Vec::with_capacity(1024), numbers: &objects.numbers, elsewhere: &elsewhere, bases: &bases };
    writer.raw("{\"objects\":");
    writer.out.extend_from_slice(&objects.json);
    writer.raw(",\n\"data\":");
    writer.value(data)?;
    writer.raw("}\n");
    Ok(writer.out)
}

/// The content of a job's `params.json`, with all that the task is made of in it.
#[pyfunction]
pub(crate) fn params_json(
    config: &Bound<'_, PyAny>,
    workspace: String,
    directory: String,
    tags: &Bound<'_, PyAny>,
) -> PyResult<Vec<u8>> {
    let bases = Bases { workspace: Some(workspace), job: Some(directory) };
    let objects = write_objects(std::slice::from_ref(config), &bases, None)?;
    envelope(&bases, tags, None, &objects.json)
}

/// A `params.json` around its objects. `ancestors` is the file, from the job folder, that holds what others refer to.
pub(super) fn envelope(
    bases: &Bases,
    tags: &Bound<'_, PyAny>,
    ancestors: Option<&str>,
    objects: &[u8],
) -> PyResult<Vec<u8>> {
    let (numbers, elsewhere) = (HashMap::new(), Elsewhere::default());
    let out = Vec::with_capacity(objects.len() + 256);
    let mut writer = Writer { out, numbers: &numbers, elsewhere: &elsewhere, bases };
    writer.raw("{\"workspace\":");
    writer.string(bases.workspace.as_deref().unwrap_or_default());
    let version = if ancestors.is_some() { VERSION_WITH_ANCESTORS } else { VERSION };
    writer.raw(&format!(",\"version\":{version},\"experimaestro\":"));
    writer.string(env!("CARGO_PKG_VERSION"));
    if let Some(file) = ancestors {
        writer.key("ancestors", false);
        writer.string(file);
    }
    writer.key("tags", false);
    writer.value(tags)?;
    writer.key("objects", false);
    writer.out.extend_from_slice(objects);
    writer.out.extend_from_slice(b"}\n");
    Ok(writer.out)
}

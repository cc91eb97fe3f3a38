//! `params.json`: a configuration and everything that its fields reach, in one file.

use std::collections::HashMap;

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyType};

use super::hash;
use super::json::{Bases, Writer};
use super::lifecycle::reachable;
use super::schema::Schema;
use super::state::ConfigState;

/// Version of the format, shared with the older package.
const VERSION: u32 = 3;

/// What is written of an object.
enum Entry<'py> {
    /// With all its fields.
    Whole(Bound<'py, PyAny>),
    /// A linked task that only gives an output its identity: type and identifier, not its own ancestors.
    Reference(Bound<'py, PyAny>),
}

/// Objects in file order: sub-objects first, a linked task before its outputs, the roots last.
fn entries<'py>(roots: &[Bound<'py, PyAny>]) -> PyResult<(Vec<Entry<'py>>, HashMap<usize, usize>)> {
    let configs = reachable(roots)?;
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

fn write_class(writer: &mut Writer<'_>, class: &Bound<'_, PyType>) -> PyResult<()> {
    let module = class.module()?;
    let module = module.to_str()?;
    let name = class.qualname()?;
    let name = name.to_str()?;
    writer.key("module", false);
    writer.string(module);
    writer.key("type", false);
    writer.string(name);
    writer.key("typename", false);
    writer.string(&format!("{module}.{name}"));
    if let Some(file) = script_of(class.py(), module)? {
        writer.key("file", false);
        writer.string(&file);
    }
    Ok(())
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

fn write_object(writer: &mut Writer<'_>, number: usize, config: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = config.py();
    let state = ConfigState::of_configuration(config)?;
    let state = state.get();
    let schema = state.schema.get();
    begin_object(writer, number, config, schema)?;
    let (submitted, meta, init_tasks) = {
        let inner = state.lock();
        let init_tasks: Vec<Py<PyAny>> =
            inner.rare.as_ref().map(|r| r.init_tasks.iter().map(|t| t.clone_ref(py)).collect()).unwrap_or_default();
        (inner.submitted || (schema.is_task && inner.sealed), inner.meta, init_tasks)
    };
    if let Some(task) = linked_task(config)? {
        write_number(writer, "task", &task);
    } else if submitted {
        writer.key("task", false);
        writer.raw(&number.to_string());
    }
    if !init_tasks.is_empty() {
        writer.key("init-tasks", false);
        writer.raw("[");
        for (index, task) in init_tasks.iter().enumerate() {
            if index > 0 {
                writer.raw(",");
            }
            writer.raw(&writer.numbers[&(task.as_ptr() as usize)].to_string());
        }
        writer.raw("]");
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
        writer.key(&argument.text, first);
        first = false;
        writer.value(&value)?;
    }
    writer.raw("}}");
    Ok(())
}

fn begin_object(writer: &mut Writer<'_>, number: usize, config: &Bound<'_, PyAny>, schema: &Schema) -> PyResult<()> {
    writer.raw("\n{\"id\":");
    writer.raw(&number.to_string());
    write_class(writer, schema.class.bind(config.py()))?;
    writer.key("identifier", false);
    writer.string(&hash::hex(&hash::digest(config)?));
    Ok(())
}

fn write_number(writer: &mut Writer<'_>, key: &str, config: &Bound<'_, PyAny>) {
    let number = writer.numbers.get(&(config.as_ptr() as usize)).copied().unwrap_or_default();
    writer.key(key, false);
    writer.raw(&number.to_string());
}

fn write_reference(writer: &mut Writer<'_>, number: usize, task: &Bound<'_, PyAny>) -> PyResult<()> {
    let state = ConfigState::of_configuration(task)?;
    let schema = state.get().schema.get();
    begin_object(writer, number, task, schema)?;
    writer.key("task", false);
    writer.raw(&number.to_string());
    writer.raw(",\"stub\":true,\"fields\":{}}");
    Ok(())
}

/// The `objects` array.
fn write_objects(roots: &[Bound<'_, PyAny>], bases: &Bases) -> PyResult<Vec<u8>> {
    let (entries, numbers) = entries(roots)?;
    let mut writer = Writer { out: Vec::with_capacity(512 * entries.len()), numbers: &numbers, bases };
    writer.raw("[");
    for (number, entry) in entries.iter().enumerate() {
        if number > 0 {
            writer.raw(",");
        }
        match entry {
            Entry::Whole(config) => write_object(&mut writer, number, config)?,
            Entry::Reference(task) => write_reference(&mut writer, number, task)?,
        }
    }
    writer.raw("\n]");
    Ok(writer.out)
}

/// Configurations as a JSON array of objects, each main one after all that it needs.
#[pyfunction]
#[pyo3(signature = (configs, workspace, directory))]
pub(crate) fn objects_json(
    configs: &Bound<'_, PyList>,
    workspace: Option<String>,
    directory: Option<String>,
) -> PyResult<Vec<u8>> {
    let configs: Vec<_> = configs.iter().collect();
    write_objects(&configs, &Bases { workspace, job: directory })
}

/// The content of a job's `params.json`.
#[pyfunction]
pub(crate) fn params_json(
    config: &Bound<'_, PyAny>,
    workspace: String,
    directory: String,
    tags: &Bound<'_, PyAny>,
) -> PyResult<Vec<u8>> {
    let none = HashMap::new();
    let bases = Bases { workspace: Some(workspace), job: Some(directory) };
    let mut writer = Writer { out: Vec::with_capacity(1024), numbers: &none, bases: &bases };
    writer.raw("{\"workspace\":");
    writer.string(bases.workspace.as_deref().unwrap_or_default());
    writer.raw(&format!(",\"version\":{VERSION},\"experimaestro\":"));
    writer.string(env!("CARGO_PKG_VERSION"));
    writer.key("tags", false);
    writer.value(tags)?;
    writer.key("objects", false);
    let mut out = writer.out;
    out.extend(write_objects(std::slice::from_ref(config), &bases)?);
    out.extend_from_slice(b"}\n");
    Ok(out)
}

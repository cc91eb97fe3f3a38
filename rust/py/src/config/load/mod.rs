//! From stored objects to Python objects: instances for a job, or configurations to work with.

pub(crate) mod ancestor_file;
mod fill;
mod link;
mod make;

use std::cell::RefCell;
use std::collections::HashMap;

use jiter::JsonValue;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use self::ancestor_file::AncestorFile;
use self::fill::{fill, identify};
use self::link::{link, tasks_before};
use self::make::{Stored, make_all};
use super::deprecation;
use super::document::{Document, Wanted};
use super::json::Bases;
use super::schema::Conversion;
use super::state::ConfigState;
use super::stored::{Enumerations, Objects, Reading};
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

impl<'a> Table<'a, '_> {
    fn of(document: &'a Document<'a>) -> Self {
        Self { document, made: RefCell::new(vec![None; document.definitions.len()]) }
    }
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
    let ancestors = match document.ancestors {
        Some(name) if mode == Mode::Instance => Some(AncestorFile::open(resolver, &bases, name)?),
        Some(_) => return Err(errors::load(py, "the file refers to another one: its objects must be gathered first")),
        None => None,
    };
    let mut table = Table::of(&document);
    let mut stubs = HashMap::new();
    let stored = make_all(resolver, &mut table, &needed, mode, &mut stubs)?;
    let enumerations: Enumerations<'py> = RefCell::new(HashMap::new());
    if mode == Mode::Configuration {
        link(&stored, &table, &mut stubs)?;
    }
    if let Some(file) = &ancestors {
        AncestorFile::make_for(file, &stored)?;
    }
    let reading = |file| Reading {
        objects: &table,
        ancestors: ancestors.as_ref(),
        bases: &bases,
        resolver,
        loader,
        enumerations: &enumerations,
        file,
    };
    for it in &stored {
        if mode == Mode::Instance {
            complete(it, &reading(it.definition.file))?;
            continue;
        }
        fill(it, &reading(it.definition.file), mode)?;
        if it.schema.get().conversion == Conversion::Replaces
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

/// Give an instance its values; what it holds is complete.
fn complete<'py>(it: &Stored<'_, 'py>, reading: &Reading<'_, 'py>) -> PyResult<()> {
    identify(&it.object, it.definition)?;
    fill(it, reading, Mode::Instance)?;
    if it.schema.get().making().has_post_init {
        it.object.call_method0(intern!(it.object.py(), "__post_init__"))?;
    }
    Ok(())
}

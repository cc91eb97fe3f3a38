//! Objects out of a file of ancestors: what is needed at once, and stand-ins for tasks until somebody looks at them.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read};
use std::os::unix::fs::FileExt as _;
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiter::JsonValue;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use super::make::{Stored, make_all, schema_of};
use super::{Mode, Table, complete};
use crate::config::document::{Definition, Document};
use crate::config::json::{Bases, Place};
use crate::config::stored::{Enumerations, Reading};
use crate::errors;

/// A file of ancestors, and the objects that were made of it: each once.
#[pyclass(frozen, module = "experimaestro._core")]
pub struct AncestorFile {
    path: PathBuf,
    /// Kept open: the job folder may be removed while the job runs.
    file: File,
    resolver: Py<PyAny>,
    workspace: Option<String>,
    made: Mutex<HashMap<Place, Py<PyAny>>>,
}

/// A list of objects of the file, and which of them are wanted.
struct List {
    at: u64,
    content: JsonValue<'static>,
    needed: Vec<bool>,
}

/// Reads a file from a byte on. Its descriptor has one position for all processes that were forked.
struct From<'a> {
    file: &'a File,
    at: u64,
}

impl Read for From<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(buffer, self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}

impl AncestorFile {
    /// The file that a `params.json` names, from the job's folder.
    pub(super) fn open<'py>(resolver: &Bound<'py, PyAny>, bases: &Bases, name: &str) -> PyResult<Bound<'py, Self>> {
        let py = resolver.py();
        let inside = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
        let Some(folder) = bases.job.as_deref().filter(|_| inside && !name.is_empty()) else {
            return Err(errors::load(py, format!("its ancestors are in {name:?}, which is in no job folder")));
        };
        let path = Path::new(folder).join(name);
        let file = File::open(&path).map_err(|error| {
            errors::load(py, format!("its ancestors are in {}, which cannot be read: {error}", path.display()))
        })?;
        let made = Mutex::default();
        let workspace = bases.workspace.clone();
        Bound::new(py, Self { path, file, resolver: resolver.clone().unbind(), workspace, made })
    }

    /// Short critical sections only: no Python code runs while the lock is held.
    fn made(&self) -> MutexGuard<'_, HashMap<Place, Py<PyAny>>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known<'py>(&self, place: Place, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        self.made().get(&place).map(|object| object.bind(py).clone())
    }

    fn damaged(&self, py: Python<'_>, why: impl std::fmt::Display) -> PyErr {
        errors::load(py, format!("{} is damaged: {why}", self.path.display()))
    }

    /// Make what the objects of another file need of this one.
    pub(super) fn make_for<'py>(slf: &Bound<'py, Self>, others: &[Stored<'_, 'py>]) -> PyResult<()> {
        let mut wanted = Vec::new();
        for it in others {
            if let Some(place) = it.definition.same {
                slf.get().made().insert(place, it.object.clone().unbind());
            }
            it.definition.elsewhere(&mut wanted);
        }
        Self::make(slf, wanted, None)
    }

    /// The object at a place; of a submitted task whose object nobody has looked at yet, what stands for it.
    pub(crate) fn object<'py>(
        slf: &Bound<'py, Self>,
        place: Place,
        task: Option<&JsonValue<'_>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        if let Some(object) = slf.get().known(place, py) {
            return Ok(object);
        }
        let Some(task) = task else { return Err(slf.get().damaged(py, "an object is used that is not there")) };
        let definition = Definition::of_members(py, task)?;
        let schema = schema_of(slf.get().resolver.bind(py), &definition)?;
        let module = py.import(intern!(py, "experimaestro._config.stand_ins"))?;
        let object = module.call_method1(intern!(py, "stand_in"), (slf, place.at, place.number, schema))?;
        slf.get().made().insert(place, object.clone().unbind());
        Ok(object)
    }

    /// Make the objects at these places, and those that they need; `whole` is one that stood for itself until now.
    fn make<'py>(
        slf: &Bound<'py, Self>,
        wanted: Vec<Place>,
        whole: Option<(Place, &Bound<'py, PyAny>)>,
    ) -> PyResult<()> {
        let py = slf.py();
        let lists = slf.get().gather(py, wanted, whole.map(|(place, _)| place))?;
        let documents = lists.iter().map(|it| Document::parse(py, &it.content)).collect::<PyResult<Vec<_>>>()?;
        let bases = Bases { workspace: slf.get().workspace.clone(), job: None };
        let resolver = slf.get().resolver.bind(py);
        let enumerations: Enumerations<'py> = RefCell::new(HashMap::new());
        let mut parts = Vec::with_capacity(lists.len());
        let mut new = Vec::new();
        let mut fill = || {
            for (list, document) in lists.iter().zip(&documents) {
                let mut table = Table::of(document);
                for position in 0..document.definitions.len() {
                    table.made.get_mut()[position] = slf.get().known(Place { at: list.at, number: position }, py);
                }
                let stored = make_all(resolver, &mut table, &list.needed, Mode::Instance, &mut HashMap::new())?;
                for it in &stored {
                    if let Some(number) = document.position(it.definition.id) {
                        let place = Place { at: list.at, number };
                        if slf.get().made().insert(place, it.object.clone().unbind()).is_none() {
                            new.push(place);
                        }
                    }
                }
                parts.push((table, stored));
            }
            // An object is used by those that come after it, in its list and in the file.
            for (table, stored) in parts.iter().rev() {
                for it in stored {
                    let reading = Reading {
                        objects: table,
                        ancestors: Some(slf),
                        bases: &bases,
                        resolver,
                        loader: None,
                        enumerations: &enumerations,
                        file: it.definition.file,
                    };
                    complete(it, &reading)?;
                }
            }
            Ok(())
        };
        let filled = fill();
        if filled.is_err() {
            // Who asks again gets the error again, not half an object.
            let mut made = slf.get().made();
            let dropped: Vec<_> = new.iter().filter_map(|place| made.remove(place)).collect();
            drop(made);
            drop(dropped);
        }
        filled
    }

    /// The lists with what is wanted, and with all that this needs at once; the last one in the file comes first.
    fn gather(&self, py: Python<'_>, wanted: Vec<Place>, whole: Option<Place>) -> PyResult<Vec<List>> {
        let mut pending: BTreeMap<u64, Vec<i64>> = BTreeMap::new();
        let want = |place: Place, pending: &mut BTreeMap<u64, Vec<i64>>| {
            if whole == Some(place) || !self.made().contains_key(&place) {
                let number = i64::try_from(place.number).unwrap_or(i64::MAX);
                pending.entry(place.at).or_default().push(number);
            }
        };
        for place in wanted {
            want(place, &mut pending);
        }
        let mut lists = Vec::new();
        // A list refers to earlier ones only, so each is complete when its turn comes.
        while let Some((at, numbers)) = pending.pop_last() {
            let content = self.read(py, at)?;
            let document = Document::parse(py, &content)?;
            if let Some(number) = numbers.iter().find(|number| document.position(**number).is_none()) {
                return Err(self.damaged(py, format_args!("the list at {at} has no object {number}")));
            }
            let known = |number| self.made().contains_key(&Place { at, number });
            let needed = document.needed_for(numbers, false, known);
            let mut elsewhere = Vec::new();
            for (definition, _) in document.definitions.iter().zip(&needed).filter(|(_, needed)| **needed) {
                definition.elsewhere(&mut elsewhere);
            }
            if elsewhere.iter().any(|place| place.at >= at) {
                return Err(self.damaged(py, format_args!("the list at {at} refers to a later one")));
            }
            for place in elsewhere {
                want(place, &mut pending);
            }
            lists.push(List { at, content, needed });
        }
        Ok(lists)
    }

    fn read(&self, py: Python<'_>, at: u64) -> PyResult<JsonValue<'static>> {
        let mut line = Vec::new();
        BufReader::new(From { file: &self.file, at })
            .read_until(b'\n', &mut line)
            .map_err(|error| errors::load(py, format!("{} cannot be read: {error}", self.path.display())))?;
        let content = JsonValue::parse(&line, true)
            .map_err(|error| self.damaged(py, format_args!("no valid JSON at byte {at}: {error}")))?;
        Ok(content.into_static())
    }
}

#[pymethods]
impl AncestorFile {
    /// Turn a stand-in into the object that it stands for, with values, its `__init__` and `__post_init__` called.
    fn complete<'py>(slf: &Bound<'py, Self>, at: u64, number: usize, object: &Bound<'py, PyAny>) -> PyResult<()> {
        let place = Place { at, number };
        Self::make(slf, vec![place], Some((place, object)))
    }

    /// The submitted tasks that the object at a place, with all that it needs at once, refers to: what stands for them,
    /// or they themselves.
    fn tasks_of<'py>(slf: &Bound<'py, Self>, at: u64, number: usize) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let py = slf.py();
        let place = Place { at, number };
        let mut tasks = Vec::new();
        for list in slf.get().gather(py, vec![place], Some(place))? {
            let document = Document::parse(py, &list.content)?;
            let mut found = Vec::new();
            for (definition, _) in document.definitions.iter().zip(&list.needed).filter(|(_, needed)| **needed) {
                definition.tasks_elsewhere(&mut found);
            }
            for (place, task) in found {
                tasks.push(Self::object(slf, place, Some(task))?);
            }
        }
        Ok(tasks)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.resolver)?;
        if let Ok(made) = self.made.try_lock() {
            for object in made.values() {
                visit.call(object)?;
            }
        }
        Ok(())
    }

    fn __clear__(&self) {
        let made = std::mem::take(&mut *self.made());
        drop(made);
    }

    fn __repr__(&self) -> String {
        format!("AncestorFile({})", self.path.display())
    }
}

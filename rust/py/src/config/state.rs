//! Everything that a configuration holds and that is not a parameter.

use std::sync::{Mutex, MutexGuard, PoisonError};

use experimaestro_core::identifier::Digest;
use pyo3::exceptions::PyAttributeError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;

use super::hash::Kept;
use super::legacy::Stored;
use super::provenance::Site;
use super::schema::Schema;
use super::short::class_name;
use crate::errors;

/// How a parameter got its value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Origin {
    Default,
    Explicit,
    Generated,
    Loaded,
}

/// A tag on a parameter or on the configuration itself.
pub(crate) struct Tag {
    pub(crate) name: String,
    pub(crate) value: Py<PyAny>,
    pub(crate) site: Option<Site>,
}

/// What few configurations have.
#[derive(std::default::Default)]
pub(crate) struct Rare {
    pub(crate) tags: Vec<Tag>,
    /// Parameters below which tags are not collected.
    pub(crate) tag_barriers: Vec<usize>,
    /// The task whose output this is.
    pub(crate) task: Option<Py<PyAny>>,
    pub(crate) job: Option<Py<PyAny>>,
    pub(crate) init_tasks: Vec<Py<PyAny>>,
    /// Init tasks whose tags are not collected.
    pub(crate) init_barriers: Vec<usize>,
    /// Lightweight tasks that run once the objects are made, before the init tasks.
    pub(crate) pre_tasks: Vec<Py<PyAny>>,
    /// What the type variables of the class stand for: a dictionary that only `_config/generics.py` reads.
    pub(crate) type_variables: Option<Py<PyAny>>,
    /// Of a deprecated class: the configuration whose identifier is this one's.
    pub(crate) converted: Option<Py<PyAny>>,
    /// The configuration of a deprecated class that this one was made in place of.
    pub(crate) deprecated_from: Option<Py<PyAny>>,
    pub(crate) dependencies: Vec<Py<PyAny>>,
    pub(crate) watched: Vec<Py<PyAny>>,
    /// Identifier of a scheme other than ours, of a configuration that was stored with one.
    pub(crate) foreign_identifier: Option<Box<[u8]>>,
    /// The identifier under which it was submitted to a workspace of an older package.
    pub(crate) legacy: Option<Stored>,
    /// Where parameters were assigned after construction.
    pub(crate) sites: Vec<(usize, Site)>,
    /// Tags of this configuration and of all below it, with the epoch they were merged in.
    pub(crate) merged_tags: Option<(u64, Py<PyAny>)>,
}

/// The part behind the lock; its flags are independent of each other.
#[allow(clippy::struct_excessive_bools)]
#[derive(std::default::Default)]
pub(crate) struct Inner {
    pub(crate) sealed: bool,
    pub(crate) validated: bool,
    /// Sealed without a folder: paths, here or below, are still to be generated.
    pub(crate) paths_pending: bool,
    /// Here or below are values that were generated for the place of this configuration below its root.
    pub(crate) placed: bool,
    pub(crate) loaded: bool,
    /// The configuration is a task that was submitted: it is its own task.
    pub(crate) submitted: bool,
    /// It is an output of a task that may still run: who uses it does not wait for the task.
    pub(crate) dynamic: bool,
    pub(crate) meta: Option<bool>,
    pub(crate) digest: Option<[u8; 16]>,
    /// Whether the configuration leads back to itself, known since the digest was computed here: other members of its
    /// cycle then need more than the digest. `None` if it was stored or read, as those of all members are.
    pub(crate) in_cycle: Option<bool>,
    /// Whether it, or anything below it, is of a class whose objects are told apart; `None` if unknown.
    pub(crate) instances: Option<bool>,
    /// What the digest was made of.
    pub(crate) kept: Option<Box<Kept>>,
    /// Bit i: parameter i was set by the user (parameters past 63 are in `more_explicit`).
    explicit: u64,
    more_explicit: Option<Box<[usize]>>,
    /// The epoch in which neither this configuration nor anything below it had tags, plus one; zero if unknown.
    pub(crate) untagged: u64,
    pub(crate) site: Option<Site>,
    pub(crate) rare: Option<Box<Rare>>,
}

impl Inner {
    /// Of a configuration that comes from a file.
    pub(crate) fn loaded() -> Self {
        Self { sealed: true, validated: true, loaded: true, ..Self::default() }
    }

    /// Keep the identifier that the configuration was stored with.
    ///
    /// One of another scheme stands for the configuration as it is: what holds it counts the identifier, whatever can be
    /// loaded of it. The zero byte in front is the start of no document.
    pub(crate) fn store_identifier(&mut self, bytes: &[u8]) {
        if let Ok(digest) = bytes.try_into() {
            self.digest = Some(digest);
        } else {
            self.digest = Some(*Digest::of(&[&[0], bytes].concat()).as_bytes());
            self.rare().foreign_identifier = Some(bytes.into());
        }
    }

    /// The digest, and what is known with it, is that of another state of the configuration.
    pub(crate) fn forget_digest(&mut self) {
        self.digest = None;
        self.in_cycle = None;
        self.instances = None;
    }

    pub(crate) fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    pub(crate) fn set_explicit(&mut self, index: usize) {
        if index < 64 {
            self.explicit |= 1 << index;
        } else {
            let known = self.more_explicit.take().unwrap_or_default();
            let rest = known.iter().copied().filter(|&i| i != index);
            self.more_explicit = Some(rest.chain([index]).collect());
        }
    }

    pub(crate) fn is_explicit(&self, index: usize) -> bool {
        if index < 64 {
            self.explicit & (1 << index) != 0
        } else {
            self.more_explicit.as_ref().is_some_and(|more| more.contains(&index))
        }
    }
}

/// The state beside the values of a configuration.
#[pyclass(frozen, module = "experimaestro._core")]
pub struct ConfigState {
    pub(crate) schema: Py<Schema>,
    inner: Mutex<Inner>,
}

/// What `object.__new__`, or code that empties `__dict__`, leaves behind.
fn not_made_by_its_class(value: &Bound<'_, PyAny>) -> PyErr {
    let message =
        format!("{} was not made by its class, or its attributes were removed", class_name(&value.get_type()));
    errors::validation(value.py(), message)
}

impl ConfigState {
    pub(crate) fn new(schema: Py<Schema>, inner: Inner) -> Self {
        Self { schema, inner: Mutex::new(inner) }
    }

    /// The state of a configuration; `None` for anything else.
    pub(crate) fn of<'py>(value: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, Self>>> {
        if !super::base::is_configuration(value) {
            return Ok(None);
        }
        Self::of_configuration(value).map(Some)
    }

    /// The state of an object known to be a configuration.
    pub(crate) fn of_configuration<'py>(value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, Self>> {
        let py = value.py();
        let state = value.getattr(intern!(py, "__xpm_state__")).map_err(|error| {
            if error.is_instance_of::<PyAttributeError>(py) { not_made_by_its_class(value) } else { error }
        })?;
        state.cast_into::<Self>().map_err(|_| not_made_by_its_class(value))
    }

    /// Short critical sections only: no Python code runs while the lock is held.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sealed, with nothing left to generate.
    pub(crate) fn is_complete(&self) -> bool {
        let inner = self.lock();
        inner.sealed && !inner.paths_pending
    }

    pub(crate) fn is_sealed(&self) -> bool {
        self.lock().sealed
    }

    pub(crate) fn is_submitted_task(&self) -> bool {
        self.schema.get().is_task && self.lock().submitted
    }

    pub(crate) fn is_unsubmitted_task(&self) -> bool {
        if !self.schema.get().is_task {
            return false;
        }
        let inner = self.lock();
        !(inner.submitted || inner.loaded || inner.rare.as_ref().is_some_and(|rare| rare.task.is_some()))
    }

    /// The digest, if the configuration is sealed and it was computed.
    pub(crate) fn cached_digest(&self) -> Option<[u8; 16]> {
        let inner = self.lock();
        if inner.sealed { inner.digest } else { None }
    }

    /// The identifier under which a sealed configuration was submitted to a workspace of an older package.
    pub(crate) fn stored_legacy(&self) -> Option<Stored> {
        let inner = self.lock();
        inner.rare.as_ref().filter(|_| inner.sealed)?.legacy
    }

    pub(crate) fn origin(&self, index: usize) -> Origin {
        let inner = self.lock();
        if inner.is_explicit(index) {
            if inner.loaded { Origin::Loaded } else { Origin::Explicit }
        } else if self.schema.get().arguments[index].generator.is_some() {
            Origin::Generated
        } else {
            Origin::Default
        }
    }
}

#[pymethods]
impl ConfigState {
    #[getter]
    fn schema(&self, py: Python<'_>) -> Py<Schema> {
        self.schema.clone_ref(py)
    }

    #[getter]
    fn sealed(&self) -> bool {
        self.is_sealed()
    }

    #[setter]
    fn set_sealed(&self, sealed: bool) {
        let mut inner = self.lock();
        inner.sealed = sealed;
        if !sealed {
            inner.forget_digest();
            inner.validated = false;
            if let Some(rare) = inner.rare.as_mut() {
                rare.foreign_identifier = None;
                rare.legacy = None;
            }
        }
    }

    #[getter]
    fn loaded(&self) -> bool {
        self.lock().loaded
    }

    #[getter]
    fn submitted(&self) -> bool {
        self.lock().submitted
    }

    #[setter]
    fn set_submitted(&self, submitted: bool) {
        self.lock().submitted = submitted;
    }

    #[getter]
    fn meta(&self) -> Option<bool> {
        self.lock().meta
    }

    #[setter]
    fn set_meta(&self, meta: Option<bool>) {
        self.lock().meta = meta;
    }

    /// Digest computed at sealing, if any.
    #[getter]
    fn digest(&self) -> Option<[u8; 16]> {
        self.cached_digest()
    }

    /// The task whose output this is; `None` for a submitted task, which is its own (see `submitted`).
    #[getter]
    fn task(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.lock().rare.as_ref().and_then(|rare| rare.task.as_ref().map(|task| task.clone_ref(py)))
    }

    #[setter]
    fn set_task(&self, task: Option<Py<PyAny>>) {
        let mut inner = self.lock();
        inner.forget_digest();
        inner.rare().task = task;
    }

    #[getter]
    fn job(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.lock().rare.as_ref().and_then(|rare| rare.job.as_ref().map(|job| job.clone_ref(py)))
    }

    #[setter]
    fn set_job(&self, job: Option<Py<PyAny>>) {
        self.lock().rare().job = job;
    }

    #[getter]
    fn init_tasks(&self, py: Python<'_>) -> Vec<Py<PyAny>> {
        self.lock()
            .rare
            .as_ref()
            .map(|rare| rare.init_tasks.iter().map(|t| t.clone_ref(py)).collect())
            .unwrap_or_default()
    }

    #[setter]
    fn set_init_tasks(&self, tasks: Vec<Py<PyAny>>) {
        let mut inner = self.lock();
        inner.forget_digest();
        inner.rare().init_tasks = tasks;
    }

    /// Init tasks, by position, whose tags are not collected.
    #[getter]
    fn init_barriers(&self) -> Vec<usize> {
        self.lock().rare.as_ref().map(|rare| rare.init_barriers.clone()).unwrap_or_default()
    }

    #[setter]
    fn set_init_barriers(&self, barriers: Vec<usize>) {
        self.lock().rare().init_barriers = barriers;
    }

    /// Lightweight tasks that run once the objects are made.
    #[getter]
    fn pre_tasks(&self, py: Python<'_>) -> Vec<Py<PyAny>> {
        self.lock()
            .rare
            .as_ref()
            .map(|rare| rare.pre_tasks.iter().map(|t| t.clone_ref(py)).collect())
            .unwrap_or_default()
    }

    #[setter]
    fn set_pre_tasks(&self, tasks: Vec<Py<PyAny>>) {
        let mut inner = self.lock();
        inner.forget_digest();
        inner.validated = false;
        inner.rare().pre_tasks = tasks;
    }

    /// What the type variables of the class stand for.
    #[getter]
    fn type_variables(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.lock().rare.as_ref().and_then(|rare| rare.type_variables.as_ref().map(|bound| bound.clone_ref(py)))
    }

    #[setter]
    fn set_type_variables(&self, bound: Option<Py<PyAny>>) {
        self.lock().rare().type_variables = bound;
    }

    /// The configuration of a deprecated class that this one was made in place of.
    #[getter]
    fn deprecated_from(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.lock().rare.as_ref().and_then(|rare| rare.deprecated_from.as_ref().map(|old| old.clone_ref(py)))
    }

    #[setter]
    fn set_deprecated_from(&self, old: Option<Py<PyAny>>) {
        self.lock().rare().deprecated_from = old;
    }

    /// Own tags: `(name, value, place)`, the place being `file:line` or None.
    #[getter]
    fn tags(&self, py: Python<'_>) -> Vec<(String, Py<PyAny>, Option<String>)> {
        super::tags::own_tags(self, py)
            .into_iter()
            .map(|(name, value, site)| (name, value, site.map(|site| site.resolve(py))))
            .collect()
    }

    #[getter]
    fn dependencies(&self, py: Python<'_>) -> Vec<Py<PyAny>> {
        self.lock()
            .rare
            .as_ref()
            .map(|rare| rare.dependencies.iter().map(|d| d.clone_ref(py)).collect())
            .unwrap_or_default()
    }

    #[setter]
    fn set_dependencies(&self, dependencies: Vec<Py<PyAny>>) {
        self.lock().rare().dependencies = dependencies;
    }

    #[getter]
    fn watched(&self, py: Python<'_>) -> Vec<Py<PyAny>> {
        self.lock().rare.as_ref().map(|rare| rare.watched.iter().map(|w| w.clone_ref(py)).collect()).unwrap_or_default()
    }

    #[setter]
    fn set_watched(&self, watched: Vec<Py<PyAny>>) {
        self.lock().rare().watched = watched;
    }

    /// `(location, kind)` of a parameter, kind being explicit, default, generated or deserialized.
    fn provenance(&self, py: Python<'_>, index: usize) -> (String, &'static str) {
        let site = {
            let inner = self.lock();
            let assigned = inner.rare.as_ref().and_then(|rare| {
                rare.sites.iter().rev().find(|(i, _)| *i == index).map(|(_, site)| site.clone_ref(py))
            });
            assigned.or_else(|| inner.site.as_ref().map(|site| site.clone_ref(py)))
        };
        let place = || site.map_or_else(|| "<unknown>".to_owned(), |site| site.resolve(py));
        match self.origin(index) {
            Origin::Explicit => (place(), "explicit"),
            Origin::Default => (place(), "default"),
            Origin::Generated => ("<generated>".to_owned(), "generated"),
            Origin::Loaded => ("<loaded>".to_owned(), "deserialized"),
        }
    }

    /// `file:line` where the configuration was made.
    fn location(&self, py: Python<'_>) -> Option<String> {
        let site = self.lock().site.as_ref().map(|site| site.clone_ref(py))?;
        Some(site.resolve(py))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.schema)?;
        // Locked only while another thread is between two Python calls of ours: then nothing is collected now.
        let Ok(inner) = self.inner.try_lock() else { return Ok(()) };
        if let Some(rare) = &inner.rare {
            for tag in &rare.tags {
                visit.call(&tag.value)?;
            }
            for object in [&rare.task, &rare.job, &rare.type_variables, &rare.converted, &rare.deprecated_from]
                .into_iter()
                .flatten()
            {
                visit.call(object)?;
            }
            for object in rare.init_tasks.iter().chain(&rare.pre_tasks).chain(&rare.dependencies).chain(&rare.watched) {
                visit.call(object)?;
            }
            if let Some((_, merged)) = &rare.merged_tags {
                visit.call(merged)?;
            }
        }
        Ok(())
    }

    fn __clear__(&self) {
        let rare = self.lock().rare.take();
        drop(rare);
    }
}

//! The digest of a configuration as part of others: one frame a configuration under way, no recursion.
//!
//! In a cycle a configuration counts by how many levels up it is, so that what is below one that is under way may have
//! another digest elsewhere; only digests of what is in no cycle are remembered for the whole walk.

use std::collections::HashMap;

use pyo3::prelude::*;
use sha2::{Digest as _, Sha256};

use super::LegacyIdentity;
use super::bytes::{Nested, tag, write_text, write_value};
use super::kept::{Parameter, kept_parameters};
use super::outer::full_digest;
use super::scheme::LegacyScheme;
use crate::config::canonical::Failure;
use crate::config::deprecation;
use crate::config::hash::instances;
use crate::config::schema::Conversion;
use crate::config::state::ConfigState;
use crate::config::stub::TaskStub;
use crate::errors;

/// The 32 bytes of SHA-256.
pub(crate) type Sha256Digest = [u8; 32];

/// What a configuration counts as under a scheme.
///
/// # Errors
/// `ValidationError` when a value has no bytes in the scheme; whatever a comparison with a default raised.
pub(crate) fn identify(config: &Bound<'_, PyAny>, scheme: LegacyScheme) -> PyResult<LegacyIdentity> {
    Walk::new(scheme).identify(config)
}

/// A configuration under way.
struct Frame<'py> {
    config: Bound<'py, PyAny>,
    state: Bound<'py, ConfigState>,
    /// What the configuration of a deprecated class converts to: its parameters and type count.
    converted: Option<Bound<'py, PyAny>>,
    /// Digests that hold only below this frame, with the highest frame that had a part in each.
    below: HashMap<usize, (Sha256Digest, usize)>,
    /// Position of the highest frame that has a part in the digest; past the end if none has.
    highest: usize,
    /// Configurations whose digests are still wanted, the last one first.
    wanted: Vec<Bound<'py, PyAny>>,
}

/// Digests of any number of configurations, each computed once where its place does not change it.
pub(crate) struct Walk<'py> {
    scheme: LegacyScheme,
    known: HashMap<usize, Sha256Digest>,
    frames: Vec<Frame<'py>>,
    /// Positions of the frames, by address.
    under_way: HashMap<usize, usize>,
    /// Objects that are told apart from equal ones, in the order in which they were met, by their digests.
    instances: HashMap<Sha256Digest, Vec<usize>>,
    /// Addresses are only of use while the objects live.
    alive: Vec<Bound<'py, PyAny>>,
}

fn address(object: &Bound<'_, PyAny>) -> usize {
    object.as_ptr() as usize
}

impl<'py> Walk<'py> {
    pub(crate) fn new(scheme: LegacyScheme) -> Self {
        Self {
            scheme,
            known: HashMap::new(),
            frames: Vec::new(),
            under_way: HashMap::new(),
            instances: HashMap::new(),
            alive: Vec::new(),
        }
    }

    /// What a configuration counts as.
    pub(crate) fn identify(&mut self, config: &Bound<'py, PyAny>) -> PyResult<LegacyIdentity> {
        let state = ConfigState::of_configuration(config)?;
        if let Some(stored) = stored(state.get(), self.scheme) {
            return Ok(stored);
        }
        let nested = self.digest(config)?;
        let full = match self.scheme {
            LegacyScheme::V1 => full_digest(self, config, &nested)?,
            LegacyScheme::V2 => nested,
        };
        Ok(LegacyIdentity { nested, full })
    }

    /// The digest of a configuration as part of others.
    pub(super) fn digest(&mut self, config: &Bound<'py, PyAny>) -> PyResult<Sha256Digest> {
        if let Some(digest) = self.known.get(&address(config)) {
            return Ok(*digest);
        }
        let result = self.run(config);
        self.frames.clear();
        self.under_way.clear();
        result.map_err(|failure| match failure {
            Failure::Raised(error) => error,
            Failure::Unidentifiable(problem) => errors::validation(config.py(), problem),
        })
    }

    fn run(&mut self, root: &Bound<'py, PyAny>) -> Result<Sha256Digest, Failure> {
        self.push(root)?;
        loop {
            let here = self.frames.len() - 1;
            if let Some(next) = self.frames[here].wanted.pop() {
                if !self.is_known(here, &next) {
                    self.push(&next)?;
                }
                continue;
            }
            let Some(bytes) = self.encode(here)? else { continue };
            let digest: Sha256Digest = Sha256::digest(&bytes).into();
            let Some(done) = self.frames.pop() else { return Ok(digest) };
            let key = address(&done.config);
            self.under_way.remove(&key);
            self.alive.push(done.config);
            // In no cycle: nothing below it can be above it on any other way.
            if done.highest > here {
                self.known.insert(key, digest);
            }
            let Some(above) = self.frames.last_mut() else { return Ok(digest) };
            if done.highest <= here {
                let beyond = if done.highest == here { usize::MAX } else { done.highest };
                above.below.insert(key, (digest, beyond));
            }
        }
    }

    fn push(&mut self, config: &Bound<'py, PyAny>) -> PyResult<()> {
        let state = ConfigState::of_configuration(config)?;
        let converted = match state.get().schema.get().conversion {
            Conversion::None => None,
            _ => Some(deprecation::converted(config, state.get())?),
        };
        self.under_way.insert(address(config), self.frames.len());
        self.frames.push(Frame {
            config: config.clone(),
            state,
            converted,
            below: HashMap::new(),
            highest: usize::MAX,
            wanted: Vec::new(),
        });
        Ok(())
    }

    fn is_known(&self, here: usize, config: &Bound<'py, PyAny>) -> bool {
        let key = address(config);
        self.known.contains_key(&key) || self.frames[here].below.contains_key(&key)
    }

    /// The bytes of a frame; `None` if digests are wanted first.
    fn encode(&mut self, here: usize) -> Result<Option<Vec<u8>>, Failure> {
        let frame = &self.frames[here];
        let Linked { task, init_tasks, pre_tasks } = Linked::of(&frame.config, frame.state.get());
        let (config, state) = match &frame.converted {
            Some(converted) => (converted.clone(), ConfigState::of_configuration(converted)?),
            None => (frame.config.clone(), frame.state.clone()),
        };
        let py = config.py();
        let schema = state.get().schema.get();
        if pre_tasks && self.scheme == LegacyScheme::V2 {
            return Err(Failure::Unidentifiable(format!(
                "{} has pre-tasks, which have no part in identifiers of the scheme {} of this workspace: give them as \
                 init tasks, or use a new workspace, whose scheme is md5",
                schema.type_id,
                self.scheme.name(),
            )));
        }
        let mut writing = Writing { walk: self, here, highest: usize::MAX, wanted: Vec::new() };
        let mut out = vec![tag::CONFIG];
        if let Some(task) = task {
            out.push(tag::TASK);
            writing.write(&task, &mut out)?;
        }
        out.extend(schema.type_id.as_bytes());
        for Parameter { argument, value } in kept_parameters(&config, schema, &writing)? {
            write_text(argument.name.bind(py), &mut out)?;
            out.push(tag::VALUE);
            write_value(&value, &mut writing, &mut out, 0).map_err(|failure| match failure {
                Failure::Unidentifiable(problem) => Failure::Raised(errors::validation(
                    py,
                    format!("parameter '{}' of {}: {problem}", argument.text, schema.type_id),
                )),
                raised @ Failure::Raised(_) => raised,
            })?;
        }
        if writing.walk.scheme == LegacyScheme::V2 && !init_tasks.is_empty() {
            out.push(tag::INIT_TASKS);
            for task in &init_tasks {
                writing.write(task, &mut out)?;
            }
        }
        let Writing { highest, mut wanted, .. } = writing;
        let frame = &mut self.frames[here];
        if wanted.is_empty() {
            frame.highest = highest;
            return Ok(Some(out));
        }
        wanted.reverse();
        frame.wanted = wanted;
        Ok(None)
    }
}

/// The identity that a configuration was given when it was submitted or stored.
fn stored(state: &ConfigState, scheme: LegacyScheme) -> Option<LegacyIdentity> {
    if let Some(stored) = state.stored_legacy() {
        return Some(stored.identity).filter(|_| stored.scheme == scheme);
    }
    if scheme == LegacyScheme::V1 {
        // Files hold what a configuration is by itself, and another digest counts in others.
        return None;
    }
    let inner = state.lock();
    let rare = inner.rare.as_ref().filter(|_| inner.sealed)?;
    let digest: Sha256Digest = rare.foreign_identifier.as_deref()?.try_into().ok()?;
    Some(LegacyIdentity { nested: digest, full: digest })
}

/// The tasks of a configuration.
#[derive(Default)]
struct Linked<'py> {
    /// The one that it is an output of.
    task: Option<Bound<'py, PyAny>>,
    init_tasks: Vec<Bound<'py, PyAny>>,
    /// Whether there are any.
    pre_tasks: bool,
}

impl<'py> Linked<'py> {
    fn of(config: &Bound<'py, PyAny>, state: &ConfigState) -> Self {
        let py = config.py();
        let inner = state.lock();
        let Some(rare) = &inner.rare else { return Self::default() };
        let bind = |task: &Py<PyAny>| task.clone_ref(py).into_bound(py);
        Self {
            task: rare.task.as_ref().map(bind).filter(|task| !task.is(config)),
            init_tasks: rare.init_tasks.iter().map(bind).collect(),
            pre_tasks: !rare.pre_tasks.is_empty(),
        }
    }
}

impl<'py> Writing<'_, 'py> {
    /// Writes a known digest, and which one of several equal objects it is, if it is a further one.
    fn write_digest(
        &mut self,
        config: &Bound<'py, PyAny>,
        digest: &Sha256Digest,
        out: &mut Vec<u8>,
    ) -> Result<(), Failure> {
        out.extend(digest);
        if !instances::any() || !ConfigState::of_configuration(config)?.get().schema.get().is_instance {
            return Ok(());
        }
        let (key, met) = (address(config), self.walk.instances.entry(*digest).or_default());
        let position = met.iter().position(|known| *known == key).unwrap_or_else(|| {
            met.push(key);
            met.len() - 1
        });
        if position > 0 {
            out.push(tag::INSTANCE);
            out.extend((position as u64).to_be_bytes());
        }
        Ok(())
    }
}

/// One encoding of one frame.
pub(super) struct Writing<'walk, 'py> {
    walk: &'walk mut Walk<'py>,
    here: usize,
    highest: usize,
    wanted: Vec<Bound<'py, PyAny>>,
}

impl<'py> Nested<'py> for Writing<'_, 'py> {
    fn scheme(&self) -> LegacyScheme {
        self.walk.scheme
    }

    fn is_left_out(&self, config: &Bound<'py, PyAny>) -> PyResult<bool> {
        let state = ConfigState::of_configuration(config)?;
        let meta = state.get().lock().meta;
        Ok(meta == Some(true))
    }

    fn write(&mut self, config: &Bound<'py, PyAny>, out: &mut Vec<u8>) -> Result<(), Failure> {
        // Objects are numbered as they are met: what comes behind one whose digest is wanted must not be met before.
        if instances::any() && !self.wanted.is_empty() {
            return Ok(());
        }
        let key = address(config);
        out.push(tag::CONFIG);
        if let Some(&position) = self.walk.under_way.get(&key) {
            self.highest = self.highest.min(position);
            out.push(tag::LEVELS_UP);
            out.extend((self.here - position + 1).to_be_bytes());
            return Ok(());
        }
        if let Some(digest) = self.walk.known.get(&key).copied() {
            return self.write_digest(config, &digest, out);
        }
        if let Some((digest, highest)) = self.walk.frames[self.here].below.get(&key).copied() {
            self.highest = self.highest.min(highest);
            return self.write_digest(config, &digest, out);
        }
        let state = ConfigState::of_configuration(config)?;
        if let Some(stored) = stored(state.get(), self.walk.scheme) {
            // What is below is met all the same, unless it is the job of another task.
            if state.get().schema.get().is_task || !instances::holds_instances(config, state.get())? {
                self.walk.alive.push(config.clone());
                self.walk.known.insert(key, stored.nested);
                return self.write_digest(config, &stored.nested, out);
            }
        }
        if let Ok(stub) = config.cast::<TaskStub>() {
            return Err(Failure::Unidentifiable(format!(
                "{} was not loaded, and what is known of it gives no identifier of the scheme {} of this workspace; load \
                 it with partial_loading=False",
                stub.get().typename(),
                self.walk.scheme.name(),
            )));
        }
        self.wanted.push(config.clone());
        Ok(())
    }
}

//! `identity.json`: what an identifier was made of, readable, so that two of them can be compared without the user's code.
//!
//! Nothing is computed again here: the documents are those that were hashed, decoded. Encoding what the file says gives
//! its identifiers.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use experimaestro_core::identifier::{Digest, Scheme, decode_document, decode_value};
use experimaestro_core::value::{Document, Value, notation};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyFloat, PyInt, PyString};
use serde_json::{Map, Value as Json, json};

use super::base::is_configuration;
use super::children::children;
use super::hash;
use super::identifier::hex_of_bytes;
use super::plan::{Plan, Rule, default_of};
use super::reach::address;
use super::serialize::{Entry, entries};
use super::sources::sources;
use super::state::{ConfigState, Origin};
use crate::errors;

/// Version of the format.
const VERSION: u32 = 1;

/// What is known of a digest.
struct Known<'py> {
    config: Bound<'py, PyAny>,
    state: Bound<'py, ConfigState>,
    document: Option<Box<[u8]>>,
}

/// What the configurations below a root tell of their digests.
#[derive(Default)]
struct Found<'py> {
    by_digest: HashMap<Digest, Known<'py>>,
    /// Type identifiers of linked tasks.
    tasks: BTreeMap<Digest, String>,
}

impl<'py> Found<'py> {
    /// `beyond` are tasks that are not entered.
    fn below(root: &Bound<'py, PyAny>, beyond: &[Bound<'py, PyAny>]) -> PyResult<Self> {
        let mut found = Self::default();
        let mut seen: HashSet<usize> = beyond.iter().chain([root]).map(address).collect();
        let mut pending = vec![root.clone()];
        while let Some(config) = pending.pop() {
            let state = ConfigState::of_configuration(&config)?;
            let converted = found.add(&config, &state)?;
            pending.extend(converted.filter(|it| seen.insert(it.as_ptr() as usize)));
            for child in children(&config, state.get())? {
                if seen.insert(child.config.as_ptr() as usize) {
                    pending.push(child.config);
                }
            }
        }
        Ok(found)
    }

    /// Note what a configuration tells. Of a deprecated class: answers what it was converted to, whose values were hashed.
    fn add(
        &mut self,
        config: &Bound<'py, PyAny>,
        state: &Bound<'py, ConfigState>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let py = config.py();
        let converted = {
            let inner = state.get().lock();
            inner.rare.as_ref().and_then(|rare| rare.converted.as_ref().map(|it| it.clone_ref(py).into_bound(py)))
        };
        let hashed = converted.as_ref().unwrap_or(config);
        let hashed_state = ConfigState::of_configuration(hashed)?;
        let task = {
            let inner = state.get().lock();
            if let Some(kept) = &inner.kept {
                for (digest, document) in &kept.documents {
                    let known =
                        Known { config: hashed.clone(), state: hashed_state.clone(), document: Some(document.clone()) };
                    self.by_digest.entry(*digest).or_insert(known);
                }
            }
            // Loaded, or too large to be kept: only the digest is known.
            if let Some(digest) = inner.digest {
                self.by_digest.entry(digest.into()).or_insert_with(|| Known {
                    config: hashed.clone(),
                    state: hashed_state.clone(),
                    document: None,
                });
            }
            inner.rare.as_ref().and_then(|rare| rare.task.as_ref().map(|task| task.clone_ref(py)))
        };
        if let Some(task) = task {
            let task = task.into_bound(py);
            let type_id = ConfigState::of_configuration(&task)?.get().schema.get().type_id.clone();
            self.tasks.insert(hash::digest(&task)?.into(), type_id);
        }
        Ok(converted)
    }
}

/// The content of a job's `identity.json`. Computes the identifier first if it is not known.
///
/// # Errors
/// `ValidationError` when a list or another container was changed after it was hashed: the job would run with values
/// that its identifier does not stand for.
#[pyfunction]
pub(crate) fn identity_json(config: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    identity_of(config, &[], &entries(std::slice::from_ref(config))?.0)
}

/// The same for the objects of a file that refers to those of others: it tells nothing of what is `beyond` its own.
pub(super) fn identity_of<'py>(
    config: &Bound<'py, PyAny>,
    beyond: &[Bound<'py, PyAny>],
    entries: &[Entry<'py>],
) -> PyResult<Vec<u8>> {
    let py = config.py();
    let root = Digest::from(hash::digest(config)?);
    let found = Found::below(config, beyond)?;
    let mut nodes = Vec::new();
    let mut tasks = BTreeMap::new();
    let mut seen = HashSet::from([root]);
    let mut pending = VecDeque::from([root]);
    while let Some(digest) = pending.pop_front() {
        let Some(known) = found.by_digest.get(&digest) else { continue };
        let document = known.document.as_deref().map(decode_document).transpose();
        let document = document.map_err(|error| errors::error(py, format!("what was hashed is damaged: {error}")))?;
        if let Some(document) = &document {
            check_unchanged(known, document)?;
            pending.extend(document.references().into_iter().filter(|digest| seen.insert(*digest)));
            for task in document.nodes.iter().filter_map(|node| node.task.as_ref()?.digest()) {
                tasks.insert(task, found.tasks.get(&task));
            }
        }
        nodes.push(describe(&digest, known, document.as_ref(), py)?);
    }
    let state = ConfigState::of_configuration(config)?;
    let (folder_scheme, folder_identifier) = match state.get().stored_legacy() {
        Some(stored) => (stored.scheme.name(), hex_of_bytes(&stored.identity.full)),
        None => (Scheme::Md5.name(), root.to_string()),
    };
    let content = json!({
        "version": VERSION,
        "scheme": Scheme::Md5.name(),
        "identifier": root.to_string(),
        // Of the folder: of an older package's scheme in a workspace that keeps to one.
        "folder": {"scheme": folder_scheme, "identifier": folder_identifier},
        "type": state.get().schema.get().type_id,
        "nodes": nodes,
        "tasks": tasks
            .into_iter()
            .map(|(digest, type_id)| json!({"identifier": digest.to_string(), "type": type_id}))
            .collect::<Vec<_>>(),
    });
    let mut bytes = serde_json::to_vec(&content).map_err(|error| errors::error(py, error.to_string()))?;
    bytes.pop(); // the brace: there is more to say
    bytes.extend(format!(",{}}}\n", sources(entries, py)?).into_bytes());
    Ok(bytes)
}

/// Sealing keeps parameters from being replaced, not what they hold from being changed.
fn check_unchanged(known: &Known<'_>, document: &Document) -> PyResult<()> {
    let [node] = document.nodes.as_slice() else { return Ok(()) };
    let py = known.config.py();
    let schema = known.state.get().schema.get();
    let plan = schema.plan.get_or_init(|| Plan::of(schema));
    let decoded = |bytes: &[u8]| {
        decode_value(bytes).map(without_configurations).map_err(|error| errors::error(py, error.to_string()))
    };
    for parameter in &plan.parameters {
        let argument = &schema.arguments[parameter.position];
        let Some(value) = known.config.getattr_opt(argument.name.bind(py))?.filter(may_change) else { continue };
        let hashed = match (node.parameters.get(&argument.text), parameter.rule, default_of(argument, py)) {
            (Some(hashed), ..) => without_configurations(hashed.clone()),
            (None, Rule::UnlessDefault, Some(default)) => decoded(hash::default_bytes(argument, default)?)?,
            _ => continue,
        };
        if decoded(&hash::value_bytes(&value)?)? != hashed {
            return Err(errors::validation(
                py,
                format!(
                    "parameter '{}' of {}: its value was changed after the submission, so that the identifier no \
                     longer stands for it; make a copy of the value for each task (copyconfig)",
                    argument.text, schema.type_id
                ),
            ));
        }
    }
    Ok(())
}

/// Whether a value may change without being replaced. Configurations see to themselves.
fn may_change(value: &Bound<'_, PyAny>) -> bool {
    !(value.is_none()
        || value.is_exact_instance_of::<PyString>()
        || value.is_exact_instance_of::<PyInt>()
        || value.is_exact_instance_of::<PyFloat>()
        || value.is_exact_instance_of::<PyBool>()
        || is_configuration(value))
}

/// A value without the digests in it: these change when a configuration is linked to the task that it is an output of.
fn without_configurations(value: Value) -> Value {
    let all = |values: Vec<Value>| values.into_iter().map(without_configurations).collect();
    match value {
        Value::Config(_) => Value::None,
        Value::List(elements) => Value::List(all(elements)),
        Value::Tuple(elements) => Value::Tuple(all(elements)),
        Value::Set(elements) => Value::Set(elements.into_iter().map(without_configurations).collect()),
        Value::Dict(entries) => Value::Dict(
            entries
                .into_iter()
                .map(|(key, value)| (without_configurations(key), without_configurations(value)))
                .collect(),
        ),
        other => other,
    }
}

fn describe(digest: &Digest, known: &Known<'_>, document: Option<&Document>, py: Python<'_>) -> PyResult<Json> {
    let mut node = Map::new();
    node.insert("identifier".into(), json!(digest.to_string()));
    node.insert("type".into(), json!(known.state.get().schema.get().type_id));
    if let Some(document) = document {
        node.insert("document".into(), notation::from_document(document));
        let (explicit, left_out) = origins(known.state.get(), document, py)?;
        node.insert("explicit".into(), json!(explicit));
        node.insert("left-out".into(), Json::Object(left_out));
    }
    Ok(Json::Object(node))
}

/// Names of the parameters that count and were set by the user; and those that do not count because they have their
/// default, with that.
fn origins(state: &ConfigState, document: &Document, py: Python<'_>) -> PyResult<(Vec<String>, Map<String, Json>)> {
    let schema = state.schema.get();
    let plan = schema.plan.get_or_init(|| Plan::of(schema));
    let mut explicit = Vec::new();
    let mut left_out = Map::new();
    let Some(node) = document.nodes.first() else { return Ok((explicit, left_out)) };
    for parameter in &plan.parameters {
        let argument = &schema.arguments[parameter.position];
        if node.parameters.contains_key(&argument.text) {
            if matches!(state.origin(parameter.position), Origin::Explicit | Origin::Loaded) {
                explicit.push(argument.text.clone());
            }
            continue;
        }
        let value = match (parameter.rule, default_of(argument, py)) {
            (Rule::UnlessNone, _) => Json::Null,
            (Rule::UnlessDefault, Some(default)) => {
                let value = decode_value(hash::default_bytes(argument, default)?);
                notation::from_value(&value.map_err(|error| errors::error(py, error.to_string()))?)
            }
            _ => continue,
        };
        left_out.insert(argument.text.clone(), value);
    }
    Ok((explicit, left_out))
}

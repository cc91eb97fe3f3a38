//! Where the values of stored objects come from: what was set and on which line, what each parameter is, what counts.
//!
//! Part of `identity.json`, so that two jobs can be compared long after the user's code has changed.

use std::collections::HashMap;

use pyo3::prelude::*;
use pyo3::types::PyList;
use serde_json::{Map, Value as Json, json};

use super::plan::{Plan, Rule};
use super::provenance::Site;
use super::schema::{Kind, Schema};
use super::serialize::{Entry, entries};
use super::state::{ConfigState, Origin};
use crate::errors;

/// Places in the user's code, each named once.
#[derive(Default)]
struct Places {
    names: Vec<String>,
    known: HashMap<(usize, i32), usize>,
}

impl Places {
    fn number(&mut self, site: &Site, py: Python<'_>) -> usize {
        *self.known.entry(site.key()).or_insert_with(|| {
            self.names.push(site.resolve(py));
            self.names.len() - 1
        })
    }
}

/// What is told of a list of configurations.
#[derive(Default)]
struct Sources {
    places: Places,
    classes: Map<String, Json>,
    objects: Vec<Json>,
}

impl Sources {
    fn add(&mut self, entry: &Entry<'_>) -> PyResult<()> {
        let (Entry::Whole(config) | Entry::Reference(config)) = entry;
        let state = ConfigState::of_configuration(config)?;
        let state = state.get();
        let schema = state.schema.get();
        let mut object = Map::new();
        object.insert("type".into(), json!(schema.type_id));
        if matches!(entry, Entry::Whole(_)) {
            if !self.classes.contains_key(&schema.type_id) {
                self.classes.insert(schema.type_id.clone(), parameters_of(schema, config.py()));
            }
            self.describe(state, &mut object, config.py());
        }
        self.objects.push(Json::Object(object));
        Ok(())
    }

    fn describe(&mut self, state: &ConfigState, object: &mut Map<String, Json>, py: Python<'_>) {
        let schema = state.schema.get();
        let explicit: Vec<_> = (0..schema.arguments.len())
            .filter(|&position| matches!(state.origin(position), Origin::Explicit | Origin::Loaded))
            .collect();
        let (made, assigned, loaded) = {
            let inner = state.lock();
            let assigned: Vec<_> = inner.rare.as_ref().map_or_else(Vec::new, |rare| {
                rare.sites.iter().map(|(position, site)| (*position, site.clone_ref(py))).collect()
            });
            (inner.site.as_ref().map(|site| site.clone_ref(py)), assigned, inner.loaded)
        };
        let made = made.map(|site| self.places.number(&site, py));
        let mut set = Map::new();
        for position in explicit {
            let last = assigned.iter().rev().find(|(assigned, _)| *assigned == position);
            let place = last.map(|(_, site)| self.places.number(site, py)).or(made);
            set.insert(schema.arguments[position].text.clone(), json!(place));
        }
        if let Some(made) = made {
            object.insert("at".into(), json!(made));
        }
        object.insert("set".into(), Json::Object(set));
        if loaded {
            object.insert("loaded".into(), json!(true));
        }
    }

    fn into_json(self) -> Map<String, Json> {
        let mut content = Map::new();
        content.insert("classes".into(), Json::Object(self.classes));
        content.insert("places".into(), json!(self.places.names));
        content.insert("objects".into(), Json::Array(self.objects));
        content
    }
}

/// The parameters of a class: declared type, kind, and when they count.
fn parameters_of(schema: &Schema, py: Python<'_>) -> Json {
    let plan = schema.plan.get_or_init(|| Plan::of(schema));
    let parameters = schema.arguments.iter().enumerate().map(|(position, argument)| {
        let rule = plan.parameters.iter().find(|parameter| parameter.position == position).map(|it| it.rule);
        let counts = match rule {
            Some(Rule::Always) => "always",
            Some(Rule::UnlessNone) => "unless-none",
            Some(Rule::UnlessDefault) => "unless-default",
            Some(Rule::OnlyIfForced) => "if-forced",
            None => "never",
        };
        let kind = match argument.kind {
            Kind::Param if argument.spec.is_path() => "path",
            Kind::Param => "param",
            Kind::Meta => "meta",
            Kind::Constant => "constant",
            Kind::Generated => "generated",
            Kind::Data => "data",
        };
        let told = json!({"type": argument.spec.describe(py), "kind": kind, "counts": counts});
        (argument.text.clone(), told)
    });
    Json::Object(parameters.collect())
}

/// What is told of configurations and of all below them, by the numbers that they have in `params.json`.
pub(super) fn sources(roots: &[Bound<'_, PyAny>]) -> PyResult<Map<String, Json>> {
    let mut sources = Sources::default();
    for entry in entries(roots)?.0 {
        sources.add(&entry)?;
    }
    Ok(sources.into_json())
}

/// The same as JSON text; the objects are in the order of `state_json` for the same list.
#[pyfunction]
pub(crate) fn sources_json(configs: &Bound<'_, PyList>) -> PyResult<Vec<u8>> {
    let roots: Vec<_> = configs.iter().collect();
    let content = Json::Object(sources(&roots)?);
    serde_json::to_vec(&content).map_err(|error| errors::error(configs.py(), error.to_string()))
}

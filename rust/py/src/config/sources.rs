//! Where the values of stored objects come from: what was set and on which line, what each parameter is, what counts.
//!
//! Part of `identity.json`, so that two jobs can be compared long after the user's code has changed.

use std::collections::{HashMap, HashSet};

use pyo3::prelude::*;
use pyo3::types::PyList;
use serde_json::{Value as Json, json};

use super::plan::{Plan, Rule};
use super::provenance::Site;
use super::schema::{Kind, Schema};
use super::serialize::{Entry, entries};
use super::state::{ConfigState, Origin};

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

/// What is told of a list of configurations, as JSON text: this is written for every job.
#[derive(Default)]
struct Sources<'py> {
    places: Places,
    known: HashSet<usize>,
    classes: Vec<Bound<'py, Schema>>,
    objects: String,
}

impl<'py> Sources<'py> {
    fn add(&mut self, entry: &Entry<'py>) -> PyResult<()> {
        let (Entry::Whole(config) | Entry::Reference(config)) = entry;
        let py = config.py();
        let state = ConfigState::of_configuration(config)?;
        let schema = state.get().schema.bind(py);
        if !self.objects.is_empty() {
            self.objects.push(',');
        }
        self.objects.push_str("{\"type\":");
        self.objects.push_str(&text(&schema.get().type_id));
        if matches!(entry, Entry::Whole(_)) {
            if self.known.insert(schema.as_ptr() as usize) {
                self.classes.push(schema.clone());
            }
            if schema.get().is_instance {
                self.objects.push_str(",\"instance\":true");
            }
            self.describe(state.get(), py);
        }
        self.objects.push('}');
        Ok(())
    }

    fn describe(&mut self, state: &ConfigState, py: Python<'_>) {
        let schema = state.schema.get();
        let (made, assigned, loaded) = {
            let inner = state.lock();
            let assigned: Vec<_> = inner.rare.as_ref().map_or_else(Vec::new, |rare| {
                rare.sites.iter().map(|(position, site)| (*position, site.clone_ref(py))).collect()
            });
            (inner.site.as_ref().map(|site| site.clone_ref(py)), assigned, inner.loaded)
        };
        let made = made.map(|site| self.places.number(&site, py));
        if let Some(made) = made {
            self.objects.push_str(",\"at\":");
            self.objects.push_str(&made.to_string());
        }
        self.objects.push_str(",\"set\":{");
        let mut first = true;
        for (position, argument) in schema.arguments.iter().enumerate() {
            if !matches!(state.origin(position), Origin::Explicit | Origin::Loaded) {
                continue;
            }
            let last = assigned.iter().rev().find(|(assigned, _)| *assigned == position);
            let place = last.map(|(_, site)| self.places.number(site, py)).or(made);
            self.objects.push_str(if first { "" } else { "," });
            first = false;
            self.objects.push_str(&text(&argument.text));
            self.objects.push(':');
            self.objects.push_str(&place.map_or_else(|| "null".to_owned(), |place| place.to_string()));
        }
        self.objects.push_str(if loaded { "},\"loaded\":true" } else { "}" });
    }

    /// Members of a JSON object.
    fn into_members(self, py: Python<'_>) -> String {
        let classes: Vec<_> = self
            .classes
            .iter()
            .map(|schema| {
                let schema = schema.get();
                let described = schema.described.get_or_init(|| parameters_of(schema, py).to_string());
                format!("{}:{described}", text(&schema.type_id))
            })
            .collect();
        let places: Vec<_> = self.places.names.iter().map(|name| text(name)).collect();
        format!(
            "\"classes\":{{{}}},\"places\":[{}],\"objects\":[{}]",
            classes.join(","),
            places.join(","),
            self.objects
        )
    }
}

/// A JSON string.
fn text(content: &str) -> String {
    Json::from(content).to_string()
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

/// What is told of the objects of a file, in their order: the members of a JSON object.
pub(super) fn sources<'py>(entries: &[Entry<'py>], py: Python<'py>) -> PyResult<String> {
    let mut sources = Sources::default();
    for entry in entries {
        sources.add(entry)?;
    }
    Ok(sources.into_members(py))
}

/// The same as JSON text; the objects are in the order of `state_json` for the same list.
#[pyfunction]
pub(crate) fn sources_json(configs: &Bound<'_, PyList>) -> PyResult<Vec<u8>> {
    let roots: Vec<_> = configs.iter().collect();
    Ok(format!("{{{}}}", sources(&entries(&roots)?.0, configs.py())?).into_bytes())
}

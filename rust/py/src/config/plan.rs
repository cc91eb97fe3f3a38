//! Which parameters of a class count in its identifiers, and when; prepared once per class.

use experimaestro_core::identifier::Name;
use pyo3::prelude::*;

use super::schema::{Argument, Default, Kind, Schema};

/// When a parameter counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Rule {
    /// Always.
    Always,
    /// Unless it is `None`.
    UnlessNone,
    /// Unless it equals its default.
    UnlessDefault,
    /// Only if it is a configuration with the meta flag false.
    OnlyIfForced,
}

/// A parameter that may count.
pub(crate) struct Parameter {
    /// Position in the schema.
    pub(crate) position: usize,
    pub(crate) name: Name,
    pub(crate) rule: Rule,
}

/// What is known of a class before any of its configurations is looked at.
pub(crate) struct Plan {
    pub(crate) type_id: Name,
    /// In name order.
    pub(crate) parameters: Vec<Parameter>,
}

impl Plan {
    pub(crate) fn of(schema: &Schema) -> Self {
        let mut parameters: Vec<(&str, Parameter)> = schema
            .arguments
            .iter()
            .enumerate()
            .filter_map(|(position, argument)| {
                let rule = rule(argument)?;
                Some((argument.text.as_str(), Parameter { position, name: Name::new(&argument.text), rule }))
            })
            .collect();
        parameters.sort_by_key(|(name, _)| *name);
        Self {
            type_id: Name::new(&schema.type_id),
            parameters: parameters.into_iter().map(|(_, parameter)| parameter).collect(),
        }
    }
}

fn rule(argument: &Argument) -> Option<Rule> {
    match argument.kind {
        _ if argument.spec.is_path() => None,
        Kind::Param if argument.has_default && argument.ignore_default => Some(Rule::UnlessDefault),
        Kind::Param if !argument.has_default && !argument.is_required() => Some(Rule::UnlessNone),
        Kind::Param | Kind::Constant => Some(Rule::Always),
        Kind::Meta if argument.holds_configurations => Some(Rule::OnlyIfForced),
        Kind::Meta | Kind::Generated | Kind::Data => None,
    }
}

/// The default, as it is compared with values.
pub(crate) fn default_of<'a, 'py>(argument: &'a Argument, py: Python<'py>) -> Option<&'a Bound<'py, PyAny>> {
    match &argument.default {
        Default::Shared(value) | Default::Copied(value) => Some(value.bind(py)),
        Default::Required | Default::Generated => None,
    }
}

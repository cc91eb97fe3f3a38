//! What the writer of values and the graph algorithm of the core ask of a walk.

use experimaestro_core::identifier::{Digest, Graph, NodeEncoder, NodeId};
use pyo3::prelude::*;

use super::kept::{keep, keep_document};
use super::node::{Linked, linked};
use super::walk::{Item, Pass, Walk};
use super::{DOCUMENT_START, instances};
use crate::config::canonical::{Configurations, Failure, write_value};

impl<'py> Configurations<'py> for Walk<'py> {
    fn is_left_out(&mut self, config: &Bound<'py, PyAny>) -> PyResult<bool> {
        Ok(self.meta(config)? == Some(true))
    }

    fn in_order(&self) -> bool {
        self.met.is_some()
    }

    fn order(&mut self, value: &Bound<'py, PyAny>, encoder: &mut NodeEncoder<'_>) -> Result<Vec<u8>, Failure> {
        let met = self.met.as_ref().map_or(0, Vec::len);
        let from = encoder.checkpoint();
        write_value(value, self, encoder)?;
        let bytes = encoder.since(&from).to_vec();
        encoder.rollback(&from);
        self.forget_met(met);
        Ok(bytes)
    }

    fn write(&mut self, config: &Bound<'py, PyAny>, encoder: &mut NodeEncoder<'_>) -> PyResult<()> {
        let number = self.number(config)?;
        let known = match &self.items[number as usize] {
            Item::Config { digest, .. } => *digest,
            Item::Value(_) => None,
        };
        if let Some(met) = &mut self.met {
            met.push(number);
            encoder.config(&known.or_else(|| self.plain.get(&number).copied()).unwrap_or_default());
            return Ok(());
        }
        match known {
            Some(digest) => encoder.config(&digest),
            None => encoder.reference(number),
        }
        Ok(())
    }
}

impl Graph for Walk<'_> {
    type Error = Failure;

    fn encode(&mut self, node: NodeId, encoder: &mut NodeEncoder<'_>) -> Result<(), Failure> {
        match &self.items[node as usize] {
            Item::Config { config, state, has_tasks, deprecated, .. } => {
                let tasks = match deprecated {
                    _ if !has_tasks => Linked::default(),
                    Some(old) => linked(&old.config, old.state.get()),
                    None => linked(config, state.get()),
                };
                let (config, state) = (config.clone(), state.clone());
                let number = self.further.get(&node).copied();
                self.write_node(node, &config, state.get(), tasks, number, encoder)
            }
            Item::Value(value) => {
                let value = value.clone();
                write_value(&value, self, encoder)
            }
        }
    }

    fn digested(&mut self, node: NodeId, document: &[u8], digest: &Digest, in_cycle: bool) {
        if matches!(self.pass, Pass::Plain { .. }) && instances::any() {
            self.plain.insert(node, *digest);
        }
        match &self.items[node as usize] {
            Item::Config { .. } if self.is_reduced(node) => {}
            Item::Config { state, sealed, deprecated, .. } if matches!(self.pass, Pass::Numbered(root) if root != node) => {
                if self.keep || *sealed {
                    let state = deprecated.as_ref().map_or(state, |old| &old.state);
                    keep_document(&mut state.get().lock(), document, digest);
                }
            }
            Item::Config { config, state, sealed, deprecated, .. } => {
                if self.keep || *sealed {
                    match deprecated {
                        Some(old) => {
                            keep(old.state.get(), *sealed, document, digest, in_cycle);
                            // Dropped without the lock: the end of an object may run Python.
                            let before = old.state.get().lock().rare().converted.replace(config.clone().unbind());
                            drop(before);
                        }
                        None => keep(state.get(), *sealed, document, digest, in_cycle),
                    }
                }
            }
            Item::Value(_) => self.value_bytes = document[DOCUMENT_START..].to_vec(),
        }
    }
}

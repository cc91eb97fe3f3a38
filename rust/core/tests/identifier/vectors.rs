//! The golden vectors, which the Python suite checks with an implementation of its own.

use experimaestro_core::identifier::{Digest, decode_document, decode_value, encode_document, encode_value};
use experimaestro_core::value::{Document, notation};
use serde_json::Value as Json;

use super::support::{TestGraph, hex};

fn vectors(key: &str) -> Vec<Json> {
    let text = include_str!("../../../../tests/data/identifiers.json");
    let vectors: Json = serde_json::from_str(text).unwrap();
    let list = vectors[key].as_array().unwrap().clone();
    assert!(!list.is_empty(), "no {key}");
    list
}

fn bytes(json: &Json) -> Vec<u8> {
    let digits = json.as_str().unwrap();
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

fn digest(json: &Json) -> Digest {
    json.as_str().unwrap().parse().unwrap()
}

#[test]
fn values_have_these_bytes() {
    for vector in vectors("values") {
        let value = notation::to_value(&vector["value"]).unwrap();
        assert_eq!(hex(&encode_value(&value).unwrap()), vector["bytes"], "{vector}");
        assert_eq!(decode_value(&bytes(&vector["bytes"])), Ok(value), "{vector}");
    }
}

#[test]
fn documents_have_these_bytes_and_digests() {
    for vector in vectors("documents") {
        let document = notation::to_document(&vector["nodes"]).unwrap();
        let encoded = encode_document(&document).unwrap();
        assert_eq!(hex(&encoded), vector["bytes"], "{vector}");
        assert_eq!(Digest::of(&encoded), digest(&vector["digest"]), "{vector}");
        assert_eq!(decode_document(&encoded), Ok(document), "{vector}");
    }
}

#[test]
fn pairs_that_look_alike_have_two_digests() {
    for pair in vectors("pairs") {
        let digests = ["left", "right"].map(|side| {
            let document = Document::from(notation::to_node(&pair[side]).unwrap());
            let computed = Digest::of(&encode_document(&document).unwrap());
            assert_eq!(computed, digest(&pair[format!("{side}-digest")]), "{pair}");
            computed
        });
        assert_ne!(digests[0], digests[1], "{pair}");
    }
}

#[test]
fn graphs_have_these_documents_and_digests() {
    for vector in vectors("graphs") {
        let nodes = notation::to_document(&vector["nodes"]).unwrap().nodes;
        for backwards in [false, true] {
            let mut graph = TestGraph { backwards, ..TestGraph::new(nodes.clone()) };
            let order = (0..nodes.len()).collect::<Vec<_>>();
            let digests = graph.digests(&order).unwrap();
            for node in order {
                assert_eq!(
                    hex(&graph.documents[&u32::try_from(node).unwrap()].0),
                    vector["documents"][node],
                    "{vector}"
                );
                assert_eq!(digests[node], digest(&vector["digests"][node]), "{vector}");
            }
        }
    }
}

#[test]
fn bytes_that_are_not_canonical_are_refused() {
    for vector in vectors("refused-values") {
        assert!(decode_value(&bytes(&vector["bytes"])).is_err(), "{vector}");
    }
    for vector in vectors("refused-documents") {
        assert!(decode_document(&bytes(&vector["bytes"])).is_err(), "{vector}");
    }
}

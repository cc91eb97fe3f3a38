//! The examples of `docs/identifiers.md` are true.

use experimaestro_core::identifier::{Digest, encode_document, encode_value};
use experimaestro_core::value::notation;

use super::support::hex;

const TEXT: &str = include_str!("../../../../docs/identifiers.md");

/// The fenced blocks of one kind.
fn blocks(kind: &str) -> Vec<&'static str> {
    let opening = format!("```{kind}\n");
    TEXT.split(&opening).skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

fn squeezed(text: &str) -> String {
    text.split_whitespace().collect()
}

#[test]
fn values_are_as_shown() {
    let lines = blocks("value").into_iter().flat_map(str::lines).collect::<Vec<_>>();
    assert!(lines.len() > 20, "the examples were not found");
    for line in lines {
        let (json, bytes) = line.split_once(" -> ").unwrap();
        let value = notation::to_value(&serde_json::from_str(json).unwrap()).unwrap();
        assert_eq!(hex(&encode_value(&value).unwrap()), squeezed(bytes), "{line}");
    }
}

#[test]
fn documents_are_as_shown() {
    let examples = blocks("document");
    assert!(examples.len() >= 3, "the examples were not found");
    for example in examples {
        let (json, rest) = example.split_once('\n').unwrap();
        let (bytes, digest) = rest.split_once("md5 ").unwrap();
        let bytes = bytes.lines().filter_map(|line| line.split('#').next()).collect::<String>();
        let document = notation::to_document(&serde_json::from_str(json).unwrap()).unwrap();
        let encoded = encode_document(&document).unwrap();
        assert_eq!(hex(&encoded), squeezed(&bytes), "{example}");
        assert_eq!(Digest::of(&encoded).to_string(), digest.trim(), "{example}");
    }
}

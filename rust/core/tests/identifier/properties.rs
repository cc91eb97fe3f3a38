//! The encoding is injective: there is a decoder, and it takes back what was written, and nothing else.

use experimaestro_core::identifier::{Encoder, decode_document, decode_value, encode_document, encode_value};
use experimaestro_core::value::{Integer, Value, notation};
use proptest::prelude::*;

use super::support::{TestGraph, graphs, values};

/// Random bytes that look like canonical ones: tags, small lengths, and some noise.
fn plausible_bytes() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(prop_oneof![4 => 0_u8..0x28, 1 => any::<u8>()], 0..64)
}

proptest! {
    #[test]
    fn values_come_back(value in values()) {
        let bytes = encode_value(&value).unwrap();
        prop_assert_eq!(decode_value(&bytes), Ok(value));
    }

    #[test]
    fn different_values_have_different_bytes(left in values(), right in values()) {
        prop_assert_eq!(left == right, encode_value(&left).unwrap() == encode_value(&right).unwrap());
    }

    #[test]
    fn accepted_bytes_are_canonical(bytes in plausible_bytes()) {
        if let Ok(value) = decode_value(&bytes) {
            prop_assert_eq!(encode_value(&value).unwrap(), bytes);
        }
    }

    #[test]
    fn accepted_documents_are_canonical(rest in plausible_bytes()) {
        let bytes = [&[0x01, 0x01, 0x20][..], &rest].concat();
        if let Ok(document) = decode_document(&bytes) {
            prop_assert_eq!(encode_document(&document).unwrap(), bytes);
        }
    }

    #[test]
    fn damaged_bytes_are_refused_or_another_value(value in values(), at: prop::sample::Index, flip in 1_u8..) {
        let mut bytes = encode_value(&value).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        if let Ok(other) = decode_value(&bytes) {
            prop_assert_ne!(&other, &value);
            prop_assert_eq!(encode_value(&other).unwrap(), bytes);
        }
    }

    #[test]
    fn bytes_cut_short_are_refused(value in values(), at: prop::sample::Index) {
        let bytes = encode_value(&value).unwrap();
        prop_assert!(decode_value(&bytes[..at.index(bytes.len())]).is_err());
    }

    #[test]
    fn documents_come_back(nodes in graphs()) {
        let mut graph = TestGraph::new(nodes);
        let order = (0..graph.nodes.len()).collect::<Vec<_>>();
        graph.digests(&order).unwrap();
        for (bytes, _) in graph.documents.values() {
            let document = decode_document(bytes).unwrap();
            prop_assert_eq!(&encode_document(&document).unwrap(), bytes);
            let json = notation::from_document(&document).to_string();
            prop_assert_eq!(notation::to_document(&serde_json::from_str(&json).unwrap()), Ok(document));
        }
    }

    #[test]
    fn notation_comes_back(value in values()) {
        let json = notation::from_value(&value).to_string();
        prop_assert_eq!(notation::to_value(&serde_json::from_str(&json).unwrap()), Ok(value));
    }

    #[test]
    fn small_integers_take_the_short_way_to_the_same_bytes(number: i64, shift in 0..64) {
        let mut encoder = Encoder::default();
        encoder.int(number >> shift);
        prop_assert_eq!(encoder.as_bytes(), encode_value(&Value::Int(Integer::from(number >> shift))).unwrap());
    }

    #[test]
    fn order_of_insertion_does_not_count(keys in proptest::collection::btree_set("[ab_]{0,12}", 0..60), seed: u64) {
        let write = |keys: &[&String]| {
            let mut encoder = Encoder::default();
            let mark = encoder.begin_dict(keys.len()).unwrap();
            for key in keys {
                encoder.begin_entry();
                encoder.str(key);
                encoder.end_key();
                encoder.str(key);
            }
            encoder.end_dict(mark).unwrap();
            encoder.as_bytes().to_vec()
        };
        let sorted = keys.iter().collect::<Vec<_>>();
        let mut shuffled = sorted.clone();
        shuffled.sort_by_key(|key| {
            key.bytes().fold(seed, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
        });
        prop_assert_eq!(write(&sorted), write(&shuffled));
    }
}

#[test]
fn keys_and_elements_that_occur_twice_are_refused() {
    let mut encoder = Encoder::default();
    let mark = encoder.begin_set(3).unwrap();
    for number in [2, 1, 2] {
        encoder.begin_entry();
        encoder.int(number);
    }
    assert!(encoder.end_set(mark).is_err());
    encoder.clear();
    let mark = encoder.begin_dict(4).unwrap();
    for number in [3, 1, 2, 1] {
        encoder.begin_entry();
        encoder.int(number);
        encoder.end_key();
        encoder.none();
    }
    assert!(encoder.end_dict(mark).is_err());
}

#[test]
fn lengths_that_lie_ask_for_no_memory() {
    // A list, a text and an array that claim 2^60 elements in a few bytes.
    for start in [&[0x07][..], &[0x04], &[0x0c, 0x00]] {
        let bytes = [start, &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10, 0x00]].concat();
        assert!(decode_value(&bytes).is_err());
    }
}

//! Puts the entries of a dict, or the elements of a set, in the order of their canonical bytes, within the buffer.

use std::cmp::Ordering;

use super::NodeId;

/// An entry: its bytes go up to the next entry, those of its key up to `key_end`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) start: usize,
    pub(super) key_end: usize,
}

/// A place kept for the digest of a node.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placeholder {
    pub(super) offset: usize,
    pub(super) node: NodeId,
}

/// Memory kept from one call to the next.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// For each entry, eight bytes of its key and its position.
    order: Vec<(u64, usize)>,
    bytes: Vec<u8>,
    placeholders: Vec<Placeholder>,
}

/// Sorts entries that fill the end of `bytes`; false when two keys are equal.
///
/// Canonical bytes are prefix-free, so comparing keys is comparing entries.
pub(super) fn sort(
    bytes: &mut [u8],
    placeholders: &mut [Placeholder],
    entries: &[Entry],
    scratch: &mut Scratch,
) -> bool {
    let key = |entry: &Entry| &bytes[entry.start..entry.key_end];
    let mut in_order = true;
    for pair in entries.windows(2) {
        match key(&pair[0]).cmp(key(&pair[1])) {
            Ordering::Less => {}
            Ordering::Equal => return false,
            Ordering::Greater => {
                in_order = false;
                break;
            }
        }
    }
    if in_order {
        return true;
    }

    let shared = shared_prefix(bytes, entries);
    scratch.order.clear();
    scratch
        .order
        .extend(entries.iter().enumerate().map(|(position, entry)| (eight_bytes(&key(entry)[shared..]), position)));
    // Numbers are sorted without a look at the bytes; only runs of equal numbers need one.
    scratch.order.sort_unstable();
    let mut distinct = true;
    for run in scratch.order.chunk_by_mut(|left, right| left.0 == right.0).filter(|run| run.len() > 1) {
        run.sort_unstable_by(|left, right| key(&entries[left.1]).cmp(key(&entries[right.1])));
        distinct &= run.windows(2).all(|pair| key(&entries[pair[0].1]) != key(&entries[pair[1].1]));
    }
    if distinct {
        permute(bytes, placeholders, entries, scratch);
    }
    distinct
}

/// How many bytes all keys begin with.
fn shared_prefix(bytes: &[u8], entries: &[Entry]) -> usize {
    let Some((first, rest)) = entries.split_first() else {
        return 0;
    };
    let mut shared = first.key_end - first.start;
    for entry in rest {
        let first = &bytes[first.start..first.start + shared];
        let key = &bytes[entry.start..entry.key_end];
        if !key.starts_with(first) {
            shared = first.iter().zip(key).take_while(|(left, right)| left == right).count();
        }
    }
    shared
}

/// The first eight bytes as a number that compares like them; short keys are filled up with zeros.
fn eight_bytes(key: &[u8]) -> u64 {
    if let Some(first) = key.first_chunk() {
        return u64::from_be_bytes(*first);
    }
    let mut chunk = [0; 8];
    chunk[..key.len()].copy_from_slice(key);
    u64::from_be_bytes(chunk)
}

/// Moves the bytes to their places, and the placeholders within them.
fn permute(bytes: &mut [u8], placeholders: &mut [Placeholder], entries: &[Entry], scratch: &mut Scratch) {
    let start = entries[0].start;
    let first_placeholder = placeholders.partition_point(|placeholder| placeholder.offset < start);
    let placeholders = &mut placeholders[first_placeholder..];
    scratch.bytes.clear();
    scratch.bytes.reserve(bytes.len() - start);
    scratch.placeholders.clear();
    for (_, position) in &scratch.order {
        let from = entries[*position].start;
        let to = entries.get(position + 1).map_or(bytes.len(), |next| next.start);
        if !placeholders.is_empty() {
            let moved = start + scratch.bytes.len();
            let first = placeholders.partition_point(|placeholder| placeholder.offset < from);
            scratch.placeholders.extend(
                placeholders[first..]
                    .iter()
                    .take_while(|placeholder| placeholder.offset < to)
                    .map(|placeholder| Placeholder { offset: placeholder.offset - from + moved, ..*placeholder }),
            );
        }
        scratch.bytes.extend_from_slice(&bytes[from..to]);
    }
    bytes[start..].copy_from_slice(&scratch.bytes);
    placeholders.copy_from_slice(&scratch.placeholders);
}

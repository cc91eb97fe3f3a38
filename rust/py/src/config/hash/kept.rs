//! What digests were made of stays in the states of the configurations, for `identity.json`.

use std::cell::Cell;

use experimaestro_core::identifier::Digest;

use crate::config::state::{ConfigState, Inner};

/// What was hashed of a configuration.
#[derive(Default)]
pub(crate) struct Kept {
    /// The walk that computed the digest.
    walk: u64,
    /// Digests and the documents they were made of; more than one if it was linked to its task after the first.
    pub(crate) documents: Vec<(Digest, Box<[u8]>)>,
}

impl Kept {
    /// Whether the last walk of this thread that kept anything computed the digest.
    pub(crate) fn is_of_last_walk(&self) -> bool {
        self.walk == LAST_WALK.get()
    }
}

/// Larger documents are not kept: what they hold is data rather than settings.
const LARGEST_KEPT: usize = 1 << 20;

thread_local! {
    static LAST_WALK: Cell<u64> = const { Cell::new(0) };
}

/// Another walk of this thread begins, that keeps what it finds.
pub(super) fn begin_walk() {
    LAST_WALK.set(LAST_WALK.get() + 1);
}

/// Stores a digest with what it was made of.
pub(super) fn keep(state: &ConfigState, sealed: bool, document: &[u8], digest: &Digest, in_cycle: bool) {
    let mut inner = state.lock();
    inner.digest = Some(*digest.as_bytes());
    inner.in_cycle = Some(in_cycle);
    if !sealed {
        inner.kept.get_or_insert_default().documents.clear();
    }
    keep_document(&mut inner, document, digest);
}

/// Stores what a digest was made of.
pub(super) fn keep_document(inner: &mut Inner, document: &[u8], digest: &Digest) {
    let kept = inner.kept.get_or_insert_default();
    kept.walk = LAST_WALK.get();
    if document.len() <= LARGEST_KEPT {
        kept.documents.push((*digest, document.into()));
    }
}

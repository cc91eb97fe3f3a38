//! Identifiers as two older packages computed them, so that their workspaces go on without running anything again.
//!
//! The byte tables are in `docs/legacy-identifiers.md`. They are not injective: what collided there collides here.

mod bytes;
mod functions;
mod kept;
mod outer;
mod scheme;
mod walk;

pub(crate) use functions::{identifiers_of, legacy_identifier, use_scheme};
pub(crate) use scheme::{LegacyScheme, current};
pub(crate) use walk::{Sha256Digest, identify};

/// The identifier of a configuration that was submitted to a workspace of an older scheme.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Stored {
    pub(crate) scheme: LegacyScheme,
    pub(crate) identity: LegacyIdentity,
}

/// What a configuration counts as.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct LegacyIdentity {
    /// In what holds it.
    pub(crate) nested: Sha256Digest,
    /// By itself: the name of its folder.
    pub(crate) full: Sha256Digest,
}

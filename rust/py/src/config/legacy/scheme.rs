//! Which scheme is in use: that of the workspace of the innermost open experiment.

use std::sync::atomic::{AtomicU8, Ordering};

use experimaestro_core::identifier::Scheme;

/// A scheme of an older package.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum LegacyScheme {
    V1,
    V2,
}

impl LegacyScheme {
    /// `None` for the scheme of this package.
    pub(crate) fn of(scheme: Scheme) -> Option<Self> {
        match scheme {
            Scheme::Sha256V1 => Some(Self::V1),
            Scheme::Sha256V2 => Some(Self::V2),
            _ => None,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::V1 => Scheme::Sha256V1.name(),
            Self::V2 => Scheme::Sha256V2.name(),
        }
    }
}

/// The version of the scheme in use; zero for `md5`.
static CURRENT: AtomicU8 = AtomicU8::new(0);

/// The scheme of identifiers that nobody asks to be of a certain one; `None` is `md5`.
pub(crate) fn current() -> Option<LegacyScheme> {
    match CURRENT.load(Ordering::Relaxed) {
        1 => Some(LegacyScheme::V1),
        2 => Some(LegacyScheme::V2),
        _ => None,
    }
}

pub(super) fn set_current(scheme: Option<LegacyScheme>) {
    let number = match scheme {
        None => 0,
        Some(LegacyScheme::V1) => 1,
        Some(LegacyScheme::V2) => 2,
    };
    CURRENT.store(number, Ordering::Relaxed);
}

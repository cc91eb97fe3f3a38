//! Jobs that nobody wants for their own sake.

use serde::{Deserialize, Serialize};

/// Whether a job runs when no job that runs needs it, and whether its folder is kept. Less transient is less.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TransientMode {
    /// It runs, and its folder stays.
    #[default]
    None,
    /// It runs if a job that runs needs it, and its folder stays.
    Transient,
    /// It runs if a job that runs needs it, and its folder is removed when the experiment ended well.
    Remove,
}

impl TransientMode {
    /// Whether it runs only for others.
    pub fn is_transient(self) -> bool {
        self != Self::None
    }
}

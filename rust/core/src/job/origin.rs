//! Where a failure comes from: failures of the same origin are one mistake, however many jobs it ended.

use serde::{Deserialize, Serialize};

/// The exception that ended an attempt.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Origin {
    /// The class of the exception, with its module unless it is a built-in one.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its text, in one line.
    #[serde(default)]
    pub message: String,
    /// `file:line` of the innermost frame in the user's own code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
}

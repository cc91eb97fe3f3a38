//! On what terms a job was submitted: what another driver has to know to go on with it.

use serde::{Deserialize, Serialize};

use super::{RetryPolicy, TransientMode};

/// On what terms a job was submitted. What is usual is not written down.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Terms {
    /// Higher goes first.
    #[serde(skip_serializing_if = "is_default")]
    pub priority: i64,
    /// How often it is tried again.
    #[serde(skip_serializing_if = "is_default")]
    pub retries: RetryPolicy,
    /// Whether it runs for its own sake.
    #[serde(skip_serializing_if = "is_default")]
    pub transient: TransientMode,
    /// Slots of the machine that it takes while it runs.
    #[serde(skip_serializing_if = "is_one")]
    pub slots: u32,
    /// Devices of the machine that it takes while it runs.
    #[serde(skip_serializing_if = "is_default")]
    pub gpus: u32,
    /// Folders of shared resources, and how many units of each it takes while it runs.
    #[serde(skip_serializing_if = "is_default")]
    pub leases: Vec<(String, u32)>,
    /// Whether it is copied to other folders of the workspace once it is done, where there are such.
    #[serde(skip_serializing_if = "is_true")]
    pub backup: bool,
}

impl Default for Terms {
    fn default() -> Self {
        let (retries, transient) = (RetryPolicy::default(), TransientMode::default());
        Self { priority: 0, retries, transient, slots: 1, gpus: 0, leases: Vec::new(), backup: true }
    }
}

impl Terms {
    /// Whether there is nothing to write down.
    pub fn are_usual(&self) -> bool {
        *self == Self::default()
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
fn is_one(value: &u32) -> bool {
    *value == 1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
fn is_true(value: &bool) -> bool {
    *value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_usual_takes_no_room_and_comes_back() {
        assert_eq!(serde_json::to_string(&Terms::default()).unwrap(), "{}");
        let terms = Terms { priority: -3, gpus: 2, leases: vec![("/t".into(), 1)], backup: false, ..Terms::default() };
        let text = serde_json::to_string(&terms).unwrap();
        assert_eq!(serde_json::from_str::<Terms>(&text).unwrap(), terms);
        assert!(!terms.are_usual() && Terms::default().are_usual());
    }
}

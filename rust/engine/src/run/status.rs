//! `status.json`: a run as a whole, replaced whole.

use experimaestro_core::claim::ProcessIdentity;
use experimaestro_core::fs::{self, Durability, FsResult};
use experimaestro_core::layout::RunDirectory;
use serde::{Deserialize, Serialize};

/// The state of a run as a whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RunStatus {
    pub(crate) version: u32,
    pub(crate) experiment_id: String,
    pub(crate) run_id: String,
    /// `running`, `completed`, `failed`, `detached`.
    pub(crate) status: String,
    pub(crate) hostname: String,
    pub(crate) driver: Option<ProcessIdentity>,
    /// Seconds since 1970.
    pub(crate) started_at: Option<f64>,
    pub(crate) ended_at: Option<f64>,
    #[serde(default)]
    pub(crate) total: usize,
    #[serde(default)]
    pub(crate) done: usize,
    #[serde(default)]
    pub(crate) failed: usize,
}

impl RunStatus {
    pub(crate) fn running(experiment: &str, run_id: &str, driver: &ProcessIdentity, time: f64) -> Self {
        Self {
            version: 1,
            experiment_id: experiment.to_owned(),
            run_id: run_id.to_owned(),
            status: "running".to_owned(),
            hostname: driver.host.clone(),
            driver: Some(driver.clone()),
            started_at: Some(time),
            ended_at: None,
            total: 0,
            done: 0,
            failed: 0,
        }
    }

    pub(crate) fn write(&self, directory: &RunDirectory) -> FsResult<()> {
        let text = serde_json::to_vec(self).unwrap_or_default();
        fs::replace(&directory.status(), &text, Durability::Process)
    }

    /// `None` when there is none, or it cannot be understood.
    pub(crate) fn read(directory: &RunDirectory) -> FsResult<Option<Self>> {
        Ok(fs::read(&directory.status())?.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }
}

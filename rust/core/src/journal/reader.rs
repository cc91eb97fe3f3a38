//! Reads a journal back: a fold over its lines.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value};

use super::JournalError;
use super::format::{Header, Record, StateLine, Status, VERSION};
use crate::fs;
use crate::job::Terms;

/// A job of a run, as the journal tells.
#[derive(Debug, Clone, PartialEq)]
pub struct JobHistory {
    /// The task.
    pub task_id: String,
    /// The configuration.
    pub identifier: String,
    /// The numbers of the jobs that it depends on.
    pub dependencies: Vec<u32>,
    /// The tags of the configuration.
    pub tags: Map<String, Value>,
    /// On what terms it was submitted.
    pub terms: Terms,
    /// When it joined the run.
    pub submitted: f64,
    /// The number of its surroundings in [`RunHistory::surroundings`]; `None` if how it starts was not written down.
    pub surroundings: Option<u32>,
    /// The last change of its state; `None` before the first.
    pub last: Option<StateLine>,
    /// How often it was tried again in this run.
    pub retries: u32,
}

/// A run, as the journal tells.
#[derive(Debug, Clone, PartialEq)]
pub struct RunHistory {
    /// Who ran what.
    pub header: Header,
    /// What the processes of jobs find around them: variables, and what is in front of `sys.path`.
    pub surroundings: Vec<(BTreeMap<String, String>, Vec<String>)>,
    /// In the order of their submission.
    pub jobs: Vec<JobHistory>,
    /// How the run stands, and since when, if its driver left.
    pub closed: Option<(Status, f64)>,
}

/// The part that ends with a whole line: a crash, or a writer at work, may leave half of one.
pub(super) fn whole_lines(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |position| position + 1);
    &bytes[..end]
}

/// Read a journal; half a line at the end is passed over.
///
/// # Errors
/// When there is none, or none of its lines is whole; when it is of a newer version, or damaged elsewhere than at its end.
pub fn read(path: &Path) -> Result<RunHistory, JournalError> {
    let bytes = fs::read(path)?.ok_or_else(|| JournalError::Missing(path.to_path_buf()))?;
    let damaged = |line: usize| JournalError::Damaged { path: path.to_path_buf(), line: line + 1 };
    let mut lines = whole_lines(&bytes).split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).enumerate();
    // A writer that has not written its first line, or was killed before, has recorded nothing.
    let (_, first) = lines.next().ok_or_else(|| JournalError::Missing(path.to_path_buf()))?;
    let mut history =
        RunHistory { header: header(path, first)?, surroundings: Vec::new(), jobs: Vec::new(), closed: None };
    for (number, line) in lines {
        let record = serde_json::from_slice(line).map_err(|_| damaged(number))?;
        if !history.add(record) {
            return Err(damaged(number));
        }
    }
    Ok(history)
}

fn header(path: &Path, line: &[u8]) -> Result<Header, JournalError> {
    let value: Value = serde_json::from_slice(line).unwrap_or_default();
    let version = value.get("journal").and_then(Value::as_u64).and_then(|version| u32::try_from(version).ok());
    match version {
        Some(version) if version > VERSION => Err(JournalError::Newer { path: path.to_path_buf(), version }),
        _ => serde_json::from_value(value).map_err(|_| JournalError::Damaged { path: path.to_path_buf(), line: 1 }),
    }
}

impl RunHistory {
    fn add(&mut self, record: Record) -> bool {
        match record {
            Record::Job { job, task_id, identifier, dependencies, tags, terms, time } => {
                let is_next = job as usize == self.jobs.len();
                self.jobs.push(JobHistory {
                    task_id,
                    identifier,
                    dependencies,
                    tags,
                    terms,
                    submitted: time,
                    surroundings: None,
                    last: None,
                    retries: 0,
                });
                is_next
            }
            Record::State(line) => {
                let job = self.jobs.get_mut(line.job as usize);
                let known = job.is_some();
                if let Some(job) = job {
                    job.last = Some(line);
                }
                known
            }
            Record::Surroundings { environment, python_path } => {
                self.surroundings.push((environment, python_path));
                true
            }
            Record::Planned { job, surroundings } => {
                let job = self.jobs.get_mut(job as usize).filter(|_| (surroundings as usize) < self.surroundings.len());
                let known = job.is_some();
                if let Some(job) = job {
                    job.surroundings = Some(surroundings);
                }
                known
            }
            Record::Resumed { driver, .. } => {
                self.header.driver = driver;
                self.closed = None;
                true
            }
            Record::Retry(line) => {
                let job = self.jobs.get_mut(line.job as usize);
                job.map(|job| job.retries += 1).is_some()
            }
            Record::Closed { status, time } => {
                self.closed = Some((status, time));
                true
            }
            Record::Unknown => true,
        }
    }
}

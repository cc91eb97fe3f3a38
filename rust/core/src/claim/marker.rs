//! The markers `.done`, `.failed` and `.pid`: for people, and for older packages.

use std::fs as std_fs;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::ClaimResult;
use super::process::{Liveness, ProcessIdentity, host};
use super::record::{End, Outcome};
use crate::fs::{self, Durability};
use crate::layout::{AttemptFile, JobDirectory};

/// What `.failed` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The exit code, if it is known.
    pub code: Option<i32>,
    /// `failed`, `timeout`, `cancelled`, `memory`.
    pub reason: String,
    /// Why, in one line.
    pub message: Option<String>,
}

/// Write `.done` for the success of an attempt, on the disk for good, and with it the content of other files. `false` when that
/// success was taken back meanwhile.
pub(super) fn write_done(job: &JobDirectory, number: u32, with: &[PathBuf]) -> ClaimResult<bool> {
    // It is empty, so its name is all that there is to write. One wait for all of them is shorter than one for each.
    fs::create_empty(&job.done())?;
    for path in with {
        fs::sync_content(path)?;
    }
    fs::sync_folder(job.path())?;
    // Whoever takes a success back links `void`, then removes the marker: seen here, or the marker is removed there.
    if fs::exists(&job.attempt(number, AttemptFile::Void))? {
        fs::remove(&job.done())?;
        return Ok(false);
    }
    Ok(true)
}

/// Write `.failed` for an attempt. Readers ask the attempts first: a marker that a late process leaves decides nothing.
pub(super) fn write_failed(job: &JobDirectory, number: u32, end: &End) -> ClaimResult<()> {
    let reason = match end.outcome {
        Outcome::Lost | Outcome::Preempted => Outcome::Failed,
        other => other,
    };
    let mut text = json!({
        "code": end.code.unwrap_or(1), "reason": reason.name(), "message": end.message, "attempt": number,
    });
    if let Some(error) = &end.error {
        text["error"] = json!(error);
    }
    Ok(fs::replace(&job.failed(), text.to_string().as_bytes(), Durability::Process)?)
}

/// Remove a `.failed` of an earlier attempt.
pub(super) fn clear_failed(job: &JobDirectory) -> ClaimResult<()> {
    fs::remove(&job.failed())?;
    Ok(())
}

/// Make `.pid`, a second name of `n.run`: a file that is made and removed with every job costs its file system more.
pub(super) fn write_pid(job: &JobDirectory, number: u32) -> ClaimResult<()> {
    let (run, pid) = (job.attempt(number, AttemptFile::Run), job.pid());
    // That of an attempt that crashed.
    fs::remove(&pid)?;
    Ok(fs::second_name(&run, &pid)?)
}

/// Remove `.pid` if it speaks of this process.
pub(super) fn clear_pid(job: &JobDirectory, process: &ProcessIdentity) -> ClaimResult<()> {
    let path = job.pid();
    let Some(bytes) = fs::read(&path)? else { return Ok(()) };
    let found: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    if found.get("pid") == Some(&process.pid.into()) && found.get("host") == Some(&process.host.as_str().into()) {
        fs::remove(&path)?;
    }
    Ok(())
}

/// The process that an older package says runs the job, if it still does.
///
/// A number alone proves nothing: the process must be of this host, and its command must name the job's script.
pub(super) fn foreign_process(job: &JobDirectory) -> ClaimResult<Option<ProcessIdentity>> {
    let Some(bytes) = fs::read(&job.pid())? else { return Ok(None) };
    let value: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let on_this_host = value.get("host").is_none_or(|name| name == host());
    let pid = value.get("pid").and_then(Value::as_u64).and_then(|pid| u32::try_from(pid).ok());
    let Some(pid) = pid.filter(|_| on_this_host && value.get("type").is_some_and(|kind| kind == "local")) else {
        return Ok(None);
    };
    let process = ProcessIdentity::of(pid);
    let command = std_fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let script = job.script();
    let script = script.as_os_str().as_encoded_bytes();
    let is_ours = command.split(|byte| *byte == 0).any(|argument| argument == script);
    Ok((is_ours && process.liveness() == Liveness::Alive).then_some(process))
}

/// What `.failed` says, in any of the forms that were ever written.
///
/// # Errors
/// When it exists and cannot be read.
pub(super) fn failure(job: &JobDirectory) -> ClaimResult<Option<Failure>> {
    let Some(bytes) = fs::read(&job.failed())? else { return Ok(None) };
    let value: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    if value.as_i64() == Some(0) {
        // The first package wrote the exit code alone, and 0 for success.
        return Ok(None);
    }
    let reason = ["failure_status", "reason"].iter().find_map(|key| value.get(key)?.as_str());
    let code = value.get("code").or(Some(&value)).and_then(Value::as_i64).and_then(|code| i32::try_from(code).ok());
    let message = value.get("message").and_then(Value::as_str).map(str::to_owned);
    Ok(Some(Failure { code, reason: reason.unwrap_or("failed").to_lowercase(), message }))
}

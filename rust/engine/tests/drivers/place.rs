//! A workspace, engines that share it, and jobs whose process is this test program, with real claims.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::exit;
use std::sync::Arc;
use std::time::Duration;

use experimaestro_core::claim::{Attempt, ClaimError, HEARTBEAT_PATIENCE, Outcome};
use experimaestro_core::job::{Failure, JobKey, JobState, RetryPolicy, TransientMode};
use experimaestro_core::layout::{JobDirectory, Workspace};
use experimaestro_engine::{Engine, Job, Launch, LauncherKind, Needs, NewJob, Run, Settings};
use tempfile::TempDir;

/// Long for a machine that is busy; nothing waits for it to pass.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// The test that is the process of a job, where it is started as one.
const PROCESS: &str = "place::process_of_a_job";

pub(crate) struct Place {
    folder: TempDir,
}

/// One driver, and its run.
pub(crate) struct Driver {
    pub(crate) engine: Engine,
    pub(crate) run: Arc<Run>,
    root: PathBuf,
}

impl Place {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let python = folder.path().join("interpreter");
        let program = std::env::current_exe().unwrap();
        let script = format!("#!/bin/sh\nJOB_SCRIPT=\"$1\" exec {} --exact {PROCESS} --nocapture\n", program.display());
        std::fs::write(&python, script).unwrap();
        std::fs::set_permissions(&python, std::fs::Permissions::from_mode(0o755)).unwrap();
        Self { folder }
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("w")
    }

    pub(crate) fn job(&self, identifier: &str) -> JobDirectory {
        Workspace::new(self.root()).job("t.job", identifier)
    }

    /// A file that whoever opens it waits for.
    pub(crate) fn gate(&self) -> Gate {
        let path = self.folder.path().join("gate");
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        Gate { path }
    }

    pub(crate) fn driver(&self, name: &str, slots: u32) -> Driver {
        self.driver_that_waits(name, slots, HEARTBEAT_PATIENCE)
    }

    /// A driver that gives other hosts up when their heartbeat stands still for so long.
    pub(crate) fn driver_that_waits(&self, name: &str, slots: u32, heartbeat: Duration) -> Driver {
        let python = self.folder.path().join("interpreter");
        let settings = Settings { heartbeat, ..Settings::new(slots, LauncherKind::Process, python) };
        let engine = Engine::new(settings);
        let workspace = Workspace::new(self.root());
        let run = engine.open_run(&workspace, name, "20260101_000000", None, &mut |_| {}, &mut || true).unwrap();
        Driver { engine, run, root: self.root() }
    }
}

pub(crate) struct Gate {
    path: PathBuf,
}

impl Gate {
    /// What a job does that waits for it.
    pub(crate) fn wait(&self) -> String {
        format!("wait {}", self.path.display())
    }

    /// Let the job that waits go on; waits until there is one.
    pub(crate) fn open(&self) {
        std::fs::write(&self.path, "x").unwrap();
    }
}

impl Driver {
    /// Submit a job that does this, in words that [`process_of_a_job`] knows.
    pub(crate) fn submit(&self, identifier: &str, deed: &str, retries: RetryPolicy) -> Arc<Job> {
        self.submit_needing(identifier, deed, retries, Needs::default())
    }

    pub(crate) fn submit_needing(&self, identifier: &str, deed: &str, retries: RetryPolicy, needs: Needs) -> Arc<Job> {
        let inherited = vec![("PATH".to_owned(), "/usr/bin:/bin".to_owned())];
        let launch = Launch { params: deed.as_bytes().to_vec(), inherited, ..Launch::default() };
        let key = JobKey {
            workspace: self.root.to_str().unwrap().into(),
            task_id: "t.job".into(),
            identifier: identifier.into(),
        };
        let new = NewJob {
            key,
            launch: Box::new(move || Ok(launch.clone())),
            dependencies: Vec::new(),
            run: Some(Arc::clone(&self.run)),
            tags: serde_json::Map::new(),
            priority: 0,
            retries,
            transient: TransientMode::None,
            needs,
            judge: None,
            backup: true,
        };
        self.engine.submit(new).unwrap()
    }

    /// The failure that a job comes to.
    pub(crate) fn failure(&self, job: &Arc<Job>) -> Failure {
        assert!(self.engine.wait(&[Arc::clone(job)], LIMIT), "it hangs: {:?}", job.observed());
        let JobState::Error(failure) = job.observed().state else { panic!("{:?}", job.observed()) };
        failure
    }
}

/// Wait until a job is in such a state.
pub(crate) fn until(job: &Job, is_wanted: impl Fn(&JobState) -> bool) {
    while !job.with_state(&is_wanted) {
        std::thread::yield_now();
    }
}

fn outcome(deed: &str) -> (Outcome, i32) {
    match deed.split_once(' ') {
        Some(("wait", gate)) => {
            std::fs::read(Path::new(gate)).unwrap();
            (Outcome::Done, 0)
        }
        None if deed == "done" => (Outcome::Done, 0),
        None if deed == "timeout" => (Outcome::Timeout, 1),
        _ => (Outcome::Failed, 1),
    }
}

#[test]
fn process_of_a_job() {
    let Ok(script) = std::env::var("JOB_SCRIPT") else { return };
    let job = JobDirectory::new(Path::new(&script).parent().unwrap());
    let number = std::env::var("XPM_ATTEMPT").unwrap().parse().unwrap();
    let attempt = match Attempt::begin(job, Some(number), 0.0) {
        Err(ClaimError::Lost(_)) => exit(1),
        begun => begun.unwrap(),
    };
    let deed = std::fs::read_to_string(attempt.job().params()).unwrap();
    let (outcome, code) = outcome(&deed);
    attempt.finish(outcome, code, None, 0.0).unwrap();
    exit(code);
}

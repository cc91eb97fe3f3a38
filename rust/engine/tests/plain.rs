//! The engine with plain processes, whose interpreter is a stand-in: a shell script that plays the runner's part.
#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests are tests, which clippy cannot know

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use experimaestro_core::job::{JobId, JobKey, JobState, Reason, RetryPolicy, TransientMode};
use experimaestro_core::journal::{Status, read};
use experimaestro_core::layout::Workspace;
use experimaestro_engine::{Engine, Job, Launch, LauncherKind, Needs, NewJob, Run, Settings};
use tempfile::TempDir;

/// Long for a machine that is busy; nothing waits for it to pass.
const LIMIT: Duration = Duration::from_secs(60);

struct Place {
    folder: TempDir,
    engine: Engine,
}

impl Place {
    /// An engine whose "interpreter" leaves the exit code that the job's params hold, and no record of an outcome.
    fn new(slots: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let python = folder.path().join("interpreter");
        std::fs::write(&python, "#!/bin/sh\nexit $(cat \"$(dirname \"$1\")/params.json\")\n").unwrap();
        std::fs::set_permissions(&python, std::fs::Permissions::from_mode(0o755)).unwrap();
        let engine = Engine::new(Settings::new(slots, LauncherKind::Process, python));
        Self { folder, engine }
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("w")
    }

    fn run(&self) -> Arc<Run> {
        let workspace = Workspace::new(self.root());
        self.engine.open_run(&workspace, "x", "20260101_000000", None, &mut |_| {}, &mut || true).unwrap()
    }

    fn submit(&self, identifier: &str, params: &str, dependencies: Vec<JobId>, run: &Arc<Run>) -> Arc<Job> {
        let params = params.as_bytes().to_vec();
        let inherited = vec![("PATH".to_owned(), "/usr/bin:/bin".to_owned())];
        let launch = Launch { params, inherited, ..Launch::default() };
        let key = JobKey {
            workspace: self.root().to_str().unwrap().into(),
            task_id: "t.job".into(),
            identifier: identifier.into(),
        };
        let new = NewJob {
            key,
            launch: Box::new(move || Ok(launch.clone())),
            dependencies,
            run: Some(Arc::clone(run)),
            tags: serde_json::Map::new(),
            priority: 0,
            retries: RetryPolicy::default(),
            transient: TransientMode::None,
            needs: Needs::default(),
            judge: None,
            backup: true,
        };
        self.engine.submit(new).unwrap()
    }
}

fn failure(job: &Job) -> (Reason, Option<i32>, String) {
    let JobState::Error(failure) = job.observed().state else { panic!("{:?}", job.observed()) };
    (failure.reason, failure.code, failure.message.unwrap_or_default())
}

fn mark_done(root: &Path, identifier: &str) {
    let job = Workspace::new(root).job("t.job", identifier);
    std::fs::create_dir_all(job.path()).unwrap();
    std::fs::write(job.done(), "").unwrap();
}

#[test]
fn no_marker_is_a_failure_whatever_the_exit_code() {
    let place = Place::new(2);
    let run = place.run();
    let jobs: Vec<_> = ["0", "3"].iter().map(|code| place.submit(code, code, vec![], &run)).collect();
    assert!(place.engine.wait(&jobs, LIMIT));
    for (job, code) in jobs.iter().zip([0, 3]) {
        let (reason, seen, message) = failure(job);
        assert_eq!((reason, seen), (Reason::Failed, Some(code)));
        assert!(message.contains(&format!("exit code {code}")) && message.contains("job.err"), "{message}");
    }
}

#[test]
fn what_depends_on_a_failure_is_not_run_and_the_rest_is() {
    let place = Place::new(1);
    mark_done(&place.root(), "done");
    let run = place.run();
    let failing = place.submit("failing", "1", vec![], &run);
    let below = place.submit("below", "0", vec![failing.id()], &run);
    let done = place.submit("done", "0", vec![failing.id()], &run);
    assert!(run.wait(LIMIT));
    let (reason, _, message) = failure(&below);
    assert_eq!(reason, Reason::Dependency);
    assert!(message.contains("t.job/failing"), "{message}");
    let folder = below.directory();
    assert!(!folder.stdout().exists() && !folder.failed().exists(), "what does not run leaves no trace of a process");
    assert!(matches!(done.observed().state, JobState::Done(success) if success.reused));
    run.close(Status::Failed).unwrap();
    let history = read(&run.path().join("journal.jsonl")).unwrap();
    let last: Vec<_> = history.jobs.iter().map(|job| job.last.clone().unwrap().state).collect();
    assert_eq!(last, ["error", "error", "done"]);
    assert_eq!(history.jobs[1].dependencies, [0]);
    let link = run.path().join("jobs/t.job/done");
    assert!(link.canonicalize().unwrap().ends_with("w/jobs/t.job/done"), "links lead to the jobs");
}

#[test]
fn a_failed_job_runs_again_when_it_is_submitted_again() {
    let place = Place::new(1);
    let run = place.run();
    let first = place.submit("a", "1", vec![], &run);
    assert!(run.wait(LIMIT));
    let again = place.submit("a", "2", vec![], &run);
    assert_eq!(first.id(), again.id());
    assert!(run.wait(LIMIT));
    assert_eq!(failure(&again).1, Some(2));
}

#[test]
fn a_second_driver_finds_what_the_first_did() {
    let place = Place::new(1);
    let run = place.run();
    assert!(place.engine.wait(&[place.submit("a", "1", vec![], &run)], LIMIT));
    run.close(Status::Failed).unwrap();
    let next = place.run();
    assert_eq!(next.run_id(), "20260101_000000.1");
    mark_done(&place.root(), "b");
    let job = place.submit("b", "1", vec![], &next);
    assert!(next.wait(LIMIT));
    assert!(matches!(job.observed().state, JobState::Done(_)));
}

#[test]
fn what_could_be_seen_of_a_job_is_in_the_journal_once_its_run_is_closed() {
    let place = Place::new(1);
    for round in 0..100 {
        let name = round.to_string();
        mark_done(&place.root(), &name);
        let run = place.run();
        let job = place.submit(&name, "0", vec![], &run);
        while !job.with_state(|state| matches!(state, JobState::Done(_))) {
            std::hint::spin_loop();
        }
        run.close(Status::Completed).unwrap();
        let history = read(&run.path().join("journal.jsonl")).unwrap();
        assert_eq!(history.jobs[0].last.as_ref().map(|last| last.state.as_str()), Some("done"), "round {round}");
    }
}

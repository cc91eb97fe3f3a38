//! A driver: submits the jobs of a seed, waits for them, and says whether all is over that can be.

use std::path::{Path, PathBuf};
use std::process::exit;
use std::sync::Arc;
use std::time::Duration;

use experimaestro_core::job::{JobKey, JobState, Reason, TransientMode};
use experimaestro_core::journal::Status;
use experimaestro_core::layout::Workspace;
use experimaestro_core::lease::{Total, set_total};
use experimaestro_engine::{Engine, EngineError, Job, Launch, LauncherKind, Needs, NewJob, Run, Settings};

use crate::plan::{Fate, Plan, PlannedJob};

/// Everything is as it must be.
pub(crate) const ALL_DONE: i32 = 0;
/// Some jobs are in error, or the disk refused: to be started again.
pub(crate) const START_AGAIN: i32 = 3;
/// A state was told that is not true.
pub(crate) const UNTRUE: i32 = 4;

impl Fate {
    /// Whether a job has come to where it must come, as a driver tells it, or a journal.
    pub(crate) fn is_met_by(self, state: &str) -> bool {
        match self {
            Self::Done => state == "done",
            Self::Error => state == "error",
            Self::Unneeded => state == "transient",
            Self::DoneOrUnneeded => matches!(state, "done" | "transient"),
            Self::ErrorOrUnneeded => matches!(state, "error" | "transient"),
        }
    }
}

pub(crate) fn main() -> ! {
    let variable = |name: &str| std::env::var(name).unwrap();
    let plan = Plan::of_environment();
    let root = PathBuf::from(variable("XPM_TRIAL_ROOT"));
    let name = if plan.one_experiment { "x".to_owned() } else { format!("x{}", variable("XPM_TRIAL_DRIVER")) };
    let python = std::env::current_exe().unwrap();
    let engine = Engine::new(Settings::new(plan.slots, LauncherKind::Process, python));
    let workspace = Workspace::new(&root);
    let run = engine.open_run(&workspace, &name, "20260101_000000", None, &mut |_| {}, &mut || true);
    let Ok(run) = run else { exit(START_AGAIN) };
    for (number, resource) in plan.resources.iter().enumerate() {
        if set_total(&plan.lease(&root, number), resource.capacity, Total::First).is_err() {
            exit(START_AGAIN);
        }
    }
    let Ok(jobs) = submit(&engine, &plan, &root, &run) else { exit(START_AGAIN) };
    while !engine.wait(&jobs, Duration::from_secs(1)) {}
    if jobs.iter().zip(&plan.jobs).any(|(job, planned)| is_untrue(job, planned)) {
        exit(UNTRUE);
    }
    let is_met = |(job, fate): (&Arc<Job>, Fate)| {
        job.with_state(|state| match state {
            // Any other cause is a fault that came in between: it is tried again.
            JobState::Error(failure) if !matches!(failure.reason, Reason::Timeout | Reason::Dependency) => false,
            state => fate.is_met_by(state.name()),
        })
    };
    let all_over = jobs.iter().zip(plan.fates()).all(is_met);
    let done = jobs.iter().all(|job| job.with_state(|state| !matches!(state, JobState::Error(_))));
    let closed = run.close(if done { Status::Completed } else { Status::Failed });
    exit(if all_over && closed.is_ok() { ALL_DONE } else { START_AGAIN });
}

/// The folder of a transient job may be removed by the driver of another run as soon as nobody needs it.
fn is_untrue(job: &Job, planned: &PlannedJob) -> bool {
    planned.transient != TransientMode::Remove
        && job.with_state(|state| matches!(state, JobState::Done(_)))
        && !(job.directory().done().exists() && crate::job::output(job.directory()).exists())
}

fn submit(engine: &Engine, plan: &Plan, root: &Path, run: &Arc<Run>) -> Result<Vec<Arc<Job>>, EngineError> {
    let inherited: Vec<(String, String)> =
        std::env::vars().filter(|(name, _)| name.starts_with("XPM_TRIAL") || name == "XPM_FAULT_LOG").collect();
    let environment = vec![("XPM_TRIAL".to_owned(), "job".to_owned())];
    let mut jobs: Vec<Arc<Job>> = Vec::new();
    for (number, planned) in plan.jobs.iter().enumerate() {
        let (inherited, environment) = (inherited.clone(), environment.clone());
        let launch = Launch { params: b"{}".to_vec(), inherited, environment, ..Launch::default() };
        let leases = planned.units.iter().map(|(resource, units)| (plan.lease(root, *resource), *units)).collect();
        jobs.push(engine.submit(NewJob {
            key: JobKey {
                workspace: root.to_str().unwrap().into(),
                task_id: "t.job".into(),
                identifier: Plan::identifier(number).into(),
            },
            launch: Box::new(move || Ok(launch.clone())),
            dependencies: planned.dependencies.iter().map(|dependency| jobs[*dependency].id()).collect(),
            run: Some(Arc::clone(run)),
            tags: serde_json::Map::new(),
            priority: planned.priority,
            retries: planned.retries.clone(),
            transient: planned.transient,
            needs: Needs { leases, ..Needs::default() },
            judge: None,
            backup: true,
        })?);
    }
    Ok(jobs)
}

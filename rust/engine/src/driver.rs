//! The thread that feeds events to the scheduler and performs its effects.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};
use std::time::Duration;

use experimaestro_core::job::{Failure, JobEvent, JobId, JobState, Place, TransientMode};
use experimaestro_core::scheduler::{Effect, Event, GPUS, Pool, Resubmission, Scheduler, Submission};

use crate::job::Job;
use crate::launch::Settings;
use crate::lease::{Returned, give_back, lease, unlease};
use crate::look::look_at;
use crate::needs::Devices;
use crate::prepare::Surroundings;
use crate::run::{JobInRun, Run};
use crate::settle::follow;
use crate::shared::{Before, Dirty, Left, Message, Shared};
use crate::start::{plan, set_aside, start};
use crate::stop::stop;
use crate::time::now;

/// Jobs that are looked at in one go: enough to make the hand-over cheap, few enough to share the work.
const LOOK_BATCH: usize = 64;

/// A script submits one job after the other. To be woken for each costs more than to hear of them.
const SUBMISSION_PAUSE: Duration = Duration::from_micros(300);

struct Known {
    job: Arc<Job>,
    runs: Vec<JobInRun>,
    /// How it starts, once that is written down.
    plan: Option<Arc<Surroundings>>,
    before: Option<Before>,
    /// Nobody needed it, so how it starts may not be written down.
    was_set_aside: bool,
}

fn must_run(found: &JobEvent) -> bool {
    matches!(found, JobEvent::FoundNothing | JobEvent::FoundFailed(_))
}

pub(crate) struct Driver {
    shared: Arc<Shared>,
    scheduler: Scheduler,
    jobs: Vec<Known>,
    devices: Devices,
    /// Tickets to be given back.
    returned: Returned,
    looks: Vec<(Arc<Job>, Vec<JobInRun>)>,
    links: Vec<(Arc<Job>, JobInRun)>,
    dirty: Dirty,
    /// Folders of jobs that are not kept, under the names that they have now.
    removed: Vec<PathBuf>,
    /// Runs that a failure was one too many for.
    given_up: Vec<Arc<Run>>,
}

impl Driver {
    pub(crate) fn new(shared: Arc<Shared>, settings: &Settings) -> Self {
        let mut pool = Pool::with_slots(settings.slots);
        pool.set_capacity(GPUS, u32::try_from(settings.gpus.len()).unwrap_or(u32::MAX));
        let (scheduler, devices) = (Scheduler::new(pool), Devices::new(settings.gpus.clone()));
        Self {
            shared,
            scheduler,
            devices,
            returned: Returned::new(),
            jobs: Vec::new(),
            looks: Vec::new(),
            links: Vec::new(),
            dirty: Dirty::default(),
            removed: Vec::new(),
            given_up: Vec::new(),
        }
    }

    /// Work until the engine is gone.
    pub(crate) fn work(mut self, messages: &Receiver<Message>) {
        let mut goes_on = true;
        while goes_on && let Ok(message) = messages.recv() {
            if message.is_submission() {
                std::thread::sleep(SUBMISSION_PAUSE);
            }
            goes_on = self.hear(message);
            while goes_on && let Ok(message) = messages.try_recv() {
                goes_on = self.hear(message);
            }
            self.hand_over_looks();
            self.dirty.flush();
            self.shared.bell.ring();
        }
        self.shared.pool.close();
        self.shared.watcher.close();
    }

    /// `false` when there is nothing more to do, ever.
    fn hear(&mut self, message: Message) -> bool {
        match message {
            Message::Submitted { job, submission, run, before } => self.submitted(job, submission, run, before),
            Message::Joined { job, resubmission, run } => self.joined(&job, resubmission, run),
            Message::Happened(events) => {
                for (job, event) in events {
                    let event = self.as_before(job, event);
                    self.feed(Event::Job(job, event));
                }
            }
            Message::Planned(job, surroundings) => self.planned(job, surroundings),
            Message::Leased(job, answer) => self.feed(Event::Leases(job, answer)),
            Message::Kill(job) => self.feed(Event::Kill(job)),
            Message::Closed { run, clean, left } => self.closed(&run, clean, &left),
            Message::Heard(answer) => drop(answer.send(())),
            Message::Quit => return false,
        }
        // A run that was given up starts nothing in the place that its last failure left.
        self.withdraw();
        self.proceed();
        true
    }

    fn submitted(&mut self, job: Arc<Job>, submission: Submission, run: Option<JobInRun>, before: Option<Before>) {
        if let Some(run) = &run {
            self.record_submission(run, &job, &submission.dependencies);
        }
        let late = run.as_ref().and_then(|run| run.run().given_up());
        self.jobs.push(Known { job, runs: run.into_iter().collect(), plan: None, before, was_set_aside: false });
        let id = submission.job;
        self.feed(Event::Submitted(submission));
        if let Some(why) = late {
            self.feed(Event::Withdraw(id, why));
        }
    }

    /// What is found of a job that another driver left in error.
    fn as_before(&mut self, id: JobId, event: JobEvent) -> JobEvent {
        if !must_run(&event) {
            return event;
        }
        match self.jobs.get_mut(id.index()).and_then(|known| known.before.take()) {
            Some(Before::Failed(failure)) => JobEvent::Failed(failure),
            Some(Before::Again) => JobEvent::FoundNothing,
            None => event,
        }
    }

    fn joined(&mut self, job: &Arc<Job>, resubmission: Resubmission, run: Option<JobInRun>) {
        let id = job.id();
        if let Some(run) = run {
            self.record_submission(&run, job, &[]);
            if let Some(state) = self.scheduler.state(id) {
                run.record(job, state, now());
            }
            self.links.push((Arc::clone(job), run.clone()));
            if let Some(known) = self.jobs.get_mut(id.index()) {
                if let Some(surroundings) = &known.plan {
                    run.record_plan(surroundings);
                }
                known.runs.push(run);
            }
        }
        self.feed(Event::Resubmitted(resubmission));
    }

    /// Forget a run: a process may open any number of them.
    fn closed(&mut self, run: &Arc<Run>, clean: Vec<JobId>, answer: &Sender<Left>) {
        for job in run.jobs() {
            if let Some(known) = self.jobs.get_mut(job.id().index()) {
                known.runs.retain(|other| !Arc::ptr_eq(other.run(), run));
            }
        }
        let is_left = |job: &Arc<Job>| self.jobs.get(job.id().index()).is_some_and(|known| known.runs.is_empty());
        let left: Vec<JobId> = run.jobs().iter().filter(|job| is_left(job)).map(|job| job.id()).collect();
        self.feed(Event::Leave(left));
        if !clean.is_empty() {
            self.feed(Event::Clean(clean));
        }
        let keeper = Arc::clone(&self.shared.keeper);
        let _ = answer.send(Left { removed: std::mem::take(&mut self.removed), keeper });
    }

    fn planned(&mut self, id: JobId, surroundings: Arc<Surroundings>) {
        let Some(known) = self.jobs.get_mut(id.index()) else { return };
        for run in &known.runs {
            run.record_plan(&surroundings);
            self.dirty.add(run.run());
        }
        known.plan = Some(surroundings);
    }

    fn record_submission(&mut self, run: &JobInRun, job: &Job, dependencies: &[JobId]) {
        let in_run = |id: &JobId| {
            let known = self.jobs.get(id.index())?;
            known.runs.iter().find(|other| other.is_of_same_run(run)).map(JobInRun::number)
        };
        run.record_submission(job, dependencies.iter().filter_map(in_run).collect(), now());
        self.dirty.add(run.run());
    }

    fn feed(&mut self, event: Event) {
        // A refused event is an answer that came too late (a look at a job that was stopped meanwhile): nothing to do.
        for effect in self.scheduler.apply(event, now()).unwrap_or_default() {
            self.perform(effect);
        }
    }

    /// Start what can start, now that everything is told.
    fn proceed(&mut self) {
        for effect in self.scheduler.proceed(now()).unwrap_or_default() {
            self.perform(effect);
        }
        let returned = std::mem::take(&mut self.returned);
        if !returned.is_empty() {
            let shared = Arc::clone(&self.shared);
            self.shared.pool.run(move || give_back(&shared, returned));
        }
    }

    fn perform(&mut self, effect: Effect) {
        let id = match &effect {
            Effect::Look(id)
            | Effect::Lease(id)
            | Effect::Unlease(id)
            | Effect::Start(id)
            | Effect::Watch(id)
            | Effect::Stop(id)
            | Effect::Remove(id)
            | Effect::Retried(id, _)
            | Effect::Changed(id, _) => *id,
        };
        let Some(known) = self.jobs.get(id.index()) else { return };
        let (shared, job) = (Arc::clone(&self.shared), Arc::clone(&known.job));
        match effect {
            Effect::Look(_) => {
                self.looks.push((job, known.runs.clone()));
                if self.looks.len() >= LOOK_BATCH {
                    self.hand_over_looks();
                }
            }
            Effect::Lease(_) => {
                // What is given back at the same time is given back first: it may be just what the job waits for.
                let returned = std::mem::take(&mut self.returned);
                self.shared.pool.run(move || {
                    give_back(&shared, returned);
                    lease(&shared, &job);
                });
            }
            Effect::Unlease(_) => self.returned.extend(unlease(&shared, id)),
            Effect::Start(_) => {
                let count = self.scheduler.request(id).map_or(0, |request| request.amount(GPUS));
                job.set_devices(self.devices.give(id, count));
                let perishable = self.perishable(id);
                self.shared.pool.run(move || start(&shared, &job, &perishable));
            }
            Effect::Watch(_) => self.shared.pool.run(move || follow(&shared, &job)),
            Effect::Stop(_) => self.shared.pool.run(move || stop(&shared, &job)),
            Effect::Remove(_) => self.removed.extend(set_aside(job.directory())),
            Effect::Retried(_, failure) => self.retried(id, &failure),
            Effect::Changed(_, state) => self.changed(id, &state),
        }
    }

    /// The jobs that a job depends on whose folders the driver of another run may remove at any time.
    fn perishable(&self, id: JobId) -> Vec<Arc<Job>> {
        let known = self.scheduler.dependencies(id).iter().filter_map(|id| self.jobs.get(id.index()));
        known.map(|known| &known.job).filter(|job| job.transient() == TransientMode::Remove).map(Arc::clone).collect()
    }

    fn changed(&mut self, id: JobId, state: &JobState) {
        if !state.holds_resources() {
            self.devices.take_back(id);
        } else if matches!(state, JobState::Running(running) if running.place == Place::Adopted)
            && self.scheduler.request(id).is_some_and(|request| request.amount(GPUS) > 0)
            && let Some(known) = self.jobs.get(id.index())
        {
            self.devices.leave_to(id, known.job.directory());
        }
        let state = self.with_words(state);
        let Some(known) = self.jobs.get_mut(id.index()) else { return };
        known.job.observe(&state, self.scheduler.retry_count(id));
        let is_unplanned = known.was_set_aside || known.job.transient().is_transient();
        if state == JobState::Waiting && is_unplanned {
            let (shared, job) = (Arc::clone(&self.shared), Arc::clone(&known.job));
            self.shared.pool.run(move || plan(&shared, &job));
        }
        known.was_set_aside = state == JobState::Transient;
        let time = now();
        for run in &known.runs {
            run.record(&known.job, &state, time);
            self.dirty.add(run.run());
            if let JobState::Error(failure) = &state
                && run.count_failure(failure)
            {
                self.given_up.push(Arc::clone(run.run()));
            }
        }
    }

    /// Start no more jobs of runs that were given up. What another run wants too goes on.
    fn withdraw(&mut self) {
        while let Some(run) = self.given_up.pop() {
            let Some(why) = run.given_up() else { continue };
            for job in run.jobs() {
                let is_shared = self.jobs.get(job.id().index()).is_some_and(|known| known.runs.len() > 1);
                if !is_shared {
                    self.feed(Event::Withdraw(job.id(), why.clone()));
                }
            }
        }
    }

    fn retried(&mut self, id: JobId, failure: &Failure) {
        let Some(known) = self.jobs.get(id.index()) else { return };
        let time = now();
        for run in &known.runs {
            run.record_retry(failure, time);
            self.dirty.add(run.run());
        }
    }

    /// Say which job it was that failed, by a name that people know.
    fn with_words(&self, state: &JobState) -> JobState {
        let mut state = state.clone();
        if let JobState::Error(failure) = &mut state
            && failure.message.is_none()
            && let Some(cause) = failure.cause.and_then(|cause| self.jobs.get(cause.index()))
        {
            let key = cause.job.key();
            failure.message = Some(format!("{}/{} that it depends on failed", key.task_id, key.identifier));
        }
        state
    }

    fn hand_over_looks(&mut self) {
        let (looks, links) = (std::mem::take(&mut self.looks), std::mem::take(&mut self.links));
        if looks.is_empty() && links.is_empty() {
            return;
        }
        let shared = Arc::clone(&self.shared);
        self.shared.pool.run(move || {
            let found: Vec<_> = looks.iter().map(|(job, _)| (job.id(), look_at(job))).collect();
            let must_run: Vec<bool> = found.iter().map(|(_, event)| must_run(event)).collect();
            let _ = shared.messages.send(Message::Happened(found));
            for ((job, _), _) in looks.iter().zip(&must_run).filter(|(_, must_run)| **must_run) {
                // A job that nobody may need leaves no trace; it is planned once it is needed.
                if !job.transient().is_transient() {
                    plan(&shared, job);
                }
            }
            // Links are for people: jobs need not wait for them.
            for (job, run) in looks.iter().flat_map(|(job, runs)| runs.iter().map(move |run| (job, run))) {
                run.link(job);
            }
            for (job, run) in &links {
                run.link(job);
            }
        });
    }
}

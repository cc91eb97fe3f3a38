//! Laws of the scheduler, over random graphs, events, failures, retries, transient jobs and restarts.
//!
//! `PROPTEST_CASES=100000 cargo test -p experimaestro-core --test scheduler --release` tries that many sequences.
#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests are tests, which clippy cannot know

use std::collections::BTreeSet;

use experimaestro_core::job::{
    Failure, Interruption, JobEvent, JobId, JobState, Place, Reason, RetryPolicy, Running, Success, Tally,
    TransientMode,
};
use experimaestro_core::scheduler::{Effect, Event, Pool, Request, Resubmission, SLOTS, Scheduler, Submission};
use proptest::prelude::*;

/// What the folder of a job says, and what its process will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Disk {
    Nothing,
    Done,
    Adoptable,
    HeldElsewhere,
}

#[derive(Debug, Clone)]
enum Step {
    Submit {
        dependencies: Vec<prop::sample::Index>,
        priority: i8,
        disk: Disk,
        transient: TransientMode,
        retries: RetryPolicy,
    },
    /// One of the things that are under way comes to its end: well, badly, or (elsewhere) without having begun.
    Answer {
        which: prop::sample::Index,
        ending: u8,
    },
    Resubmit(prop::sample::Index, TransientMode, RetryPolicy),
    Kill(prop::sample::Index),
    Withdraw(prop::sample::Index),
    /// The run that wanted these jobs is left.
    Leave(Vec<prop::sample::Index>),
    /// A transient job that is done loses its folder.
    Remove(prop::sample::Index),
    /// The driver dies; the next one submits the same jobs over the same disk.
    Restart,
    /// Something that cannot be true any more, or was never asked for.
    Nonsense {
        which: prop::sample::Index,
        event: u8,
    },
}

fn transient() -> impl Strategy<Value = TransientMode> {
    prop_oneof![4 => Just(TransientMode::None), 2 => Just(TransientMode::Transient), 1 => Just(TransientMode::Remove)]
}

fn retries() -> impl Strategy<Value = RetryPolicy> {
    (any::<bool>(), 0..4u32, 0..3u32, 0..3u32, 0..3u32).prop_map(|(resumable, max_retries, preempted, lost, memory)| {
        RetryPolicy { resumable, max_retries, preempted, lost, memory, memory_growth: 2.0 }
    })
}

fn step() -> impl Strategy<Value = Step> {
    let disk = prop_oneof![
        4 => Just(Disk::Nothing),
        1 => Just(Disk::Done),
        1 => Just(Disk::Adoptable),
        1 => Just(Disk::HeldElsewhere)
    ];
    let index = any::<prop::sample::Index>;
    prop_oneof![
        4 => (prop::collection::vec(index(), 0..4), -1..2i8, disk, transient(), retries()).prop_map(
            |(dependencies, priority, disk, transient, retries)| {
                Step::Submit { dependencies, priority, disk, transient, retries }
            }
        ),
        12 => (index(), any::<u8>()).prop_map(|(which, ending)| Step::Answer { which, ending }),
        1 => (index(), transient(), retries()).prop_map(|(which, mode, more)| Step::Resubmit(which, mode, more)),
        1 => index().prop_map(Step::Kill),
        1 => index().prop_map(Step::Withdraw),
        1 => prop::collection::vec(index(), 1..6).prop_map(Step::Leave),
        1 => index().prop_map(Step::Remove),
        1 => Just(Step::Restart),
        1 => (index(), any::<u8>()).prop_map(|(which, event)| Step::Nonsense { which, event }),
    ]
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Pending {
    Look(JobId),
    Start(JobId),
    Own(JobId),
    Watch(JobId),
}

/// What was asked of one job, and what became of it since it was last submitted.
#[derive(Debug, Clone)]
struct Wish {
    dependencies: Vec<JobId>,
    priority: i64,
    transient: TransientMode,
    retries: RetryPolicy,
    /// Attempts at their time limit, as the folder of the job tells: for ever.
    timeouts: u32,
    tally: Tally,
    killed: bool,
    left: bool,
    /// The last attempt failed in this way.
    last: Option<Failure>,
}

struct World {
    scheduler: Scheduler,
    slots: u32,
    disks: Vec<Disk>,
    wishes: Vec<Wish>,
    states: Vec<JobState>,
    pending: BTreeSet<Pending>,
}

fn running(place: Place) -> Running {
    Running { place, pid: Some(1), started: Some(0.0) }
}

fn failure(reason: Reason) -> Failure {
    Failure::before_start(reason, "", 0.0)
}

impl World {
    fn new(slots: u32) -> Self {
        let scheduler = Scheduler::new(Pool::with_slots(slots));
        Self { scheduler, slots, disks: vec![], wishes: vec![], states: vec![], pending: BTreeSet::new() }
    }

    fn state(&self, job: JobId) -> &JobState {
        &self.states[job.index()]
    }

    fn feed(&mut self, event: Event) {
        let effects = self.scheduler.on(event, 0.0).unwrap();
        for effect in effects {
            self.perform(effect);
        }
        self.check();
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Changed(job, state) => {
                let removed = state == JobState::Transient && self.disks[job.index()] == Disk::Nothing;
                assert!(removed || !matches!(self.state(job), JobState::Done(_)), "done is for ever");
                if let JobState::Error(Failure { reason: Reason::Dependency, cause, .. }) = &state {
                    let failed = |id: &JobId| matches!(self.state(*id), JobState::Error(_));
                    assert!(self.wishes[job.index()].dependencies.iter().any(failed), "a dependency is in error");
                    assert!(cause.is_some_and(|cause| cause < job), "the cause is named");
                }
                self.states[job.index()] = state;
            }
            Effect::Look(job) => assert!(self.pending.insert(Pending::Look(job)), "looked for twice at once"),
            Effect::Start(job) => {
                let done = |id: &JobId| matches!(self.state(*id), JobState::Done(_));
                let wish = &self.wishes[job.index()];
                assert!(wish.dependencies.iter().all(done), "started before its dependencies are done");
                assert!(!wish.killed, "started after it was stopped");
                if wish.transient.is_transient() || wish.left {
                    assert!(self.is_waited_for(job), "it starts only for others");
                }
                assert!(!self.pending.contains(&Pending::Own(job)), "started while it runs");
                assert!(!self.pending.contains(&Pending::Watch(job)), "started while it runs elsewhere");
                assert!(self.pending.insert(Pending::Start(job)), "started twice at once");
            }
            Effect::Watch(job) => drop(self.pending.insert(Pending::Watch(job))),
            Effect::Retried(job, failure) => {
                let wish = &self.wishes[job.index()];
                let Some(cause) = failure.interruption else { panic!("what the code did is not tried again") };
                assert!(!wish.killed, "a person's word is the last");
                assert!(!wish.left || self.is_waited_for(job), "what was left is tried again only for others");
                let (policy, tally) = (&wish.retries, &wish.tally);
                let within = match cause {
                    Interruption::Timeout => policy.resumable && tally.timeout < policy.max_retries.max(1),
                    Interruption::Preempted => tally.preempted <= policy.preempted,
                    Interruption::Lost => tally.lost <= policy.lost,
                    Interruption::Memory => tally.memory <= policy.memory,
                };
                assert!(within, "the budget of {cause:?} is kept: {tally:?} of {policy:?}");
            }
            Effect::Remove(job) => {
                let needs =
                    |(other, state): (&Wish, &JobState)| !state.is_settled() && other.dependencies.contains(&job);
                assert!(!self.wishes.iter().zip(&self.states).any(needs), "what is needed is not removed");
                let wish = &mut self.wishes[job.index()];
                assert_eq!(wish.transient, TransientMode::Remove);
                (wish.last, wish.timeouts, wish.tally, wish.killed) = (None, 0, Tally::default(), false);
                self.disks[job.index()] = Disk::Nothing;
            }
            Effect::Lease(_) | Effect::Unlease(_) => panic!("nothing is shared here"),
            Effect::Stop(job) => assert!(matches!(self.state(job), JobState::Running(_))),
        }
    }

    fn is_waited_for(&self, job: JobId) -> bool {
        let waits =
            |(other, state): (&Wish, &JobState)| *state == JobState::Waiting && other.dependencies.contains(&job);
        self.wishes.iter().zip(&self.states).any(waits)
    }

    fn check(&self) {
        let mut own = 0;
        let mut adopted = 0;
        for (index, known) in self.states.iter().enumerate() {
            let job = JobId(u32::try_from(index).unwrap());
            assert_eq!(self.scheduler.state(job), Some(known), "every change is announced");
            match known {
                JobState::Scheduled => own += 1,
                JobState::Running(running) if running.place == Place::Own => own += 1,
                JobState::Running(running) if running.place == Place::Adopted => adopted += 1,
                _ => {}
            }
        }
        assert!(own <= self.slots, "{own} at once with {} slots", self.slots);
        assert_eq!(self.scheduler.pool().used(SLOTS), own + adopted, "what is taken is what is held");
        if own + adopted < self.slots {
            assert!(!self.states.contains(&JobState::Ready), "no slot is free while a job could use it");
        }
    }

    /// Something under way ends. What the disk says changes with it.
    fn answer(&mut self, pending: Pending, ending: u8) {
        self.pending.remove(&pending);
        let event = match pending {
            Pending::Look(job) | Pending::Start(job) => self.answer_from_disk(pending, job, ending),
            Pending::Own(job) | Pending::Watch(job) => {
                let is_vacant = matches!(self.state(job), JobState::Running(r) if r.place == Place::Elsewhere);
                match ending % 8 {
                    0..4 => (job, JobEvent::Failed(self.fail(job, ending))),
                    4 if is_vacant => (job, JobEvent::Vacated),
                    _ => (job, JobEvent::Succeeded(Success::default())),
                }
            }
        };
        let (job, event) = event;
        match &event {
            JobEvent::Succeeded(_) => self.disks[job.index()] = Disk::Done,
            JobEvent::Failed(_) | JobEvent::Vacated => self.disks[job.index()] = Disk::Nothing,
            JobEvent::Started(_) => drop(self.pending.insert(Pending::Own(job))),
            _ => {}
        }
        self.feed(Event::Job(job, event));
    }

    fn answer_from_disk(&mut self, pending: Pending, job: JobId, ending: u8) -> (JobId, JobEvent) {
        let disk = self.disks[job.index()];
        let event = match (disk, pending) {
            (Disk::Done, _) => JobEvent::FoundDone(Success { reused: true, ..Success::default() }),
            (Disk::Adoptable, _) => JobEvent::FoundRunning(running(Place::Adopted)),
            (Disk::HeldElsewhere, _) => JobEvent::FoundRunning(running(Place::Elsewhere)),
            (Disk::Nothing, Pending::Look(_)) => match self.wishes[job.index()].last.clone() {
                Some(last) => JobEvent::FoundFailed(last),
                None => JobEvent::FoundNothing,
            },
            (Disk::Nothing, _) => match ending % 5 {
                0 => JobEvent::Failed(self.fail(job, 0)),
                1 => JobEvent::FoundRunning(running(Place::Elsewhere)),
                _ => JobEvent::Started(running(Place::Own)),
            },
        };
        (job, event)
    }

    /// An attempt fails: what the folder of the job tells, and what this driver counts, are kept here too.
    fn fail(&mut self, job: JobId, ending: u8) -> Failure {
        let wish = &mut self.wishes[job.index()];
        let cause = [
            None,
            Some(Interruption::Timeout),
            Some(Interruption::Preempted),
            Some(Interruption::Lost),
            Some(Interruption::Memory),
        ][usize::from(ending / 8 % 5)];
        wish.timeouts += u32::from(cause == Some(Interruption::Timeout));
        let told = Failure { interruption: cause, timeouts: wish.timeouts, ..failure(Reason::Failed) };
        match cause {
            None => wish.tally.other += 1,
            Some(Interruption::Timeout) => wish.tally.timeout = wish.timeouts,
            Some(Interruption::Preempted) => wish.tally.preempted += 1,
            Some(Interruption::Lost) => wish.tally.lost += 1,
            Some(Interruption::Memory) => wish.tally.memory += 1,
        }
        wish.last = Some(told.clone());
        told
    }

    fn pick(&self, which: prop::sample::Index) -> Option<JobId> {
        (!self.states.is_empty()).then(|| JobId(u32::try_from(which.index(self.states.len())).unwrap()))
    }

    /// A look whose job was cancelled meanwhile is answered with something that is refused: the engine drops it.
    fn is_stale(&self, pending: Pending) -> bool {
        match pending {
            Pending::Look(job) => *self.state(job) != JobState::Unscheduled,
            Pending::Start(_) | Pending::Own(_) | Pending::Watch(_) => false,
        }
    }

    fn apply(&mut self, step: Step) {
        self.pending = self.pending.iter().copied().filter(|pending| !self.is_stale(*pending)).collect();
        match step {
            Step::Submit { dependencies, priority, disk, transient, retries } => {
                let dependencies: Vec<JobId> = dependencies.into_iter().filter_map(|index| self.pick(index)).collect();
                self.disks.push(disk);
                self.wishes.push(Wish {
                    dependencies,
                    priority: priority.into(),
                    transient,
                    retries,
                    timeouts: 0,
                    tally: Tally::default(),
                    killed: false,
                    left: false,
                    last: None,
                });
                self.submit_next();
            }
            Step::Answer { which, ending } => {
                let pending: Vec<Pending> = self.pending.iter().copied().collect();
                if !pending.is_empty() {
                    self.answer(pending[which.index(pending.len())], ending);
                }
            }
            Step::Resubmit(which, transient, retries) => {
                if let Some(job) = self.pick(which) {
                    self.resubmit(job, transient, retries);
                }
            }
            Step::Kill(which) => {
                if let Some(job) = self.pick(which) {
                    self.wishes[job.index()].killed = !self.state(job).is_settled();
                    self.feed(Event::Kill(job));
                }
            }
            Step::Withdraw(which) => {
                if let Some(job) = self.pick(which) {
                    let before = self.state(job).clone();
                    self.feed(Event::Withdraw(job, "no more".into()));
                    let changed = *self.state(job) != before;
                    let had_not_started = matches!(before, JobState::Unscheduled | JobState::Waiting | JobState::Ready);
                    assert_eq!(changed, had_not_started, "what runs goes on, what has not started never will");
                }
            }
            Step::Leave(which) => {
                let jobs: Vec<JobId> = which.into_iter().filter_map(|index| self.pick(index)).collect();
                self.leave(jobs);
            }
            Step::Remove(which) => {
                if let Some(job) = self.pick(which) {
                    self.feed(Event::Clean(vec![job]));
                }
            }
            Step::Restart => self.restart(),
            Step::Nonsense { which, event } => self.nonsense(which, event),
        }
    }

    /// What nobody else waits for is not needed any more; what has started goes on.
    fn leave(&mut self, jobs: Vec<JobId>) {
        let before = self.states.clone();
        for job in &jobs {
            self.wishes[job.index()].left |= !before[job.index()].is_settled();
        }
        self.feed(Event::Leave(jobs.clone()));
        for job in jobs {
            let (state, before) = (self.state(job), &before[job.index()]);
            match before {
                JobState::Unscheduled | JobState::Waiting | JobState::Ready if *state == JobState::Transient => {
                    assert!(!self.is_waited_for(job), "what others wait for is not dropped");
                }
                JobState::Unscheduled | JobState::Waiting | JobState::Ready => {
                    assert!(self.is_waited_for(job), "what nobody waits for is dropped");
                }
                _ => assert_eq!(state, before),
            }
        }
    }

    /// Hand the next wish over.
    fn submit_next(&mut self) {
        let job = JobId(u32::try_from(self.states.len()).unwrap());
        let wish = &self.wishes[job.index()];
        let submission = Submission {
            dependencies: wish.dependencies.clone(),
            priority: wish.priority,
            retries: wish.retries.clone(),
            transient: wish.transient,
            ..Submission::new(job)
        };
        self.states.push(JobState::Unscheduled);
        self.feed(Event::Submitted(submission));
    }

    fn resubmit(&mut self, job: JobId, transient: TransientMode, retries: RetryPolicy) {
        let before = self.state(job).clone();
        let wish = &mut self.wishes[job.index()];
        wish.transient = wish.transient.min(transient);
        wish.retries = wish.retries.merge(&retries);
        wish.left = false;
        let wanted = !wish.transient.is_transient();
        if matches!(before, JobState::Error(_)) {
            wish.killed = false;
            wish.tally = Tally { timeout: wish.timeouts, ..Tally::default() };
        }
        self.feed(Event::Resubmitted(Resubmission {
            job,
            priority: 0,
            retries,
            transient,
            request: Request::one_slot(),
        }));
        match before {
            JobState::Error(_) => assert_eq!(*self.state(job), JobState::Unscheduled),
            JobState::Transient if wanted => assert_ne!(*self.state(job), JobState::Transient),
            // A dependent that was set free may change, but never what is under way, or done.
            _ => assert_eq!(*self.state(job), before),
        }
    }

    /// Jobs of the dead driver go on, and are found; what it was about to start was never begun.
    fn restart(&mut self) {
        for pending in std::mem::take(&mut self.pending) {
            if let Pending::Own(job) = pending {
                self.disks[job.index()] = Disk::Adoptable;
            }
        }
        self.scheduler = Scheduler::new(Pool::with_slots(self.slots));
        self.states.clear();
        for index in 0..self.wishes.len() {
            let wish = &mut self.wishes[index];
            (wish.killed, wish.left) = (false, false);
            wish.tally = Tally { timeout: wish.timeouts, ..Tally::default() };
            self.submit_next();
        }
    }

    fn nonsense(&mut self, which: prop::sample::Index, event: u8) {
        let Some(job) = self.pick(which) else { return };
        let event = match (event % 3, self.state(job)) {
            (0, JobState::Done(_) | JobState::Error(_)) => JobEvent::Succeeded(Success::default()),
            (1, JobState::Done(_) | JobState::Error(_)) => JobEvent::FoundNothing,
            (_, JobState::Ready) => return,
            _ => JobEvent::ResourcesGiven,
        };
        assert!(self.scheduler.on(Event::Job(job, event), 0.0).is_err(), "nonsense is refused");
        self.check();
    }

    fn finish(&mut self) {
        loop {
            self.pending = self.pending.iter().copied().filter(|pending| !self.is_stale(*pending)).collect();
            let Some(pending) = self.pending.iter().next().copied() else { break };
            self.answer(pending, 7);
        }
        for (wish, state) in self.wishes.iter().zip(&self.states) {
            let not_needed = *state == JobState::Transient && (wish.transient.is_transient() || wish.left);
            assert!(state.is_finished() || not_needed, "every job ends: {:?}", self.states);
        }
    }
}

proptest! {
    #![proptest_config(match std::env::var("PROPTEST_CASES") {
        Ok(_) => ProptestConfig::default(),
        Err(_) => ProptestConfig { cases: 2_000, ..ProptestConfig::default() },
    })]

    #[test]
    fn laws_hold_after_every_event(slots in 1..4u32, steps in prop::collection::vec(step(), 1..60)) {
        let mut world = World::new(slots);
        for step in steps {
            world.apply(step);
        }
        world.finish();
    }
}

fn submit(scheduler: &mut Scheduler, job: u32, dependencies: Vec<JobId>, priority: i64) -> Vec<Effect> {
    let submission = Submission { dependencies, priority, ..Submission::new(JobId(job)) };
    scheduler.on(Event::Submitted(submission), 0.0).unwrap()
}

fn starts(effects: &[Effect]) -> Vec<u32> {
    let start = |effect: &Effect| if let Effect::Start(job) = effect { Some(job.0) } else { None };
    effects.iter().filter_map(start).collect()
}

#[test]
fn priority_first_then_order_of_submission() {
    let mut scheduler = Scheduler::new(Pool::with_slots(1));
    for (job, priority) in [(0, 0), (1, 0), (2, 5), (3, 0)] {
        submit(&mut scheduler, job, vec![], priority);
    }
    let mut order = Vec::new();
    for job in [3, 2, 1, 0] {
        order.extend(starts(&scheduler.on(Event::Job(JobId(job), JobEvent::FoundNothing), 0.0).unwrap()));
    }
    for _ in 0..4 {
        let job = JobId(*order.last().unwrap());
        scheduler.on(Event::Job(job, JobEvent::Started(running(Place::Own))), 0.0).unwrap();
        let done = JobEvent::Succeeded(Success::default());
        order.extend(starts(&scheduler.on(Event::Job(job, done), 0.0).unwrap()));
    }
    assert_eq!(order, [3, 2, 0, 1]);
}

#[test]
fn a_failure_goes_down_a_long_chain_and_names_its_root() {
    let length = 200_000;
    let mut scheduler = Scheduler::new(Pool::with_slots(1));
    for job in 0..length {
        submit(&mut scheduler, job, job.checked_sub(1).map(JobId).into_iter().collect(), 0);
        if job > 0 {
            scheduler.on(Event::Job(JobId(job), JobEvent::FoundNothing), 0.0).unwrap();
        }
    }
    scheduler.on(Event::Job(JobId(0), JobEvent::FoundNothing), 0.0).unwrap();
    let failed = JobEvent::Failed(failure(Reason::Failed));
    let effects = scheduler.on(Event::Job(JobId(0), failed), 0.0).unwrap();
    assert_eq!(effects.len(), length as usize);
    let Some(JobState::Error(last)) = scheduler.state(JobId(length - 1)) else { panic!() };
    assert_eq!((last.reason, last.cause), (Reason::Dependency, Some(JobId(0))));
}

#[test]
fn a_job_that_waits_for_a_rare_thing_keeps_nobody_else_waiting() {
    let rare = experimaestro_core::scheduler::ResourceId(1);
    let mut pool = Pool::with_slots(4);
    pool.set_capacity(rare, 1);
    let mut scheduler = Scheduler::new(pool);
    let mut started = Vec::new();
    for job in 0..3 {
        let request = if job < 2 { Request::new([(SLOTS, 1), (rare, 1)]) } else { Request::one_slot() };
        let submission = Submission { request, ..Submission::new(JobId(job)) };
        scheduler.on(Event::Submitted(submission), 0.0).unwrap();
        started.extend(starts(&scheduler.on(Event::Job(JobId(job), JobEvent::FoundNothing), 0.0).unwrap()));
    }
    assert_eq!(started, [0, 2]);
}

#[test]
fn what_can_never_be_given_is_refused_at_once() {
    let mut scheduler = Scheduler::new(Pool::with_slots(2));
    let request = Request::new([(SLOTS, 3)]);
    let submission = Submission { request, ..Submission::new(JobId(0)) };
    let effects = scheduler.on(Event::Submitted(submission), 0.0).unwrap();
    let [Effect::Changed(_, JobState::Error(failure))] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(failure.reason, Reason::RejectedOther);
}

/// Submit one job and let it run; answer what each of these failures brings about.
fn fail_with(retries: RetryPolicy, causes: &[Option<Interruption>]) -> (Vec<&'static str>, u32) {
    let job = JobId(0);
    let mut scheduler = Scheduler::new(Pool::with_slots(1));
    scheduler.on(Event::Submitted(Submission { retries, ..Submission::new(job) }), 0.0).unwrap();
    scheduler.on(Event::Job(job, JobEvent::FoundNothing), 0.0).unwrap();
    let states = causes.iter().map(|cause| {
        scheduler.on(Event::Job(job, JobEvent::Started(running(Place::Own))), 0.0).unwrap();
        let failed = Failure { interruption: *cause, ..failure(Reason::Failed) };
        scheduler.on(Event::Job(job, JobEvent::Failed(failed)), 0.0).unwrap();
        scheduler.state(job).unwrap().name()
    });
    (states.collect(), scheduler.retry_count(job))
}

#[test]
fn a_resumable_task_has_as_many_executions_as_its_max_retries() {
    let timeout = Some(Interruption::Timeout);
    for (max_retries, executions) in [(0, 1), (1, 1), (3, 3)] {
        let policy = RetryPolicy { resumable: true, max_retries, ..RetryPolicy::default() };
        let (states, count) = fail_with(policy, &vec![timeout; executions]);
        assert_eq!(states.last(), Some(&"error"), "max_retries={max_retries}");
        assert!(states[..executions - 1].iter().all(|state| *state == "scheduled"), "{states:?}");
        assert_eq!(count as usize, executions);
    }
    assert_eq!(fail_with(RetryPolicy { max_retries: 3, ..RetryPolicy::default() }, &[timeout]).0, ["error"]);
}

#[test]
fn each_cause_has_a_budget_of_its_own_and_a_bug_has_none() {
    let policy = RetryPolicy { resumable: true, max_retries: 9, preempted: 1, lost: 1, memory: 1, memory_growth: 2.0 };
    let (lost, preempted, memory) =
        (Some(Interruption::Lost), Some(Interruption::Preempted), Some(Interruption::Memory));
    let (states, _) = fail_with(policy.clone(), &[lost, preempted, memory, Some(Interruption::Timeout), lost]);
    assert_eq!(states, ["scheduled", "scheduled", "scheduled", "scheduled", "error"]);
    assert_eq!(fail_with(policy, &[None]).0, ["error"]);
}

#[test]
fn more_memory_is_asked_for_after_each_lack_of_it() {
    let policy = RetryPolicy { memory: 3, memory_growth: 1.5, ..RetryPolicy::default() };
    let mut tally = Tally::default();
    let factors = [0, 1, 2].map(|_| {
        tally.add(Some(Interruption::Memory), 0);
        policy.memory_factor(&tally)
    });
    assert!((factors[0] - 1.5).abs() < 1e-9 && (factors[2] - 3.375).abs() < 1e-9, "{factors:?}");
    let text = serde_json::to_string(&policy).unwrap();
    assert_eq!(serde_json::from_str::<RetryPolicy>(&text).unwrap(), policy, "a plan on disk keeps it");
}

#[test]
fn tries_that_are_used_up_are_found_so_and_more_of_them_start_it_again() {
    let policy = |max_retries| RetryPolicy { resumable: true, max_retries, ..RetryPolicy::default() };
    let job = JobId(0);
    let mut scheduler = Scheduler::new(Pool::with_slots(1));
    scheduler.on(Event::Submitted(Submission { retries: policy(2), ..Submission::new(job) }), 0.0).unwrap();
    let failed = Failure { interruption: Some(Interruption::Timeout), timeouts: 2, ..failure(Reason::Timeout) };
    let found = Event::Job(job, JobEvent::FoundFailed(failed));
    scheduler.on(found.clone(), 0.0).unwrap();
    assert_eq!((scheduler.state(job).unwrap().name(), scheduler.retry_count(job)), ("error", 2));
    for (max_retries, state) in [(2, "error"), (3, "scheduled")] {
        let (retries, transient, request) = (policy(max_retries), TransientMode::None, Request::one_slot());
        let again = Resubmission { job, priority: 0, retries, transient, request };
        scheduler.on(Event::Resubmitted(again), 0.0).unwrap();
        scheduler.on(found.clone(), 0.0).unwrap();
        assert_eq!(scheduler.state(job).unwrap().name(), state, "max_retries={max_retries}");
    }
}

#[test]
fn a_transient_chain_runs_only_for_a_job_that_runs() {
    let mut scheduler = Scheduler::new(Pool::with_slots(4));
    let submit = |scheduler: &mut Scheduler, job: u32, transient, found| {
        let dependencies = job.checked_sub(1).map(JobId).into_iter().collect();
        let job = JobId(job);
        let submission = Submission { dependencies, transient, ..Submission::new(job) };
        scheduler.on(Event::Submitted(submission), 0.0).unwrap();
        scheduler.on(Event::Job(job, found), 0.0).unwrap()
    };
    submit(&mut scheduler, 0, TransientMode::Transient, JobEvent::FoundNothing);
    submit(&mut scheduler, 1, TransientMode::Remove, JobEvent::FoundNothing);
    let done = JobEvent::FoundDone(Success::default());
    submit(&mut scheduler, 2, TransientMode::None, done);
    assert_eq!(scheduler.state(JobId(1)), Some(&JobState::Transient), "a done job needs nothing");
    let last = Submission { dependencies: vec![JobId(1)], ..Submission::new(JobId(3)) };
    scheduler.on(Event::Submitted(last), 0.0).unwrap();
    let effects = scheduler.on(Event::Job(JobId(3), JobEvent::FoundNothing), 0.0).unwrap();
    assert_eq!(starts(&effects), [0], "the whole chain wakes up, and its root starts");
    assert_eq!(scheduler.state(JobId(1)), Some(&JobState::Waiting));
}

//! Laws of the scheduler, over random graphs, events, failures and restarts.
#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests are tests, which clippy cannot know

use std::collections::BTreeSet;

use experimaestro_core::job::{Failure, JobEvent, JobId, JobState, Place, Reason, Running, Success};
use experimaestro_core::scheduler::{Effect, Event, Pool, Request, SLOTS, Scheduler, Submission};
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
    },
    /// One of the things that are under way comes to its end: well, badly, or (elsewhere) without having begun.
    Answer {
        which: prop::sample::Index,
        ending: u8,
    },
    Resubmit(prop::sample::Index),
    Kill(prop::sample::Index),
    /// Something that cannot be true any more, or was never asked for.
    Nonsense {
        which: prop::sample::Index,
        event: u8,
    },
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
        4 => (prop::collection::vec(index(), 0..4), -1..2i8, disk)
            .prop_map(|(dependencies, priority, disk)| Step::Submit { dependencies, priority, disk }),
        8 => (index(), any::<u8>()).prop_map(|(which, ending)| Step::Answer { which, ending }),
        1 => index().prop_map(Step::Resubmit),
        1 => index().prop_map(Step::Kill),
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

struct World {
    scheduler: Scheduler,
    slots: u32,
    disks: Vec<Disk>,
    dependencies: Vec<Vec<JobId>>,
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
        Self { scheduler, slots, disks: vec![], dependencies: vec![], states: vec![], pending: BTreeSet::new() }
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
                assert!(!matches!(self.state(job), JobState::Done(_)), "done is for ever");
                if let JobState::Error(Failure { reason: Reason::Dependency, cause, .. }) = &state {
                    let failed = |id: &JobId| matches!(self.state(*id), JobState::Error(_));
                    assert!(self.dependencies[job.index()].iter().any(failed), "a dependency is in error");
                    assert!(cause.is_some_and(|cause| cause < job), "the cause is named");
                }
                self.states[job.index()] = state;
            }
            Effect::Look(job) => assert!(self.pending.insert(Pending::Look(job)), "looked for twice at once"),
            Effect::Start(job) => {
                let done = |id: &JobId| matches!(self.state(*id), JobState::Done(_));
                assert!(self.dependencies[job.index()].iter().all(done), "started before its dependencies are done");
                assert!(!self.pending.contains(&Pending::Own(job)), "started while it runs");
                assert!(!self.pending.contains(&Pending::Watch(job)), "started while it runs elsewhere");
                assert!(self.pending.insert(Pending::Start(job)), "started twice at once");
            }
            Effect::Watch(job) => drop(self.pending.insert(Pending::Watch(job))),
            Effect::Stop(job) => assert!(matches!(self.state(job), JobState::Running(_))),
        }
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
                match ending % 4 {
                    0 => (job, JobEvent::Failed(failure(Reason::Failed))),
                    1 if is_vacant => (job, JobEvent::Vacated),
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
            (Disk::Nothing, Pending::Look(_)) => JobEvent::FoundNothing,
            (Disk::Nothing, _) => match ending % 5 {
                0 => JobEvent::Failed(failure(Reason::Failed)),
                1 => JobEvent::FoundRunning(running(Place::Elsewhere)),
                _ => JobEvent::Started(running(Place::Own)),
            },
        };
        (job, event)
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
            Step::Submit { dependencies, priority, disk } => {
                let dependencies: Vec<JobId> = dependencies.into_iter().filter_map(|index| self.pick(index)).collect();
                let job = JobId(u32::try_from(self.states.len()).unwrap());
                self.disks.push(disk);
                self.dependencies.push(dependencies.clone());
                self.states.push(JobState::Unscheduled);
                let request = Request::one_slot();
                self.feed(Event::Submitted(Submission { job, dependencies, priority: priority.into(), request }));
            }
            Step::Answer { which, ending } => {
                let pending: Vec<Pending> = self.pending.iter().copied().collect();
                if !pending.is_empty() {
                    self.answer(pending[which.index(pending.len())], ending);
                }
            }
            Step::Resubmit(which) => {
                if let Some(job) = self.pick(which) {
                    let before = self.state(job).clone();
                    self.feed(Event::Resubmitted(job));
                    let again = *self.state(job) == JobState::Unscheduled;
                    assert_eq!(again, matches!(before, JobState::Error(_) | JobState::Unscheduled));
                }
            }
            Step::Kill(which) => {
                if let Some(job) = self.pick(which) {
                    self.feed(Event::Kill(job));
                }
            }
            Step::Nonsense { which, event } => self.nonsense(which, event),
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
            self.answer(pending, 2);
        }
        assert!(self.states.iter().all(JobState::is_finished), "every job ends: {:?}", self.states);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

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
    let submission = Submission { job: JobId(job), dependencies, priority, request: Request::one_slot() };
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
        let submission = Submission { job: JobId(job), dependencies: vec![], priority: 0, request };
        scheduler.on(Event::Submitted(submission), 0.0).unwrap();
        started.extend(starts(&scheduler.on(Event::Job(JobId(job), JobEvent::FoundNothing), 0.0).unwrap()));
    }
    assert_eq!(started, [0, 2]);
}

#[test]
fn what_can_never_be_given_is_refused_at_once() {
    let mut scheduler = Scheduler::new(Pool::with_slots(2));
    let request = Request::new([(SLOTS, 3)]);
    let submission = Submission { job: JobId(0), dependencies: vec![], priority: 0, request };
    let effects = scheduler.on(Event::Submitted(submission), 0.0).unwrap();
    let [Effect::Changed(_, JobState::Error(failure))] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(failure.reason, Reason::RejectedOther);
}

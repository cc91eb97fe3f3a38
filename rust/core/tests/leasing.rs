//! Drivers that share tokens: never too many units, all or none, nobody starves, whoever crashes.
#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests are tests, which clippy cannot know

use std::collections::{BTreeMap, BTreeSet};

use experimaestro_core::job::{JobEvent, JobId, JobState, Place, Running, Success};
use experimaestro_core::lease::{Line, Place as InLine};
use experimaestro_core::scheduler::{
    Effect, Event, LeaseAnswer, Pool, Request, SLOTS, Scheduler, SharedId, Submission,
};
use proptest::prelude::*;

const TOKENS: u32 = 2;
const UNITS: u32 = 2;

/// A job of a driver.
type Job = (usize, JobId);

/// The lines of all tokens, and who stands in them: what folders are in reality.
#[derive(Default)]
struct Tokens {
    last: u64,
    lines: BTreeMap<u32, BTreeMap<u64, (Job, u32)>>,
}

impl Tokens {
    fn line(&self, token: u32) -> Line {
        let tickets = self.lines.get(&token).into_iter().flatten();
        Line::new(UNITS, tickets.map(|(number, (_, units))| InLine { number: *number, units: *units }))
    }

    fn ticket(&self, token: u32, job: Job) -> Option<u64> {
        let tickets = self.lines.get(&token).into_iter().flatten();
        tickets.filter(|(_, (owner, _))| *owner == job).map(|(number, _)| *number).next()
    }

    fn has(&self, token: u32, job: Job) -> bool {
        self.ticket(token, job).is_some_and(|number| self.line(token).is_granted(number))
    }

    /// All or none: what is busy is where the job stands in line, with nothing else in its hands.
    fn lease(&mut self, job: Job, wanted: &[(u32, u32)]) -> LeaseAnswer {
        for (token, units) in wanted {
            if self.ticket(*token, job).is_none() {
                self.last += 1;
                self.lines.entry(*token).or_default().insert(self.last, (job, *units));
            }
            if !self.has(*token, job) {
                for (other, line) in &mut self.lines {
                    line.retain(|_, (owner, _)| *owner != job || other == token);
                }
                return LeaseAnswer::Busy(SharedId(*token));
            }
        }
        LeaseAnswer::Given
    }

    fn give_back(&mut self, whose: impl Fn(Job) -> bool) {
        for line in self.lines.values_mut() {
            line.retain(|_, (owner, _)| !whose(*owner));
        }
    }
}

struct Driver {
    scheduler: Scheduler,
    slots: u32,
    wanted: Vec<Vec<(u32, u32)>>,
    states: Vec<JobState>,
    asked: BTreeSet<JobId>,
    starting: BTreeSet<JobId>,
    running: BTreeSet<JobId>,
    in_line: BTreeMap<JobId, u32>,
}

impl Driver {
    fn new(slots: u32) -> Self {
        Self {
            scheduler: Scheduler::new(Pool::with_slots(slots)),
            slots,
            wanted: vec![],
            states: vec![],
            asked: BTreeSet::new(),
            starting: BTreeSet::new(),
            running: BTreeSet::new(),
            in_line: BTreeMap::new(),
        }
    }
}

#[derive(Debug, Clone)]
enum Step {
    Submit {
        driver: usize,
        wanted: Vec<(u32, u32)>,
        priority: i8,
    },
    /// Something that is under way goes on.
    Go {
        driver: usize,
        which: prop::sample::Index,
    },
    Kill {
        driver: usize,
        which: prop::sample::Index,
    },
    Resubmit {
        driver: usize,
        which: prop::sample::Index,
    },
    /// The driver dies; its jobs that run go on to their end, then others find out.
    Crash {
        driver: usize,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let index = any::<prop::sample::Index>;
    let wanted = prop::collection::btree_map(0..TOKENS, 1..=UNITS, 0..=TOKENS as usize);
    prop_oneof![
        5 => (0..2usize, wanted, -1..2i8)
            .prop_map(|(driver, wanted, priority)| Step::Submit { driver, wanted: wanted.into_iter().collect(), priority }),
        12 => (0..2usize, index()).prop_map(|(driver, which)| Step::Go { driver, which }),
        1 => (0..2usize, index()).prop_map(|(driver, which)| Step::Kill { driver, which }),
        1 => (0..2usize, index()).prop_map(|(driver, which)| Step::Resubmit { driver, which }),
        1 => (0..2usize).prop_map(|driver| Step::Crash { driver }),
    ]
}

/// What may happen next in a driver.
#[derive(Debug, Clone, Copy)]
enum Next {
    Answer(JobId),
    Started(JobId),
    Ended(JobId),
    Turn(JobId),
}

struct World {
    drivers: Vec<Driver>,
    tokens: Tokens,
    /// A crashed driver's number is not used again: its jobs are told apart from those of the one that follows it.
    names: Vec<usize>,
}

impl World {
    fn new(slots: u32) -> Self {
        Self { drivers: (0..2).map(|_| Driver::new(slots)).collect(), tokens: Tokens::default(), names: vec![0, 1] }
    }

    fn feed(&mut self, driver: usize, event: Event) {
        let effects = self.drivers[driver].scheduler.on(event, 0.0).unwrap();
        for effect in effects {
            self.perform(driver, effect);
        }
        self.check();
    }

    fn perform(&mut self, driver: usize, effect: Effect) {
        let name = self.names[driver];
        let Driver { states, asked, starting, running, in_line, wanted, .. } = &mut self.drivers[driver];
        match effect {
            Effect::Lease(job) => assert!(asked.insert(job), "asked twice at once"),
            Effect::Unlease(job) => {
                in_line.remove(&job);
                self.tokens.give_back(|owner| owner == (name, job));
            }
            Effect::Start(job) => {
                for (token, _) in &wanted[job.index()] {
                    assert!(self.tokens.has(*token, (name, job)), "started without its leases");
                }
                assert!(starting.insert(job));
            }
            Effect::Changed(job, state) => {
                if state.is_finished() {
                    running.remove(&job);
                }
                states[job.index()] = state;
            }
            Effect::Look(_) | Effect::Watch(_) | Effect::Stop(_) | Effect::Remove(_) | Effect::Retried(..) => {}
        }
    }

    fn check(&self) {
        for driver in &self.drivers {
            let busy = driver.starting.len() + driver.running.len() + driver.asked.len();
            assert!(busy <= driver.slots as usize, "more at once than there are slots");
            assert_eq!(driver.scheduler.pool().used(SLOTS) as usize, busy, "who waits in a line has no slot");
        }
        for token in 0..TOKENS {
            let users =
                self.drivers.iter().zip(&self.names).flat_map(|(driver, name)| {
                    driver.starting.iter().chain(&driver.running).map(move |job| (*name, *job))
                });
            let has = |job: &Job| self.tokens.has(token, *job);
            assert!(self.tokens.line(token).used() <= UNITS);
            for job in users.filter(|job| self.tokens.ticket(token, *job).is_some()) {
                assert!(has(&job), "it runs, and has what it needs");
            }
        }
        for (driver, name) in self.drivers.iter().zip(&self.names) {
            for job in driver.in_line.keys() {
                let held = (0..TOKENS).filter(|token| self.tokens.ticket(*token, (*name, *job)).is_some()).count();
                assert_eq!(held, 1, "who waits holds nothing else");
            }
        }
    }

    fn possible(&self, driver: usize) -> Vec<Next> {
        let name = self.names[driver];
        let Driver { asked, starting, running, in_line, .. } = &self.drivers[driver];
        let turns = in_line.iter().filter(|(job, token)| self.tokens.has(**token, (name, **job)));
        let mut next: Vec<Next> = asked.iter().copied().map(Next::Answer).collect();
        next.extend(starting.iter().copied().map(Next::Started));
        next.extend(turns.map(|(job, _)| Next::Turn(*job)));
        next.extend(running.iter().copied().map(Next::Ended));
        next
    }

    fn go(&mut self, driver: usize, next: Next) {
        let name = self.names[driver];
        match next {
            Next::Answer(job) => {
                self.drivers[driver].asked.remove(&job);
                let wanted = self.drivers[driver].wanted[job.index()].clone();
                let answer = self.tokens.lease((name, job), &wanted);
                if let LeaseAnswer::Busy(token) = &answer {
                    self.drivers[driver].in_line.insert(job, token.0);
                }
                self.feed(driver, Event::Leases(job, answer));
            }
            Next::Turn(job) => {
                self.drivers[driver].in_line.remove(&job);
                self.feed(driver, Event::Leases(job, LeaseAnswer::Turn));
            }
            Next::Started(job) => {
                self.drivers[driver].starting.remove(&job);
                self.drivers[driver].running.insert(job);
                let running = Running { place: Place::Own, pid: Some(1), started: None };
                self.feed(driver, Event::Job(job, JobEvent::Started(running)));
            }
            Next::Ended(job) => self.feed(driver, Event::Job(job, JobEvent::Succeeded(Success::default()))),
        }
    }

    fn pick(&self, driver: usize, which: prop::sample::Index) -> Option<JobId> {
        let count = self.drivers[driver].states.len();
        (count > 0).then(|| JobId(u32::try_from(which.index(count)).unwrap()))
    }

    fn request(wanted: &[(u32, u32)]) -> Request {
        Request::one_slot().sharing(wanted.iter().map(|(token, _)| SharedId(*token)))
    }

    fn apply(&mut self, step: Step) {
        match step {
            Step::Submit { driver, wanted, priority } => {
                let job = JobId(u32::try_from(self.drivers[driver].states.len()).unwrap());
                let request = Self::request(&wanted);
                self.drivers[driver].wanted.push(wanted);
                self.drivers[driver].states.push(JobState::Unscheduled);
                let submission = Submission { priority: priority.into(), request, ..Submission::new(job) };
                self.feed(driver, Event::Submitted(submission));
                self.feed(driver, Event::Job(job, JobEvent::FoundNothing));
            }
            Step::Go { driver, which } => {
                let possible = self.possible(driver);
                if !possible.is_empty() {
                    self.go(driver, possible[which.index(possible.len())]);
                }
            }
            Step::Kill { driver, which } => {
                if let Some(job) = self.pick(driver, which) {
                    self.feed(driver, Event::Kill(job));
                }
            }
            Step::Resubmit { driver, which } => self.resubmit(driver, which),
            Step::Crash { driver } => {
                let name = self.names[driver];
                self.names[driver] = self.names.iter().max().unwrap() + 1;
                let slots = self.drivers[driver].slots;
                self.drivers[driver] = Driver::new(slots);
                self.tokens.give_back(|(owner, _)| owner == name);
            }
        }
    }

    /// Once more, with other needs; what was asked before for the old ones is of no use.
    fn resubmit(&mut self, driver: usize, which: prop::sample::Index) {
        let Some(job) = self.pick(driver, which) else { return };
        if !matches!(self.drivers[driver].states[job.index()], JobState::Error(_)) {
            return;
        }
        let wanted = vec![(u32::try_from(which.index(TOKENS as usize)).unwrap(), 1)];
        let request = Self::request(&wanted);
        self.drivers[driver].wanted[job.index()] = wanted;
        let Submission { priority, retries, transient, .. } = Submission::new(job);
        let again = experimaestro_core::scheduler::Resubmission { job, priority, retries, transient, request };
        self.feed(driver, Event::Resubmitted(again));
        self.feed(driver, Event::Job(job, JobEvent::FoundNothing));
    }

    /// Everybody has a turn: it takes as many steps as there are, and no more.
    fn finish(&mut self) {
        for _ in 0..10_000 {
            let Some((driver, next)) =
                (0..2).find_map(|driver| self.possible(driver).first().map(|next| (driver, *next)))
            else {
                for driver in &self.drivers {
                    assert!(
                        driver.states.iter().all(JobState::is_settled),
                        "somebody waits for ever: {:?}",
                        driver.states
                    );
                }
                assert!(self.tokens.lines.values().all(BTreeMap::is_empty), "nothing leaks");
                return;
            };
            self.go(driver, next);
        }
        panic!("no end");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn drivers_share_tokens(slots in 1..4u32, steps in prop::collection::vec(step(), 1..80)) {
        let mut world = World::new(slots);
        for step in steps {
            world.apply(step);
        }
        world.finish();
    }
}

fn ready(scheduler: &mut Scheduler, job: u32, request: Request) -> Vec<Effect> {
    scheduler.on(Event::Submitted(Submission { request, ..Submission::new(JobId(job)) }), 0.0).unwrap();
    scheduler.on(Event::Job(JobId(job), JobEvent::FoundNothing), 0.0).unwrap()
}

#[test]
fn who_waits_for_a_busy_token_keeps_nobody_waiting_who_needs_a_free_one() {
    let (busy, free) = (SharedId(0), SharedId(1));
    let mut scheduler = Scheduler::new(Pool::with_slots(1));
    let both = ready(&mut scheduler, 0, Request::one_slot().sharing([busy, free]));
    assert_eq!(both.last(), Some(&Effect::Lease(JobId(0))));
    assert_eq!(ready(&mut scheduler, 1, Request::one_slot().sharing([free])).len(), 2, "the slot is taken");
    let effects = scheduler.on(Event::Leases(JobId(0), LeaseAnswer::Busy(busy)), 0.0).unwrap();
    assert_eq!(effects, [Effect::Lease(JobId(1))], "the slot is given back, and the free token asked for");
    assert_eq!(ready(&mut scheduler, 2, Request::one_slot().sharing([busy])).len(), 2);
    let given = scheduler.on(Event::Leases(JobId(1), LeaseAnswer::Given), 0.0).unwrap();
    assert_eq!(given.last(), Some(&Effect::Start(JobId(1))));
    scheduler.on(Event::Leases(JobId(0), LeaseAnswer::Turn), 0.0).unwrap();
    let running = Running { place: Place::Own, pid: None, started: None };
    scheduler.on(Event::Job(JobId(1), JobEvent::Started(running)), 0.0).unwrap();
    let effects = scheduler.on(Event::Job(JobId(1), JobEvent::Succeeded(Success::default())), 0.0).unwrap();
    assert!(effects.contains(&Effect::Unlease(JobId(1))));
    assert_eq!(effects.last(), Some(&Effect::Lease(JobId(0))), "whose turn it is goes before who comes later");
}

#[test]
fn a_job_that_needs_much_is_not_overtaken_for_ever() {
    let mut scheduler = Scheduler::new(Pool::with_slots(2));
    let running = || JobEvent::Started(Running { place: Place::Own, pid: None, started: None });
    let mut at_work: Vec<u32> = Vec::new();
    let mut big_after = None;
    for job in 0..200 {
        let request = Request::new([(SLOTS, if job == 2 { 2 } else { 1 })]);
        let mut effects = ready(&mut scheduler, job, request);
        if at_work.len() == 2 && big_after.is_none() {
            let first = at_work.remove(0);
            effects
                .extend(scheduler.on(Event::Job(JobId(first), JobEvent::Succeeded(Success::default())), 0.0).unwrap());
        }
        for effect in effects {
            if let Effect::Start(started) = effect {
                scheduler.on(Event::Job(started, running()), 0.0).unwrap();
                at_work.push(started.0);
                if started.0 == 2 {
                    big_after = Some(job);
                }
            }
        }
        if big_after.is_none() && at_work.len() == 1 {
            let first = at_work.remove(0);
            let effects = scheduler.on(Event::Job(JobId(first), JobEvent::Succeeded(Success::default())), 0.0).unwrap();
            if effects.contains(&Effect::Start(JobId(2))) {
                big_after = Some(job);
            } else {
                for effect in effects {
                    if let Effect::Start(started) = effect {
                        scheduler.on(Event::Job(started, running()), 0.0).unwrap();
                        at_work.push(started.0);
                    }
                }
            }
        }
    }
    assert!(big_after.is_some_and(|job| job < 150), "it had its turn: {big_after:?}");
}

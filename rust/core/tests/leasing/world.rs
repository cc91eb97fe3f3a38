//! Two drivers that share tokens: invariants are checked after every event.

use std::collections::{BTreeMap, BTreeSet};

use experimaestro_core::job::{
    Failure, Interruption, JobEvent, JobId, JobState, Place, Reason, RetryPolicy, Running, Success, Tally,
    TransientMode,
};
use experimaestro_core::scheduler::{
    Effect, Event, LeaseAnswer, Pool, Request, Resubmission, SLOTS, Scheduler, SharedId, Submission,
};
use proptest::sample::Index;

use crate::steps::Step;
use crate::tokens::{Job, TOKENS, Tokens, UNITS};

/// On what terms a job was submitted, and what became of it since.
struct Wish {
    dependencies: Vec<JobId>,
    transient: TransientMode,
    retries: RetryPolicy,
    tally: Tally,
    killed: bool,
}

struct Driver {
    scheduler: Scheduler,
    slots: u32,
    wanted: Vec<Vec<(u32, u32)>>,
    wishes: Vec<Wish>,
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
            wishes: vec![],
            states: vec![],
            asked: BTreeSet::new(),
            starting: BTreeSet::new(),
            running: BTreeSet::new(),
            in_line: BTreeMap::new(),
        }
    }
}

/// What may happen next in a driver.
#[derive(Debug, Clone, Copy)]
enum Next {
    Answer(JobId),
    Started(JobId),
    Ended(JobId),
    Turn(JobId),
}

pub(crate) struct World {
    drivers: Vec<Driver>,
    tokens: Tokens,
    /// A crashed driver's number is not used again: its jobs are told apart from those of the one that follows it.
    names: Vec<usize>,
}

impl World {
    pub(crate) fn new(slots: u32) -> Self {
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
        let Driver { states, asked, starting, running, in_line, wanted, wishes, .. } = &mut self.drivers[driver];
        match effect {
            Effect::Lease(job) => assert!(asked.insert(job), "asked twice at once"),
            Effect::Unlease(job) => {
                in_line.remove(&job);
                self.tokens.give_back(|owner| owner == (name, job));
            }
            Effect::Start(job) => {
                let wish = &wishes[job.index()];
                let done = |id: &JobId| matches!(states[id.index()], JobState::Done(_));
                assert!(wish.dependencies.iter().all(done), "started before its dependencies are done");
                assert!(!wish.killed, "started after it was stopped");
                if wish.transient.is_transient() {
                    let waits = |(other, state): (&Wish, &JobState)| {
                        *state == JobState::Waiting && other.dependencies.contains(&job)
                    };
                    assert!(wishes.iter().zip(states.iter()).any(waits), "a transient job starts only for others");
                }
                for (token, _) in &wanted[job.index()] {
                    assert!(self.tokens.has(*token, (name, job)), "started without its leases");
                }
                assert!(starting.insert(job));
            }
            Effect::Changed(job, state) => {
                if !state.holds_resources() {
                    running.remove(&job);
                }
                states[job.index()] = state;
            }
            Effect::Retried(job, failure) => {
                let Wish { tally, retries, killed, .. } = &wishes[job.index()];
                let cause = failure.interruption.unwrap();
                assert!(!killed && retries.allows(tally, cause), "the budget of {cause:?} is kept: {tally:?}");
            }
            Effect::Look(_) | Effect::Watch(_) | Effect::Stop(_) | Effect::Remove(_) => {}
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

    fn go(&mut self, driver: usize, next: Next, ending: u8) {
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
            Next::Ended(job) => {
                let event = self.ending(driver, job, ending);
                self.feed(driver, Event::Job(job, event));
            }
        }
    }

    /// A process ends well, badly, or in a way that its code has no part in.
    fn ending(&mut self, driver: usize, job: JobId, ending: u8) -> JobEvent {
        let cause = match ending % 8 {
            0 => None,
            1 => Some(Interruption::Timeout),
            2 => Some(Interruption::Preempted),
            3 => Some(Interruption::Lost),
            4 => Some(Interruption::Memory),
            _ => return JobEvent::Succeeded(Success::default()),
        };
        let tally = &mut self.drivers[driver].wishes[job.index()].tally;
        tally.add(cause, 0);
        let failure = Failure::before_start(Reason::Failed, "", 0.0);
        JobEvent::Failed(Failure { interruption: cause, timeouts: tally.timeout, ..failure })
    }

    fn pick(&self, driver: usize, which: Index) -> Option<JobId> {
        let count = self.drivers[driver].states.len();
        (count > 0).then(|| JobId(u32::try_from(which.index(count)).unwrap()))
    }

    fn request(wanted: &[(u32, u32)]) -> Request {
        Request::one_slot().sharing(wanted.iter().map(|(token, _)| SharedId(*token)))
    }

    pub(crate) fn apply(&mut self, step: Step) {
        match step {
            Step::Submit { driver, wanted, priority, dependencies, transient, retries } => {
                let dependencies: Vec<JobId> =
                    dependencies.into_iter().filter_map(|which| self.pick(driver, which)).collect();
                let job = JobId(u32::try_from(self.drivers[driver].states.len()).unwrap());
                let request = Self::request(&wanted);
                self.drivers[driver].wanted.push(wanted);
                self.drivers[driver].states.push(JobState::Unscheduled);
                let submission = Submission {
                    job,
                    dependencies: dependencies.clone(),
                    priority: priority.into(),
                    request,
                    retries: retries.clone(),
                    transient,
                };
                let tally = Tally::default();
                self.drivers[driver].wishes.push(Wish { dependencies, transient, retries, tally, killed: false });
                self.feed(driver, Event::Submitted(submission));
                self.feed(driver, Event::Job(job, JobEvent::FoundNothing));
            }
            Step::Go { driver, which, ending } => {
                let possible = self.possible(driver);
                if !possible.is_empty() {
                    self.go(driver, possible[which.index(possible.len())], ending);
                }
            }
            Step::Kill { driver, which } => {
                if let Some(job) = self.pick(driver, which) {
                    let Driver { wishes, states, .. } = &mut self.drivers[driver];
                    wishes[job.index()].killed = !states[job.index()].is_settled();
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
    fn resubmit(&mut self, driver: usize, which: Index) {
        let Some(job) = self.pick(driver, which) else { return };
        if !matches!(self.drivers[driver].states[job.index()], JobState::Error(_)) {
            return;
        }
        let wanted = vec![(u32::try_from(which.index(TOKENS as usize)).unwrap(), 1)];
        let request = Self::request(&wanted);
        self.drivers[driver].wanted[job.index()] = wanted;
        let Submission { priority, retries, transient, .. } = Submission::new(job);
        let wish = &mut self.drivers[driver].wishes[job.index()];
        (wish.killed, wish.tally, wish.transient) = (false, Tally::default(), wish.transient.min(transient));
        wish.retries = wish.retries.merge(&retries);
        let again = Resubmission { job, priority, retries, transient, request };
        self.feed(driver, Event::Resubmitted(again));
        self.feed(driver, Event::Job(job, JobEvent::FoundNothing));
    }

    /// Everybody has a turn: it takes as many steps as there are, and no more.
    pub(crate) fn finish(&mut self) {
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
            self.go(driver, next, 7);
        }
        panic!("no end");
    }
}

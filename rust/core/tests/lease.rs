//! The promises of leases, on a real folder: never too many, nobody overtakes, what is over is found out, what lives stays.
#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests are tests, which clippy cannot know

use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};
use std::sync::Barrier;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use experimaestro_core::claim::{Attempt, Evidence, Outcome, ProcessIdentity, Taken, evidence, take};
use experimaestro_core::fs;
use experimaestro_core::layout::{JobDirectory, LeaseDirectory, TicketFile, Workspace};
use experimaestro_core::lease::{
    Line, Observer, Place, Ticket, Total, beat, bind, give_back, request, set_total, total,
};
use proptest::prelude::*;
use tempfile::TempDir;

const START: Duration = Duration::ZERO;
const LATER: Duration = Duration::from_secs(61);

fn token(units: u32) -> (TempDir, LeaseDirectory) {
    let folder = tempfile::tempdir().unwrap();
    let token = LeaseDirectory::new(folder.path().join("token"));
    set_total(&token, units, Total::First).unwrap();
    (folder, token)
}

fn me() -> ProcessIdentity {
    ProcessIdentity::current()
}

fn dead() -> ProcessIdentity {
    ProcessIdentity { start: "never".into(), ..me() }
}

fn elsewhere() -> ProcessIdentity {
    ProcessIdentity { host: "another-host".into(), ..me() }
}

fn ask(token: &LeaseDirectory, units: u32, driver: &ProcessIdentity) -> u64 {
    request(token, &Ticket::new(units, driver, None, 0.0)).unwrap()
}

fn observer(token: &LeaseDirectory) -> Observer {
    Observer::new(token.clone())
}

fn is_granted(token: &LeaseDirectory, number: u64) -> bool {
    observer(token).line().unwrap().is_granted(number)
}

fn settled(token: &LeaseDirectory) -> Vec<u64> {
    observer(token).settle(START, 0.0).unwrap().places().iter().map(|place| place.number).collect()
}

fn job(folder: &TempDir) -> JobDirectory {
    let workspace = Workspace::new(folder.path());
    std::fs::write(workspace.marker(), "{}").unwrap();
    let job = workspace.job("t.learn", "ab12");
    fs::create_folders(job.path()).unwrap();
    job
}

#[test]
fn first_come_first_served_also_for_many_units() {
    let (_folder, token) = token(3);
    let [one, many, late] = [1, 3, 1].map(|units| ask(&token, units, &me()));
    assert!(is_granted(&token, one) && !is_granted(&token, many));
    assert!(!is_granted(&token, late), "the one that waits for three is not overtaken");
    assert_eq!(observer(&token).line().unwrap().available(), 0);
    give_back(&token, one).unwrap();
    give_back(&token, one).unwrap();
    assert!(is_granted(&token, many) && !is_granted(&token, late));
    give_back(&token, many).unwrap();
    assert!(is_granted(&token, late));
    assert_eq!(observer(&token).line().unwrap().available(), 2);
}

#[test]
fn a_driver_that_died_gives_way_and_a_living_one_does_not() {
    let (_folder, token) = token(1);
    let lost = ask(&token, 1, &dead());
    let mine = ask(&token, 1, &me());
    assert!(!is_granted(&token, mine), "a look alone takes nothing away");
    assert!(observer(&token).peek(START).unwrap().is_granted(mine), "and shows what is true");
    assert_eq!(observer(&token).line().unwrap().places().len(), 2, "without writing it");
    assert_eq!(settled(&token), [mine]);
    assert!(is_granted(&token, mine));
    assert!(!bind(&token, lost, &JobDirectory::new("/w/jobs/t/1"), 1, 0.0).unwrap(), "it finds out before it starts");
    assert_eq!(settled(&token), [mine]);
}

#[test]
fn another_host_is_judged_by_its_heartbeat_alone() {
    let (_folder, token) = token(1);
    let far = ask(&token, 1, &elsewhere());
    let mut observer = observer(&token);
    let places = |observer: &mut Observer, clock| observer.settle(clock, 0.0).unwrap().places().len();
    assert_eq!(places(&mut observer, START), 1);
    assert_eq!(places(&mut observer, Duration::from_secs(59)), 1, "not after thirty seconds, as it once was");
    std::fs::write(token.ticket(far, TicketFile::Beat), "").unwrap();
    assert_eq!(places(&mut observer, LATER), 1, "it beats");
    assert_eq!(places(&mut observer, LATER + Duration::from_secs(60)), 1);
    assert_eq!(places(&mut observer, LATER + LATER), 0);
}

#[test]
fn a_job_keeps_its_units_when_its_driver_is_gone() {
    let (folder, token) = token(1);
    let job = job(&folder);
    let number = ask(&token, 1, &dead());
    assert_eq!(take(&job, &me(), 0.0).unwrap(), Taken::Mine(1));
    assert!(bind(&token, number, &job, 1, 0.0).unwrap());
    let attempt = Attempt::begin(job.clone(), Some(1), 0.0).unwrap();
    assert_eq!(settled(&token), [number]);
    let holders = |observer: &mut Observer| {
        let line = observer.line().unwrap();
        observer.holders(&line)
    };
    let held = holders(&mut observer(&token));
    assert_eq!((held[0].granted, held[0].attempt), (true, Some(1)));
    assert_eq!(held[0].job.as_deref(), job.path().to_str());
    attempt.finish(Outcome::Failed, 1, None, 0.0).unwrap();
    assert_eq!(settled(&token), [] as [u64; 0], "its end is seen without anybody giving it back");
}

#[test]
fn a_claim_whose_driver_died_never_begins_once_its_units_are_given_to_others() {
    let (folder, token) = token(1);
    let job = job(&folder);
    let number = ask(&token, 1, &dead());
    take(&job, &dead(), 0.0).unwrap();
    assert!(bind(&token, number, &job, 1, 0.0).unwrap());
    assert_eq!(settled(&token), [] as [u64; 0]);
    assert!(Attempt::begin(job.clone(), Some(1), 0.0).is_err());
    assert!(matches!(evidence(&job).unwrap(), Evidence::Abandoned { .. }));
}

#[test]
fn a_removed_job_is_over_and_one_that_cannot_be_seen_lives() {
    let (folder, token) = token(2);
    let job = job(&folder);
    take(&job, &me(), 0.0).unwrap();
    let removed = ask(&token, 1, &me());
    bind(&token, removed, &job, 1, 0.0).unwrap();
    let unseen = ask(&token, 1, &me());
    bind(&token, unseen, &JobDirectory::new("/not/mounted/jobs/t.learn/ab12"), 1, 0.0).unwrap();
    assert_eq!(settled(&token), [removed, unseen]);
    std::fs::remove_dir_all(job.path()).unwrap();
    assert_eq!(settled(&token), [unseen]);
}

#[test]
fn what_a_loss_of_power_left_blocks_until_it_was_watched() {
    let (_folder, token) = token(2);
    std::fs::write(token.ticket(1, TicketFile::Ticket), "").unwrap();
    let mine = ask(&token, 1, &me());
    let mut observer = observer(&token);
    assert!(!observer.settle(START, 0.0).unwrap().is_granted(mine), "it may stand for all units");
    assert!(observer.settle(LATER, 0.0).unwrap().is_granted(mine));
}

#[test]
fn the_first_total_holds_unless_another_is_forced() {
    let folder = tempfile::tempdir().unwrap();
    let token = LeaseDirectory::new(folder.path());
    assert_eq!(total(&token).unwrap(), 1, "a folder that nobody has said anything about has one writer");
    assert_eq!(set_total(&token, 2, Total::First).unwrap(), 2);
    assert_eq!(set_total(&token, 5, Total::First).unwrap(), 2);
    let waiting = [ask(&token, 2, &me()), ask(&token, 1, &me())];
    assert!(!is_granted(&token, waiting[1]));
    assert_eq!(set_total(&token, 3, Total::Forced).unwrap(), 3);
    assert!(is_granted(&token, waiting[1]), "those who wait see it");
    std::fs::write(token.information(), "{\"max_write_locks\": 4}").unwrap();
    assert_eq!(total(&token).unwrap(), 4);
    std::fs::write(token.information(), "{\"total\": -1}").unwrap();
    assert!(total(&token).unwrap_err().to_string().contains("informations.json"));
}

#[test]
fn numbers_are_not_used_twice_and_the_folder_stays_small() {
    let (_folder, token) = token(1);
    let mut last = 0;
    for _ in 0..500 {
        let number = ask(&token, 1, &me());
        assert!(number > last);
        beat(&token, number).unwrap();
        give_back(&token, number).unwrap();
        last = number;
    }
    assert!(fs::names(&token.tickets()).unwrap().unwrap().len() < 300);
}

#[test]
fn many_at_once_are_never_more_than_there_are_units() {
    let (_folder, token) = token(3);
    let (barrier, inside) = (Barrier::new(6), AtomicI64::new(0));
    std::thread::scope(|scope| {
        for thread in 0..6u32 {
            let (token, barrier, inside) = (&token, &barrier, &inside);
            scope.spawn(move || {
                let units = 1 + thread % 3;
                let mut observer = observer(token);
                barrier.wait();
                for _ in 0..60 {
                    let number = ask(token, units, &me());
                    while !observer.line().unwrap().is_granted(number) {
                        std::thread::yield_now();
                    }
                    let now = inside.fetch_add(units.into(), Ordering::SeqCst) + i64::from(units);
                    assert!(now <= 3, "{now} of 3 at once");
                    inside.fetch_sub(units.into(), Ordering::SeqCst);
                    give_back(token, number).unwrap();
                }
            });
        }
    });
    assert_eq!(settled(&token), [] as [u64; 0]);
}

/// A driver that can really be killed: its process is a child that waits for the end of its input.
struct Driver {
    child: Child,
    identity: ProcessIdentity,
}

impl Driver {
    fn start() -> Self {
        let child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let identity = ProcessIdentity::of(child.id());
        Self { child, identity }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[derive(Debug, Clone)]
enum Step {
    Ask {
        driver: usize,
        units: u32,
    },
    Back {
        which: prop::sample::Index,
    },
    Kill {
        driver: usize,
    },
    Settle {
        driver: usize,
    },
    Total {
        units: u32,
    },
    /// What a crash in the middle of tidying up, or of taking a ticket, leaves.
    Debris {
        which: prop::sample::Index,
        kind: u8,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let index = any::<prop::sample::Index>;
    prop_oneof![
        6 => (0..3usize, 1..4u32).prop_map(|(driver, units)| Step::Ask { driver, units }),
        4 => index().prop_map(|which| Step::Back { which }),
        1 => (0..3usize).prop_map(|driver| Step::Kill { driver }),
        2 => (0..3usize).prop_map(|driver| Step::Settle { driver }),
        1 => (3..6u32).prop_map(|units| Step::Total { units }),
        2 => (index(), 0..3u8).prop_map(|(which, kind)| Step::Debris { which, kind }),
    ]
}

/// What each driver believes to have: once granted, for as long as it lives and has not given it back.
struct World {
    _folder: TempDir,
    token: LeaseDirectory,
    drivers: Vec<Driver>,
    observers: Vec<Observer>,
    /// Ticket -> driver (`None`: dead), units, whether it was granted.
    tickets: BTreeMap<u64, (Option<usize>, u32, bool)>,
    largest: u32,
}

impl World {
    fn new() -> Self {
        let (folder, token) = token(3);
        let drivers = (0..3).map(|_| Driver::start()).collect();
        let observers = (0..3).map(|_| observer(&token)).collect();
        Self { _folder: folder, token, drivers, observers, tickets: BTreeMap::new(), largest: 3 }
    }

    fn pick(&self, which: prop::sample::Index) -> Option<u64> {
        let numbers: Vec<u64> = self.tickets.keys().copied().collect();
        (!numbers.is_empty()).then(|| numbers[which.index(numbers.len())])
    }

    fn apply(&mut self, step: &Step) {
        match *step {
            Step::Ask { driver, units } => {
                let number = ask(&self.token, units, &self.drivers[driver].identity);
                assert!(self.tickets.insert(number, (Some(driver), units, false)).is_none());
                assert_eq!(self.tickets.keys().next_back(), Some(&number), "the last in the line");
            }
            Step::Back { which } => {
                if let Some(number) = self.pick(which)
                    && self.tickets[&number].0.is_some()
                {
                    give_back(&self.token, number).unwrap();
                    self.tickets.remove(&number);
                }
            }
            Step::Kill { driver } => {
                self.drivers[driver] = Driver::start();
                for ticket in self.tickets.values_mut().filter(|ticket| ticket.0 == Some(driver)) {
                    ticket.0 = None;
                }
            }
            Step::Settle { driver } => {
                let line = self.observers[driver].settle(START, 0.0).unwrap();
                self.tickets.retain(|_, ticket| ticket.0.is_some());
                let known: Vec<u64> = self.tickets.keys().copied().collect();
                let found: Vec<u64> = line.places().iter().map(|place| place.number).collect();
                assert_eq!(found, known, "what is dead is over, what lives is not");
            }
            Step::Total { units } => {
                set_total(&self.token, units, Total::Forced).unwrap();
                self.largest = self.largest.max(units);
            }
            Step::Debris { which, kind } => self.leave_debris(which, kind),
        }
        self.look();
    }

    fn leave_debris(&mut self, which: prop::sample::Index, kind: u8) {
        match kind {
            0 => {
                let name = format!("{:010}.ticket.0123456789abcdef.tmp", which.index(50));
                std::fs::write(self.token.tickets().join(name), "{").unwrap();
            }
            1 => std::fs::write(self.token.ticket(1, TicketFile::Beat), "").unwrap(),
            _ => {
                // A ticket that is over, of which the sweeper removed the first file before it died.
                let number = ask(&self.token, 1, &me());
                give_back(&self.token, number).unwrap();
                let next = ask(&self.token, 1, &me());
                give_back(&self.token, next).unwrap();
                std::fs::remove_file(self.token.ticket(number, TicketFile::Ticket)).unwrap();
            }
        }
    }

    /// Every living driver looks, each with its own memory, and believes what it sees.
    fn look(&mut self) {
        for (driver, observer) in self.observers.iter_mut().enumerate() {
            let line = observer.line().unwrap();
            for (number, ticket) in &mut self.tickets {
                let granted = line.is_granted(*number);
                if ticket.0 == Some(driver) {
                    ticket.2 |= granted;
                }
            }
        }
        let used: u32 = self.tickets.values().filter(|ticket| ticket.2).map(|ticket| ticket.1).sum();
        assert!(used <= self.largest, "{used} of {} at once", self.largest);
    }

    /// Once faults stop, everybody has a turn.
    fn finish(&mut self) {
        self.observers[0].settle(START, 0.0).unwrap();
        self.tickets.retain(|_, ticket| ticket.0.is_some());
        self.look();
        while let Some((first, ticket)) = self.tickets.iter().next().map(|(first, ticket)| (*first, *ticket)) {
            assert!(ticket.2, "the first in the line has its units");
            give_back(&self.token, first).unwrap();
            self.tickets.remove(&first);
            self.look();
        }
        let line = self.observers[1].line().unwrap();
        assert_eq!((line.places().len(), line.available()), (0, line.total()), "nothing leaks");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn drivers_that_come_and_die_never_have_too_much_and_leave_nothing(steps in prop::collection::vec(step(), 1..40)) {
        let mut world = World::new();
        for step in &steps {
            world.apply(step);
        }
        world.finish();
    }
}

proptest! {
    #[test]
    fn a_grant_stays_one_whoever_leaves_and_whoever_comes(
        total in 1..6u32, units in prop::collection::vec(1..4u32, 1..12), leaves in any::<prop::sample::Index>(),
    ) {
        let places: Vec<Place> = units.iter().zip(1..).map(|(units, number)| Place { number, units: *units }).collect();
        let line = Line::new(total, places.clone());
        prop_assert!(line.used() <= total);
        let granted: Vec<u64> = line.granted().map(|place| place.number).collect();
        let left = leaves.index(places.len()) as u64 + 1;
        let mut after: Vec<Place> = places.iter().copied().filter(|place| place.number != left).collect();
        after.push(Place { number: 100, units: 1 });
        let after = Line::new(total, after);
        prop_assert!(after.used() <= total);
        for number in granted.into_iter().filter(|number| *number != left) {
            prop_assert!(after.is_granted(number));
        }
    }
}

//! The claim protocol, every order of every step, with every fault in every place, up to a number of faults.
//!
//! `MODEL_FAULTS=4 cargo test --release -p experimaestro-core --test model -- --nocapture` looks further than CI does.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]
// helpers of tests are tests, which clippy cannot know
// The steps are written alike, as methods of what is assumed, whether or not one of them asks for it.
#![allow(clippy::unused_self, clippy::trivially_copy_pass_by_ref, clippy::struct_excessive_bools)]

mod protocol;

use std::collections::{BTreeSet, HashMap, HashSet};

use protocol::{At, End, Fault, State, Step, Variant, World};
use stateright::{Checker, HasDiscoveries, Model, Property};

const ONCE: &str = "never two execute at once, but for one that was declared lost";
const ONCE_STRICTLY: &str = "never two execute at once";
const NOT_AFTER: &str = "no execute begins after a success";
const NOT_AFTER_STRICTLY: &str = "no execute begins after a success, not even one that was declared lost";
const TRUE_DONE: &str = "DONE has its marker's attempt, one, and its outputs";
const FINISHES: &str = "everything finishes once faults stop";
const JUDGED: &str = "no success is taken back that was judged before it was one";
const ROOM: &str = "the model has room for all attempts";

impl Model for World {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        vec![self.start()]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Step>) {
        for host in 0..2 {
            actions.push(Step::Driver(host));
            let faults = [
                Fault::DriverKilled,
                Fault::ClaimForgotten,
                Fault::StaleLook,
                Fault::LaunchedTwice,
                Fault::OutputsNoGood,
                Fault::OutputsFound,
            ];
            actions.extend(faults.map(|fault| Step::DriverFault(host, fault)));
        }
        for number in 0..u8::try_from(state.processes.len()).unwrap() {
            let faults = [Fault::ProcessKilled, Fault::ProcessPaused, Fault::ExecuteRaises];
            actions.extend(faults.map(|fault| Step::ProcessFault(number, fault)));
            if state.processes[usize::from(number)].paused {
                actions.push(Step::Wake(number));
            } else {
                actions.extend([Step::Process(number), Step::Beat(number)]);
            }
        }
    }

    fn next_state(&self, state: &State, step: Step) -> Option<State> {
        match step {
            Step::Driver(host) => self.drive(state, host),
            Step::Process(number) => self.run(state, number),
            Step::Beat(number) => self.beat(state, number),
            Step::Wake(number) => {
                let mut state = state.clone();
                state.processes[usize::from(number)].paused = false;
                Some(state)
            }
            Step::DriverFault(host, fault) => self.driver_fault(state, host, fault),
            Step::ProcessFault(number, fault) => self.process_fault(state, number, fault),
        }
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = vec![
            Property::always(ONCE, |_, state: &State| state.executing() <= 1),
            Property::always(NOT_AFTER, |_, state: &State| !state.began_after_done),
            Property::always(TRUE_DONE, |_, state: &State| {
                let mut done = state.attempts.iter().filter(|attempt| attempt.end == Some(End::Done));
                let has_ended = done.clone().count() > 0;
                state.successes() <= 1 && done.all(|attempt| attempt.outputs) && (!state.marker || has_ended)
            }),
            Property::always(JUDGED, |_, state: &State| !state.revoked_unjudged),
            // Exact, since no path comes back to a state: a test below checks that.
            Property::always(FINISHES, |world: &World, state: &State| state.is_finished() || world.can_go_on(state)),
            Property::always(ROOM, |_, state: &State| !state.overflow),
        ];
        if !self.pauses {
            let strictly = |_: &World, state: &State| state.executing_processes().count() <= 1;
            properties.push(Property::always(ONCE_STRICTLY, strictly));
        }
        if !self.pause_before_execute {
            properties.push(Property::always(NOT_AFTER_STRICTLY, |_, state: &State| !state.lost_began_after_done));
        }
        // Without these, a model in which nothing happens would have all the virtues.
        properties.push(Property::sometimes("a job is done", |_, state: &State| state.is_finished()));
        if self.faults > 0 {
            properties.push(Property::sometimes("another attempt succeeds", |_, state: &State| {
                state.attempts[1].end != Some(End::Done) && state.successes() == 1
            }));
        }
        if self.judges {
            properties.push(Property::sometimes("a success is taken back, and another comes", |_, state: &State| {
                state.successes() == 1 && state.attempts.iter().any(|attempt| attempt.void)
            }));
        }
        if self.pauses {
            properties.push(Property::sometimes(
                "a process that was declared lost wakes up and stops",
                |_, state: &State| state.stopped_itself && state.successes() == 1,
            ));
        }
        properties
    }
}

impl World {
    fn can_go_on(&self, state: &State) -> bool {
        let mut steps = Vec::new();
        self.actions(state, &mut steps);
        steps.into_iter().any(|step| self.next_state(state, step).is_some())
    }
}

fn faults(usual: u8) -> u8 {
    std::env::var("MODEL_FAULTS").map_or(usual, |text| text.parse().unwrap())
}

const STRICT: World =
    World { variant: Variant::Faithful, faults: 2, pauses: false, pause_before_execute: false, judges: false };

fn check(world: World, what: &str) {
    let world = World { faults: faults(world.faults), ..world };
    let checker = world.checker().threads(2).spawn_bfs().join();
    println!("{what}, {} faults: {} states, depth {}", world.faults, checker.unique_state_count(), checker.max_depth());
    checker.assert_properties();
}

#[test]
fn with_true_evidence() {
    check(STRICT, "evidence is always true");
}

#[test]
fn with_tasks_that_judge_their_outputs() {
    check(World { judges: true, ..STRICT }, "outputs are found good, or no good");
}

#[test]
fn with_heartbeats_that_stop_while_the_process_lives() {
    check(World { pauses: true, ..STRICT }, "processes are paused, declared lost, and wake up");
}

#[test]
fn with_a_pause_between_the_last_look_and_execute() {
    let world = World { pauses: true, pause_before_execute: true, ..STRICT };
    check(world, "processes are paused anywhere");
}

/// What no protocol can promise is not promised: the properties that are left out above do not hold there.
#[test]
fn what_a_pause_can_do_is_told() {
    let everywhere = World { pauses: true, pause_before_execute: true, faults: 1, ..STRICT };
    let mut seen = HashSet::new();
    for state in reachable(everywhere).into_keys() {
        if state.executing_processes().count() > 1 {
            seen.insert("two at once, one of them declared lost");
        }
        if state.lost_began_after_done {
            seen.insert("a lost one begins after the success of another");
        }
    }
    assert_eq!(seen.len(), 2, "the exceptions in docs/reliability.md are stale: {seen:?}");
}

fn caught(variant: Variant, world: World, property: &'static str) {
    let enough = HasDiscoveries::AnyOf(BTreeSet::from([property]));
    let checker = World { variant, ..world }.checker().finish_when(enough).spawn_bfs().join();
    let Some(path) = checker.discovery(property) else { panic!("{variant:?} is not caught by: {property}") };
    println!("{variant:?} breaks \"{property}\" after {:?}", path.into_actions());
}

#[test]
fn broken_protocols_are_caught() {
    let pauses = World { pauses: true, ..STRICT };
    caught(Variant::NoLookUnderTheClaim, pauses, NOT_AFTER_STRICTLY);
    caught(Variant::DoneDeletedToStart, STRICT, NOT_AFTER);
    caught(Variant::MarkerWithoutEnd, pauses, TRUE_DONE);
    caught(Variant::NoTombstone, STRICT, ONCE_STRICTLY);
    caught(Variant::NoEvidence, STRICT, ONCE_STRICTLY);
    caught(Variant::EndBeforeOutputs, STRICT, TRUE_DONE);
    caught(Variant::NobodyCompletes, STRICT, FINISHES);
    let judges = World { judges: true, ..STRICT };
    caught(Variant::JudgedBeforeItEnded, judges, JUDGED);
    caught(Variant::VoidMarkerBelieved, judges, TRUE_DONE);
    caught(Variant::AdoptedWithoutAttempt, judges, TRUE_DONE);
}

/// All states, with the number of steps that lead to each.
fn reachable(world: World) -> HashMap<State, usize> {
    let mut found = HashMap::from([(world.start(), 0)]);
    let mut open = vec![world.start()];
    while let Some(state) = open.pop() {
        for next in world.next_states(&state) {
            *found.entry(next.clone()).or_insert_with(|| {
                open.push(next);
                0
            }) += 1;
        }
    }
    found
}

/// "No step is left" means "it has come to its end" only when nothing goes round in circles.
#[test]
fn no_path_comes_back() {
    let world = World { pauses: true, pause_before_execute: true, faults: 1, ..STRICT };
    let mut waiting = reachable(world);
    let total = waiting.len();
    let mut open = vec![world.start()];
    let mut passed = 0;
    while let Some(state) = open.pop() {
        passed += 1;
        for next in world.next_states(&state) {
            let left = waiting.get_mut(&next).unwrap();
            *left -= 1;
            if *left == 0 {
                open.push(next);
            }
        }
    }
    assert_eq!(passed, total, "states on a circle are never passed");
    assert!(waiting.keys().any(|state| state.processes.iter().any(|process| process.at == At::Execute)));
}

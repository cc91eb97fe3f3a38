//! The claim protocol as a state machine: one step for each look at the disk and each file that is created.
//!
//! It is written after `core/claim` (`take`, `Attempt::begin`, `Attempt::finish`, `abandon`, `declare_lost`, `complete`) and
//! `engine/settle`. Two drivers stand on two hosts; a process runs on the host of the driver that launched it. What can
//! go wrong is a [`Fault`], and each costs one of a small number, after which the rest must finish.

use std::fmt::Debug;

/// Attempts that the model has room for. A test checks that no run needs more.
pub(crate) const ATTEMPTS: usize = 6;

/// What can go wrong, and may stop going wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Fault {
    /// A driver is killed; another comes in its place.
    DriverKilled,
    /// A process is killed.
    ProcessKilled,
    /// A process stops for so long that the other host sees no heartbeat.
    ProcessPaused,
    /// A driver is so slow that its claim is taken for forgotten.
    ClaimForgotten,
    /// A look at the disk answers what was true some time ago (a network file system).
    StaleLook,
    /// The process of an attempt is started twice (the fork server died while it was asked).
    LaunchedTwice,
    /// `execute` raises.
    ExecuteRaises,
    /// The task of a driver finds that the outputs are no good.
    OutputsNoGood,
    /// The task of a driver finds that its outputs are there and good, though nothing says that it ran.
    OutputsFound,
}

/// How the protocol is changed, to see whether the properties notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Variant {
    /// As it is.
    Faithful,
    /// A process executes as soon as it has won `n.run`, without a look at `n.end`.
    NoLookUnderTheClaim,
    /// A driver that sees `.done` removes it, and starts the job.
    DoneDeletedToStart,
    /// A process writes `.done` without having won `n.end`.
    MarkerWithoutEnd,
    /// A driver that finds a claim of a dead driver takes the next attempt without a tombstone.
    NoTombstone,
    /// A driver believes that a process of its own host is dead although it lives.
    NoEvidence,
    /// `n.end` is written before the outputs are.
    EndBeforeOutputs,
    /// A driver that finds a success without a marker leaves it so.
    NobodyCompletes,
    /// Outputs are judged, and only then is it looked for a success to take back.
    JudgedBeforeItEnded,
    /// A marker is believed although its success was taken back.
    VoidMarkerBelieved,
    /// Outputs that are found are recorded as a success without an attempt that was won.
    AdoptedWithoutAttempt,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum End {
    Done,
    Failed,
    Lost,
}

/// Who won `n.run`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Run {
    Process(u8),
    Tombstone,
}

/// The files of one attempt, and whether its outputs are there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Attempt {
    /// Host and life of the driver that claimed it.
    pub(crate) claim: Option<(u8, u8)>,
    pub(crate) run: Option<Run>,
    pub(crate) end: Option<End>,
    pub(crate) outputs: bool,
    /// Its success counts no longer.
    pub(crate) void: bool,
}

impl Attempt {
    /// It ended as done, and nobody has taken that back.
    pub(crate) fn is_success(&self) -> bool {
        self.end == Some(End::Done) && !self.void
    }
}

/// What a driver does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Doing {
    LookForMarker,
    List,
    ReadEnd(u8),
    ReadRun(u8),
    ReadClaim(u8),
    /// Somebody who may be alive has the attempt; `true`: its process has begun.
    Held(u8, bool),
    Claim(u8),
    Confirm(u8),
    Launch(u8),
    /// It was launched from here, and its process is watched.
    Watch(u8),
    Tombstone(u8),
    DeclareLost(u8),
    /// It has found the success of this attempt, and writes the marker.
    Complete(u8),
    /// It has written the marker.
    LookAfterMarker(u8),
    RemoveMarker,
    /// It has found a success of this attempt (or none, zero), and asks the task whether the outputs are good: they are not.
    Judge(u8),
    /// They were judged when the attempt had ended (or had not).
    Revoke(u8, bool),
    RemoveRevoked,
    Finished,
}

/// A driver; its place is taken by another one when it is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Driver {
    pub(crate) life: u8,
    pub(crate) doing: Doing,
    /// It takes an attempt to record outputs that it has found.
    pub(crate) adopts: bool,
}

/// Where a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum At {
    Begin,
    Look,
    /// It has looked, and executes next.
    Ready,
    Execute,
    Executed,
    LinkEnd,
    Mark,
    /// It has written the marker.
    LookAfterMarker,
    RemoveMarker,
    /// The marker that it removed may have been another's.
    Complete,
    Raised,
    Over,
}

/// A process of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Process {
    pub(crate) attempt: u8,
    pub(crate) host: u8,
    pub(crate) at: At,
    pub(crate) paused: bool,
    /// It records a success without executing.
    pub(crate) adopts: bool,
}

/// Everything.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(crate) attempts: [Attempt; ATTEMPTS],
    pub(crate) marker: bool,
    pub(crate) drivers: [Driver; 2],
    pub(crate) processes: Vec<Process>,
    pub(crate) faults: u8,
    /// An `execute` began although a success was on the disk, in an attempt that nobody had declared lost.
    pub(crate) began_after_done: bool,
    /// The same, in an attempt that had been declared lost while its process stood between its look and `execute`.
    pub(crate) lost_began_after_done: bool,
    /// A process found, late, that its attempt was over, and stopped itself.
    pub(crate) stopped_itself: bool,
    /// A success was taken back whose outputs had been judged before it ended.
    pub(crate) revoked_unjudged: bool,
    /// A driver believed a marker whose success was just being taken back, or that had been written too late.
    pub(crate) believed_too_long: bool,
    /// More attempts were asked for than there is room.
    pub(crate) overflow: bool,
}

/// One step of one participant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    Driver(u8),
    Process(u8),
    /// The heartbeat of a process finds that its attempt is over.
    Beat(u8),
    Wake(u8),
    DriverFault(u8, Fault),
    ProcessFault(u8, Fault),
}

/// What is assumed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct World {
    pub(crate) variant: Variant,
    /// How many faults there may be.
    pub(crate) faults: u8,
    /// Whether the evidence of a stopped heartbeat may be wrong: a process may be paused.
    pub(crate) pauses: bool,
    /// Whether a pause may come between a process's last look and its `execute`.
    pub(crate) pause_before_execute: bool,
    /// Whether drivers ask the task about its outputs.
    pub(crate) judges: bool,
}

impl State {
    fn attempt(&mut self, number: u8) -> &mut Attempt {
        &mut self.attempts[usize::from(number)]
    }

    fn look(&self, number: u8) -> &Attempt {
        &self.attempts[usize::from(number)]
    }

    /// Attempts are numbered from one; zero: there is none.
    fn last_attempt(&self) -> u8 {
        let used = |attempt: &Attempt| attempt.claim.is_some();
        u8::try_from(self.attempts.iter().rposition(used).unwrap_or(0)).unwrap()
    }

    fn is_alive(&self, number: u8) -> bool {
        self.processes[usize::from(number)].at != At::Over
    }

    /// A driver's evidence: the process table of its own host, and heartbeats of the other.
    fn seems_dead(&self, number: u8, host: u8) -> bool {
        let process = &self.processes[usize::from(number)];
        process.at == At::Over || (process.host != host && process.paused)
    }

    fn owner_is_dead(&self, number: u8) -> bool {
        self.look(number).claim.is_some_and(|(host, life)| self.drivers[usize::from(host)].life != life)
    }

    pub(crate) fn success_is_recorded(&self) -> bool {
        self.attempts.iter().any(Attempt::is_success)
    }

    /// How many execute in an attempt that counts: one that nobody declared lost.
    pub(crate) fn executing(&self) -> usize {
        self.executing_processes().filter(|process| self.look(process.attempt).end != Some(End::Lost)).count()
    }

    /// How many execute at all.
    pub(crate) fn executing_processes(&self) -> impl Iterator<Item = &Process> {
        self.processes.iter().filter(|process| process.at == At::Execute)
    }

    pub(crate) fn successes(&self) -> usize {
        self.attempts.iter().filter(|attempt| attempt.is_success()).count()
    }

    pub(crate) fn is_finished(&self) -> bool {
        let drivers = self.drivers.iter().all(|driver| driver.doing == Doing::Finished);
        let is_true = self.successes() == 1 || self.believed_too_long;
        drivers
            && (self.marker || self.believed_too_long)
            && is_true
            && self.processes.iter().all(|process| process.at == At::Over)
    }

    fn begin_execute(&mut self, number: u8) {
        let attempt = self.processes[usize::from(number)].attempt;
        if self.success_is_recorded() {
            if self.look(attempt).end == Some(End::Lost) {
                self.lost_began_after_done = true;
            } else {
                self.began_after_done = true;
            }
        }
        self.processes[usize::from(number)].at = At::Execute;
    }
}

impl World {
    pub(crate) fn start(&self) -> State {
        let driver = Driver { life: 0, doing: Doing::LookForMarker, adopts: false };
        State {
            attempts: [Attempt::default(); ATTEMPTS],
            marker: false,
            drivers: [driver; 2],
            processes: Vec::new(),
            faults: self.faults,
            began_after_done: false,
            lost_began_after_done: false,
            stopped_itself: false,
            revoked_unjudged: false,
            believed_too_long: false,
            overflow: false,
        }
    }

    /// The step of a driver; `None` when it has nothing to do until something changes.
    pub(crate) fn drive(&self, before: &State, host: u8) -> Option<State> {
        let mut state = before.clone();
        let driver = before.drivers[usize::from(host)];
        let next = match driver.doing {
            Doing::LookForMarker if before.marker && self.variant != Variant::DoneDeletedToStart => {
                state.believed_too_long |= before.successes() == 0;
                Doing::Finished
            }
            Doing::LookForMarker if before.marker => {
                state.marker = false;
                Doing::Claim(before.last_attempt() + 1)
            }
            Doing::LookForMarker => Doing::List,
            Doing::List => match before.last_attempt() {
                0 => Doing::Claim(1),
                number => Doing::ReadEnd(number),
            },
            Doing::ReadEnd(number) => match before.look(number).end {
                Some(End::Done) if before.look(number).void => Doing::Claim(number + 1),
                Some(End::Done) if self.variant == Variant::NobodyCompletes => Doing::Finished,
                Some(End::Done) => Doing::Complete(number),
                Some(End::Failed | End::Lost) => Doing::Claim(number + 1),
                None => Doing::ReadRun(number),
            },
            Doing::ReadRun(number) => match before.look(number).run {
                Some(Run::Tombstone) => Doing::Claim(number + 1),
                Some(Run::Process(process)) if before.seems_dead(process, host) => Doing::DeclareLost(number),
                Some(Run::Process(_)) if self.variant == Variant::NoEvidence => Doing::DeclareLost(number),
                Some(Run::Process(_)) => Doing::Held(number, true),
                None => Doing::ReadClaim(number),
            },
            Doing::ReadClaim(number) if !before.owner_is_dead(number) => Doing::Held(number, false),
            Doing::ReadClaim(number) if self.variant == Variant::NoTombstone => Doing::Claim(number + 1),
            Doing::ReadClaim(number) => Doing::Tombstone(number),
            Doing::Held(number, begun) => {
                let attempt = before.look(number);
                let dead = match attempt.run {
                    Some(Run::Process(process)) => !begun || before.seems_dead(process, host),
                    Some(Run::Tombstone) => true,
                    None => before.owner_is_dead(number),
                };
                if attempt.end.is_none() && !dead {
                    return None;
                }
                Doing::LookForMarker
            }
            Doing::Claim(number) if usize::from(number) >= ATTEMPTS => {
                state.overflow = true;
                return if before.overflow { None } else { Some(state) };
            }
            Doing::Claim(number) if before.look(number).claim.is_some() => Doing::LookForMarker,
            Doing::Claim(number) => {
                state.attempt(number).claim = Some((host, driver.life));
                Doing::Confirm(number)
            }
            Doing::Confirm(number) => {
                let before_is_done = number > 1 && before.look(number - 1).is_success();
                let done = before_is_done || self.believes_marker(before);
                if done && self.variant != Variant::DoneDeletedToStart {
                    Doing::Tombstone(number)
                } else {
                    Doing::Launch(number)
                }
            }
            Doing::Launch(number) => {
                let adopts = std::mem::take(&mut state.drivers[usize::from(host)].adopts);
                state.processes.push(Process { attempt: number, host, at: At::Begin, paused: false, adopts });
                Doing::Watch(number)
            }
            Doing::Watch(number) => return self.watch(state, host, number),
            Doing::Finished => return None,
            doing => Self::write(&mut state, doing),
        };
        state.drivers[usize::from(host)].doing = next;
        Some(state)
    }

    /// A file is written, or removed; what the driver does after that.
    fn write(state: &mut State, doing: Doing) -> Doing {
        match doing {
            Doing::Tombstone(number) => {
                state.attempt(number).run.get_or_insert(Run::Tombstone);
                Doing::LookForMarker
            }
            Doing::DeclareLost(number) => {
                state.attempt(number).end.get_or_insert(End::Lost);
                Doing::LookForMarker
            }
            Doing::Complete(number) => {
                state.marker = true;
                Doing::LookAfterMarker(number)
            }
            Doing::LookAfterMarker(number) if state.look(number).void => Doing::RemoveMarker,
            Doing::LookAfterMarker(_) => Doing::Finished,
            Doing::RemoveMarker | Doing::RemoveRevoked => {
                state.marker = false;
                Doing::LookForMarker
            }
            Doing::Judge(number) => Doing::Revoke(number, state.look(number).end == Some(End::Done)),
            Doing::Revoke(number, _) if state.look(number).end != Some(End::Done) => Doing::List,
            Doing::Revoke(number, was_over) => {
                state.revoked_unjudged |= !was_over && !state.look(number).void;
                state.attempt(number).void = true;
                Doing::RemoveRevoked
            }
            other => other,
        }
    }

    /// Who has an attempt looks whether there is a success behind the marker that nobody has taken back.
    fn believes_marker(self, state: &State) -> bool {
        state.marker && (state.successes() > 0 || self.variant == Variant::VoidMarkerBelieved)
    }

    /// The end of its own children is certain.
    fn watch(self, mut state: State, host: u8, number: u8) -> Option<State> {
        let all_over = (0..u8::try_from(state.processes.len()).unwrap())
            .filter(|process| state.processes[usize::from(*process)].attempt == number)
            .all(|process| !state.is_alive(process));
        let attempt = state.look(number);
        let next = match (attempt.end, attempt.run) {
            // Its child may still have to write the marker.
            _ if !all_over => return None,
            (Some(_), _) | (None, Some(Run::Tombstone)) => Doing::LookForMarker,
            (None, Some(Run::Process(_))) => Doing::DeclareLost(number),
            (None, None) => Doing::Tombstone(number),
        };
        state.drivers[usize::from(host)].doing = next;
        Some(state)
    }

    /// The step of a process that is awake.
    pub(crate) fn run(&self, before: &State, number: u8) -> Option<State> {
        let mut state = before.clone();
        let process = before.processes[usize::from(number)];
        let over = before.look(process.attempt).end.is_some();
        let next = match process.at {
            At::Begin if before.look(process.attempt).run.is_some() => At::Over,
            At::Begin => {
                state.attempt(process.attempt).run = Some(Run::Process(number));
                if self.variant == Variant::NoLookUnderTheClaim { At::Ready } else { At::Look }
            }
            At::Look if over || self.believes_marker(before) => {
                if over {
                    state.stopped_itself = true;
                } else if before.successes() == 0 {
                    state.attempt(process.attempt).end = Some(End::Done);
                } else {
                    state.attempt(process.attempt).end = Some(End::Failed);
                }
                At::Over
            }
            // The outputs are there, and were found to be good.
            At::Look if process.adopts => {
                state.attempt(process.attempt).outputs = true;
                At::LinkEnd
            }
            At::Look if self.pause_before_execute => At::Ready,
            At::Look | At::Ready => {
                state.begin_execute(number);
                return Some(state);
            }
            At::Execute => {
                if self.variant == Variant::EndBeforeOutputs {
                    At::LinkEnd
                } else {
                    state.attempt(process.attempt).outputs = true;
                    At::Executed
                }
            }
            At::Executed if over => {
                state.stopped_itself = true;
                At::Over
            }
            At::Executed => At::LinkEnd,
            At::LinkEnd if self.variant == Variant::MarkerWithoutEnd => At::Mark,
            At::LinkEnd if over => At::Over,
            At::LinkEnd => {
                state.attempt(process.attempt).end = Some(End::Done);
                At::Mark
            }
            At::Mark => {
                state.marker = true;
                state.attempt(process.attempt).outputs = true;
                At::LookAfterMarker
            }
            At::LookAfterMarker if before.look(process.attempt).void => At::RemoveMarker,
            At::LookAfterMarker => At::Over,
            At::RemoveMarker => {
                state.marker = false;
                At::Complete
            }
            At::Complete => {
                state.marker |= before.look(before.last_attempt()).is_success();
                At::Over
            }
            At::Raised => {
                state.attempt(process.attempt).end.get_or_insert(End::Failed);
                At::Over
            }
            At::Over => return None,
        };
        state.processes[usize::from(number)].at = next;
        Some(state)
    }

    /// The thread of the heartbeat, while user code runs.
    pub(crate) fn beat(&self, before: &State, number: u8) -> Option<State> {
        let process = before.processes[usize::from(number)];
        let noticed = matches!(process.at, At::Ready | At::Execute) && before.look(process.attempt).end.is_some();
        if !noticed || self.variant == Variant::NoLookUnderTheClaim && process.at == At::Ready {
            return None;
        }
        let mut state = before.clone();
        state.processes[usize::from(number)].at = At::Over;
        state.stopped_itself = true;
        Some(state)
    }

    /// The attempt whose outputs a driver judges: one that has succeeded.
    fn judged(self, before: &State) -> Option<u8> {
        if self.variant == Variant::JudgedBeforeItEnded {
            let last = before.last_attempt();
            return (last > 0).then_some(last);
        }
        let position = before.attempts.iter().rposition(Attempt::is_success)?;
        u8::try_from(position).ok()
    }

    /// Something goes wrong for a driver.
    pub(crate) fn driver_fault(&self, before: &State, host: u8, fault: Fault) -> Option<State> {
        let mut state = before.clone();
        state.faults = before.faults.checked_sub(1)?;
        let driver = &mut state.drivers[usize::from(host)];
        driver.doing = match (fault, driver.doing) {
            (Fault::DriverKilled, doing) if doing != Doing::Finished => {
                (driver.life, driver.adopts) = (driver.life + 1, false);
                Doing::LookForMarker
            }
            (Fault::OutputsNoGood, Doing::LookForMarker) if self.judges => {
                let number = self.judged(before)?;
                Doing::Judge(number)
            }
            (Fault::OutputsFound, Doing::LookForMarker) if self.judges && !driver.adopts => {
                if self.variant == Variant::AdoptedWithoutAttempt {
                    state.marker = true;
                } else {
                    driver.adopts = true;
                }
                Doing::LookForMarker
            }
            (Fault::ClaimForgotten, Doing::Held(number, false)) => Doing::Tombstone(number),
            (Fault::StaleLook, Doing::LookForMarker) if before.marker => Doing::List,
            (Fault::StaleLook, Doing::List) => match before.last_attempt() {
                0 => return None,
                1 => Doing::Claim(1),
                number => Doing::ReadEnd(number - 1),
            },
            (Fault::StaleLook, Doing::ReadEnd(number)) if before.look(number).end.is_some() => Doing::ReadRun(number),
            (Fault::StaleLook, Doing::ReadRun(number)) if before.look(number).run.is_some() => Doing::ReadClaim(number),
            (Fault::LaunchedTwice, Doing::Watch(number)) => {
                let process = Process { attempt: number, host, at: At::Begin, paused: false, adopts: false };
                state.processes.push(process);
                Doing::Watch(number)
            }
            _ => return None,
        };
        Some(state)
    }

    /// Something goes wrong for a process.
    pub(crate) fn process_fault(&self, before: &State, number: u8, fault: Fault) -> Option<State> {
        let mut state = before.clone();
        state.faults = before.faults.checked_sub(1)?;
        let process = &mut state.processes[usize::from(number)];
        match (fault, process.at) {
            (_, At::Over) => return None,
            (Fault::ProcessKilled, _) => process.at = At::Over,
            (Fault::ProcessPaused, _) if self.pauses && !process.paused => process.paused = true,
            (Fault::ExecuteRaises, At::Execute) => process.at = At::Raised,
            _ => return None,
        }
        Some(state)
    }
}

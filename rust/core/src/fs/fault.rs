//! Faults on demand: a process that kills itself, finds the disk full, or stops for a while, at one of its operations.
//!
//! Inert unless the environment says otherwise; then `XPM_FAULT` is one of
//!
//! * `at=<n>:kill`, `at=<n>:full`, `at=<n>:stall:<milliseconds>`: at the `n`-th operation of the process;
//! * `seed:<seed>:<per mille>:<range>`: by chance, the same for the same seed and purpose: whether the process has a fault,
//!   at which of its first `<range>` operations, and which.
//!
//! Each fault that happens is told in a line of the file that `XPM_FAULT_LOG` names.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Signal, getpid, kill_process};

const UNKNOWN: u8 = 0;
const INERT: u8 = 1;
const ARMED: u8 = 2;

static MODE: AtomicU8 = AtomicU8::new(UNKNOWN);
static PLAN: Mutex<Option<Plan>> = Mutex::new(None);

/// Operations that need no room on the disk.
const LOOKS: [&str; 6] = ["read", "look for", "look at", "list", "read the link", "remove"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Kill,
    /// So many operations fail.
    Full(u32),
    Stall(Duration),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Plan {
    /// Operations that are left before the fault.
    left: u64,
    kind: Kind,
}

fn plan() -> MutexGuard<'static, Option<Plan>> {
    PLAN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What this process is for, from now on: a seed draws anew. Reads the environment again.
///
/// A forked child takes its own faults in this way, and none of those of its parent.
pub fn enter(purpose: &str) {
    let wanted = std::env::var("XPM_FAULT").ok().and_then(|text| parse(&text, purpose));
    MODE.store(if wanted.is_some() { ARMED } else { INERT }, Ordering::Relaxed);
    *plan() = wanted;
}

/// One operation of this process: the place for a fault, if one is wanted here.
///
/// # Errors
/// When the disk is to be full.
#[inline]
pub fn point(operation: &str, path: &Path) -> io::Result<()> {
    if MODE.load(Ordering::Relaxed) == INERT { Ok(()) } else { strike(operation, path) }
}

/// Write with a place for a fault in the middle.
pub(super) fn write_all(file: &mut impl Write, content: &[u8], path: &Path) -> io::Result<()> {
    if MODE.load(Ordering::Relaxed) == INERT {
        return file.write_all(content);
    }
    let (first, second) = content.split_at(content.len() / 2);
    file.write_all(first)?;
    point("write the rest of", path)?;
    file.write_all(second)
}

#[cold]
fn strike(operation: &str, path: &Path) -> io::Result<()> {
    if MODE.load(Ordering::Relaxed) == UNKNOWN {
        enter("process");
    }
    let kind = {
        let mut guard = plan();
        let Some(plan) = &mut *guard else { return Ok(()) };
        if plan.left > 1 {
            plan.left -= 1;
            return Ok(());
        }
        let kind = plan.kind;
        match &mut plan.kind {
            Kind::Full(_) if LOOKS.contains(&operation) => return Ok(()),
            Kind::Full(count) if *count > 1 => *count -= 1,
            _ => *guard = None,
        }
        kind
    };
    tell(kind, operation, path);
    match kind {
        Kind::Kill => {
            let _ = kill_process(getpid(), Signal::KILL);
            Ok(())
        }
        Kind::Full(_) => Err(Errno::NOSPC.into()),
        Kind::Stall(time) => {
            std::thread::sleep(time);
            Ok(())
        }
    }
}

fn tell(kind: Kind, operation: &str, path: &Path) {
    let Some(log) = std::env::var_os("XPM_FAULT_LOG") else { return };
    let line = format!("{} {kind:?} {operation} {}\n", std::process::id(), path.display());
    // A log that cannot be written must not change what is tried.
    let _ = OpenOptions::new().append(true).create(true).open(log).and_then(|mut file| file.write_all(line.as_bytes()));
}

fn parse(text: &str, purpose: &str) -> Option<Plan> {
    if let Some(rest) = text.strip_prefix("at=") {
        let (left, kind) = rest.split_once(':')?;
        let kind = match kind.split_once(':') {
            Some(("stall", time)) => Kind::Stall(Duration::from_millis(time.parse().ok()?)),
            None if kind == "kill" => Kind::Kill,
            None if kind == "full" => Kind::Full(1),
            _ => return None,
        };
        return Some(Plan { left: left.parse().ok()?, kind });
    }
    let mut numbers = text.strip_prefix("seed:")?.split(':').map(str::parse::<u64>);
    let mut next = || numbers.next()?.ok();
    let (seed, per_mille, range) = (next()?, next()?, next()?);
    let mut chance =
        Chance(purpose.bytes().fold(seed, |sum, byte| sum.wrapping_mul(0x0100_0000_01b3) ^ u64::from(byte)));
    if chance.below(1000) >= per_mille {
        return None;
    }
    let left = 1 + chance.below(range);
    let kind = match chance.below(10) {
        0..6 => Kind::Kill,
        6..8 => Kind::Full(1 + u32::try_from(chance.below(6)).unwrap_or_default()),
        _ => Kind::Stall(Duration::from_millis(1 + chance.below(80))),
    };
    Some(Plan { left, kind })
}

/// Numbers that look random, and are the same for the same seed (splitmix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (word ^ (word >> 31)) % limit.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wanted_is_understood() {
        assert_eq!(parse("at=3:kill", ""), Some(Plan { left: 3, kind: Kind::Kill }));
        assert_eq!(parse("at=1:full", ""), Some(Plan { left: 1, kind: Kind::Full(1) }));
        let stall = Kind::Stall(Duration::from_millis(20));
        assert_eq!(parse("at=7:stall:20", ""), Some(Plan { left: 7, kind: stall }));
        for nonsense in ["", "at=", "at=x:kill", "at=1:explode", "seed:1", "seed:1:2"] {
            assert_eq!(parse(nonsense, ""), None, "{nonsense}");
        }
    }

    #[test]
    fn a_seed_draws_the_same_again_and_another_for_another_purpose() {
        let draw = |seed: u64, purpose: &str| parse(&format!("seed:{seed}:1000:50"), purpose).unwrap();
        assert_eq!(draw(5, "a"), draw(5, "a"));
        let different = (0..100).filter(|seed| draw(*seed, "a") != draw(*seed, "b")).count();
        assert!(different > 90, "{different}");
        let kinds = (0..100).filter(|seed| matches!(draw(*seed, "a").kind, Kind::Kill)).count();
        assert!((40..80).contains(&kinds), "{kinds}");
        assert!((0..100).all(|seed| (1..=50).contains(&draw(seed, "a").left)));
        assert_eq!(parse("seed:1:0:50", "a"), None);
    }
}

//! Faults for real: drivers and jobs that are killed, that find the disk full, or stop, at any of their file operations.
//!
//! ```text
//! cargo test --release -p experimaestro-engine --test faults -- --seeds 10000    from seed 0 (or --first N)
//! cargo test -p experimaestro-engine --test faults -- --seed 17 --keep           one of them, again; its files are kept
//! cargo test -p experimaestro-engine --test faults -- --mount /mnt/a --mount /mnt/b   workspaces there, each driver through one
//! ```
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)] // all of this is a test

mod chance;
mod check;
mod driver;
mod hosts;
mod job;
mod plan;
mod trial;
mod witness;

use std::path::PathBuf;
use std::process::exit;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use trial::Findings;

/// In CI.
const SEEDS: u64 = 500;
/// Beyond those, seeds that showed something once: tries that were forgotten after an attempt without a process, and that each
/// driver had for itself; a folder that was not kept, and was wanted again; a driver that waited for ever for a job it had
/// adopted (408); one that left a claim it could not give up on a full disk, and waited for another's (231).
const KNOWN: [u64; 2] = [508, 599];

struct Options {
    seeds: Vec<u64>,
    keep: bool,
    mounts: Vec<PathBuf>,
    threads: usize,
}

impl Options {
    fn read() -> Self {
        let processors = std::thread::available_parallelism().map_or(2, usize::from);
        let (mut first, mut count) = (0, None);
        let mut options = Self { seeds: Vec::new(), keep: false, mounts: Vec::new(), threads: processors };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            if argument == "--mount" {
                options.mounts.extend(arguments.next().map(PathBuf::from));
                continue;
            }
            let mut number = || -> u64 { arguments.next().and_then(|text| text.parse().ok()).unwrap() };
            match argument.as_str() {
                "--seeds" => count = Some(number()),
                "--first" => first = number(),
                "--seed" => (first, count) = (number(), Some(1)),
                "--threads" => options.threads = usize::try_from(number()).unwrap(),
                "--keep" => options.keep = true,
                // Flags of the usual harness, such as --quiet.
                _ => {}
            }
        }
        options.seeds = (first..first + count.unwrap_or(SEEDS)).collect();
        if count.is_none() {
            options.seeds.extend(KNOWN);
        }
        options
    }
}

fn main() {
    match std::env::var("XPM_TRIAL").as_deref() {
        Ok("driver") => driver::main(),
        Ok("host") => exit(hosts::drive()),
        Ok("check hosts") => exit(hosts::check_all()),
        Ok("job") => job::main(&std::env::args().nth(1).unwrap()),
        _ => exit(try_all(&Options::read())),
    }
}

fn try_all(options: &Options) -> i32 {
    let next = AtomicUsize::new(0);
    let total = Mutex::new(Findings::default());
    std::thread::scope(|scope| {
        for _ in 0..options.threads {
            scope.spawn(|| {
                while let Some(seed) = options.seeds.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let found = try_seed(*seed, options);
                    let mut total = total.lock().unwrap();
                    total.faults += found.faults;
                    total.executions += found.executions;
                    total.interruptions += found.interruptions;
                    total.contended += found.contended;
                    total.lives += found.lives;
                    total.problems.extend(found.problems);
                }
            });
        }
    });
    let total = total.into_inner().unwrap();
    println!(
        "{} seeds: {} faults, {} lives of drivers, {} executions ({} of them interrupted), \
         {} resources used to the last unit, {} problems",
        options.seeds.len(),
        total.faults,
        total.lives,
        total.executions,
        total.interruptions,
        total.contended,
        total.problems.len()
    );
    i32::from(!total.problems.is_empty())
}

fn try_seed(seed: u64, options: &Options) -> Findings {
    let folder = tempfile::Builder::new().prefix(&format!("xpm-faults-{seed}-")).tempdir().unwrap().keep();
    let found = trial::run(seed, &folder, &options.mounts);
    for problem in &found.problems {
        println!("seed {seed}: {problem}");
    }
    if found.problems.is_empty() && !options.keep {
        // A process that came too late may still be leaving.
        let _ = std::fs::remove_dir_all(&folder);
    } else {
        println!("seed {seed}: files in {}", folder.display());
        println!("seed {seed}: again with: cargo test -p experimaestro-engine --test faults -- --seed {seed} --keep");
    }
    found
}

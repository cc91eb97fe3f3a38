//! What may happen to drivers that share tokens, at random.

use experimaestro_core::job::{RetryPolicy, TransientMode};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::tokens::{TOKENS, UNITS};

#[derive(Debug, Clone)]
pub(crate) enum Step {
    Submit {
        driver: usize,
        wanted: Vec<(u32, u32)>,
        priority: i8,
        dependencies: Vec<Index>,
        transient: TransientMode,
        retries: RetryPolicy,
    },
    /// Something that is under way goes on; a process that ends does so in one of several ways.
    Go {
        driver: usize,
        which: Index,
        ending: u8,
    },
    Kill {
        driver: usize,
        which: Index,
    },
    Resubmit {
        driver: usize,
        which: Index,
    },
    /// The driver dies; its jobs that run go on to their end, then others find out.
    Crash {
        driver: usize,
    },
}

pub(crate) fn transient() -> impl Strategy<Value = TransientMode> {
    prop_oneof![5 => Just(TransientMode::None), 1 => Just(TransientMode::Transient), 1 => Just(TransientMode::Remove)]
}

pub(crate) fn retries() -> impl Strategy<Value = RetryPolicy> {
    (any::<bool>(), 0..3u32, 0..3u32, 0..2u32, 0..2u32).prop_map(|(resumable, max_retries, preempted, lost, memory)| {
        RetryPolicy { resumable, max_retries, preempted, lost, memory, memory_growth: 2.0 }
    })
}

pub(crate) fn submit() -> impl Strategy<Value = Step> {
    let wanted = prop::collection::btree_map(0..TOKENS, 1..=UNITS, 0..=TOKENS as usize);
    let dependencies = prop::collection::vec(any::<Index>(), 0..3);
    (0..2usize, wanted, -1..2i8, dependencies, transient(), retries()).prop_map(
        |(driver, wanted, priority, dependencies, transient, retries)| Step::Submit {
            driver,
            wanted: wanted.into_iter().collect(),
            priority,
            dependencies,
            transient,
            retries,
        },
    )
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    let index = any::<Index>;
    prop_oneof![
        5 => submit(),
        14 => (0..2usize, index(), any::<u8>()).prop_map(|(driver, which, ending)| Step::Go { driver, which, ending }),
        1 => (0..2usize, index()).prop_map(|(driver, which)| Step::Kill { driver, which }),
        1 => (0..2usize, index()).prop_map(|(driver, which)| Step::Resubmit { driver, which }),
        1 => (0..2usize).prop_map(|driver| Step::Crash { driver }),
    ]
}

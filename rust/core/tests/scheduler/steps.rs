//! What may happen to a scheduler, at random.

use experimaestro_core::job::{RetryPolicy, TransientMode};
use proptest::prelude::*;

/// What the folder of a job says, and what its process will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disk {
    Nothing,
    Done,
    Adoptable,
    HeldElsewhere,
}

#[derive(Debug, Clone)]
pub(crate) enum Step {
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

pub(crate) fn transient() -> impl Strategy<Value = TransientMode> {
    prop_oneof![4 => Just(TransientMode::None), 2 => Just(TransientMode::Transient), 1 => Just(TransientMode::Remove)]
}

pub(crate) fn retries() -> impl Strategy<Value = RetryPolicy> {
    (any::<bool>(), 0..4u32, 0..3u32, 0..3u32, 0..3u32).prop_map(|(resumable, max_retries, preempted, lost, memory)| {
        RetryPolicy { resumable, max_retries, preempted, lost, memory, memory_growth: 2.0 }
    })
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
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

//! Laws of the scheduler, over random graphs, events, failures, retries, transient jobs and restarts.
//!
//! 100,000 sequences in CI, fewer elsewhere; `PROPTEST_CASES=N cargo test -p experimaestro-core --test scheduler` tries N.
#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests are tests, which clippy cannot know

mod order;
mod retries;
mod steps;
mod transient;
mod world;

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use steps::step;
use world::World;

/// How many sequences, and where those that failed once are kept.
fn cases() -> ProptestConfig {
    let usual = if std::env::var_os("CI").is_some() { 100_000 } else { 2_000 };
    let cases = std::env::var("PROPTEST_CASES").map_or(usual, |text| text.parse().unwrap());
    let kept = FileFailurePersistence::Direct("tests/scheduler/regressions.txt");
    ProptestConfig { cases, failure_persistence: Some(Box::new(kept)), ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn laws_hold_after_every_event(slots in 1..4u32, steps in prop::collection::vec(step(), 1..60)) {
        let mut world = World::new(slots);
        for step in steps {
            world.apply(step);
        }
        world.finish();
    }
}

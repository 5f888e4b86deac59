//! Random interleavings of everything that can happen to a run: nothing acknowledged is lost, every transcript is well
//! formed, no call runs twice or without leave, and every watcher ends with the stored text. Each property is shown to
//! catch a planted fault.
#![allow(clippy::unwrap_used, clippy::expect_used, unreachable_pub)]

mod check;
mod holder;
mod watcher;
mod world;

use proptest::{prelude::*, test_runner::TestRunner};
use std::panic::{AssertUnwindSafe, catch_unwind};
use world::{Fault, Op, World};

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        30 => (0..3usize, prop::bool::weighted(0.15)).prop_map(|(i, twice)| Op::Perform(i, twice)),
        14 => (0..3usize, any::<u8>()).prop_map(|(i, what)| Op::Say(i, what)),
        8 => (0..3usize, 0..3usize).prop_map(|(i, tool)| Op::Finish(i, tool)),
        3 => (0..3usize).prop_map(Op::Flush),
        1 => (0..3usize).prop_map(Op::Stop),
        2 => (0..3usize).prop_map(Op::Crash),
        2 => prop::bool::weighted(0.8).prop_map(Op::TakeOver),
        4 => (0..3usize, any::<bool>()).prop_map(|(i, allow)| Op::Decide(i, allow)),
        4 => Just(Op::Chat),
        2 => (0..9usize).prop_map(Op::Retry),
        8 => (0..4usize, any::<bool>()).prop_map(|(w, near)| Op::Look(w, near)),
        1 => (0..4usize).prop_map(Op::Reconnect),
    ]
}

fn histories(cases: u32, fault: Fault) -> Result<(), String> {
    let config =
        ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 0, ..ProptestConfig::default() };
    TestRunner::new_with_rng(config, deterministic())
        .run(&prop::collection::vec(op(), 10..160), |ops| {
            let mut world = World::new(fault);
            for op in ops {
                world.apply(op);
            }
            world.finish();
            Ok(())
        })
        .map_err(|e| e.to_string())
}

fn deterministic() -> proptest::test_runner::TestRng {
    proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha)
}

fn cases(default: u32) -> u32 {
    option_env!("DUYETBOT_TEST_CASES").and_then(|n| n.parse().ok()).unwrap_or(default)
}

#[test]
fn every_interleaving_gives_a_well_formed_transcript_and_loses_nothing() {
    histories(cases(3_000), Fault::None).unwrap();
}

fn is_caught(fault: Fault) {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let outcome = catch_unwind(AssertUnwindSafe(|| histories(4_000, fault)));
    std::panic::set_hook(hook);
    assert!(!matches!(outcome, Ok(Ok(()))), "the properties hold although {fault:?} was planted");
}

#[test]
fn planted_faults_are_caught() {
    for fault in [
        Fault::NoFence,
        Fault::NoCheckpointBeforeTool,
        Fault::ResultsSavedTogether,
        Fault::NoEpochForWatchers,
        Fault::AsksAgainWithToolInFlight,
    ] {
        is_caught(fault);
    }
}

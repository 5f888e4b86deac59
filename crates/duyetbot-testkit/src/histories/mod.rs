//! Two stores give the same answers on random histories.
mod names;
mod op;
mod play;

use duyetbot_core::{SettableClock, Storage};
use futures::future::BoxFuture;
use proptest::{
    collection::vec,
    test_runner::{Config, TestCaseResult, TestRunner},
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use crate::fixture::START;

/// How often each kind of answer was met: by operation, then `ok`, `repeat` or the word of the refusal.
pub type Met = BTreeMap<(&'static str, String), u32>;

/// Plays random histories on a pair of fresh stores, which both read this clock, and compares every answer: values as a
/// whole, refusals by kind and code. Says how often each kind of answer was met, so that a test can see that its
/// histories went everywhere.
///
/// # Panics
/// With the shortest history found on which the stores differ, and how they differ.
pub fn same_answers(
    a: impl Fn() -> Arc<dyn Storage>,
    b: impl Fn() -> Arc<dyn Storage>,
    clock: &Arc<SettableClock>,
    block_on: impl Fn(BoxFuture<'static, TestCaseResult>) -> TestCaseResult,
    cases: u32,
) -> Met {
    let met = Arc::new(Mutex::new(Met::new()));
    let history = vec(op::any(), 1..60);
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 4000, ..Config::default() };
    let outcome = TestRunner::new(config).run(&history, |history| {
        clock.set(START);
        let play = play::Play { a: a(), b: b(), clock: clock.clone(), met: met.clone() };
        block_on(Box::pin(async move { play.all(&history).await }))
    });
    if let Err(failure) = outcome {
        panic!("the stores differ: {failure}");
    }
    let met = met.lock().expect("no history panicked while it counted");
    met.clone()
}

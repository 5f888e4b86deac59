//! The store in memory keeps every sentence of the storage traits.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use async_trait::async_trait;
use duyetbot_core::{
    Commit, Limits, MemoryRates, MemoryStore, Rate, RateLimiter, Scope, SessionId, SessionStore,
    SettableClock, Stamp, Storage, Taken, Timestamp,
};
use duyetbot_testkit::{
    Backend, RateBackend, begin, conformance_tests, rate_conformance_tests, said, same_answers, trees_commute,
};
use futures::executor::block_on;
use std::{
    sync::{Arc, Barrier, Mutex},
    thread,
};

struct Memory {
    clock: Arc<SettableClock>,
    last: Mutex<Option<Arc<MemoryStore>>>,
}

impl Memory {
    fn new() -> Self {
        Memory { clock: Arc::new(SettableClock::new(Timestamp(0))), last: Mutex::default() }
    }
}

#[async_trait]
impl Backend for Memory {
    async fn open(&self) -> Arc<dyn Storage> {
        let store = Arc::new(MemoryStore::new(self.clock.clone()));
        *self.last.lock().unwrap() = Some(store.clone());
        store
    }
    fn clock(&self) -> Arc<SettableClock> {
        self.clock.clone()
    }
    async fn title_stamp(&self, scope: &Scope, session: SessionId) -> Option<Stamp> {
        self.last.lock().unwrap().as_ref().and_then(|store| store.title_stamp(scope, session))
    }
}

conformance_tests!(block_on = block_on, backend = Memory::new());

struct Rates(Arc<SettableClock>);

#[async_trait]
impl RateBackend for Rates {
    async fn open(&self) -> Arc<dyn RateLimiter> {
        Arc::new(MemoryRates::new(self.0.clone()))
    }
    fn clock(&self) -> Arc<SettableClock> {
        self.0.clone()
    }
}

rate_conformance_tests!(block_on = block_on, backend = Rates(Arc::default()));

/// What many threads at once get of a hundred a minute, and of two sessions.
#[test]
fn limits_hold_at_their_edge_while_fifty_threads_ask() {
    let clock = Arc::new(SettableClock::new(Timestamp(0)));
    let rates = MemoryRates::new(clock.clone());
    let store = MemoryStore::new(clock);
    let scope = Scope::vouched("ada", "ada");
    let start = Barrier::new(50);
    let limits = Limits { sessions: Some(2), ..Limits::NONE };
    let ask = || {
        start.wait();
        let granted = (0..3)
            .filter(|_| {
                let taken = block_on(rates.take(&scope, Rate::per_minute(100))).unwrap();
                matches!(taken, Taken::Granted { .. })
            })
            .count();
        let commit = Commit { limits, ..begin(SessionId::new(), vec![said("a")]) };
        (granted, usize::from(block_on(store.commit(&scope, &commit)).is_ok()))
    };
    let answers: Vec<(usize, usize)> = thread::scope(|threads| {
        let threads: Vec<_> = (0..50).map(|_| threads.spawn(ask)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let sums = answers.into_iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    assert_eq!(sums, (100, 2));
    assert_eq!(block_on(store.counters(&scope)).unwrap().sessions, 2);
}

/// A pair of stores in memory finds no difference; what is looked at is whether the histories go everywhere.
#[test]
fn random_histories_meet_every_kind_of_answer() {
    let clock = Arc::new(SettableClock::new(Timestamp(0)));
    let open = || -> Arc<dyn Storage> { Arc::new(MemoryStore::new(clock.clone())) };
    let met = same_answers(open, open, &clock, block_on, 1000);
    let kinds: Vec<String> = met.keys().map(|(operation, kind)| format!("{operation} {kind}")).collect();
    let expected = [
        "attend NotFound",
        "attend ok",
        "claim nothing",
        "claim ok",
        "clock ok",
        "commit Invalid",
        "commit NotFound",
        "commit content_differs",
        "commit erased",
        "commit message_limit",
        "commit ok",
        "commit parent_missing",
        "commit repeat",
        "commit session_limit",
        "commit storage_limit",
        "decide NotFound",
        "decide not_pending",
        "decide ok",
        "erase NotFound",
        "erase ok",
        "feed ok",
        "flush ok",
        "flush stale_epoch",
        "open Invalid",
        "open NotFound",
        "open content_differs",
        "open erased",
        "open message_limit",
        "open ok",
        "open parent_missing",
        "open repeat",
        "open run_active",
        "open session_limit",
        "open storage_limit",
        "page ok",
        "path NotFound",
        "path ok",
        "put ok",
        "save ok",
        "save stale_epoch",
        "search ok",
        "set Invalid",
        "set NotFound",
        "set ok",
        "step Invalid",
        "step content_differs",
        "step ok",
        "step parent_missing",
        "step repeat",
        "step stale_epoch",
        "stop NotFound",
        "stop ok",
        "sweep ok",
        "wait ok",
        "wait stale_epoch",
    ];
    assert_eq!(kinds, expected);
}

#[test]
fn tree_operations_commute() {
    let clock = Arc::new(SettableClock::new(Timestamp(0)));
    let open = || -> Arc<dyn Storage> { Arc::new(MemoryStore::new(clock.clone())) };
    trees_commute(open, block_on, 500);
}

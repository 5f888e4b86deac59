//! The store in memory keeps every sentence of the storage traits.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use async_trait::async_trait;
use duyetbot_core::{MemoryStore, Scope, SessionId, SettableClock, Stamp, Storage, Timestamp};
use duyetbot_testkit::{Backend, conformance_tests, same_answers, trees_commute};
use futures::executor::block_on;
use std::sync::{Arc, Mutex};

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

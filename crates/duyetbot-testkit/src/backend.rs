//! What a backend brings to the suite, and the suite run as one.
use async_trait::async_trait;
use duyetbot_core::{Scope, SessionId, SettableClock, Stamp, Storage};
use futures::FutureExt;
use std::{any::Any, panic::AssertUnwindSafe, sync::Arc};

use crate::list::checks;

/// A storage backend under test.
#[async_trait]
pub trait Backend: Send + Sync {
    /// A fresh, empty store.
    async fn open(&self) -> Arc<dyn Storage>;

    /// The clock that the stores read their now from.
    fn clock(&self) -> Arc<SettableClock>;

    /// The stamp of a session's title in the store opened last, by a look past the traits. None where the backend lets
    /// nobody look; the suite says so.
    async fn title_stamp(&self, _scope: &Scope, _session: SessionId) -> Option<Stamp> {
        None
    }

    /// What stands in the files of the store opened last, byte by byte. Asked of one that declares `secure_erase`.
    async fn files(&self) -> Vec<Vec<u8>> {
        Vec::new()
    }
}

/// Runs every check on fresh stores of this backend, and prints what is skipped because it is not declared.
///
/// # Panics
/// With every sentence that does not hold, and how.
pub async fn conformance(backend: &dyn Backend) {
    let mut failed = Vec::new();
    for (sentence, check) in checks() {
        if let Err(panic) = AssertUnwindSafe(check(backend)).catch_unwind().await {
            failed.push(format!("{sentence}: {}", words_of(&*panic)));
        }
    }
    assert!(failed.is_empty(), "{} sentences do not hold:\n{}", failed.len(), failed.join("\n"));
}

pub(crate) fn words_of(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("a panic without words")
}

/// Whether a capability is missing; then says which check is skipped.
pub(crate) fn skips(declared: bool, capability: &str, check: &str) -> bool {
    if !declared {
        println!("skipped: {check}: the backend does not declare {capability}");
    }
    !declared
}

//! The suite for limiters of requests. A limiter lies elsewhere than a store, so it has a backend of its own.
use async_trait::async_trait;
use duyetbot_core::{RateLimiter, SettableClock};
use futures::{FutureExt, future::BoxFuture};
use std::{panic::AssertUnwindSafe, sync::Arc};

use crate::backend::words_of;

pub mod requests;

/// A limiter under test.
#[async_trait]
pub trait RateBackend: Send + Sync {
    /// A limiter of which nothing is taken yet.
    async fn open(&self) -> Arc<dyn RateLimiter>;

    /// The clock that the limiters read their now from.
    fn clock(&self) -> Arc<SettableClock>;
}

/// A check on one backend: it panics where the sentence does not hold.
pub type RateCheck = for<'a> fn(&'a dyn RateBackend) -> BoxFuture<'a, ()>;

/// Makes one test of each check of a limiter. As [`crate::conformance_tests!`] for stores.
///
/// ```
/// use duyetbot_core::{MemoryRates, RateLimiter, SettableClock};
/// use duyetbot_testkit::{RateBackend, rate_conformance_tests};
/// use std::sync::Arc;
///
/// #[derive(Default)]
/// struct Memory(Arc<SettableClock>);
///
/// #[async_trait::async_trait]
/// impl RateBackend for Memory {
///     async fn open(&self) -> Arc<dyn RateLimiter> {
///         Arc::new(MemoryRates::new(self.0.clone()))
///     }
///     fn clock(&self) -> Arc<SettableClock> {
///         self.0.clone()
///     }
/// }
///
/// rate_conformance_tests!(block_on = futures::executor::block_on, backend = Memory::default());
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! rate_conformance_tests {
    (block_on = $block_on:path, backend = $backend:expr $(,)?) => {
        $crate::each_rate_check! { one_test_each [$block_on, $backend] }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! list_of_rate_checks {
    ([] $($module:ident { $($check:ident,)* })*) => {
        vec![$($((
            concat!(stringify!($module), "::", stringify!($check)),
            (|backend| Box::pin($crate::$module::$check(backend))) as $crate::RateCheck,
        ),)*)*]
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! each_rate_check {
    ($callback:ident $arguments:tt) => {
        $crate::$callback! {
            $arguments
            requests {
                as_many_as_the_limit_are_granted_and_no_more,
                no_span_has_more_than_the_limit_wherever_it_begins,
                what_is_granted_tells_what_is_left_and_when_all_of_it_is_there_again,
                what_is_refused_tells_when_one_is_granted,
                a_refused_wish_does_not_count,
                of_fifty_at_once_as_many_as_are_left_are_granted,
                owners_do_not_touch_each_other_and_their_actors_share,
                a_clock_that_goes_back_grants_nothing_a_second_time,
                a_limit_of_none_grants_nothing,
                another_limit_counts_what_was_granted_under_the_one_before,
            }
        }
    };
}

/// Every check with its sentence.
pub fn rate_checks() -> Vec<(&'static str, RateCheck)> {
    crate::each_rate_check! { list_of_rate_checks [] }
}

/// Runs every check on fresh limiters of this backend.
///
/// # Panics
/// With every sentence that does not hold, and how.
pub async fn rate_conformance(backend: &dyn RateBackend) {
    let mut failed = Vec::new();
    for (sentence, check) in rate_checks() {
        if let Err(panic) = AssertUnwindSafe(check(backend)).catch_unwind().await {
            failed.push(format!("{sentence}: {}", words_of(&*panic)));
        }
    }
    assert!(failed.is_empty(), "{} sentences do not hold:\n{}", failed.len(), failed.join("\n"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_check_of_a_limiter_is_on_the_list() {
        let text = include_str!("requests.rs");
        let names = text.lines().filter_map(|line| line.strip_prefix("pub async fn ")?.split('(').next());
        let written: BTreeSet<String> = names.map(|name| format!("requests::{name}")).collect();
        let listed: BTreeSet<String> = rate_checks().into_iter().map(|(name, _)| name.to_owned()).collect();
        assert_eq!(listed, written);
    }
}

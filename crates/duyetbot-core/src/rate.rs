//! How many requests an owner may make in a while, counted where it is decided.
use async_trait::async_trait;
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crate::{error::Result, scope::Scope, store::Clock, time_stamp::Timestamp};

/// So many in so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Requests at most.
    pub limit: u32,
    /// In each span of this length, wherever it begins.
    pub per: Duration,
}

impl Rate {
    /// So many in each minute.
    pub fn per_minute(limit: u32) -> Self {
        Rate { limit, per: Duration::from_secs(60) }
    }
}

/// What became of a wish to make one request more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It may be made; so many more may follow at once, and all of the limit at this moment.
    Granted {
        /// How many more.
        remaining: u32,
        /// When nothing of what was taken counts any more.
        reset: Timestamp,
    },
    /// It may not; one may be made at this moment.
    Refused {
        /// When.
        again: Timestamp,
    },
}

/// Counts requests of owners.
///
/// # Behavior
/// In no span of the rate's length are more granted than its limit, however many ask at once. A refused wish does not
/// count. Owners do not touch each other.
#[async_trait]
pub trait RateLimiter: Send + Sync + 'static {
    /// Takes one, where one is left.
    async fn take(&self, scope: &Scope, rate: Rate) -> Result<Taken>;
}

/// Counts in this process.
pub struct MemoryRates {
    clock: Arc<dyn Clock>,
    taken: Mutex<BTreeMap<String, VecDeque<Timestamp>>>,
}

/// Owners that are remembered before those that took nothing lately are forgotten.
const REMEMBERED: usize = 1024;

impl MemoryRates {
    /// Nothing is taken yet.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        MemoryRates { clock, taken: Mutex::default() }
    }
}

#[async_trait]
impl RateLimiter for MemoryRates {
    async fn take(&self, scope: &Scope, rate: Rate) -> Result<Taken> {
        let mut owners = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        // Read under the lock, so that each queue is in order.
        let now = self.clock.now();
        let over = now.minus(rate.per);
        if owners.len() >= REMEMBERED && !owners.contains_key(scope.owner()) {
            owners.retain(|_, taken| taken.back().is_some_and(|at| *at > over));
        }
        let taken = owners.entry(scope.owner().to_owned()).or_default();
        while taken.front().is_some_and(|at| *at <= over) {
            taken.pop_front();
        }
        let used = u32::try_from(taken.len()).unwrap_or(u32::MAX);
        if used >= rate.limit {
            let again = taken.front().map_or(now, |at| at.plus(rate.per));
            return Ok(Taken::Refused { again });
        }
        taken.push_back(now);
        Ok(Taken::Granted { remaining: rate.limit - used - 1, reset: now.plus(rate.per) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::SettableClock;
    use futures::executor::block_on;

    const SECOND: Duration = Duration::from_secs(1);

    fn at(seconds: i64) -> Timestamp {
        Timestamp(seconds * 1000)
    }

    #[test]
    fn no_minute_has_more_than_its_limit_wherever_it_begins() {
        let clock = Arc::new(SettableClock::new(at(0)));
        let rates = MemoryRates::new(clock.clone());
        let (me, other) = (Scope::vouched("me", "me"), Scope::vouched("other", "other"));
        let take = |scope: &Scope| block_on(rates.take(scope, Rate::per_minute(2))).unwrap();
        assert_eq!(take(&me), Taken::Granted { remaining: 1, reset: at(60) });
        clock.advance(59 * SECOND);
        assert_eq!(take(&me), Taken::Granted { remaining: 0, reset: at(119) });
        assert_eq!(take(&me), Taken::Refused { again: at(60) });
        assert_eq!(take(&other), Taken::Granted { remaining: 1, reset: at(119) });
        clock.advance(SECOND);
        assert_eq!(take(&me), Taken::Granted { remaining: 0, reset: at(120) });
        assert_eq!(take(&me), Taken::Refused { again: at(119) });
    }

    #[test]
    fn owners_that_took_nothing_lately_are_forgotten() {
        let clock = Arc::new(SettableClock::new(at(0)));
        let rates = MemoryRates::new(clock.clone());
        for n in 0..3 * REMEMBERED {
            let scope = Scope::vouched(format!("owner {n}"), "somebody");
            block_on(rates.take(&scope, Rate::per_minute(2))).unwrap();
            clock.advance(SECOND);
        }
        assert!(rates.taken.lock().unwrap().len() <= REMEMBERED);
    }
}

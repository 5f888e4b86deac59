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
    pub const fn per_minute(limit: u32) -> Self {
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
/// In no span of the rate's length are more granted than its limit, wherever it begins and however many ask at once. What
/// is granted tells how many are left and when all of the limit is there again, what is refused when one is. A refused wish
/// does not count. Owners do not touch each other, and those who act for one owner share. A clock that goes back grants
/// nothing a second time.
#[async_trait]
pub trait RateLimiter: Send + Sync + 'static {
    /// Takes one, where one is left.
    async fn take(&self, scope: &Scope, rate: Rate) -> Result<Taken>;
}

/// Counts in this process. What it remembers has a bound: the limit's worth of moments for each owner who asked lately.
pub struct MemoryRates {
    clock: Arc<dyn Clock>,
    owners: Mutex<Owners>,
}

#[derive(Default)]
struct Owners {
    asked: BTreeMap<String, Asked>,
    /// When there are as many, those who did not ask lately are forgotten.
    most: usize,
}

/// When an owner was granted what still counts, in order, and until when the last of it does.
struct Asked {
    granted: VecDeque<Timestamp>,
    until: Timestamp,
}

/// Owners that are remembered without a look at who asked lately.
const REMEMBERED: usize = 1024;

impl MemoryRates {
    /// Nothing is taken yet.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        MemoryRates { clock, owners: Mutex::default() }
    }
}

impl Owners {
    fn of(&mut self, owner: &str, now: Timestamp) -> &mut Asked {
        if self.asked.len() >= self.most.max(REMEMBERED) && !self.asked.contains_key(owner) {
            self.asked.retain(|_, asked| asked.until > now);
            // Twice what is left, so that looking at all of it is paid for by as many who come new.
            self.most = 2 * self.asked.len();
        }
        self.asked.entry(owner.to_owned()).or_insert_with(|| Asked { granted: VecDeque::new(), until: now })
    }
}

#[async_trait]
impl RateLimiter for MemoryRates {
    async fn take(&self, scope: &Scope, rate: Rate) -> Result<Taken> {
        let mut owners = self.owners.lock().unwrap_or_else(PoisonError::into_inner);
        // Read under the lock, so that what is granted is in order.
        let now = self.clock.now();
        let asked = owners.of(scope.owner(), now);
        // A clock that goes back grants nothing a second time.
        let now = asked.granted.back().map_or(now, |last| now.max(*last));
        while asked.granted.front().is_some_and(|at| at.plus(rate.per) <= now) {
            asked.granted.pop_front();
        }
        let used = u32::try_from(asked.granted.len()).unwrap_or(u32::MAX);
        if used >= rate.limit {
            // A limit of none at all has nothing that could come free.
            let again = asked.granted.front().map_or(now, |at| *at).plus(rate.per);
            return Ok(Taken::Refused { again });
        }
        asked.granted.push_back(now);
        asked.until = now.plus(rate.per);
        Ok(Taken::Granted { remaining: rate.limit - used - 1, reset: asked.until })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::SettableClock;
    use futures::executor::block_on;

    #[test]
    fn owners_that_took_nothing_lately_are_forgotten() {
        let clock = Arc::new(SettableClock::new(Timestamp(0)));
        let rates = MemoryRates::new(clock.clone());
        for n in 0..3 * REMEMBERED {
            let scope = Scope::vouched(format!("owner {n}"), "somebody");
            block_on(rates.take(&scope, Rate::per_minute(2))).unwrap();
            clock.advance(Duration::from_secs(1));
        }
        assert!(rates.owners.lock().unwrap().asked.len() <= REMEMBERED);
    }

    #[test]
    fn many_owners_at_once_are_all_remembered() {
        let clock = Arc::new(SettableClock::new(Timestamp(0)));
        let rates = MemoryRates::new(clock.clone());
        let take = |n: usize| {
            let scope = Scope::vouched(format!("owner {n}"), "somebody");
            block_on(rates.take(&scope, Rate::per_minute(1))).unwrap()
        };
        for n in 0..3 * REMEMBERED {
            assert!(matches!(take(n), Taken::Granted { .. }));
        }
        for n in 0..3 * REMEMBERED {
            assert!(matches!(take(n), Taken::Refused { .. }));
        }
    }
}

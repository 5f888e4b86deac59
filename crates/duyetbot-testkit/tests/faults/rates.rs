//! Limiters with one fault each, and the sentences that catch them.
use async_trait::async_trait;
use duyetbot_core::{Clock, MemoryRates, Rate, RateLimiter, Result, Scope, SettableClock, Taken};
use duyetbot_testkit::{RateBackend, rate_conformance};
use futures::{FutureExt, executor::block_on};
use std::{panic::AssertUnwindSafe, sync::Arc};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    OffByOne,
    MinutesOfTheClock,
    RefusedCounts,
    OwnersShare,
    ResetOfTheFirst,
}

struct Faulty {
    good: MemoryRates,
    clock: Arc<SettableClock>,
    fault: Fault,
}

#[async_trait]
impl RateLimiter for Faulty {
    async fn take(&self, scope: &Scope, rate: Rate) -> Result<Taken> {
        let mut rate = rate;
        let mut owner = scope.owner().to_owned();
        match self.fault {
            Fault::OffByOne => rate.limit += 1,
            Fault::OwnersShare => "everybody".clone_into(&mut owner),
            Fault::MinutesOfTheClock => owner += &(self.clock.now().0 / 60_000).to_string(),
            _ => {}
        }
        let taken = self.good.take(&Scope::vouched(owner, ""), rate).await?;
        match (self.fault, taken) {
            (Fault::RefusedCounts, Taken::Refused { .. }) => {
                // One more is let in than the limit, so that this one counts from now on.
                let more = Rate { limit: u32::MAX, ..rate };
                self.good.take(&Scope::vouched(scope.owner(), ""), more).await?;
                Ok(taken)
            }
            (Fault::ResetOfTheFirst, Taken::Granted { remaining, reset }) => {
                let passed = std::time::Duration::from_secs(u64::from(rate.limit - remaining - 1));
                Ok(Taken::Granted { remaining, reset: reset.minus(passed) })
            }
            _ => Ok(taken),
        }
    }
}

struct Planted {
    fault: Fault,
    clock: Arc<SettableClock>,
}

#[async_trait]
impl RateBackend for Planted {
    async fn open(&self) -> Arc<dyn RateLimiter> {
        let (fault, clock) = (self.fault, self.clock.clone());
        Arc::new(Faulty { good: MemoryRates::new(clock.clone()), clock, fault })
    }
    fn clock(&self) -> Arc<SettableClock> {
        self.clock.clone()
    }
}

fn verdict(fault: Fault) -> Option<String> {
    let backend = Planted { fault, clock: Arc::default() };
    let ran = block_on(AssertUnwindSafe(rate_conformance(&backend)).catch_unwind());
    ran.err().map(|panic| *panic.downcast::<String>().unwrap())
}

#[test]
fn a_limiter_without_a_fault_passes_and_each_fault_is_caught_by_its_sentence() {
    assert_eq!(verdict(Fault::None), None);
    for (fault, sentence) in [
        (Fault::OffByOne, "of_fifty_at_once_as_many_as_are_left_are_granted"),
        (Fault::MinutesOfTheClock, "no_span_has_more_than_the_limit_wherever_it_begins"),
        (Fault::RefusedCounts, "a_refused_wish_does_not_count"),
        (Fault::OwnersShare, "owners_do_not_touch_each_other_and_their_actors_share"),
        (Fault::ResetOfTheFirst, "what_is_granted_tells_what_is_left_and_when_all_of_it_is_there_again"),
    ] {
        let verdict = verdict(fault).unwrap_or_else(|| panic!("{fault:?} is not caught"));
        let named = verdict.lines().any(|line| line.starts_with(&format!("requests::{sentence}: ")));
        assert!(named, "{fault:?} is not caught by {sentence}, but so:\n{verdict}");
    }
}

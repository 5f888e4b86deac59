//! How many requests are granted, each at its edge.
#![allow(missing_docs)]
use duyetbot_core::{Clock, Rate, RateLimiter, Scope, SettableClock, Taken, Timestamp};
use futures::future::join_all;
use std::{sync::Arc, time::Duration};

use super::RateBackend;

const MINUTE: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);
const MOMENT: Duration = Duration::from_millis(1);

struct Desk {
    limiter: Arc<dyn RateLimiter>,
    clock: Arc<SettableClock>,
    ada: Scope,
}

impl Desk {
    async fn of(backend: &dyn RateBackend) -> Self {
        let clock = backend.clock();
        clock.set(Timestamp(1_764_000_000_000));
        Desk { limiter: backend.open().await, clock, ada: Scope::vouched("ada", "ada") }
    }
    fn now(&self) -> Timestamp {
        self.clock.now()
    }
    async fn take(&self, limit: u32) -> Taken {
        self.limiter.take(&self.ada, Rate::per_minute(limit)).await.unwrap()
    }
    async fn grants(&self, wishes: usize, limit: u32) -> usize {
        let mut granted = 0;
        for _ in 0..wishes {
            granted += usize::from(is_granted(self.take(limit).await));
        }
        granted
    }
}

fn is_granted(taken: Taken) -> bool {
    matches!(taken, Taken::Granted { .. })
}

pub async fn as_many_as_the_limit_are_granted_and_no_more(backend: &dyn RateBackend) {
    let desk = Desk::of(backend).await;
    for _ in 0..100 {
        assert!(is_granted(desk.take(100).await));
        desk.clock.advance(MOMENT);
    }
    assert!(!is_granted(desk.take(100).await));
}

pub async fn no_span_has_more_than_the_limit_wherever_it_begins(backend: &dyn RateBackend) {
    let desk = Desk::of(backend).await;
    // Minutes as a clock shows them must not matter.
    desk.clock.advance(SECOND * 50);
    let mut granted: Vec<Timestamp> = Vec::new();
    for _ in 0..150 {
        if is_granted(desk.take(5).await) {
            granted.push(desk.now());
        }
        desk.clock.advance(SECOND * 2);
    }
    for begin in &granted {
        let within = granted.iter().filter(|at| *at >= begin && **at < begin.plus(MINUTE)).count();
        assert!(within <= 5, "{within} from {begin}");
    }
    // Five minutes had room for five each.
    assert_eq!(granted.len(), 25);
}

pub async fn what_is_granted_tells_what_is_left_and_when_all_of_it_is_there_again(backend: &dyn RateBackend) {
    let desk = Desk::of(backend).await;
    for remaining in [2, 1, 0] {
        desk.clock.advance(SECOND);
        let reset = desk.now().plus(MINUTE);
        assert_eq!(desk.take(3).await, Taken::Granted { remaining, reset });
    }
    desk.clock.advance(MINUTE - MOMENT);
    let reset = desk.now().plus(MINUTE);
    assert_eq!(desk.take(3).await, Taken::Granted { remaining: 1, reset });
    desk.clock.advance(MINUTE);
    let reset = desk.now().plus(MINUTE);
    assert_eq!(desk.take(3).await, Taken::Granted { remaining: 2, reset });
}

pub async fn what_is_refused_tells_when_one_is_granted(backend: &dyn RateBackend) {
    let desk = Desk::of(backend).await;
    let again = desk.now().plus(MINUTE);
    assert!(is_granted(desk.take(2).await));
    desk.clock.advance(SECOND * 10);
    assert!(is_granted(desk.take(2).await));
    assert_eq!(desk.take(2).await, Taken::Refused { again });
    desk.clock.set(again.minus(MOMENT));
    assert_eq!(desk.take(2).await, Taken::Refused { again });
    desk.clock.set(again);
    assert!(is_granted(desk.take(2).await));
    assert_eq!(desk.take(2).await, Taken::Refused { again: again.plus(SECOND * 10) });
}

pub async fn a_refused_wish_does_not_count(backend: &dyn RateBackend) {
    let desk = Desk::of(backend).await;
    assert!(is_granted(desk.take(1).await));
    for _ in 0..59 {
        desk.clock.advance(SECOND);
        assert!(!is_granted(desk.take(1).await));
    }
    desk.clock.advance(SECOND);
    assert!(is_granted(desk.take(1).await));
}

pub async fn of_fifty_at_once_as_many_as_are_left_are_granted(backend: &dyn RateBackend) {
    let desk = Desk::of(backend).await;
    assert_eq!(desk.grants(99, 100).await, 99);
    let answers = join_all((0..50).map(|_| desk.take(100))).await;
    assert_eq!(answers.into_iter().filter(|taken| is_granted(*taken)).count(), 1);
}

pub async fn owners_do_not_touch_each_other_and_their_actors_share(backend: &dyn RateBackend) {
    let desk = Desk::of(backend).await;
    assert_eq!(desk.grants(2, 1).await, 1);
    let take = async |owner: &str, actor: &str| {
        let scope = Scope::vouched(owner, actor);
        is_granted(desk.limiter.take(&scope, Rate::per_minute(1)).await.unwrap())
    };
    assert!(!take("ada", "grace").await);
    assert!(take("bob", "ada").await);
}

pub async fn a_clock_that_goes_back_grants_nothing_a_second_time(backend: &dyn RateBackend) {
    let desk = Desk::of(backend).await;
    let begin = desk.now();
    assert_eq!(desk.grants(3, 2).await, 2);
    desk.clock.set(begin.minus(MINUTE * 10));
    assert_eq!(desk.grants(3, 2).await, 0);
    desk.clock.set(begin.plus(MINUTE));
    assert_eq!(desk.grants(3, 2).await, 2);
}

pub async fn a_limit_of_none_grants_nothing(backend: &dyn RateBackend) {
    let desk = Desk::of(backend).await;
    assert_eq!(desk.take(0).await, Taken::Refused { again: desk.now().plus(MINUTE) });
}

pub async fn another_limit_counts_what_was_granted_under_the_one_before(backend: &dyn RateBackend) {
    let desk = Desk::of(backend).await;
    assert_eq!(desk.grants(5, 5).await, 5);
    assert_eq!(desk.grants(1, 3).await, 0);
    assert_eq!(desk.grants(9, 7).await, 2);
}

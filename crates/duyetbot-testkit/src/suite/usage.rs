//! What runs used, by the day.
use duyetbot_core::{NewMessage, RunState, Timestamp, Usage};
use std::time::Duration;

use crate::{backend::Backend, fixture::Ground, step};

const DAY: Duration = Duration::from_secs(24 * 3600);

fn used(tokens: u64, cost: Option<f64>) -> Usage {
    Usage { input: tokens, output: 1, cache_read: None, cache_write: None, cost, estimated: false }
}

/// A run of the first owner that uses this.
async fn spend(at: &Ground, usage: Usage) {
    let run = at.open_run().await;
    let mut commit = step(run, 1, 0, "answer", RunState::Done);
    commit.messages = vec![NewMessage { usage: Some(usage), ..commit.messages.remove(0) }];
    at.store.commit(&at.mine, &commit).await.unwrap();
}

pub async fn the_usage_of_days_is_their_sum_first_and_last_included(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let first = at.clock_now().day();
    let days = [used(10, Some(0.5)), used(20, None), used(40, Some(0.25))];
    for usage in days {
        spend(&at, usage).await;
        at.clock.advance(DAY);
    }
    let of = async |from: i64, to: i64| at.store.usage(&at.mine, first + from..=first + to).await.unwrap();
    assert_eq!(of(0, 2).await, days[0].plus(&days[1]).plus(&days[2]));
    assert_eq!(of(1, 2).await, days[1].plus(&days[2]));
    assert_eq!(of(1, 1).await, days[1]);
    assert_eq!(of(-30, 0).await, days[0]);
    assert_eq!(of(3, 30).await, Usage::default());
    assert_eq!(of(2, 0).await, Usage::default());
}

pub async fn the_usage_of_another_owner_does_not_count(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    spend(&at, used(10, None)).await;
    let all = Timestamp(0).day()..=at.clock_now().day();
    assert_eq!(at.store.usage(&at.mine, all.clone()).await.unwrap(), used(10, None));
    assert_eq!(at.store.usage(&at.other, all).await.unwrap(), Usage::default());
}

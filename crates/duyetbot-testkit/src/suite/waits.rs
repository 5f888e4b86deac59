//! Decisions on the calls of a waiting run.
use duyetbot_core::{ClaimOf, Code, Decision, LEASE, MessageId, RunId, RunRow, RunState, Save, SessionId};
use std::time::Duration;

use crate::{
    backend::Backend,
    fixture::{Ground, NOT_FOUND, START, checkpoint, claim, conflict, refusal, step},
};

const NOT_PENDING: crate::Refusal = conflict(Code::NotPending);
/// A call id as a provider may make it.
const ODD: &str = "c.1\"$'[0]";

async fn waiting(at: &Ground, calls: &[&str]) -> RunId {
    let run = at.open_run().await;
    at.store.save(&at.mine, run, 1, &Save::Wait(checkpoint(2, calls))).await.unwrap();
    run
}

pub async fn the_decision_that_leaves_none_open_moves_the_run_to_queued(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let run = waiting(&at, &["a", ODD]).await;
    let before = at.store.run(&at.mine, run).await.unwrap();
    let state = at.store.decide(&at.mine, run, &ODD.into(), Decision::Deny).await.unwrap();
    assert_eq!(state, RunState::Waiting);
    let one = RunRow { decisions: vec![(ODD.into(), Decision::Deny)], ..before };
    assert_eq!(at.store.run(&at.mine, run).await.unwrap(), one);
    at.clock.advance(Duration::from_secs(1));
    let state = at.store.decide(&at.mine, run, &"a".into(), Decision::Allow).await.unwrap();
    assert_eq!(state, RunState::Queued);
    let mut row = at.store.run(&at.mine, run).await.unwrap();
    row.decisions.sort_by(|a, b| a.0.cmp(&b.0));
    let queued = RunRow {
        state: RunState::Queued,
        decisions: vec![("a".into(), Decision::Allow), (ODD.into(), Decision::Deny)],
        lease: START.plus(Duration::from_secs(1)).plus(LEASE),
        expired: false,
        expires: None,
        ..one
    };
    assert_eq!(row, queued);
}

pub async fn a_queued_run_that_nobody_claims_for_a_lease_is_expired(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let run = waiting(&at, &["a"]).await;
    at.store.decide(&at.mine, run, &"a".into(), Decision::Allow).await.unwrap();
    at.clock.advance(LEASE - Duration::from_millis(1));
    assert!(!at.store.run(&at.mine, run).await.unwrap().expired);
    at.clock.advance(Duration::from_millis(1));
    assert!(at.store.run(&at.mine, run).await.unwrap().expired);
}

pub async fn the_same_decision_again_answers_the_state_as_it_is(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let run = waiting(&at, &["a", "b"]).await;
    let decide = |call: &str, decision| {
        let call = call.into();
        let at = &at;
        async move { at.store.decide(&at.mine, run, &call, decision).await.unwrap() }
    };
    for _ in 0..2 {
        assert_eq!(decide("a", Decision::Allow).await, RunState::Waiting);
    }
    for _ in 0..2 {
        assert_eq!(decide("b", Decision::Deny).await, RunState::Queued);
    }
    assert_eq!(decide("a", Decision::Allow).await, RunState::Queued);
    at.store.claim(&claim(ClaimOf::Run(at.mine.clone(), run))).await.unwrap().unwrap();
    let before = at.store.run(&at.mine, run).await.unwrap();
    assert_eq!(decide("a", Decision::Allow).await, RunState::Running);
    assert_eq!(at.store.run(&at.mine, run).await.unwrap(), before);
}

pub async fn another_decision_on_a_decided_call_is_a_conflict(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let run = waiting(&at, &["a", "b"]).await;
    at.store.decide(&at.mine, run, &"a".into(), Decision::Allow).await.unwrap();
    let before = at.store.run(&at.mine, run).await.unwrap();
    let other = at.store.decide(&at.mine, run, &"a".into(), Decision::Deny).await;
    assert_eq!(refusal(other), NOT_PENDING);
    assert_eq!(at.store.run(&at.mine, run).await.unwrap(), before);
}

pub async fn a_decision_on_a_call_that_does_not_wait_is_a_conflict(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let decide = |run, call: &str| {
        let call = call.into();
        let at = &at;
        async move { refusal(at.store.decide(&at.mine, run, &call, Decision::Allow).await) }
    };
    let run = waiting(&at, &["a"]).await;
    assert_eq!(decide(run, "b").await, NOT_PENDING);
    assert_eq!(decide(run, "").await, NOT_PENDING);
    let running = at.open_run().await;
    at.store.save(&at.mine, running, 1, &Save::Checkpoint(checkpoint(2, &["a"]))).await.unwrap();
    assert_eq!(decide(running, "a").await, NOT_PENDING);
    at.store.commit(&at.mine, &step(running, 1, 0, "end", RunState::Done)).await.unwrap();
    assert_eq!(decide(running, "a").await, NOT_PENDING);
}

pub async fn a_step_makes_an_old_decision_a_conflict(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let run = waiting(&at, &["a"]).await;
    at.store.decide(&at.mine, run, &"a".into(), Decision::Allow).await.unwrap();
    at.store.claim(&claim(ClaimOf::Run(at.mine.clone(), run))).await.unwrap().unwrap();
    at.store.commit(&at.mine, &step(run, 2, 0, "one", RunState::Running)).await.unwrap();
    let again = at.store.decide(&at.mine, run, &"a".into(), Decision::Allow).await;
    assert_eq!(refusal(again), NOT_PENDING);
}

pub async fn waiting_anew_begins_without_decisions(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let run = waiting(&at, &["a"]).await;
    at.store.decide(&at.mine, run, &"a".into(), Decision::Allow).await.unwrap();
    at.store.claim(&claim(ClaimOf::Run(at.mine.clone(), run))).await.unwrap().unwrap();
    at.store.save(&at.mine, run, 2, &Save::Wait(checkpoint(3, &["a"]))).await.unwrap();
    let row = at.store.run(&at.mine, run).await.unwrap();
    assert_eq!((row.state, row.decisions), (RunState::Waiting, vec![]));
    let state = at.store.decide(&at.mine, run, &"a".into(), Decision::Deny).await.unwrap();
    assert_eq!(state, RunState::Queued);
}

pub async fn a_decision_on_an_unknown_run_is_not_found(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let never = RunId { session: SessionId::new(), message: MessageId::new() };
    let decided = at.store.decide(&at.mine, never, &"a".into(), Decision::Allow).await;
    assert_eq!(refusal(decided), NOT_FOUND);
}

pub async fn waiting_runs_are_listed_newest_first(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let mut runs = vec![waiting(&at, &["a"]).await, waiting(&at, &["a"]).await];
    runs.sort();
    at.clock.advance(Duration::from_millis(1));
    runs.push(waiting(&at, &["a"]).await);
    let decided = waiting(&at, &["a"]).await;
    at.store.decide(&at.mine, decided, &"a".into(), Decision::Deny).await.unwrap();
    at.open_run().await;
    at.store.set(&at.mine, runs[0].session, &duyetbot_core::Change::Delete).await.unwrap();
    runs.reverse();
    let listed = at.store.waiting(&at.mine, 9).await.unwrap();
    assert_eq!(listed.iter().map(|row| row.id).collect::<Vec<_>>(), runs);
    assert_eq!(listed[0], at.store.run(&at.mine, runs[0]).await.unwrap());
    let listed = at.store.waiting(&at.mine, 2).await.unwrap();
    assert_eq!(listed.iter().map(|row| row.id).collect::<Vec<_>>(), runs[..2]);
    assert_eq!(at.store.waiting(&at.mine, 0).await.unwrap(), []);
}

pub async fn a_wait_that_is_over_stays_until_somebody_ends_it(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let run = waiting(&at, &["a"]).await;
    at.clock.advance(duyetbot_core::WAIT * 2);
    let row = at.store.run(&at.mine, run).await.unwrap();
    assert_eq!((row.state, row.expires), (RunState::Waiting, Some(START.plus(duyetbot_core::WAIT))));
}

//! Taking a run over.
use duyetbot_core::{
    Claim, ClaimOf, Claimed, Decision, DraftChunk, LEASE, MessageId, RunChange, RunId, RunRow, RunState,
    Save, Scope, SessionId,
};
use futures::future::join_all;
use std::{collections::BTreeSet, time::Duration};

use crate::{
    backend::Backend,
    fixture::{Ground, START, checkpoint, claim, open, said, step},
};

fn here() -> ClaimOf {
    ClaimOf::Places(vec!["host:/there".into(), "host:/here".into()])
}

fn this(at: &Ground, run: RunId) -> ClaimOf {
    ClaimOf::Run(at.mine.clone(), run)
}

fn text(text: &str) -> DraftChunk {
    DraftChunk::Text(text.into())
}

async fn open_at(at: &Ground, scope: &Scope, place: &str, holder: &str) -> RunId {
    let mut commit = open(SessionId::new(), said("go"));
    if let Some(RunChange::Open { place: at, holder: by, .. }) = commit.run.as_mut() {
        *at = place.into();
        *by = holder.into();
    }
    at.store.commit(scope, &commit).await.unwrap();
    RunId { session: commit.session, message: commit.messages[0].id }
}

pub async fn a_run_whose_lease_is_over_is_taken_with_all_that_it_goes_on_from(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let run = at.open_run().await;
    at.store.save(&at.mine, run, 1, &Save::Draft(vec![text("so "), text("far")])).await.unwrap();
    at.store.save(&at.mine, run, 1, &Save::Checkpoint(checkpoint(5, &[]))).await.unwrap();
    let before = at.store.run(&at.mine, run).await.unwrap();
    at.clock.advance(LEASE - Duration::from_millis(1));
    assert_eq!(at.store.claim(&claim(here())).await.unwrap(), None);
    assert_eq!(at.store.claim(&claim(this(&at, run))).await.unwrap(), None);
    at.clock.advance(Duration::from_millis(1));
    let taken = Claimed {
        scope: at.mine.clone(),
        run,
        epoch: 2,
        was: RunState::Running,
        checkpoint: checkpoint(5, &[]),
        draft: vec![text("so "), text("far")],
        decisions: vec![],
    };
    assert_eq!(at.store.claim(&claim(here())).await.unwrap(), Some(taken));
    let row =
        RunRow { epoch: 2, holder: "second".into(), lease: START.plus(LEASE * 2), draft: vec![], ..before };
    assert_eq!(at.store.run(&at.mine, run).await.unwrap(), row);
    assert_eq!(at.store.claim(&claim(here())).await.unwrap(), None);
}

pub async fn a_run_whose_holder_is_gone_is_taken_before_its_lease_is_over(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let run = at.open_run().await;
    for of in [here(), this(&at, run)] {
        let unknown = Claim { gone: vec!["stranger".into()], ..claim(of) };
        assert_eq!(at.store.claim(&unknown).await.unwrap(), None);
    }
    let gone = Claim { gone: vec!["stranger".into(), "first".into()], ..claim(here()) };
    assert_eq!(at.store.claim(&gone).await.unwrap().map(|taken| taken.epoch), Some(2));
    let gone = Claim { gone: vec!["second".into()], ..claim(this(&at, run)) };
    assert_eq!(at.store.claim(&gone).await.unwrap().map(|taken| taken.epoch), Some(3));
}

pub async fn a_queued_run_is_taken_at_its_place_with_its_decisions(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let run = at.open_run().await;
    at.store.save(&at.mine, run, 1, &Save::Wait(checkpoint(2, &["a"]))).await.unwrap();
    assert_eq!(at.store.claim(&claim(here())).await.unwrap(), None, "it waits");
    at.store.decide(&at.mine, run, &"a".into(), Decision::Allow).await.unwrap();
    let elsewhere = ClaimOf::Places(vec!["host:/there".into(), "host:/here/deeper".into()]);
    assert_eq!(at.store.claim(&claim(elsewhere)).await.unwrap(), None);
    assert_eq!(at.store.claim(&claim(ClaimOf::Places(vec![]))).await.unwrap(), None);
    let taken = Claimed {
        scope: at.mine.clone(),
        run,
        epoch: 2,
        was: RunState::Queued,
        checkpoint: checkpoint(2, &["a"]),
        draft: vec![],
        decisions: vec![("a".into(), Decision::Allow)],
    };
    assert_eq!(at.store.claim(&claim(here())).await.unwrap(), Some(taken));
    let row = at.store.run(&at.mine, run).await.unwrap();
    assert_eq!((row.state, row.lease), (RunState::Running, START.plus(LEASE)));
    assert_eq!(row.decisions, [("a".into(), Decision::Allow)]);
}

pub async fn one_run_is_taken_in_whatever_place_also_while_it_waits(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let run = open_at(&at, &at.mine.clone(), "elsewhere:/x", "first").await;
    at.store.save(&at.mine, run, 1, &Save::Wait(checkpoint(2, &["a", "b"]))).await.unwrap();
    at.store.decide(&at.mine, run, &"a".into(), Decision::Deny).await.unwrap();
    let taken = at.store.claim(&claim(this(&at, run))).await.unwrap().unwrap();
    assert_eq!((taken.was, taken.epoch), (RunState::Waiting, 2));
    assert_eq!(taken.decisions, [("a".into(), Decision::Deny)]);
    let row = at.store.run(&at.mine, run).await.unwrap();
    assert_eq!((row.state, row.expires), (RunState::Running, None));
}

pub async fn there_is_nothing_to_take_of_an_ended_or_unknown_run(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let run = at.open_run().await;
    at.store.commit(&at.mine, &step(run, 1, 0, "end", RunState::Done)).await.unwrap();
    at.clock.advance(LEASE * 2);
    let never = RunId { session: SessionId::new(), message: MessageId::new() };
    for of in [here(), this(&at, run), this(&at, never)] {
        let gone = Claim { gone: vec!["first".into()], ..claim(of) };
        assert_eq!(at.store.claim(&gone).await.unwrap(), None);
    }
}

pub async fn of_several_runs_the_one_opened_first_is_taken_whoever_owns_it(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let mut expected = Vec::new();
    for n in 0..4 {
        let scope = if n % 2 == 0 { at.other.clone() } else { at.mine.clone() };
        expected.push((scope.clone(), open_at(&at, &scope, "host:/here", "first").await));
        at.clock.advance(Duration::from_millis(1));
    }
    at.clock.advance(LEASE);
    let mut taken = Vec::new();
    for _ in 0..=expected.len() {
        let claimed = at.store.claim(&claim(here())).await.unwrap();
        taken.extend(claimed.map(|claimed| (claimed.scope, claimed.run)));
    }
    assert_eq!(taken, expected);
}

pub async fn of_two_claims_at_once_one_gets_it(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let run = at.open_run().await;
    at.clock.advance(LEASE);
    let claims: Vec<Claim> = (0..8)
        .map(|n| Claim {
            holder: format!("holder {n}"),
            ..claim(if n % 2 == 0 { here() } else { this(&at, run) })
        })
        .collect();
    let taken = join_all(claims.iter().map(|claim| at.store.claim(claim))).await;
    let winners: Vec<(usize, Claimed)> =
        taken.into_iter().enumerate().filter_map(|(n, taken)| taken.unwrap().map(|t| (n, t))).collect();
    assert_eq!(winners.len(), 1, "claims that got it");
    let row = at.store.run(&at.mine, run).await.unwrap();
    assert_eq!((row.epoch, row.holder), (2, format!("holder {}", winners[0].0)));
}

pub async fn the_draft_is_only_what_the_holder_before_had_flushed(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let run = at.open_run().await;
    at.store.save(&at.mine, run, 1, &Save::Draft(vec![text("first")])).await.unwrap();
    let mut drafts = Vec::new();
    for flushed in [vec![text("second")], vec![], vec![text("fourth")]] {
        at.clock.advance(LEASE);
        let taken = at.store.claim(&claim(this(&at, run))).await.unwrap().unwrap();
        drafts.push(taken.draft);
        assert_eq!(at.store.run(&at.mine, run).await.unwrap().draft, []);
        at.store.save(&at.mine, run, taken.epoch, &Save::Draft(flushed.clone())).await.unwrap();
        assert_eq!(at.store.run(&at.mine, run).await.unwrap().draft, flushed);
    }
    assert_eq!(drafts, [vec![text("first")], vec![text("second")], vec![]]);
}

pub async fn the_scope_that_a_claim_answers_is_that_of_the_runs_row(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let run = at.open_run().await;
    at.clock.advance(LEASE);
    let colleague = Scope::vouched(at.mine.owner(), "grace");
    let taken = at.store.claim(&claim(ClaimOf::Run(colleague, run))).await.unwrap().unwrap();
    assert_eq!(taken.scope, at.mine);
}

pub async fn the_holders_of_places_are_those_of_their_running_runs(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let (mine, other) = (at.mine.clone(), at.other.clone());
    let mut runs = Vec::new();
    for (scope, place, holder) in [
        (&mine, "host:/here", "a"),
        (&other, "host:/here", "a"),
        (&other, "host:/there", "b"),
        (&mine, "host:/elsewhere", "c"),
        (&mine, "host:/here", "waits"),
        (&mine, "host:/here", "ended"),
    ] {
        runs.push(open_at(&at, scope, place, holder).await);
    }
    at.store.save(&mine, runs[4], 1, &Save::Wait(checkpoint(2, &["x"]))).await.unwrap();
    at.store.commit(&mine, &step(runs[5], 1, 0, "end", RunState::Done)).await.unwrap();
    at.clock.advance(LEASE * 2);
    let places = ["host:/here".to_owned(), "host:/there".to_owned()];
    let holders = at.store.holders(&places).await.unwrap();
    assert_eq!(holders.len(), 2, "each once: {holders:?}");
    let holders: BTreeSet<String> = holders.into_iter().collect();
    assert_eq!(holders, BTreeSet::from(["a".to_owned(), "b".to_owned()]));
    assert_eq!(at.store.holders(&[]).await.unwrap(), Vec::<String>::new());
}

pub async fn a_probe_changes_nothing_that_can_be_read(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let run = at.open_run().await;
    let seen = async || {
        let row = at.store.run(&at.mine, run).await.unwrap();
        let changes = at.store.changes(&at.mine, 0, 100).await.unwrap();
        (row, changes, at.store.counters(&at.mine).await.unwrap())
    };
    let before = seen().await;
    at.store.probe().await.unwrap();
    at.store.probe().await.unwrap();
    assert_eq!(seen().await, before);
}

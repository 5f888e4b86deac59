//! A step: a run's message and the run's move in one write, fenced by the epoch.
use duyetbot_core::{
    ClaimOf, Code, Committed, Decision, DraftChunk, LEASE, NewMessage, RunChange, RunRow, RunState, Save,
    SessionId, Usage,
};
use std::time::Duration;

use crate::{
    backend::Backend,
    fixture::{Ground, START, add, answer, checkpoint, claim, conflict, ids, refusal, said, step},
};

pub async fn a_step_stores_its_message_and_moves_its_run(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let run = at.open_run().await;
    let opened = at.store.run(&at.mine, run).await.unwrap();
    at.clock.advance(Duration::from_secs(1));
    let committed = at.store.commit(&at.mine, &step(run, 1, 0, "one", RunState::Running)).await.unwrap();
    assert_eq!(
        committed,
        Committed { seq: 2, head: Some(run.step(0)), fresh: true, run: Some((RunState::Running, 1)) }
    );
    let path = at.store.path(&at.mine, run.session, None, 9).await.unwrap();
    assert_eq!(ids(&path), [run.message, run.step(0)]);
    let moved = RunRow {
        checkpoint: checkpoint(10, &[]),
        lease: START.plus(Duration::from_secs(1)).plus(LEASE),
        ..opened
    };
    assert_eq!(at.store.run(&at.mine, run).await.unwrap(), moved);
}

pub async fn what_steps_used_counts_once_on_the_day_of_their_commit(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let run = at.open_run().await;
    assert_eq!(at.store.spent_today(&at.mine).await.unwrap(), Usage::default());
    let first = Usage { input: 10, output: 5, cost: Some(0.25), ..Usage::default() };
    let second = Usage { input: 1, output: 2, cache_read: Some(1), ..Usage::default() };
    for (n, usage) in [(0, first), (1, second)] {
        let mut commit = step(run, 1, n, "used", RunState::Running);
        commit.messages[0].usage = Some(usage);
        at.store.commit(&at.mine, &commit).await.unwrap();
        at.store.commit(&at.mine, &commit).await.unwrap();
    }
    let sum = Usage {
        input: 11,
        output: 7,
        cache_read: Some(1),
        cache_write: None,
        cost: Some(0.25),
        ..Usage::default()
    };
    assert_eq!(at.store.spent_today(&at.mine).await.unwrap(), sum);
    assert_eq!(at.store.spent_today(&at.other).await.unwrap(), Usage::default());
    at.store.commit(&at.mine, &step(run, 1, 2, "nothing used", RunState::Done)).await.unwrap();
    at.store.erase(&at.mine, run.session).await.unwrap();
    assert_eq!(at.store.spent_today(&at.mine).await.unwrap(), sum);
    at.clock.advance(Duration::from_secs(24 * 60 * 60));
    assert_eq!(at.store.spent_today(&at.mine).await.unwrap(), Usage::default());
}

pub async fn what_is_copied_in_does_not_count_as_used(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let (session, _) = at.session_of(&["a"]).await;
    let used = Usage { input: 10, output: 5, ..Usage::default() };
    let message = NewMessage { usage: Some(used), ..answer("copied") };
    at.store.commit(&at.mine, &add(session, vec![message])).await.unwrap();
    assert_eq!(at.store.spent_today(&at.mine).await.unwrap(), Usage::default());
}

pub async fn a_step_that_ends_its_run_clears_the_sessions_run_and_ends_the_lease(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    for state in [RunState::Done, RunState::Failed, RunState::Cancelled, RunState::Interrupted] {
        let run = at.open_run().await;
        let opened = at.store.run(&at.mine, run).await.unwrap();
        let mut end = step(run, 1, 0, "end", state);
        let problem = r#"{"type":"urn:duyetbot:internal"}"#;
        if let Some(RunChange::Step { error, .. }) = end.run.as_mut() {
            *error = Some(problem.into());
        }
        at.store.commit(&at.mine, &end).await.unwrap();
        let ended = RunRow {
            state,
            checkpoint: checkpoint(10, &[]),
            lease: START,
            expired: true,
            error: Some(problem.into()),
            ..opened
        };
        assert_eq!(at.store.run(&at.mine, run).await.unwrap(), ended);
        assert_eq!(at.store.session(&at.mine, run.session).await.unwrap().run, None);
        assert_eq!(at.store.current(&at.mine, run.session).await.unwrap(), None);
    }
}

pub async fn a_step_clears_the_draft_the_decisions_and_the_wish_to_stop(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let run = at.open_run().await;
    at.store.save(&at.mine, run, 1, &Save::Draft(vec![DraftChunk::Text("so far".into())])).await.unwrap();
    at.store.save(&at.mine, run, 1, &Save::Wait(checkpoint(2, &["call"]))).await.unwrap();
    at.store.decide(&at.mine, run, &"call".into(), Decision::Allow).await.unwrap();
    at.store.ask_stop(&at.mine, run).await.unwrap();
    let taken = at.store.claim(&claim(ClaimOf::Run(at.mine.clone(), run))).await.unwrap().unwrap();
    at.store.save(&at.mine, run, 2, &Save::Draft(vec![DraftChunk::Text("more".into())])).await.unwrap();
    let row = at.store.run(&at.mine, run).await.unwrap();
    assert_eq!((row.decisions.len(), row.draft.len(), row.stop_asked), (1, 1, true));
    at.store.commit(&at.mine, &step(run, taken.epoch, 0, "one", RunState::Running)).await.unwrap();
    let row = at.store.run(&at.mine, run).await.unwrap();
    assert_eq!((row.decisions, row.draft, row.stop_asked), (vec![], vec![], false));
}

pub async fn a_step_of_another_epoch_is_stale(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let run = at.open_run().await;
    let before = at.snapshot(&at.mine).await;
    for epoch in [0, 2] {
        let result = at.store.commit(&at.mine, &step(run, epoch, 0, "one", RunState::Running)).await;
        assert_eq!(refusal(result), conflict(Code::StaleEpoch));
    }
    assert_eq!(at.snapshot(&at.mine).await, before);
}

pub async fn a_dead_holders_late_step_is_refused(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let run = at.open_run().await;
    at.clock.advance(LEASE);
    at.store.claim(&claim(ClaimOf::Run(at.mine.clone(), run))).await.unwrap().unwrap();
    let late = step(run, 1, 0, "late", RunState::Done);
    assert_eq!(refusal(at.store.commit(&at.mine, &late).await), conflict(Code::StaleEpoch));
    at.store.commit(&at.mine, &step(run, 2, 0, "in time", RunState::Done)).await.unwrap();
    assert_eq!(refusal(at.store.commit(&at.mine, &late).await), conflict(Code::StaleEpoch));
}

pub async fn a_step_of_a_run_that_is_not_running_is_stale(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let run = at.open_run().await;
    let stale = || async {
        let result = at.store.commit(&at.mine, &step(run, 1, 0, "one", RunState::Running)).await;
        assert_eq!(refusal(result), conflict(Code::StaleEpoch));
    };
    at.store.save(&at.mine, run, 1, &Save::Wait(checkpoint(2, &["call"]))).await.unwrap();
    stale().await;
    at.store.decide(&at.mine, run, &"call".into(), Decision::Allow).await.unwrap();
    stale().await;
    at.store.claim(&claim(ClaimOf::Run(at.mine.clone(), run))).await.unwrap().unwrap();
    at.store.commit(&at.mine, &step(run, 2, 0, "end", RunState::Done)).await.unwrap();
    let after = step(run, 2, 1, "after the end", RunState::Done);
    assert_eq!(refusal(at.store.commit(&at.mine, &after).await), conflict(Code::StaleEpoch));
}

pub async fn a_lease_that_is_over_but_was_not_taken_still_holds(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let run = at.open_run().await;
    at.clock.advance(LEASE * 3);
    at.store.commit(&at.mine, &step(run, 1, 0, "slow", RunState::Running)).await.unwrap();
    let row = at.store.run(&at.mine, run).await.unwrap();
    assert_eq!((row.lease, row.expired), (START.plus(LEASE * 4), false));
}

pub async fn a_step_under_a_head_that_moved_is_a_branch(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let run = at.open_run().await;
    let aside = said("meanwhile");
    let aside_id = aside.id;
    at.store.commit(&at.mine, &add(run.session, vec![aside])).await.unwrap();
    let mut late = step(run, 1, 0, "one", RunState::Done);
    late.messages[0].parent = duyetbot_core::Parent::Is(Some(run.message));
    let committed = at.store.commit(&at.mine, &late).await.unwrap();
    assert_eq!(committed.head, Some(aside_id));
    let path = at.store.path(&at.mine, run.session, Some(run.step(0)), 9).await.unwrap();
    assert_eq!(ids(&path), [run.message, run.step(0)]);
}

pub async fn a_step_takes_its_session_out_of_the_bin(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let run = at.open_run().await;
    at.store.set(&at.mine, run.session, &duyetbot_core::Change::Delete).await.unwrap();
    at.store.commit(&at.mine, &step(run, 1, 0, "one", RunState::Done)).await.unwrap();
    assert!(!at.store.session(&at.mine, run.session).await.unwrap().deleted);
}

pub async fn a_run_of_one_session_leaves_another_alone(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let (run, beside) = (at.open_run().await, at.open_run().await);
    let before = at.store.run(&at.mine, beside).await.unwrap();
    at.store.commit(&at.mine, &step(run, 1, 0, "end", RunState::Done)).await.unwrap();
    assert_eq!(at.store.run(&at.mine, beside).await.unwrap(), before);
    assert_eq!(at.store.current(&at.mine, beside.session).await.unwrap(), Some(beside));
    assert_eq!(at.store.current(&at.mine, SessionId::new()).await.unwrap(), None);
}

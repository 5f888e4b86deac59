//! What a holder saves inside a step, and what is asked of it.
use duyetbot_core::{
    Asked, ClaimOf, Code, DraftChunk, LEASE, MessageId, RunId, RunRow, RunState, Save, SessionId, WAIT,
};
use std::time::Duration;

use crate::{
    backend::Backend,
    fixture::{Ground, NOT_FOUND, START, checkpoint, claim, conflict, refusal, step},
};

fn text(text: &str) -> DraftChunk {
    DraftChunk::Text(text.into())
}

const SECOND: Duration = Duration::from_secs(1);

pub async fn every_save_renews_the_lease(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let run = at.open_run().await;
    let saves = [Save::Lease, Save::Draft(vec![]), Save::Checkpoint(checkpoint(2, &[]))];
    for (save, n) in saves.into_iter().zip(1..) {
        at.clock.advance(SECOND);
        assert_eq!(at.store.save(&at.mine, run, 1, &save).await.unwrap(), Asked::default());
        let row = at.store.run(&at.mine, run).await.unwrap();
        assert_eq!((row.lease, row.state), (START.plus(LEASE + SECOND * n), RunState::Running));
    }
}

pub async fn a_draft_is_appended_chunk_by_chunk(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let run = at.open_run().await;
    let chunks = [
        DraftChunk::Reasoning("hm \u{1F980} ".into()),
        text("It's "),
        text("\"so\""),
        DraftChunk::Reasoning(String::new()),
        text("\n\\"),
    ];
    at.store.save(&at.mine, run, 1, &Save::Draft(chunks[..2].to_vec())).await.unwrap();
    at.store.save(&at.mine, run, 1, &Save::Lease).await.unwrap();
    at.store.save(&at.mine, run, 1, &Save::Draft(vec![])).await.unwrap();
    at.store.save(&at.mine, run, 1, &Save::Draft(chunks[2..].to_vec())).await.unwrap();
    assert_eq!(at.store.run(&at.mine, run).await.unwrap().draft, chunks);
}

pub async fn a_checkpoint_replaces_the_one_before_and_keeps_the_draft(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let run = at.open_run().await;
    at.store.save(&at.mine, run, 1, &Save::Draft(vec![text("so far")])).await.unwrap();
    let before = at.store.run(&at.mine, run).await.unwrap();
    at.store.save(&at.mine, run, 1, &Save::Checkpoint(checkpoint(7, &["a", "b"]))).await.unwrap();
    let after = RunRow { checkpoint: checkpoint(7, &["a", "b"]), ..before };
    assert_eq!(at.store.run(&at.mine, run).await.unwrap(), after);
}

pub async fn wait_moves_the_run_to_waiting_with_an_expiry_and_no_lease(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let run = at.open_run().await;
    at.store.save(&at.mine, run, 1, &Save::Draft(vec![text("so far")])).await.unwrap();
    let before = at.store.run(&at.mine, run).await.unwrap();
    at.clock.advance(SECOND);
    let now = START.plus(SECOND);
    at.store.save(&at.mine, run, 1, &Save::Wait(checkpoint(7, &["a"]))).await.unwrap();
    let after = RunRow {
        state: RunState::Waiting,
        checkpoint: checkpoint(7, &["a"]),
        lease: now,
        expired: true,
        expires: Some(now.plus(WAIT)),
        ..before
    };
    assert_eq!(at.store.run(&at.mine, run).await.unwrap(), after);
    assert_eq!(at.store.current(&at.mine, run.session).await.unwrap(), Some(run));
}

pub async fn a_save_of_another_epoch_is_stale_and_changes_nothing(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let run = at.open_run().await;
    let before = at.store.run(&at.mine, run).await.unwrap();
    at.clock.advance(SECOND);
    for epoch in [0, 2] {
        for save in every_kind() {
            let result = at.store.save(&at.mine, run, epoch, &save).await;
            assert_eq!(refusal(result), conflict(Code::StaleEpoch), "{save:?}");
        }
    }
    assert_eq!(at.store.run(&at.mine, run).await.unwrap(), before);
}

pub async fn a_dead_holders_save_is_refused_a_text_flush_too(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let run = at.open_run().await;
    at.clock.advance(LEASE);
    at.store.claim(&claim(ClaimOf::Run(at.mine.clone(), run))).await.unwrap().unwrap();
    let before = at.store.run(&at.mine, run).await.unwrap();
    for save in every_kind() {
        let result = at.store.save(&at.mine, run, 1, &save).await;
        assert_eq!(refusal(result), conflict(Code::StaleEpoch), "{save:?}");
    }
    assert_eq!(at.store.run(&at.mine, run).await.unwrap(), before);
    at.store.save(&at.mine, run, 2, &Save::Draft(vec![text("mine")])).await.unwrap();
    assert_eq!(at.store.run(&at.mine, run).await.unwrap().draft, [text("mine")]);
}

pub async fn a_save_into_a_run_that_is_not_running_is_stale(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let (waits, ended) = (at.open_run().await, at.open_run().await);
    at.store.save(&at.mine, waits, 1, &Save::Wait(checkpoint(2, &["a"]))).await.unwrap();
    at.store.commit(&at.mine, &step(ended, 1, 0, "end", RunState::Done)).await.unwrap();
    let never = RunId { session: SessionId::new(), message: MessageId::new() };
    for run in [waits, ended, never] {
        for save in every_kind() {
            let result = at.store.save(&at.mine, run, 1, &save).await;
            assert_eq!(refusal(result), conflict(Code::StaleEpoch), "{save:?}");
        }
    }
}

pub async fn a_save_renews_a_lease_that_is_over_but_was_not_taken(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let run = at.open_run().await;
    at.clock.advance(LEASE * 2);
    assert!(at.store.run(&at.mine, run).await.unwrap().expired);
    at.store.save(&at.mine, run, 1, &Save::Lease).await.unwrap();
    assert!(!at.store.run(&at.mine, run).await.unwrap().expired);
}

pub async fn a_lease_is_over_at_its_moment_and_not_before(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let run = at.open_run().await;
    at.clock.advance(LEASE - Duration::from_millis(1));
    assert!(!at.store.run(&at.mine, run).await.unwrap().expired);
    at.clock.advance(Duration::from_millis(1));
    assert!(at.store.run(&at.mine, run).await.unwrap().expired);
}

pub async fn the_holder_learns_of_a_wish_to_stop_by_its_next_save(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let run = at.open_run().await;
    for _ in 0..2 {
        assert_eq!(at.store.ask_stop(&at.mine, run).await.unwrap(), RunState::Running);
    }
    assert!(at.store.run(&at.mine, run).await.unwrap().stop_asked);
    let asked = Asked { stop: true, watched: false };
    for save in [Save::Lease, Save::Draft(vec![text("a")]), Save::Checkpoint(checkpoint(2, &[]))] {
        assert_eq!(at.store.save(&at.mine, run, 1, &save).await.unwrap(), asked);
    }
}

pub async fn whoever_claims_a_run_learns_of_a_wish_to_stop_that_was_asked_before(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let run = at.open_run().await;
    at.store.save(&at.mine, run, 1, &Save::Wait(checkpoint(2, &["a"]))).await.unwrap();
    assert_eq!(at.store.ask_stop(&at.mine, run).await.unwrap(), RunState::Waiting);
    at.store.claim(&claim(ClaimOf::Run(at.mine.clone(), run))).await.unwrap().unwrap();
    assert!(at.store.save(&at.mine, run, 2, &Save::Lease).await.unwrap().stop);
}

pub async fn an_ended_run_stays_as_it_ended_when_it_is_asked_to_stop(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let run = at.open_run().await;
    at.store.commit(&at.mine, &step(run, 1, 0, "end", RunState::Failed)).await.unwrap();
    let before = at.store.run(&at.mine, run).await.unwrap();
    assert_eq!(at.store.ask_stop(&at.mine, run).await.unwrap(), RunState::Failed);
    assert_eq!(at.store.run(&at.mine, run).await.unwrap(), before);
}

pub async fn the_holder_learns_of_a_far_watcher_for_as_long_as_it_said(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let run = at.open_run().await;
    let watched = || async { at.store.save(&at.mine, run, 1, &Save::Lease).await.unwrap().watched };
    assert!(!watched().await);
    at.store.attend(&at.mine, run, SECOND * 3).await.unwrap();
    at.store.attend(&at.mine, run, SECOND).await.unwrap();
    assert!(watched().await);
    at.clock.advance(SECOND * 3 - Duration::from_millis(1));
    assert!(watched().await, "a shorter time cut a longer one");
    at.clock.advance(Duration::from_millis(1));
    assert!(!watched().await);
    at.store.attend(&at.mine, run, SECOND).await.unwrap();
    assert!(watched().await);
}

pub async fn what_is_asked_of_an_unknown_run_is_not_found(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let (session, all) = at.session_of(&["a"]).await;
    let no_run = RunId { session, message: all[0] };
    let never = RunId { session: SessionId::new(), message: MessageId::new() };
    for run in [no_run, never] {
        assert_eq!(refusal(at.store.run(&at.mine, run).await), NOT_FOUND);
        assert_eq!(refusal(at.store.ask_stop(&at.mine, run).await), NOT_FOUND);
        assert_eq!(refusal(at.store.attend(&at.mine, run, SECOND).await), NOT_FOUND);
    }
}

fn every_kind() -> [Save; 4] {
    [
        Save::Lease,
        Save::Draft(vec![text("late")]),
        Save::Checkpoint(checkpoint(99, &[])),
        Save::Wait(checkpoint(99, &["a"])),
    ]
}

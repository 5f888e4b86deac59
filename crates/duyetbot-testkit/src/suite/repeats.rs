//! Writing twice is writing once.
use duyetbot_core::{
    Change, ClaimOf, Code, Commit, Committed, Limits, NewMessage, RunId, RunState, SessionId, Usage,
};
use std::time::Duration;

use crate::{
    backend::Backend,
    fixture::{Ground, add, begin, checkpoint, claim, conflict, open, refusal, said, step, under},
};

pub async fn a_second_commit_of_the_same_messages_changes_nothing(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let commit = begin(SessionId::new(), vec![said("a"), said("b")]);
    let first = at.store.commit(&at.mine, &commit).await.unwrap();
    let before = at.snapshot(&at.mine).await;
    at.clock.advance(Duration::from_secs(1));
    let second = at.store.commit(&at.mine, &commit).await.unwrap();
    assert_eq!(second, Committed { fresh: false, ..first });
    assert_eq!(at.snapshot(&at.mine).await, before);
}

pub async fn a_repeat_answers_with_seq_head_and_run_as_they_stand_now(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let commit = open(SessionId::new(), said("go"));
    at.store.commit(&at.mine, &commit).await.unwrap();
    let run = RunId { session: commit.session, message: commit.messages[0].id };
    at.clock.advance(duyetbot_core::LEASE);
    at.store.claim(&claim(ClaimOf::Run(at.mine.clone(), run))).await.unwrap().unwrap();
    at.store.commit(&at.mine, &step(run, 2, 0, "done", RunState::Done)).await.unwrap();
    assert_eq!(
        at.store.commit(&at.mine, &commit).await.unwrap(),
        Committed { seq: 2, head: Some(run.step(0)), fresh: false, run: Some((RunState::Done, 2)) }
    );
}

pub async fn parent_created_and_usage_are_not_compared(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let (session, first) = at.session_of(&["a", "b"]).await;
    let before = at.snapshot(&at.mine).await;
    let mut again = NewMessage { id: first[1], ..under(None, "b") };
    again.usage = Some(Usage { input: 1, ..Usage::default() });
    again.created = duyetbot_core::Timestamp(7);
    again.cut = true;
    again.model = Some("maker/name".into());
    let committed = at.store.commit(&at.mine, &add(session, vec![again])).await.unwrap();
    assert!(!committed.fresh);
    assert_eq!(at.snapshot(&at.mine).await, before);
}

pub async fn no_limit_binds_a_repeat(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let commit = begin(SessionId::new(), vec![said("a")]);
    at.store.commit(&at.mine, &commit).await.unwrap();
    let limits = Limits { sessions: Some(0), messages: Some(0), bytes: Some(0) };
    let committed = at.store.commit(&at.mine, &Commit { limits, ..commit }).await.unwrap();
    assert!(!committed.fresh);
}

pub async fn another_active_run_does_not_refuse_a_repeat(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let first = open(SessionId::new(), said("first"));
    at.store.commit(&at.mine, &first).await.unwrap();
    let run = RunId { session: first.session, message: first.messages[0].id };
    at.store.commit(&at.mine, &step(run, 1, 0, "done", RunState::Done)).await.unwrap();
    at.store.commit(&at.mine, &open(run.session, said("second"))).await.unwrap();
    let again = at.store.commit(&at.mine, &first).await.unwrap();
    assert_eq!((again.fresh, again.run), (false, Some((RunState::Done, 1))));
}

pub async fn a_repeat_leaves_its_session_in_the_bin(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let commit = begin(SessionId::new(), vec![said("a")]);
    at.store.commit(&at.mine, &commit).await.unwrap();
    at.store.set(&at.mine, commit.session, &Change::Delete).await.unwrap();
    let before = at.snapshot(&at.mine).await;
    at.store.commit(&at.mine, &commit).await.unwrap();
    assert_eq!(at.snapshot(&at.mine).await, before);
}

pub async fn a_steps_repeat_is_not_stale_though_it_ended_the_run(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let run = at.open_run().await;
    let last = step(run, 1, 0, "done", RunState::Done);
    let first = at.store.commit(&at.mine, &last).await.unwrap();
    let before = at.snapshot(&at.mine).await;
    assert_eq!(at.store.commit(&at.mine, &last).await.unwrap(), Committed { fresh: false, ..first });
    assert_eq!(at.snapshot(&at.mine).await, before);
}

pub async fn a_steps_repeat_does_not_take_the_checkpoint_back(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let run = at.open_run().await;
    let first = step(run, 1, 0, "one", RunState::Running);
    at.store.commit(&at.mine, &first).await.unwrap();
    let save = duyetbot_core::Save::Checkpoint(checkpoint(99, &[]));
    at.store.save(&at.mine, run, 1, &save).await.unwrap();
    let again = at.store.commit(&at.mine, &first).await.unwrap();
    assert_eq!((again.fresh, again.run), (false, Some((RunState::Running, 1))));
    assert_eq!(at.store.run(&at.mine, run).await.unwrap().checkpoint, checkpoint(99, &[]));
}

pub async fn a_steps_repeat_by_an_older_epoch_is_stale(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let run = at.open_run().await;
    let first = step(run, 1, 0, "one", RunState::Running);
    at.store.commit(&at.mine, &first).await.unwrap();
    at.clock.advance(duyetbot_core::LEASE);
    at.store.claim(&claim(ClaimOf::Run(at.mine.clone(), run))).await.unwrap().unwrap();
    assert_eq!(refusal(at.store.commit(&at.mine, &first).await), conflict(Code::StaleEpoch));
}

pub async fn a_commit_without_messages_makes_its_session_once(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let commit = begin(SessionId::new(), vec![]);
    let first = at.store.commit(&at.mine, &commit).await.unwrap();
    assert_eq!(first, Committed { seq: 1, head: None, fresh: true, run: None });
    let before = at.snapshot(&at.mine).await;
    assert_eq!((before.counters.seq, before.counters.sessions), (1, 1));
    at.clock.advance(Duration::from_secs(1));
    assert_eq!(at.store.commit(&at.mine, &commit).await.unwrap(), Committed { fresh: false, ..first });
    assert_eq!(at.snapshot(&at.mine).await, before);
}

pub async fn a_step_without_messages_ends_its_run_once(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let run = at.open_run().await;
    let mut end = step(run, 1, 0, "", RunState::Failed);
    end.messages.clear();
    let first = at.store.commit(&at.mine, &end).await.unwrap();
    let expected =
        Committed { seq: 2, head: Some(run.message), fresh: true, run: Some((RunState::Failed, 1)) };
    assert_eq!(first, expected);
    let before = at.snapshot(&at.mine).await;
    assert_eq!(before.sessions[0].seq, 2);
    assert_eq!(at.store.commit(&at.mine, &end).await.unwrap(), Committed { fresh: false, ..first });
    assert_eq!(at.snapshot(&at.mine).await, before);
}

pub async fn a_step_without_messages_that_lets_its_run_go_on_is_no_repeat(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let run = at.open_run().await;
    for seq in [2, 3] {
        let mut on = step(run, 1, seq, "", RunState::Running);
        on.messages.clear();
        let committed = at.store.commit(&at.mine, &on).await.unwrap();
        let expected = Committed {
            seq: seq.into(),
            head: Some(run.message),
            fresh: true,
            run: Some((RunState::Running, 1)),
        };
        assert_eq!(committed, expected);
        let row = at.store.run(&at.mine, run).await.unwrap();
        assert_eq!(row.checkpoint, checkpoint(u64::from(seq) + 10, &[]));
    }
}

pub async fn a_step_without_messages_to_another_end_is_stale(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let run = at.open_run().await;
    at.store.commit(&at.mine, &step(run, 1, 0, "done", RunState::Done)).await.unwrap();
    for state in [RunState::Failed, RunState::Running] {
        let mut end = step(run, 1, 0, "", state);
        end.messages.clear();
        assert_eq!(refusal(at.store.commit(&at.mine, &end).await), conflict(Code::StaleEpoch));
    }
}

pub async fn messages_of_a_commit_that_are_stored_already_are_left_alone(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let (session, first) = at.session_of(&["a", "b"]).await;
    let (a, c) = (NewMessage { id: first[0], ..said("a") }, said("c"));
    let c_id = c.id;
    let committed = at.store.commit(&at.mine, &add(session, vec![a, c])).await.unwrap();
    // It hangs under the one before it in the commit, which is no more the head: a branch.
    assert_eq!(committed, Committed { seq: 3, head: Some(first[1]), fresh: true, run: None });
    let stored = at.store.messages(&at.mine, session, 0, 9).await.unwrap();
    let rows: Vec<_> = stored.iter().map(|m| (m.id, m.parent, m.seq)).collect();
    assert_eq!(rows, [(first[0], None, 1), (first[1], Some(first[0]), 2), (c_id, Some(first[0]), 3)]);
    assert_eq!(at.store.session(&at.mine, session).await.unwrap().messages, 3);
}

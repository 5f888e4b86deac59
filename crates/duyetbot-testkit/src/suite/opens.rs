//! A commit that opens a run.
use duyetbot_core::{Code, Committed, Decision, LEASE, RunChange, RunId, RunRow, RunState, Save, SessionId};

use crate::{
    backend::Backend,
    fixture::{Ground, START, add, checkpoint, conflict, open, refusal, said, step, under},
};

pub async fn an_open_writes_the_runs_row_and_the_sessions_run_with_it(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let message = said("go");
    let run = RunId { session: SessionId::new(), message: message.id };
    let committed = at.store.commit(&at.mine, &open(run.session, message)).await.unwrap();
    assert_eq!(
        committed,
        Committed { seq: 1, head: Some(run.message), fresh: true, run: Some((RunState::Running, 1)) }
    );
    let row = RunRow {
        id: run,
        state: RunState::Running,
        place: "host:/here".into(),
        actor: "ada-at-work".into(),
        epoch: 1,
        holder: "first".into(),
        lease: START.plus(LEASE),
        expired: false,
        checkpoint: checkpoint(1, &[]),
        draft: vec![],
        decisions: vec![],
        stop_asked: false,
        expires: None,
        error: None,
        created: START,
    };
    assert_eq!(at.store.run(&at.mine, run).await.unwrap(), row);
    assert_eq!(at.store.session(&at.mine, run.session).await.unwrap().run, Some(run));
    assert_eq!(at.store.current(&at.mine, run.session).await.unwrap(), Some(run));
}

pub async fn a_run_is_opened_once_and_never_again(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let message = said("go");
    let commit = open(SessionId::new(), message.clone());
    let run = RunId { session: commit.session, message: message.id };
    at.store.commit(&at.mine, &commit).await.unwrap();
    at.store.commit(&at.mine, &step(run, 1, 0, "done", RunState::Done)).await.unwrap();
    let before = at.store.run(&at.mine, run).await.unwrap();
    let mut again = open(run.session, message);
    again.messages.insert(0, under(None, "new beside it"));
    let committed = at.store.commit(&at.mine, &again).await.unwrap();
    assert_eq!((committed.fresh, committed.run), (true, Some((RunState::Done, 1))));
    assert_eq!(at.store.run(&at.mine, run).await.unwrap(), before);
    assert_eq!(at.store.current(&at.mine, run.session).await.unwrap(), None);
}

pub async fn an_open_beside_an_active_run_is_refused(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let run = at.open_run().await;
    let refused = || async {
        let result = at.store.commit(&at.mine, &open(run.session, said("me too"))).await;
        assert_eq!(refusal(result), conflict(Code::RunActive));
    };
    refused().await;
    let wait = Save::Wait(checkpoint(2, &["call"]));
    at.store.save(&at.mine, run, 1, &wait).await.unwrap();
    refused().await;
    at.store.decide(&at.mine, run, &"call".into(), Decision::Deny).await.unwrap();
    refused().await;
    assert_eq!(at.store.run(&at.mine, run).await.unwrap().state, RunState::Queued);
}

pub async fn a_message_that_opens_no_run_is_stored_beside_an_active_one(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let run = at.open_run().await;
    let committed = at.store.commit(&at.mine, &add(run.session, vec![said("by the way")])).await.unwrap();
    assert_eq!((committed.fresh, committed.run), (true, None));
    assert_eq!(at.store.current(&at.mine, run.session).await.unwrap(), Some(run));
}

pub async fn an_open_after_a_run_ended_begins_another(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let run = at.open_run().await;
    at.store.commit(&at.mine, &step(run, 1, 0, "done", RunState::Done)).await.unwrap();
    let message = said("next");
    let next = RunId { session: run.session, message: message.id };
    at.store.commit(&at.mine, &open(run.session, message)).await.unwrap();
    assert_eq!(at.store.current(&at.mine, run.session).await.unwrap(), Some(next));
    let change = at.store.run(&at.mine, run).await.unwrap();
    assert_eq!(change.state, RunState::Done);
}

pub async fn an_opens_checkpoint_may_name_calls(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let mut commit = open(SessionId::new(), said("go"));
    if let Some(RunChange::Open { checkpoint: first, .. }) = commit.run.as_mut() {
        *first = checkpoint(3, &["a", "b"]);
    }
    at.store.commit(&at.mine, &commit).await.unwrap();
    let run = RunId { session: commit.session, message: commit.messages[0].id };
    assert_eq!(at.store.run(&at.mine, run).await.unwrap().checkpoint, checkpoint(3, &["a", "b"]));
}

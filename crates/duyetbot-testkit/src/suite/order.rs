//! Of two violated preconditions the earlier one answers.
use duyetbot_core::{Code, Commit, Limits, MessageId, NewMessage, RunState, SessionId};

use crate::{
    backend::Backend,
    fixture::{Ground, NOT_FOUND, add, begin, conflict, open, over, refusal, said, step, under},
};

const NOTHING: Limits = Limits { sessions: Some(0), messages: Some(0), bytes: Some(0) };

async fn answers(at: &Ground, commit: Commit, expected: crate::Refusal) {
    assert_eq!(refusal(at.store.commit(&at.mine, &commit).await), expected);
}

pub async fn a_stale_step_is_stale_before_its_content_differs(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let run = at.open_run().await;
    at.store.commit(&at.mine, &step(run, 1, 0, "one", RunState::Running)).await.unwrap();
    answers(&at, step(run, 2, 0, "other", RunState::Running), conflict(Code::StaleEpoch)).await;
    at.store.commit(&at.mine, &step(run, 1, 1, "two", RunState::Done)).await.unwrap();
    answers(&at, step(run, 1, 1, "other", RunState::Done), conflict(Code::StaleEpoch)).await;
}

pub async fn a_stale_step_is_stale_before_it_is_a_repeat(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let run = at.open_run().await;
    at.store.commit(&at.mine, &step(run, 1, 0, "one", RunState::Running)).await.unwrap();
    answers(&at, step(run, 2, 0, "one", RunState::Running), conflict(Code::StaleEpoch)).await;
}

pub async fn a_stale_step_is_stale_before_its_session_is_erased_or_unknown(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let run = at.open_run().await;
    at.store.erase(&at.mine, run.session).await.unwrap();
    answers(&at, step(run, 1, 0, "one", RunState::Running), conflict(Code::StaleEpoch)).await;
    let never = duyetbot_core::RunId { session: SessionId::new(), message: MessageId::new() };
    answers(&at, step(never, 1, 0, "one", RunState::Running), conflict(Code::StaleEpoch)).await;
}

pub async fn a_stale_step_is_stale_before_its_parent_is_missing(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let run = at.open_run().await;
    let mut commit = step(run, 2, 0, "one", RunState::Running);
    commit.messages[0].parent = duyetbot_core::Parent::Is(Some(MessageId::new()));
    answers(&at, commit, conflict(Code::StaleEpoch)).await;
}

pub async fn content_differs_before_all_is_stored(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let (session, first) = at.session_of(&["a", "b"]).await;
    let same = NewMessage { id: first[0], ..said("a") };
    let other = NewMessage { id: first[1], ..said("other") };
    answers(&at, add(session, vec![same, other]), conflict(Code::ContentDiffers)).await;
}

pub async fn content_differs_before_the_session_is_unknown_or_erased(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let (gone, _) = at.session_of(&["gone"]).await;
    at.store.erase(&at.mine, gone).await.unwrap();
    let (_, first) = at.session_of(&["a"]).await;
    let moved = || vec![NewMessage { id: first[0], ..said("a") }];
    answers(&at, add(SessionId::new(), moved()), conflict(Code::ContentDiffers)).await;
    answers(&at, begin(gone, moved()), conflict(Code::ContentDiffers)).await;
}

pub async fn content_differs_before_limits_runs_and_parents(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let run = at.open_run().await;
    let mut commit = open(run.session, said("next"));
    commit.messages.insert(0, NewMessage { id: run.message, ..said("other") });
    commit.messages.insert(0, under(MessageId::new(), "lost"));
    commit.limits = NOTHING;
    answers(&at, commit, conflict(Code::ContentDiffers)).await;
}

pub async fn a_session_is_erased_or_unknown_before_limits_and_parents(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let (gone, _) = at.session_of(&["gone"]).await;
    at.store.erase(&at.mine, gone).await.unwrap();
    let lost = || vec![under(MessageId::new(), "lost")];
    answers(&at, Commit { limits: NOTHING, ..begin(gone, lost()) }, conflict(Code::Erased)).await;
    answers(&at, add(gone, lost()), conflict(Code::Erased)).await;
    answers(&at, Commit { limits: NOTHING, ..add(SessionId::new(), lost()) }, NOT_FOUND).await;
}

pub async fn limits_answer_in_the_order_sessions_messages_bytes(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let commit = |limits| Commit { limits, ..begin(SessionId::new(), vec![said("a")]) };
    answers(&at, commit(NOTHING), over(Code::SessionLimit)).await;
    answers(&at, commit(Limits { sessions: None, ..NOTHING }), over(Code::MessageLimit)).await;
    answers(&at, commit(Limits { bytes: Some(0), ..Limits::NONE }), over(Code::StorageLimit)).await;
}

pub async fn a_limit_answers_before_runs_and_parents(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let run = at.open_run().await;
    let limits = Limits { messages: Some(1), ..Limits::NONE };
    let commit = Commit { limits, ..open(run.session, under(MessageId::new(), "lost")) };
    answers(&at, commit, over(Code::MessageLimit)).await;
    let limits = Limits { bytes: Some(1), ..Limits::NONE };
    let commit = Commit { limits, ..open(run.session, under(MessageId::new(), "lost")) };
    answers(&at, commit, over(Code::StorageLimit)).await;
}

pub async fn an_active_run_answers_before_a_missing_parent(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let run = at.open_run().await;
    answers(&at, open(run.session, under(MessageId::new(), "lost")), conflict(Code::RunActive)).await;
}

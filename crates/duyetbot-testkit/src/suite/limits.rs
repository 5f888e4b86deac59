//! Limits, each exactly at its edge.
use duyetbot_core::{Change, Code, Commit, Limits, NewMessage, RunState, SessionId};

use crate::{
    backend::Backend,
    fixture::{Ground, add, begin, over, refusal, said, step},
};

const NO_MORE: Limits = Limits { sessions: Some(0), messages: Some(0), bytes: Some(0) };

fn within(limits: Limits, commit: Commit) -> Commit {
    Commit { limits, ..commit }
}

pub async fn as_many_sessions_as_the_limit_are_allowed_and_no_more(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let limits = Limits { sessions: Some(2), ..Limits::NONE };
    let new = || within(limits, begin(SessionId::new(), vec![said("a")]));
    let first = new();
    at.store.commit(&at.mine, &first).await.unwrap();
    at.store.commit(&at.mine, &new()).await.unwrap();
    assert_eq!(refusal(at.store.commit(&at.mine, &new()).await), over(Code::SessionLimit));
    let more = within(limits, begin(first.session, vec![said("more")]));
    at.store.commit(&at.mine, &more).await.unwrap();
}

pub async fn as_many_messages_as_the_limit_are_allowed_and_no_more(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let limits = Limits { messages: Some(3), ..Limits::NONE };
    let (session, _) = at.session_of(&["1"]).await;
    let two = within(limits, add(session, vec![said("2"), said("3")]));
    at.store.commit(&at.mine, &two).await.unwrap();
    let one = within(limits, add(session, vec![said("4")]));
    assert_eq!(refusal(at.store.commit(&at.mine, &one).await), over(Code::MessageLimit));
    let (other, _) = at.session_of(&["1"]).await;
    let three = within(limits, add(other, vec![said("2"), said("3"), said("4")]));
    assert_eq!(refusal(at.store.commit(&at.mine, &three).await), over(Code::MessageLimit));
}

pub async fn as_many_bytes_as_the_limit_are_allowed_and_no_more(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let (session, _) = at.session_of(&["a"]).await;
    let new = said("0123456789");
    let bytes = at.store.counters(&at.mine).await.unwrap().bytes + new.content.size();
    let commit =
        |limit| within(Limits { bytes: Some(limit), ..Limits::NONE }, add(session, vec![new.clone()]));
    assert_eq!(refusal(at.store.commit(&at.mine, &commit(bytes - 1)).await), over(Code::StorageLimit));
    at.store.commit(&at.mine, &commit(bytes)).await.unwrap();
    assert_eq!(at.store.counters(&at.mine).await.unwrap().bytes, bytes);
}

pub async fn only_new_messages_count(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let (session, first) = at.session_of(&["a"]).await;
    let stored = NewMessage { id: first[0], ..said("a") };
    let limits = Limits { messages: Some(2), ..Limits::NONE };
    let commit = within(limits, add(session, vec![stored, said("b")]));
    assert!(at.store.commit(&at.mine, &commit).await.unwrap().fresh);
}

pub async fn what_lies_in_the_bin_does_not_count_until_it_comes_back(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let (binned, _) = at.session_of(&["a"]).await;
    at.store.set(&at.mine, binned, &Change::Delete).await.unwrap();
    let limits = Limits { sessions: Some(1), ..Limits::NONE };
    at.store.commit(&at.mine, &within(limits, begin(SessionId::new(), vec![said("b")]))).await.unwrap();
    let back = within(limits, add(binned, vec![said("c")]));
    assert_eq!(refusal(at.store.commit(&at.mine, &back).await), over(Code::SessionLimit));

    let new = said("c");
    let held = at.store.counters(&at.mine).await.unwrap().bytes;
    let full = held + at.store.session(&at.mine, binned).await.unwrap().bytes + new.content.size();
    let back = |limit| within(Limits { bytes: Some(limit), ..Limits::NONE }, add(binned, vec![new.clone()]));
    assert_eq!(refusal(at.store.commit(&at.mine, &back(full - 1)).await), over(Code::StorageLimit));
    at.store.commit(&at.mine, &back(full)).await.unwrap();
}

pub async fn erasing_makes_room_at_the_limit(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let (session, _) = at.session_of(&["a"]).await;
    let bytes = at.store.counters(&at.mine).await.unwrap().bytes;
    let limits = Limits { sessions: Some(1), messages: Some(1), bytes: Some(bytes) };
    let new = within(limits, begin(SessionId::new(), vec![said("b")]));
    assert_eq!(refusal(at.store.commit(&at.mine, &new).await), over(Code::SessionLimit));
    at.store.erase(&at.mine, session).await.unwrap();
    at.store.commit(&at.mine, &new).await.unwrap();
}

pub async fn no_limit_binds_a_step(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let run = at.open_run().await;
    let commit = within(NO_MORE, step(run, 1, 0, "what was read", RunState::Done));
    assert!(at.store.commit(&at.mine, &commit).await.unwrap().fresh);
}

pub async fn owners_share_no_limit(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    at.session_of(&["a"]).await;
    let message = said("b");
    let limits = Limits { sessions: Some(1), messages: Some(1), bytes: Some(message.content.size()) };
    let commit = within(limits, begin(SessionId::new(), vec![message]));
    at.store.commit(&at.other, &commit).await.unwrap();
}

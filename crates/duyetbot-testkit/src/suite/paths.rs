//! Reading messages: one, a path, all of a session.
use duyetbot_core::{Change, MessageId, SessionId};

use crate::{
    backend::Backend,
    fixture::{Ground, NOT_FOUND, add, begin, ids, refusal, said, under},
};

pub async fn a_path_runs_from_the_head_backwards_and_is_answered_oldest_first(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let (session, all) = at.session_of(&["a", "b", "c", "d"]).await;
    let path = at.store.path(&at.mine, session, None, 3).await.unwrap();
    assert_eq!(ids(&path), all[1..]);
    assert_eq!(ids(&at.store.path(&at.mine, session, None, 4).await.unwrap()), all);
    assert_eq!(ids(&at.store.path(&at.mine, session, None, u32::MAX).await.unwrap()), all);
    assert_eq!(at.store.path(&at.mine, session, None, 0).await.unwrap(), []);
}

pub async fn a_path_from_a_tip_shows_its_branch(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let (session, all) = at.session_of(&["a", "b", "c"]).await;
    let branch = under(all[0], "aside");
    let tip = branch.id;
    at.store.commit(&at.mine, &add(session, vec![branch])).await.unwrap();
    let path = at.store.path(&at.mine, session, Some(tip), 9).await.unwrap();
    assert_eq!(ids(&path), [all[0], tip]);
    let path = at.store.path(&at.mine, session, Some(all[1]), 9).await.unwrap();
    assert_eq!(ids(&path), all[..2]);
}

pub async fn an_empty_session_gives_an_empty_path(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let session = SessionId::new();
    at.store.commit(&at.mine, &begin(session, vec![])).await.unwrap();
    assert_eq!(at.store.path(&at.mine, session, None, 9).await.unwrap(), []);
    assert_eq!(at.store.messages(&at.mine, session, 0, 9).await.unwrap(), []);
}

pub async fn a_path_of_an_unknown_session_or_tip_is_not_found(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let (session, _) = at.session_of(&["a"]).await;
    let (elsewhere, other) = at.session_of(&["b"]).await;
    let path = |session, tip| at.store.path(&at.mine, session, tip, 9);
    assert_eq!(refusal(path(SessionId::new(), None).await), NOT_FOUND);
    assert_eq!(refusal(path(session, Some(MessageId::new())).await), NOT_FOUND);
    assert_eq!(refusal(path(session, Some(other[0])).await), NOT_FOUND);
    at.store.erase(&at.mine, elsewhere).await.unwrap();
    assert_eq!(refusal(path(elsewhere, None).await), NOT_FOUND);
}

pub async fn a_message_of_another_session_is_not_found(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let (session, mine) = at.session_of(&["a"]).await;
    let (elsewhere, _) = at.session_of(&["b"]).await;
    assert_eq!(at.store.message(&at.mine, session, mine[0]).await.unwrap().text(), "a");
    assert_eq!(refusal(at.store.message(&at.mine, elsewhere, mine[0]).await), NOT_FOUND);
    assert_eq!(refusal(at.store.message(&at.mine, session, MessageId::new()).await), NOT_FOUND);
}

pub async fn all_messages_come_by_their_places_on_all_branches(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let (session, all) = at.session_of(&["a", "b"]).await;
    at.session_of(&["elsewhere"]).await;
    let branch = under(all[0], "aside");
    let tip = branch.id;
    at.store.commit(&at.mine, &add(session, vec![branch])).await.unwrap();
    let messages = |after, limit| at.store.messages(&at.mine, session, after, limit);
    assert_eq!(ids(&messages(0, 9).await.unwrap()), [all[0], all[1], tip]);
    assert_eq!(ids(&messages(0, 2).await.unwrap()), all);
    assert_eq!(ids(&messages(1, 1).await.unwrap()), [all[1]]);
    assert_eq!(ids(&messages(2, 9).await.unwrap()), [tip]);
    assert_eq!(ids(&messages(4, 9).await.unwrap()), []);
    assert_eq!(ids(&messages(0, 0).await.unwrap()), []);
    assert_eq!(refusal(at.store.messages(&at.mine, SessionId::new(), 0, 9).await), NOT_FOUND);
}

pub async fn what_lies_in_the_bin_can_still_be_read(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let (session, all) = at.session_of(&["a", "b"]).await;
    let before = at.store.path(&at.mine, session, None, 9).await.unwrap();
    at.store.set(&at.mine, session, &Change::Delete).await.unwrap();
    assert_eq!(at.store.path(&at.mine, session, None, 9).await.unwrap(), before);
    assert_eq!(at.store.messages(&at.mine, session, 0, 9).await.unwrap(), before);
    assert_eq!(at.store.message(&at.mine, session, all[0]).await.unwrap(), before[0]);
}

pub async fn a_commit_of_many_messages_is_read_whole(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let messages: Vec<_> = (0..300).map(|n| said(&format!("message {n}"))).collect();
    let all: Vec<MessageId> = messages.iter().map(|m| m.id).collect();
    let session = SessionId::new();
    at.store.commit(&at.mine, &begin(session, messages)).await.unwrap();
    assert_eq!(ids(&at.store.path(&at.mine, session, None, 1000).await.unwrap()), all);
    assert_eq!(ids(&at.store.path(&at.mine, session, None, 50).await.unwrap()), all[250..]);
}

//! The limits with blobs among what is stored, and with fifty who come at once.
use duyetbot_core::{
    Code, Commit, Committed, Counters, IndexPiece, Limits, NewMessage, Result, SessionId, Swept, UNNAMED,
};
use futures::future::join_all;

use crate::{
    backend::Backend,
    fixture::{Ground, Refusal, add, begin, names, over, refusal, said},
};

const CROWD: usize = 50;

fn within(limits: Limits, commit: Commit) -> Commit {
    Commit { limits, ..commit }
}

fn bytes(limit: u64) -> Limits {
    Limits { bytes: Some(limit), ..Limits::NONE }
}

/// How many of these were taken; all others must be this refusal.
fn taken<T: std::fmt::Debug>(answers: Vec<Result<T>>, other: Refusal) -> usize {
    let (taken, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    for answer in refused {
        assert_eq!(refusal(answer), other);
    }
    taken.len()
}

async fn at_once(at: &Ground, commits: &[Commit]) -> Vec<Result<Committed>> {
    join_all(commits.iter().map(|commit| at.store.commit(&at.mine, commit))).await
}

pub async fn a_distinct_blob_counts_once_until_it_is_dropped(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let counted = async || at.store.counters(&at.mine).await.unwrap().blobs;
    let kept = at.store.put_blob(&at.mine, &[1; 300]).await.unwrap();
    let unnamed = [2; 50];
    for bytes in [&[1; 300][..], &unnamed, &unnamed] {
        at.store.put_blob(&at.mine, bytes).await.unwrap();
    }
    at.store.put_blob(&at.other, &[1; 300]).await.unwrap();
    assert_eq!(counted().await, 350);
    let sessions: Vec<Commit> = (0..2).map(|_| begin(SessionId::new(), vec![names(&kept)])).collect();
    for commit in &sessions {
        at.store.commit(&at.mine, commit).await.unwrap();
    }
    assert_eq!(counted().await, 350);
    at.clock.advance(UNNAMED);
    assert_eq!(at.store.sweep().await.unwrap(), Swept { sessions: 0, blobs: 2 });
    assert_eq!(counted().await, 300);
    at.store.erase(&at.mine, sessions[0].session).await.unwrap();
    assert_eq!(counted().await, 300);
    at.store.erase(&at.mine, sessions[1].session).await.unwrap();
    assert_eq!(counted().await, 0);
    let left = Counters { seq: 4, ..Counters::default() };
    assert_eq!(at.store.counters(&at.mine).await.unwrap(), left);
}

pub async fn blobs_and_messages_share_one_limit_at_its_edge(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    at.store.put_blob_within(&at.mine, &[1; 100], bytes(100)).await.unwrap();
    let (session, _) = at.session_of(&["a"]).await;
    let held = at.store.counters(&at.mine).await.unwrap().storage();
    let more = said("0123456789");
    let full = held + more.content.size();
    let commit = |limit| within(bytes(limit), add(session, vec![more.clone()]));
    assert_eq!(refusal(at.store.commit(&at.mine, &commit(full - 1)).await), over(Code::StorageLimit));
    at.store.commit(&at.mine, &commit(full)).await.unwrap();
    let put = async |limit| at.store.put_blob_within(&at.mine, &[2; 40], bytes(limit)).await;
    assert_eq!(refusal(put(full + 39).await), over(Code::StorageLimit));
    assert_eq!(at.store.counters(&at.mine).await.unwrap().storage(), full);
    put(full + 40).await.unwrap();
    assert_eq!(at.store.counters(&at.mine).await.unwrap().storage(), full + 40);
}

pub async fn the_same_blob_again_is_taken_at_the_limit(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let first = at.store.put_blob_within(&at.mine, &[1; 100], bytes(100)).await.unwrap();
    assert_eq!(at.store.put_blob_within(&at.mine, &[1; 100], bytes(0)).await.unwrap(), first);
    let new = at.store.put_blob_within(&at.mine, &[2; 1], bytes(100)).await;
    assert_eq!(refusal(new), over(Code::StorageLimit));
    let first_of_another = at.store.put_blob_within(&at.other, &[1; 101], bytes(100)).await;
    assert_eq!(refusal(first_of_another), over(Code::StorageLimit));
}

pub async fn what_a_run_makes_is_stored_over_the_limit(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    at.store.put_blob_within(&at.mine, &[1; 100], bytes(100)).await.unwrap();
    at.store.put_blob(&at.mine, &[2; 100]).await.unwrap();
    assert_eq!(at.store.counters(&at.mine).await.unwrap().storage(), 200);
    let empty = at.store.put_blob_within(&at.mine, b"", bytes(100)).await;
    assert_eq!(refusal(empty), over(Code::StorageLimit));
}

pub async fn of_fifty_sessions_at_once_as_many_as_are_left_begin(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    for _ in 0..4 {
        at.session_of(&["a"]).await;
    }
    let limits = Limits { sessions: Some(5), ..Limits::NONE };
    let commits: Vec<Commit> =
        (0..CROWD).map(|_| within(limits, begin(SessionId::new(), vec![said("b")]))).collect();
    assert_eq!(taken(at_once(&at, &commits).await, over(Code::SessionLimit)), 1);
    assert_eq!(at.snapshot(&at.mine).await.sessions.len(), 5);
    assert_eq!(at.store.counters(&at.mine).await.unwrap().sessions, 5);
}

pub async fn of_fifty_messages_at_once_as_many_as_are_left_are_stored(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let (session, _) = at.session_of(&["1", "2", "3"]).await;
    let limits = Limits { messages: Some(10), ..Limits::NONE };
    let commits: Vec<Commit> = (0..CROWD).map(|_| within(limits, add(session, vec![said("b")]))).collect();
    assert_eq!(taken(at_once(&at, &commits).await, over(Code::MessageLimit)), 7);
    assert_eq!(at.store.messages(&at.mine, session, 0, 99).await.unwrap().len(), 10);
    assert_eq!(at.store.session(&at.mine, session).await.unwrap().messages, 10);
}

pub async fn of_fifty_bytes_and_blobs_at_once_as_many_as_fit_are_stored(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let (session, _) = at.session_of(&["a"]).await;
    let held = at.store.counters(&at.mine).await.unwrap().bytes;
    let size = said("b").content.size();
    let limits = bytes(held + 9 * size + 1);
    let piece = IndexPiece { terms: "b".into(), context: String::new() };
    let message = || NewMessage { pieces: vec![piece.clone()], ..said("b") };
    let commits: Vec<Commit> =
        (0..CROWD / 2).map(|_| within(limits, add(session, vec![message()]))).collect();
    let blobs: Vec<Vec<u8>> = (0..CROWD / 2).map(|n| vec![n as u8; size as usize]).collect();
    let put = join_all(blobs.iter().map(|blob| at.store.put_blob_within(&at.mine, blob, limits)));
    let (committed, put) = futures::join!(at_once(&at, &commits), put);
    let refused = over(Code::StorageLimit);
    let (messages, blobs) = (taken(committed, refused), taken(put, refused));
    assert_eq!(messages + blobs, 9);
    let counters = at.store.counters(&at.mine).await.unwrap();
    let (messages, blobs) = (messages as u64, blobs as u64);
    let counted = Counters {
        seq: 1 + messages,
        sessions: 1,
        bytes: held + messages * size,
        blobs: blobs * size,
        pieces: messages,
    };
    assert_eq!(counters, counted);
}

//! Owners never see each other: each method with a scope that is not the row's.
use duyetbot_core::{
    Change, Changes, ClaimOf, Code, Counters, Decision, IndexPiece, LEASE, NewMessage, Postings, RunId,
    RunState, Save, Scope, SessionFilter, SessionId, Term,
};
use std::time::Duration;

use crate::{
    backend::{Backend, skips},
    fixture::{Ground, NOT_FOUND, add, begin, checkpoint, claim, conflict, open, refusal, said, step},
};

async fn of_another(at: &Ground) -> RunId {
    let piece = IndexPiece { terms: "alpha".into(), context: "beta".into() };
    let message = NewMessage { pieces: vec![piece], ..said("theirs") };
    let commit = open(SessionId::new(), message);
    at.store.commit(&at.other, &commit).await.unwrap();
    RunId { session: commit.session, message: commit.messages[0].id }
}

pub async fn reading_what_is_another_owners_is_not_found(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let RunId { session, message } = of_another(&at).await;
    assert_eq!(refusal(at.store.session(&at.mine, session).await), NOT_FOUND);
    assert_eq!(refusal(at.store.message(&at.mine, session, message).await), NOT_FOUND);
    assert_eq!(refusal(at.store.path(&at.mine, session, None, 9).await), NOT_FOUND);
    assert_eq!(refusal(at.store.path(&at.mine, session, Some(message), 9).await), NOT_FOUND);
    assert_eq!(refusal(at.store.messages(&at.mine, session, 0, 9).await), NOT_FOUND);
}

pub async fn lists_and_counters_hold_nothing_of_another_owner(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let run = of_another(&at).await;
    let page = at.store.sessions(&at.mine, &SessionFilter::default()).await.unwrap();
    assert_eq!((page.items, page.next), (vec![], None));
    assert_eq!(at.store.sessions_by_prefix(&at.mine, "").await.unwrap(), []);
    let full = run.session.to_string();
    assert_eq!(at.store.sessions_by_prefix(&at.mine, &full).await.unwrap(), []);
    assert_eq!(at.store.messages_at(&at.mine, &[0, 1, 2]).await.unwrap(), []);
    assert_eq!(at.store.counters(&at.mine).await.unwrap(), Counters::default());
}

pub async fn the_feed_holds_nothing_of_another_owner(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let declared = at.store.capabilities().changes;
    if skips(declared, "changes", "the_feed_holds_nothing_of_another_owner") {
        return;
    }
    of_another(&at).await;
    let nothing = Changes { sessions: vec![], messages: vec![], seq: 0, more: false };
    assert_eq!(at.store.changes(&at.mine, 0, 9).await.unwrap(), nothing);
}

pub async fn a_search_finds_nothing_of_another_owner(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    if skips(at.store.capabilities().text_search, "text_search", "a_search_finds_nothing_of_another_owner") {
        return;
    }
    of_another(&at).await;
    let theirs = Term::Is("alpha".into());
    let key = at.store.postings(&at.other, std::slice::from_ref(&theirs), None, 9).await.unwrap();
    assert_eq!(key[0].terms.len(), 1);
    let terms = [theirs, Term::Is("beta".into()), Term::Prefix("a".into()), Term::Prefix(String::new())];
    let nothing = vec![Postings::default(); 4];
    assert_eq!(at.store.postings(&at.mine, &terms, None, 9).await.unwrap(), nothing);
    assert_eq!(at.store.postings(&at.mine, &terms, Some(&key[0].terms), 9).await.unwrap(), nothing);
}

pub async fn what_is_another_owners_cannot_be_changed(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let run = of_another(&at).await;
    let before = at.snapshot(&at.other).await;
    for change in [Change::Title("mine".into()), Change::Head(run.message), Change::Delete] {
        assert_eq!(refusal(at.store.set(&at.mine, run.session, &change).await), NOT_FOUND);
    }
    assert_eq!(refusal(at.store.erase(&at.mine, run.session).await), NOT_FOUND);
    let commit = add(run.session, vec![said("mine")]);
    assert_eq!(refusal(at.store.commit(&at.mine, &commit).await), NOT_FOUND);
    let stale = at.store.commit(&at.mine, &step(run, 1, 0, "mine", RunState::Done)).await;
    assert_eq!(refusal(stale), conflict(Code::StaleEpoch));
    assert_eq!(at.snapshot(&at.other).await, before);
}

pub async fn another_owners_run_cannot_be_seen_or_moved(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let run = of_another(&at).await;
    at.store.save(&at.other, run, 1, &Save::Wait(checkpoint(2, &["call"]))).await.unwrap();
    let before = at.store.run(&at.other, run).await.unwrap();
    assert_eq!(refusal(at.store.run(&at.mine, run).await), NOT_FOUND);
    assert_eq!(at.store.current(&at.mine, run.session).await.unwrap(), None);
    assert_eq!(at.store.waiting(&at.mine, 9).await.unwrap(), []);
    let decided = at.store.decide(&at.mine, run, &"call".into(), Decision::Allow).await;
    assert_eq!(refusal(decided), NOT_FOUND);
    assert_eq!(refusal(at.store.ask_stop(&at.mine, run).await), NOT_FOUND);
    assert_eq!(refusal(at.store.attend(&at.mine, run, Duration::from_secs(9)).await), NOT_FOUND);
    let taken = at.store.claim(&claim(ClaimOf::Run(at.mine.clone(), run))).await.unwrap();
    assert_eq!(taken, None);
    assert_eq!(at.store.run(&at.other, run).await.unwrap(), before);
}

pub async fn another_owner_cannot_save_into_a_run(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let run = of_another(&at).await;
    let before = at.store.run(&at.other, run).await.unwrap();
    let save = at.store.save(&at.mine, run, 1, &Save::Checkpoint(checkpoint(9, &[]))).await;
    assert_eq!(refusal(save), conflict(Code::StaleEpoch));
    assert_eq!(at.store.run(&at.other, run).await.unwrap(), before);
    at.clock.advance(LEASE);
    assert_eq!(at.store.claim(&claim(ClaimOf::Run(at.mine.clone(), run))).await.unwrap(), None);
}

pub async fn a_blob_of_another_owner_is_not_found(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let blob = at.store.put_blob(&at.other, b"theirs").await.unwrap();
    assert_eq!(refusal(at.store.blob(&at.mine, &blob.hash).await), NOT_FOUND);
}

pub async fn the_same_ids_are_two_rows_with_two_owners(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let commit = begin(SessionId::new(), vec![said("mine")]);
    at.store.commit(&at.mine, &commit).await.unwrap();
    let theirs = NewMessage { id: commit.messages[0].id, ..said("theirs") };
    let theirs = begin(commit.session, vec![theirs]);
    assert!(at.store.commit(&at.other, &theirs).await.unwrap().fresh);
    let read = |scope: &Scope| {
        let (scope, store) = (scope.clone(), at.store.clone());
        let (session, message) = (commit.session, commit.messages[0].id);
        async move { store.message(&scope, session, message).await.unwrap() }
    };
    let (a, b) = (read(&at.mine).await, read(&at.other).await);
    assert_eq!((a.text().as_str(), a.seq, b.text().as_str(), b.seq), ("mine", 1, "theirs", 1));
}

pub async fn two_actors_of_one_owner_see_the_same(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    at.session_of(&["a"]).await;
    let colleague = Scope::vouched(at.mine.owner(), "grace");
    assert_eq!(at.snapshot(&colleague).await, at.snapshot(&at.mine).await);
}

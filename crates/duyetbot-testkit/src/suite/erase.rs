//! Erasing wins over everything.
use duyetbot_core::{
    BIN, Change, Clock, Code, Counters, IndexPiece, NewMessage, Role, RunState, Save, Scope, SessionFilter,
    SessionId, Swept, Term,
};
use std::time::Duration;

use crate::{
    backend::{Backend, skips},
    fixture::{Ground, NOT_FOUND, Snapshot, add, begin, conflict, names, refusal, said, step},
};

const NOTHING: Counters = Counters { seq: 0, sessions: 0, bytes: 0, blobs: 0, pieces: 0 };

pub async fn an_erased_session_leaves_no_rows_index_or_counts(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let piece = IndexPiece { terms: "alpha".into(), context: "beta".into() };
    let commit = begin(SessionId::new(), vec![NewMessage { pieces: vec![piece; 3], ..said("alpha") }]);
    at.store.commit(&at.mine, &commit).await.unwrap();
    assert_eq!(at.store.counters(&at.mine).await.unwrap().pieces, 3);
    at.store.erase(&at.mine, commit.session).await.unwrap();
    let expected = Snapshot {
        counters: Counters { seq: 2, ..NOTHING },
        sessions: vec![],
        messages: vec![],
        runs: vec![],
    };
    assert_eq!(at.snapshot(&at.mine).await, expected);
    let message = commit.messages[0].id;
    assert_eq!(refusal(at.store.message(&at.mine, commit.session, message).await), NOT_FOUND);
    assert_eq!(at.store.messages_at(&at.mine, &[1, 2]).await.unwrap(), []);
    if at.store.capabilities().text_search {
        let terms = [Term::Is("alpha".into()), Term::Prefix("b".into())];
        let found = at.store.postings(&at.mine, &terms, None, 9).await.unwrap();
        assert_eq!(found, vec![Default::default(); 2]);
    }
}

pub async fn erasing_again_or_the_unknown_is_not_found(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let (session, _) = at.session_of(&["a"]).await;
    at.session_of(&["b"]).await;
    assert_eq!(refusal(at.store.erase(&at.mine, SessionId::new()).await), NOT_FOUND);
    at.store.erase(&at.mine, session).await.unwrap();
    let before = at.snapshot(&at.mine).await;
    assert_eq!(refusal(at.store.erase(&at.mine, session).await), NOT_FOUND);
    assert_eq!(at.snapshot(&at.mine).await, before);
}

pub async fn erasing_from_the_bin_gives_counts_back_exactly_once(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    at.session_of(&["kept"]).await;
    let before = at.store.counters(&at.mine).await.unwrap();
    let (session, _) = at.session_of(&["a"]).await;
    at.store.set(&at.mine, session, &Change::Delete).await.unwrap();
    at.store.erase(&at.mine, session).await.unwrap();
    let after = at.store.counters(&at.mine).await.unwrap();
    assert_eq!(after, Counters { seq: 4, ..before });
}

pub async fn a_commit_to_an_erased_session_is_a_conflict(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let commit = begin(SessionId::new(), vec![said("a")]);
    at.store.commit(&at.mine, &commit).await.unwrap();
    at.store.erase(&at.mine, commit.session).await.unwrap();
    let empty = begin(commit.session, vec![]);
    let next = add(commit.session, vec![said("b")]);
    for commit in [commit, empty, next] {
        assert_eq!(refusal(at.store.commit(&at.mine, &commit).await), conflict(Code::Erased));
    }
}

pub async fn a_message_of_an_erased_session_may_be_written_elsewhere(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let commit = begin(SessionId::new(), vec![said("a")]);
    at.store.commit(&at.mine, &commit).await.unwrap();
    at.store.erase(&at.mine, commit.session).await.unwrap();
    let elsewhere = begin(SessionId::new(), commit.messages);
    assert!(at.store.commit(&at.mine, &elsewhere).await.unwrap().fresh);
}

pub async fn an_active_run_ends_with_its_session_and_its_holder_is_stale(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let run = at.open_run().await;
    at.store.erase(&at.mine, run.session).await.unwrap();
    assert_eq!(refusal(at.store.run(&at.mine, run).await), NOT_FOUND);
    assert_eq!(at.store.current(&at.mine, run.session).await.unwrap(), None);
    let late = step(run, 1, 0, "late", RunState::Done);
    assert_eq!(refusal(at.store.commit(&at.mine, &late).await), conflict(Code::StaleEpoch));
    let save = at.store.save(&at.mine, run, 1, &Save::Lease).await;
    assert_eq!(refusal(save), conflict(Code::StaleEpoch));
    assert_eq!(at.store.holders(&["host:/here".into()]).await.unwrap(), Vec::<String>::new());
}

pub async fn the_same_id_of_another_owner_stays(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let commit = begin(SessionId::new(), vec![said("a")]);
    at.store.commit(&at.mine, &commit).await.unwrap();
    at.store.commit(&at.other, &commit).await.unwrap();
    let theirs = at.snapshot(&at.other).await;
    at.store.erase(&at.mine, commit.session).await.unwrap();
    assert_eq!(at.snapshot(&at.other).await, theirs);
}

pub async fn a_blob_goes_with_the_last_row_that_names_it(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let shared = at.store.put_blob(&at.mine, b"shared").await.unwrap();
    let own = at.store.put_blob(&at.mine, b"own").await.unwrap();
    let unnamed = at.store.put_blob(&at.mine, b"unnamed").await.unwrap();
    at.store.put_blob(&at.other, b"own").await.unwrap();
    let first = begin(SessionId::new(), vec![names(&shared), names(&own)]);
    let second = begin(SessionId::new(), vec![names(&shared)]);
    for commit in [&first, &second] {
        at.store.commit(&at.mine, commit).await.unwrap();
    }
    at.store.erase(&at.mine, first.session).await.unwrap();
    assert_eq!(refusal(at.store.blob(&at.mine, &own.hash).await), NOT_FOUND);
    assert_eq!(at.store.blob(&at.mine, &shared.hash).await.unwrap(), b"shared");
    assert_eq!(at.store.blob(&at.mine, &unnamed.hash).await.unwrap(), b"unnamed");
    assert_eq!(at.store.blob(&at.other, &own.hash).await.unwrap(), b"own");
    at.store.erase(&at.mine, second.session).await.unwrap();
    assert_eq!(refusal(at.store.blob(&at.mine, &shared.hash).await), NOT_FOUND);
}

pub async fn a_sweep_erases_what_lay_in_the_bin_long_enough_of_every_owner(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let (kept, _) = at.session_of(&["kept"]).await;
    let (binned, _) = at.session_of(&["binned"]).await;
    let theirs = begin(SessionId::new(), vec![said("theirs")]);
    at.store.commit(&at.other, &theirs).await.unwrap();
    at.clock.advance(Duration::from_secs(1));
    let deleted = at.clock.now();
    at.store.set(&at.mine, binned, &Change::Delete).await.unwrap();
    at.store.set(&at.other, theirs.session, &Change::Delete).await.unwrap();
    at.clock.advance(Duration::from_secs(1));
    at.store.set(&at.mine, binned, &Change::Title("Renamed in the bin".into())).await.unwrap();

    at.clock.set(deleted.plus(BIN - Duration::from_millis(1)));
    assert_eq!(at.store.sweep().await.unwrap(), Swept { sessions: 0, blobs: 0 });
    at.clock.set(deleted.plus(BIN));
    assert_eq!(at.store.sweep().await.unwrap(), Swept { sessions: 2, blobs: 0 });
    assert_eq!(at.store.sweep().await.unwrap(), Swept { sessions: 0, blobs: 0 });
    assert_eq!(refusal(at.store.session(&at.mine, binned).await), NOT_FOUND);
    assert_eq!(refusal(at.store.session(&at.other, theirs.session).await), NOT_FOUND);
    let again = begin(binned, vec![said("again")]);
    assert_eq!(refusal(at.store.commit(&at.mine, &again).await), conflict(Code::Erased));
    let listed = at.store.sessions(&at.mine, &SessionFilter::default()).await.unwrap().items;
    assert_eq!(listed.iter().map(|s| s.id).collect::<Vec<_>>(), [kept]);
}

pub async fn what_came_back_from_the_bin_is_not_swept(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let (session, _) = at.session_of(&["a"]).await;
    at.store.set(&at.mine, session, &Change::Delete).await.unwrap();
    at.store.set(&at.mine, session, &Change::Restore).await.unwrap();
    at.clock.advance(BIN * 2);
    assert_eq!(at.store.sweep().await.unwrap(), Swept::default());
    at.store.set(&at.mine, session, &Change::Delete).await.unwrap();
    assert_eq!(at.store.sweep().await.unwrap(), Swept::default());
    at.store.session(&at.mine, session).await.unwrap();
}

pub async fn no_word_of_an_erased_session_is_left_in_the_files_after_a_sweep(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let declared = at.store.capabilities().secure_erase;
    if skips(declared, "secure_erase", "no_word_of_an_erased_session_is_left_in_the_files_after_a_sweep") {
        return;
    }
    let secret = "xylophonequartz";
    let piece = IndexPiece { terms: format!("{secret} other"), context: format!("{secret}ctx") };
    let content = crate::words(Role::User, &format!("the word is {secret}"));
    let message = NewMessage { content, pieces: vec![piece], context: format!("{secret}ctx"), ..said("") };
    let mut commit = begin(SessionId::new(), vec![message]);
    if let Some(create) = commit.create.as_mut() {
        create.title = format!("On {secret}");
    }
    at.store.commit(&at.mine, &commit).await.unwrap();
    at.session_of(&["something that stays"]).await;
    let left = |files: Vec<Vec<u8>>| {
        files.iter().filter(|file| file.windows(secret.len()).any(|w| w == secret.as_bytes())).count()
    };
    assert!(left(backend.files().await) > 0, "the word is not in the files at all: look at them otherwise");
    at.store.erase(&at.mine, commit.session).await.unwrap();
    at.store.sweep().await.unwrap();
    assert_eq!(left(backend.files().await), 0, "files that still hold the word");
}

pub async fn erasing_one_owners_session_leaves_the_others_index(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let piece = IndexPiece { terms: "alpha".into(), context: String::new() };
    let of = |scope: &Scope| {
        let message = NewMessage { pieces: vec![piece.clone()], ..said("alpha") };
        (scope.clone(), begin(SessionId::new(), vec![message]))
    };
    let (mine, theirs) = (of(&at.mine), of(&at.other));
    for (scope, commit) in [&mine, &theirs] {
        at.store.commit(scope, commit).await.unwrap();
    }
    at.store.erase(&at.mine, mine.1.session).await.unwrap();
    assert_eq!(at.store.counters(&at.other).await.unwrap().pieces, 1);
    if at.store.capabilities().text_search {
        let found = at.store.postings(&at.other, &[Term::Is("alpha".into())], None, 9).await.unwrap();
        assert_eq!(found[0].terms.len(), 1);
    }
}

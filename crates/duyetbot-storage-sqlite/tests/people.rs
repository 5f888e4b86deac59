//! People in one file: what is left of an erased one, who comes at once from two processes, and counts that are taken over.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{back_to_the_second_schema, block_on, commit, folder, me, open, said, sql};
use duyetbot_core::{
    Accounts, ApiSecret, BlobRef, BlobStore, Change, Code, Commit, Content, Counters, DraftChunk, Erasing,
    Error, Identity, Limits, MOST_TOKENS, NewMessage, NewToken, NewUser, Operator, Part, Role, RunChange,
    RunId, RunState, RunStore, Save, SessionId, SessionStore, StoredCheckpoint, Usage, User, UserStore,
};
use duyetbot_storage_sqlite::{Repaired, SqliteStore, repair};
use futures::{FutureExt, future::join_all};
use std::{collections::BTreeMap, path::Path};
use uuid::Uuid;

/// Tables that hold nothing of a person, or what is kept of an erased one on purpose.
const OF_NOBODY: &[&str] =
    &["meta", "owners", "guard", "erased_users", "sqlite_sequence", "pieces", "pieces_terms"];

fn guest(n: u128) -> NewUser {
    NewUser::invited(Uuid::from_u128(n), &format!("guest{n}@example.org"))
}

fn naming(blob: &BlobRef) -> NewMessage {
    let part = Part::Text { text: "its head".into(), blob: Some(blob.clone()) };
    NewMessage { content: Content::of(Role::User, &[part]).unwrap(), ..said("") }
}

/// A person with rows in every table: sessions of many messages, one in mid-erasing, an open run with a draft, and the rest.
async fn settled(store: &SqliteStore, n: u128, messages: usize) -> User {
    let identity = Identity { provider: "github".into(), subject: format!("{n}") };
    let user = store.create_user(&NewUser { identity: Some(identity), ..guest(n) }).await.unwrap();
    let scope = user.scope();
    store.add_token(&scope, &NewToken::full("laptop", &ApiSecret::random().unwrap())).await.unwrap();
    for n in 0..9u8 {
        store.put_blob(&scope, &[n; 100]).await.unwrap();
    }
    let blob = store.put_blob(&scope, b"a picture").await.unwrap();
    let words = (0..messages).map(|n| said(&format!("word number {n}"))).chain([naming(&blob)]).collect();
    store.commit(&scope, &commit(SessionId::new(), words)).await.unwrap();
    let old = SessionId::new();
    store.commit(&scope, &commit(old, vec![said("old")])).await.unwrap();
    store.erase(&scope, old).await.unwrap();
    for ends in [true, false] {
        let message = said("go");
        let checkpoint = StoredCheckpoint { json: "{}".into(), counter: 1, pending: Vec::new() };
        let opened = RunChange::Open {
            message: message.id,
            place: "host:/here".into(),
            holder: "first".into(),
            checkpoint: checkpoint.clone(),
        };
        let session = SessionId::new();
        let run = RunId { session, message: message.id };
        let open = Commit { run: Some(opened), ..commit(session, vec![message]) };
        store.commit(&scope, &open).await.unwrap();
        let draft = Save::Draft(vec![DraftChunk::Text("half".into())]);
        store.save(&scope, run, 1, &draft).await.unwrap();
        if ends {
            let usage = Some(Usage { input: 1, output: 1, ..Usage::default() });
            let answer = NewMessage { id: run.step(0), usage, ..said("done") };
            let change = RunChange::Step { run, epoch: 1, state: RunState::Done, checkpoint, error: None };
            let step = Commit { create: None, run: Some(change), ..commit(session, vec![answer]) };
            store.commit(&scope, &step).await.unwrap();
        }
    }
    user
}

/// Rows of each table that holds something of owners.
async fn rows(path: &Path) -> BTreeMap<String, String> {
    let tables =
        "select name from sqlite_schema where type = 'table' and name not glob 'pieces_[cdi]*' order by name";
    let mut rows = BTreeMap::new();
    for table in sql(path, tables).await.into_iter().filter(|name| !OF_NOBODY.contains(&name.as_str())) {
        let count = sql(path, &format!("select count(owner) from {table}")).await.remove(0);
        rows.insert(table, count);
    }
    let pieces = sql(path, "select count(*) from pieces_terms").await.remove(0);
    rows.insert("pieces".into(), pieces);
    rows
}

#[test]
fn no_table_holds_a_row_of_an_erased_person_and_each_had_one() {
    let folder = folder();
    let path = folder.path().join("duyetbot.db");
    block_on(async {
        let store = open(&path).await;
        let ada = settled(&store, 1, 40).await;
        for (table, count) in rows(&path).await {
            assert_ne!(
                count, "0",
                "{table} holds nothing of the person, so that this test tells nothing of it"
            );
        }
        while store.erase_user(&ada.scope()).await.unwrap() == Erasing::Begun {}
        for (table, count) in rows(&path).await {
            assert_eq!(count, "0", "{table}");
        }
        let kept = sql(&path, "select id || ' ' || pending from erased_users").await;
        assert_eq!(kept, [format!("{} 0", ada.id)]);
        assert_eq!(sql(&path, "select count(*) from owners").await, ["0"]);
        let next = store.create_user(&guest(2)).await.unwrap();
        let numbers = sql(&path, &format!("select number from owners where id = '{}'", next.id)).await;
        assert_eq!(numbers, ["2"], "an owner's number is given again");
    });
}

#[test]
fn an_erasing_that_is_cut_off_anywhere_is_finished_by_another_process() {
    for polls in (0..40).step_by(3) {
        let folder = folder();
        let path = folder.path().join("duyetbot.db");
        block_on(async {
            let store = open(&path).await;
            let ada = settled(&store, 1, 100).await;
            let scope = ada.scope();
            let mut erasing =
                Box::pin(async { while store.erase_user(&scope).await.unwrap() == Erasing::Begun {} });
            for _ in 0..polls {
                if erasing.as_mut().now_or_never().is_some() {
                    break;
                }
                // The writer answers in order: when this is done, so is what was asked before.
                store.note_use(&ApiSecret::random().unwrap().hash()).await.unwrap();
            }
            drop(erasing);
            drop(store);
            let store = open(&path).await;
            // Where not even the first write was made, the person is whole.
            if polls == 0 {
                assert_eq!(store.user(&scope).await.unwrap(), ada);
                store.erase_user(&scope).await.unwrap();
            }
            store.sweep().await.unwrap();
            for (table, count) in rows(&path).await {
                assert_eq!(count, "0", "{table} after {polls} polls");
            }
            assert!(store.erase_user(&scope).await.is_err());
        });
    }
}

fn refused_by<T: std::fmt::Debug>(answers: Vec<Result<T, Error>>, code: Code) -> usize {
    let (taken, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    for answer in refused {
        assert!(answer.as_ref().unwrap_err().is(code), "{answer:?}");
    }
    taken.len()
}

/// Every other of them by the one and by the other.
async fn by_two<'a, T, F: Future<Output = T>>(
    stores: &'a [SqliteStore; 2],
    wishes: usize,
    wish: impl Fn(&'a SqliteStore, usize) -> F,
) -> Vec<T> {
    join_all((0..wishes).map(|n| wish(&stores[n % 2], n))).await
}

#[test]
fn limits_hold_at_their_edge_while_fifty_ask_two_processes_at_once() {
    let folder = folder();
    let path = folder.path().join("duyetbot.db");
    block_on(async {
        let stores = [open(&path).await, open(&path).await];
        let user = stores[0].create_user(&guest(1)).await.unwrap();
        let scope = &user.scope();
        for _ in 0..3 {
            stores[0].commit(scope, &commit(SessionId::new(), vec![said("a")])).await.unwrap();
        }
        let limits = Limits { sessions: Some(5), ..Limits::NONE };
        let begun = by_two(&stores, 50, |store, _| async move {
            store.commit(scope, &Commit { limits, ..commit(SessionId::new(), vec![said("b")]) }).await
        })
        .await;
        assert_eq!(refused_by(begun, Code::SessionLimit), 2);
        let held = stores[1].counters(scope).await.unwrap().storage();
        let limits = Limits { bytes: Some(held + 4 * 100 + 99), ..Limits::NONE };
        let put = by_two(&stores, 50, |store, n| async move {
            store.put_blob_within(scope, &[n as u8; 100], limits).await
        })
        .await;
        assert_eq!(refused_by(put, Code::StorageLimit), 4);
        for n in 0..MOST_TOKENS - 1 {
            let token = NewToken::full(&n.to_string(), &ApiSecret::random().unwrap());
            stores[0].add_token(scope, &token).await.unwrap();
        }
        let made = by_two(&stores, 50, |store, n| async move {
            store.add_token(scope, &NewToken::full(&n.to_string(), &ApiSecret::random().unwrap())).await
        })
        .await;
        assert_eq!(refused_by(made, Code::ApiTokenLimit), 1);
        let recount = "select count(*) from owners where sessions = (select count(*) from sessions)
            and bytes = (select sum(size) from messages) and blobs = (select sum(length(bytes)) from blobs)";
        assert_eq!(sql(&path, recount).await, ["1"]);
    });
}

#[test]
fn a_token_is_revoked_for_every_process_and_stands_in_no_file() {
    let folder = folder();
    let path = folder.path().join("duyetbot.db");
    block_on(async {
        let (one, other) = (open(&path).await, open(&path).await);
        let user = one.create_user(&guest(1)).await.unwrap();
        let secret = ApiSecret::random().unwrap();
        let token = NewToken::full("laptop", &secret);
        one.add_token(&user.scope(), &token).await.unwrap();
        assert_eq!(other.authenticate(&secret.hash()).await.unwrap().scope, user.scope());
        one.revoke_token(&user.scope(), token.id).await.unwrap();
        assert!(other.authenticate(&secret.hash()).await.is_err());
        for file in std::fs::read_dir(folder.path()).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            let digits = secret.expose().trim_start_matches("dbt_").as_bytes();
            assert!(!bytes.windows(digits.len()).any(|window| window == digits));
        }
    });
}

#[test]
fn counts_of_an_older_file_are_taken_over_with_its_blobs() {
    let folder = folder();
    let path = folder.path().join("duyetbot.db");
    block_on(async {
        let store = open(&path).await;
        let blob = store.put_blob(&me(), &[7; 1000]).await.unwrap();
        store.put_blob(&me(), &[8; 30]).await.unwrap();
        let (kept, binned) = (SessionId::new(), SessionId::new());
        for session in [kept, binned] {
            let messages = vec![said("small"), naming(&blob)];
            store.commit(&me(), &commit(session, messages)).await.unwrap();
        }
        store.set(&me(), binned, &Change::Delete).await.unwrap();
        let sessions = async |store: &SqliteStore| {
            (
                store.session(&me(), kept).await.unwrap().bytes,
                store.session(&me(), binned).await.unwrap().bytes,
            )
        };
        let counted = (store.counters(&me()).await.unwrap(), sessions(&store).await);
        assert_eq!(counted.0, Counters { blobs: 1030, ..counted.0 });
        store.close().await.unwrap();
        for statement in [
            "update messages set size = size + 992 where parts like '%blob%'",
            "update sessions set bytes = bytes + 992",
            "update owners set bytes = bytes + 992",
        ] {
            sql(&path, statement).await;
        }
        back_to_the_second_schema(&path).await;
        let store = open(&path).await;
        assert_eq!((store.counters(&me()).await.unwrap(), sessions(&store).await), counted);
        store.erase(&me(), binned).await.unwrap();
        store.erase(&me(), kept).await.unwrap();
        let left = Counters { seq: counted.0.seq + 2, blobs: 30, ..Counters::default() };
        assert_eq!(store.counters(&me()).await.unwrap(), left);
    });
    assert!(folder.path().join("duyetbot.db.backup-v2").exists());
}

#[test]
fn people_are_saved_from_a_damaged_file() {
    let folder = folder();
    let path = folder.path().join("duyetbot.db");
    let (user, counters) = block_on(async {
        let store = open(&path).await;
        let user = settled(&store, 1, 10).await;
        let counters = store.counters(&user.scope()).await.unwrap();
        store.close().await.unwrap();
        (user, counters)
    });
    block_on(sql(&path, "update messages set parts = 'broken' where seq = 1"));
    let repaired = block_on(repair(&path)).unwrap();
    let Repaired::Salvaged { file, .. } = repaired else { panic!("{repaired:?}") };
    block_on(async {
        let store = open(&file).await;
        let saved = store.counters(&user.scope()).await.unwrap();
        assert_eq!((saved.sessions, saved.blobs), (counters.sessions, counters.blobs));
        assert_eq!(store.user(&user.scope()).await.unwrap(), user);
        assert_eq!(store.tokens(&user.scope()).await.unwrap().len(), 1);
    });
}

//! What the tests of this crate share.
#![allow(dead_code)]
use async_trait::async_trait;
use duyetbot_core::{
    Clock, Commit, Content, HeadMove, Limits, MessageId, NewMessage, NewSession, Origin, Parent, Part, Role,
    Scope, SessionId, Timestamp, index,
};
use duyetbot_storage_sqlite::{SqliteConfig, SqliteStore};
use rusqlite::{Connection, types::Value};
use std::{
    future::Future,
    path::Path,
    sync::{Arc, LazyLock},
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::runtime::Runtime;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("threads can be made"));

/// Runs a future on the one runtime of the test program, which outlives every store.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    RUNTIME.block_on(future)
}

/// A folder for one test, removed at its end.
pub(crate) fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// The system's time.
pub(crate) struct Wall;

#[async_trait]
impl Clock for Wall {
    #[expect(clippy::disallowed_methods, reason = "several processes share no clock but the system's")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is set");
        Timestamp(since.as_millis() as i64)
    }
    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

pub(crate) async fn open(path: &Path) -> SqliteStore {
    SqliteStore::open(SqliteConfig::new(path, Arc::new(Wall))).await.expect("the file opens")
}

pub(crate) fn me() -> Scope {
    Scope::vouched("me", "me")
}

/// A person's words under the head, with the index entries that they have.
pub(crate) fn said(text: &str) -> NewMessage {
    let context = index::context(Timestamp(1_764_000_000_000), None);
    NewMessage {
        id: MessageId::new(),
        parent: Parent::Head,
        role: Role::User,
        content: Content::of(Role::User, &[Part::text(text)]).expect("text can be encoded"),
        origin: Origin::Api,
        model: None,
        usage: None,
        cut: false,
        created: Timestamp(1_764_000_000_000),
        pieces: index::pieces(text, &context),
        context,
    }
}

/// A commit that makes its session where it is not there.
pub(crate) fn commit(session: SessionId, messages: Vec<NewMessage>) -> Commit {
    Commit {
        session,
        create: Some(NewSession {
            title: "A title".into(),
            parent: None,
            place: None,
            metadata: "{}".into(),
            created: Timestamp(1_764_000_000_000),
        }),
        messages,
        head: HeadMove::IfParent,
        run: None,
        limits: Limits::NONE,
    }
}

/// Runs one statement past the store, and answers the first column of its rows as text.
pub(crate) async fn sql(path: &Path, statement: &str) -> Vec<String> {
    let connection = Connection::open(path).expect("the file opens");
    let mut prepared = connection.prepare(statement).unwrap_or_else(|e| panic!("{statement}: {e}"));
    let mut rows = prepared.raw_query();
    let mut found = Vec::new();
    while let Some(row) = rows.next().unwrap_or_else(|e| panic!("{statement}: {e}")) {
        found.push(match row.get(0).expect("a column") {
            Value::Text(text) => text,
            Value::Integer(number) => number.to_string(),
            other => panic!("{statement}: {other:?}"),
        });
    }
    found
}

/// Takes a file of the present schema back to the second version, as an older program left it.
pub(crate) async fn back_to_the_second_schema(path: &Path) {
    for statement in [
        "drop table users",
        "drop table identities",
        "drop table api_tokens",
        "drop table erased_users",
        "drop trigger blobs_put",
        "drop trigger blobs_dropped",
        "alter table owners drop column blobs",
        "update meta set version = 2",
        "pragma user_version = 2",
        "pragma wal_checkpoint(truncate)",
    ] {
        sql(path, statement).await;
    }
}

//! One SQLite file keeps every sentence of the storage traits, and answers as the store in memory does.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use async_trait::async_trait;
use common::{block_on, folder};
use duyetbot_core::{MemoryStore, Scope, SessionId, SettableClock, Stamp, Storage, Timestamp};
use duyetbot_storage_sqlite::{SqliteConfig, SqliteStore};
use duyetbot_testkit::{Backend, conformance_tests, same_answers, trees_commute};
use rusqlite::Connection;
use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

struct Sqlite {
    clock: Arc<SettableClock>,
    folder: tempfile::TempDir,
    opened: AtomicU32,
}

impl Sqlite {
    fn new() -> Self {
        Sqlite {
            clock: Arc::new(SettableClock::new(Timestamp(0))),
            folder: folder(),
            opened: AtomicU32::new(0),
        }
    }

    fn last(&self) -> PathBuf {
        self.folder.path().join(format!("{}/duyetbot.db", self.opened.load(Ordering::Relaxed)))
    }
}

#[async_trait]
impl Backend for Sqlite {
    async fn open(&self) -> Arc<dyn Storage> {
        self.opened.fetch_add(1, Ordering::Relaxed);
        Arc::new(SqliteStore::open(SqliteConfig::new(self.last(), self.clock.clone())).await.unwrap())
    }

    fn clock(&self) -> Arc<SettableClock> {
        self.clock.clone()
    }

    async fn title_stamp(&self, scope: &Scope, session: SessionId) -> Option<Stamp> {
        let connection = Connection::open(self.last()).unwrap();
        let stamp = "select title_at, title_by from sessions
             where owner = (select number from owners where id = ?1) and id = ?2";
        let stamp = connection.query_row(stamp, (scope.owner(), session.to_string()), |row| {
            Ok(Stamp { at: row.get(0)?, device: row.get::<_, String>(1)?.parse().unwrap() })
        });
        Some(stamp.unwrap())
    }

    async fn files(&self) -> Vec<Vec<u8>> {
        let folder = self.last().parent().unwrap().to_owned();
        std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| std::fs::read(entry.unwrap().path()).unwrap())
            .collect()
    }
}

conformance_tests!(block_on = block_on, backend = Sqlite::new());

/// How many random histories; more on demand.
#[expect(clippy::disallowed_methods, reason = "a test program is its own adapter")]
fn cases(usual: u32) -> u32 {
    std::env::var("CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(usual)
}

#[test]
fn random_histories_get_the_same_answers_as_in_memory() {
    let sqlite = Sqlite::new();
    let clock = sqlite.clock.clone();
    let memory = || -> Arc<dyn Storage> { Arc::new(MemoryStore::new(clock.clone())) };
    same_answers(memory, || block_on(sqlite.open()), &clock, block_on, cases(60));
}

#[test]
fn tree_operations_commute() {
    let sqlite = Sqlite::new();
    trees_commute(|| block_on(sqlite.open()), block_on, cases(10));
}

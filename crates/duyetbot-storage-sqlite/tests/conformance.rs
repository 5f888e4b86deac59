//! The SQLite store keeps every sentence of the storage traits.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use async_trait::async_trait;
use duyetbot_core::{SettableClock, Storage, Timestamp};
use duyetbot_storage_sqlite::{SqliteConfig, SqliteStore};
use duyetbot_testkit::{Backend, conformance_tests};
use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
};
use tempfile::TempDir;

struct File {
    clock: Arc<SettableClock>,
    folder: TempDir,
    opened: Mutex<u32>,
}

impl File {
    fn new() -> Self {
        let clock = Arc::new(SettableClock::new(Timestamp(0)));
        File { clock, folder: TempDir::new().unwrap(), opened: Mutex::new(0) }
    }
    fn path(&self) -> PathBuf {
        self.folder.path().join(format!("{}.db", self.opened.lock().unwrap()))
    }
}

#[async_trait]
impl Backend for File {
    async fn open(&self) -> Arc<dyn Storage> {
        *self.opened.lock().unwrap() += 1;
        Arc::new(SqliteStore::open(SqliteConfig::new(self.path(), self.clock.clone())).await.unwrap())
    }
    fn clock(&self) -> Arc<SettableClock> {
        self.clock.clone()
    }
    async fn files(&self) -> Vec<Vec<u8>> {
        let path = self.path();
        let beside = |ending: &str| PathBuf::from(format!("{}{ending}", path.display()));
        [path.clone(), beside("-wal"), beside("-shm")].iter().filter_map(|p| std::fs::read(p).ok()).collect()
    }
}

fn run(future: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future);
}

conformance_tests!(block_on = run, backend = File::new());

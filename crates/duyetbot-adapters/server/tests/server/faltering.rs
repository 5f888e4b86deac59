//! A storage on a file that fails while a test wants it to, as one on a full disk or behind a broken line does.
use async_trait::async_trait;
use duyetbot_core::{Clock, Error, ErrorKind, Result, Storage};
use duyetbot_storage_sqlite::{Cell, Driver, Row, SqlStore, Sqlite, SqliteConfig, SqliteStore};
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// Says whether the storage fails.
#[derive(Clone, Default)]
pub struct Fault(Arc<AtomicBool>);

impl Fault {
    pub fn begin(&self) {
        self.0.store(true, Ordering::SeqCst);
    }
    pub fn end(&self) {
        self.0.store(false, Ordering::SeqCst);
    }
    fn check(&self) -> Result<()> {
        if self.0.load(Ordering::SeqCst) {
            return Err(Error::new(ErrorKind::Unavailable, "the disk of this test is full"));
        }
        Ok(())
    }
}

struct Faltering {
    inner: Sqlite,
    fault: Fault,
}

#[async_trait]
impl Driver for Faltering {
    async fn write(&self, statements: &[&'static str], arguments: Vec<Cell>) -> Result<Vec<Vec<Row>>> {
        self.fault.check()?;
        self.inner.write(statements, arguments).await
    }
    async fn read(&self, statement: &'static str, arguments: Vec<Cell>) -> Result<Vec<Row>> {
        self.fault.check()?;
        self.inner.read(statement, arguments).await
    }
    async fn settle(&self) -> Result<()> {
        self.fault.check()?;
        self.inner.settle().await
    }
}

/// A storage in this folder, and what makes it fail.
pub async fn faltering(folder: &Path, clock: Arc<dyn Clock>) -> (Arc<dyn Storage>, Fault) {
    let fault = Fault::default();
    let store = SqliteStore::open(SqliteConfig::new(folder.join("talk.db"), clock.clone())).await.unwrap();
    let (inner, device) = store.into_driver();
    let driver = Faltering { inner, fault: fault.clone() };
    (Arc::new(SqlStore::over(driver, clock, device)), fault)
}

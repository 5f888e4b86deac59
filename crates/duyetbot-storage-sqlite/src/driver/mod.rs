//! The driver over rusqlite: one connection that writes, and a few that read once somebody asks.
mod connection;
mod fields;
mod file;
mod migrate;
mod readers;
mod writer;

use async_trait::async_trait;
use duyetbot_core::{Error, ErrorKind, Result};
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::sync::{mpsc, oneshot};

pub(crate) use connection::{Access, connect, execute, fetch, walk};
#[cfg(test)]
pub(crate) use fields::Taken;
pub(crate) use file::{beside, create_private, refuse_other_files, remove_backups};
pub(crate) use migrate::{Standing, probe, refuse_newer, set_up};

use crate::{
    config::SqliteConfig,
    dialect::{Cell, Driver, MIGRATIONS, Row},
    store::SqlStore,
};
use fields::Arguments;
use readers::Readers;
use writer::{Job, Write, Writer};

/// A store in one SQLite file. Several processes may hold the same file.
pub type SqliteStore = SqlStore<Sqlite>;

/// Calls that wait for the writer, at most; a further one waits to be let in.
const QUEUE: usize = 1024;

/// What the writer of this process did since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Transactions: each is one flush to the disk.
    pub groups: u64,
    /// Calls that they committed.
    pub commits: u64,
}

#[derive(Debug, Default)]
struct Counts {
    groups: AtomicU64,
    commits: AtomicU64,
}

/// The file's connections.
pub struct Sqlite {
    jobs: mpsc::Sender<Job>,
    readers: Readers,
    counts: Arc<Counts>,
    path: PathBuf,
}

impl SqliteStore {
    /// Opens the file: makes it where it is not there, and brings an older one to the present schema, after a copy.
    ///
    /// # Errors
    /// With codes `NotADatabase` and `NewerSchema` the file is untouched; `ReadOnly`, `DiskFull` and `Damaged` say so.
    pub async fn open(config: SqliteConfig) -> Result<Self> {
        let path = std::path::absolute(&config.path).map_err(|e| crate::error::of_io(e, &config.path))?;
        let (file, busy) = (path.clone(), config.busy);
        let opened = blocking(&path, move || {
            file::prepare(&file)?;
            migrate::open(&file, busy, MIGRATIONS)
        })
        .await?;
        let readers = Readers::new(path.clone(), config.busy, config.readers)?;
        let counts = Arc::new(Counts::default());
        let (jobs, queue) = mpsc::channel(QUEUE);
        let writer = Writer::new(opened.connection, path.clone(), config.busy, counts.clone());
        std::thread::Builder::new()
            .name("duyetbot-writer".to_owned())
            .spawn(move || writer.serve(queue, config.group.max(1)))
            .map_err(|e| crate::error::of_io(e, &path))?;
        Ok(SqlStore::over(Sqlite { jobs, readers, counts, path }, config.clock, opened.device))
    }

    /// Waits for what is written at present, and closes the file. What was answered is durable without it too.
    ///
    /// # Errors
    /// Where the file cannot be closed; the store is of no further use in any case.
    pub async fn close(&self) -> Result<()> {
        self.driver.readers.close().await;
        let (reply, answer) = oneshot::channel();
        self.driver.send(Job::Close(reply)).await?;
        answer.await.map_err(|_| self.driver.closed())?
    }

    /// What the writer did so far.
    pub fn stats(&self) -> Stats {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Stats { groups: of(&self.driver.counts.groups), commits: of(&self.driver.counts.commits) }
    }

    /// The file.
    pub fn file(&self) -> &Path {
        &self.driver.path
    }
}

impl Sqlite {
    async fn send(&self, job: Job) -> Result<()> {
        self.jobs.send(job).await.map_err(|_| self.closed())
    }

    fn closed(&self) -> Error {
        closed(&self.path)
    }
}

#[async_trait]
impl Driver for Sqlite {
    async fn write(&self, statements: &[&'static str], arguments: Vec<Cell>) -> Result<Vec<Vec<Row>>> {
        let (reply, answer) = oneshot::channel();
        let (statements, arguments) = (statements.to_vec(), Arguments::new(arguments)?);
        self.send(Job::Write(Write { statements, arguments, reply })).await?;
        answer.await.map_err(|_| self.closed())?
    }

    async fn read(&self, statement: &'static str, cells: Vec<Cell>) -> Result<Vec<Row>> {
        self.readers.read(statement, cells).await
    }

    async fn settle(&self) -> Result<()> {
        let (reply, answer) = oneshot::channel();
        self.send(Job::Settle(reply)).await?;
        answer.await.map_err(|_| self.closed())?
    }
}

fn closed(path: &Path) -> Error {
    Error::new(ErrorKind::Unavailable, format!("the database {} is closed", path.display()))
}

/// Work of SQLite's, which waits for disks and locks, on a thread of its own.
pub(crate) async fn blocking<T: Send + 'static>(
    path: &Path,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    // It fails where the runtime ends, or where the work panicked.
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|failure| Err(closed(path).with_source(failure)))
}

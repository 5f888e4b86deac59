//! The driver over sqlx: one connection that writes, and a few that read once somebody asks.
mod connection;
mod file;
mod migrate;
mod writer;

use async_trait::async_trait;
use duyetbot_core::{Error, ErrorKind, Result};
use sqlx::{SqlitePool, sqlite::SqlitePoolOptions};
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::sync::{mpsc, oneshot};

pub(crate) use connection::{Access, arguments, fetch, options, row_of};
pub(crate) use file::{beside, create_private, refuse_other_files};
pub(crate) use migrate::{Standing, probe, refuse_newer, set_up};

use crate::{
    config::SqliteConfig,
    dialect::{Cell, Driver, MIGRATIONS, Row},
    error::of_sqlx,
    store::SqlStore,
};
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
    readers: SqlitePool,
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
        file::prepare(&path)?;
        let opened = migrate::open(&path, config.busy, MIGRATIONS).await?;
        let options = options(&path, config.busy).read_only(true);
        let readers = SqlitePoolOptions::new()
            .max_connections(config.readers.max(1))
            .min_connections(0)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .connect_lazy_with(options);
        let counts = Arc::new(Counts::default());
        let (jobs, queue) = mpsc::channel(QUEUE);
        let writer = Writer::new(opened.connection, path.clone(), config.busy, counts.clone());
        // A thread of its own: a statement is a hand-over to SQLite's thread and back, dear on a runtime's threads.
        std::thread::Builder::new()
            .name("duyetbot-writer".to_owned())
            .spawn(move || futures::executor::block_on(writer.serve(queue, config.group.max(1))))
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
        Error::new(ErrorKind::Unavailable, format!("the database {} is closed", self.path.display()))
    }
}

#[async_trait]
impl Driver for Sqlite {
    async fn write(&self, statements: &[&'static str], arguments: Vec<Cell>) -> Result<Vec<Vec<Row>>> {
        let (reply, answer) = oneshot::channel();
        self.send(Job::Write(Write::new(statements, arguments, reply)?)).await?;
        answer.await.map_err(|_| self.closed())?
    }

    async fn read(&self, statement: &'static str, cells: Vec<Cell>) -> Result<Vec<Row>> {
        let arguments = arguments(cells)?;
        let mut reader = self.readers.acquire().await.map_err(|e| match e {
            sqlx::Error::PoolClosed => self.closed(),
            e => of_sqlx(e, &self.path),
        })?;
        fetch(&mut reader, statement, arguments).await.map_err(|e| of_sqlx(e, &self.path))
    }

    async fn settle(&self) -> Result<()> {
        let (reply, answer) = oneshot::channel();
        self.send(Job::Settle(reply)).await?;
        answer.await.map_err(|_| self.closed())?
    }
}

//! Connections that read beside the one that writes: opened once somebody asks, and kept.
use duyetbot_core::Result;
use rusqlite::{Connection, ErrorCode};
use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::sync::{Semaphore, mpsc, oneshot};

use super::{
    blocking, closed,
    connection::{Access, connect, run},
    fields::Arguments,
};
use crate::{
    dialect::{Cell, Row},
    error::{of_io, of_sqlite},
};

/// Reads that wait for the quick thread, at most; a further one waits to be let in.
const QUEUE: usize = 1024;
/// Reads that are taken out of the queue at once.
const AT_ONCE: usize = 64;
/// Steps of SQLite's between two looks at how long a read goes on.
const LOOK: i32 = 1000;
/// Looks after which a read leaves the quick thread: some milliseconds.
const QUICK: u32 = 20;

/// The connections of one file. Cheap to clone.
///
/// Every read begins on one thread: where many ask at once, one is read while the next are asked for, and no thread is
/// woken for each. One that turns out to be long is given up there and done on a thread of its own, so that none waits
/// behind it.
#[derive(Clone)]
pub(super) struct Readers {
    pool: Arc<Pool>,
    quick: mpsc::Sender<Job>,
}

struct Pool {
    path: PathBuf,
    busy: Duration,
    most: u32,
    places: Arc<Semaphore>,
    idle: Mutex<Vec<Connection>>,
}

/// What the quick thread is asked for.
enum Job {
    Read(Read, oneshot::Sender<Tried>),
    Close(oneshot::Sender<()>),
}

struct Read {
    statement: &'static str,
    arguments: Arguments,
}

/// What came of a read on the quick thread.
enum Tried {
    Done(Result<Vec<Row>>),
    TooLong(Read),
}

impl Readers {
    /// At most so many long reads at once; a further one waits.
    pub(super) fn new(path: PathBuf, busy: Duration, most: u32) -> Result<Self> {
        let most = most.max(1);
        let places = Arc::new(Semaphore::new(most as usize));
        let pool = Arc::new(Pool { path, busy, most, places, idle: Mutex::default() });
        let (quick, queue) = mpsc::channel(QUEUE);
        let thread = Quick { pool: pool.clone(), connection: None, looks: Arc::default() };
        std::thread::Builder::new()
            .name("duyetbot-reader".to_owned())
            .spawn(move || thread.serve(queue))
            .map_err(|failure| of_io(failure, &pool.path))?;
        Ok(Readers { pool, quick })
    }

    pub(super) async fn read(&self, statement: &'static str, cells: Vec<Cell>) -> Result<Vec<Row>> {
        let (reply, answer) = oneshot::channel();
        let closed = || closed(&self.pool.path);
        let read = Read { statement, arguments: Arguments::new(cells)? };
        self.quick.send(Job::Read(read, reply)).await.map_err(|_| closed())?;
        match answer.await.map_err(|_| closed())? {
            Tried::Done(rows) => rows,
            Tried::TooLong(read) => self.read_apart(read).await,
        }
    }

    async fn read_apart(&self, read: Read) -> Result<Vec<Row>> {
        let Ok(place) = self.pool.places.clone().acquire_owned().await else {
            return Err(closed(&self.pool.path));
        };
        let pool = self.pool.clone();
        blocking(&self.pool.path, move || {
            let rows = pool.read(&read).map_err(|failure| of_sqlite(failure, &pool.path));
            drop(place);
            rows
        })
        .await
    }

    /// Waits for what is read at present, and closes all of them.
    pub(super) async fn close(&self) {
        let (reply, closed) = oneshot::channel();
        // An error of these says that they are closed already.
        if self.quick.send(Job::Close(reply)).await.is_ok() {
            let _ = closed.await;
        }
        if let Ok(places) = self.pool.places.acquire_many(self.pool.most).await {
            self.pool.places.close();
            drop(places);
        }
        self.pool.lock().clear();
    }
}

impl Pool {
    fn lock(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self, read: &Read) -> rusqlite::Result<Vec<Row>> {
        let idle = self.lock().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => connect(&self.path, self.busy, Access::Read)?,
        };
        // After a failure the next read opens another: what this one saw may be the connection's own.
        let rows = run(&connection, read.statement, &read.arguments)?;
        self.lock().push(connection);
        Ok(rows)
    }
}

/// The thread on which every read begins.
struct Quick {
    pool: Arc<Pool>,
    connection: Option<Connection>,
    /// Looks at the read that is going on.
    looks: Arc<AtomicU32>,
}

impl Quick {
    /// Serves until it is closed or nobody can ask any more.
    fn serve(mut self, mut queue: mpsc::Receiver<Job>) {
        let mut jobs = Vec::with_capacity(AT_ONCE);
        while queue.blocking_recv_many(&mut jobs, AT_ONCE) > 0 {
            for job in jobs.drain(..) {
                // Who no longer waits for the answer needs none.
                match job {
                    Job::Read(read, reply) => {
                        let _ = reply.send(self.try_read(read));
                    }
                    Job::Close(reply) => {
                        drop(self.connection.take());
                        let _ = reply.send(());
                        return;
                    }
                }
            }
        }
    }

    fn try_read(&mut self, read: Read) -> Tried {
        match self.rows(&read) {
            Err(failure) if given_up(&failure) => Tried::TooLong(read),
            rows => Tried::Done(rows.map_err(|failure| of_sqlite(failure, &self.pool.path))),
        }
    }

    fn rows(&mut self, read: &Read) -> rusqlite::Result<Vec<Row>> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connect()?,
        };
        self.looks.store(0, Ordering::Relaxed);
        let rows = run(&connection, read.statement, &read.arguments);
        // As in the pool; to be given up says nothing against the connection.
        let sound = rows.as_ref().err().is_none_or(given_up);
        self.connection = Some(connection).filter(|_| sound);
        rows
    }

    fn connect(&self) -> rusqlite::Result<Connection> {
        let mut connection = connect(&self.pool.path, self.pool.busy, Access::Read)?;
        let looks = self.looks.clone();
        connection.progress_handler(LOOK, Some(move || looks.fetch_add(1, Ordering::Relaxed) >= QUICK))?;
        Ok(connection)
    }
}

fn given_up(failure: &rusqlite::Error) -> bool {
    failure.sqlite_error_code() == Some(ErrorCode::OperationInterrupted)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts to so many.
    const COUNT: &str =
        "with recursive n(x) as (select 1 union all select x + 1 from n limit ?1) select max(x) from n";

    fn file() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.db");
        Connection::open(&path).unwrap().execute_batch("create table t(a)").unwrap();
        (dir, path)
    }

    #[tokio::test]
    async fn a_long_read_leaves_the_quick_thread_and_is_read_whole() {
        let (_dir, path) = file();
        let readers = Readers::new(path, Duration::from_secs(1), 1).unwrap();
        for most in [10, 300_000, 10] {
            let rows = readers.read(COUNT, vec![Cell::Integer(most)]).await.unwrap();
            assert_eq!(rows, [Row(vec![Cell::Integer(most)])]);
        }
        readers.close().await;
        assert!(readers.read(COUNT, vec![Cell::Integer(1)]).await.is_err());
    }

    #[test]
    fn a_read_is_given_up_by_its_own_length_and_not_by_that_of_earlier_ones() {
        let (_dir, path) = file();
        let places = Arc::new(Semaphore::new(1));
        let pool = Pool { path, busy: Duration::from_secs(1), most: 1, places, idle: Mutex::default() };
        let mut quick = Quick { pool: Arc::new(pool), connection: None, looks: Arc::default() };
        let mut done = |most| {
            let read =
                Read { statement: COUNT, arguments: Arguments::new(vec![Cell::Integer(most)]).unwrap() };
            matches!(quick.try_read(read), Tried::Done(Ok(_)))
        };
        assert!(!done(100_000));
        assert!((0..500).all(|_| done(100)));
        assert!(!done(100_000));
    }
}

//! The one connection that writes: what many callers want at once goes to the disk in one transaction.
use duyetbot_core::Result;
use rusqlite::Connection;
use std::{
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::sync::{mpsc, oneshot};

use super::{
    Counts,
    connection::{Access, connect, execute, fetch, run},
    fields::Arguments,
    file::remove_backups,
};
use crate::{
    dialect::{MIGRATIONS, Row},
    error::{of_io, of_sqlite, overtaken},
};

/// The rows of each statement.
type Answer = Vec<Vec<Row>>;

/// What the writer is asked for.
pub(super) enum Job {
    /// One caller's list of statements.
    Write(Write),
    /// Brings what was erased out of index, copies and log.
    Settle(oneshot::Sender<Result<()>>),
    /// Ends the writer.
    Close(oneshot::Sender<Result<()>>),
}

/// One caller's list of statements: all or nothing, whatever becomes of others in the same transaction.
pub(super) struct Write {
    pub(super) statements: Vec<&'static str>,
    pub(super) arguments: Arguments,
    pub(super) reply: oneshot::Sender<Result<Answer>>,
}

impl Write {
    fn run(&self, connection: &Connection) -> rusqlite::Result<Answer> {
        self.statements.iter().map(|statement| run(connection, statement, &self.arguments)).collect()
    }
}

pub(super) struct Writer {
    /// None after a failure that left it in doubt: the next group opens another.
    connection: Option<Connection>,
    /// The state of the file, by SQLite's count of others' writes, in which its schema was looked at.
    looked: Option<i64>,
    path: PathBuf,
    busy: Duration,
    counts: Arc<Counts>,
}

impl Writer {
    pub(super) fn new(connection: Connection, path: PathBuf, busy: Duration, counts: Arc<Counts>) -> Self {
        Writer { connection: Some(connection), looked: None, path, busy, counts }
    }

    /// Serves until it is closed or nobody can ask any more.
    pub(super) fn serve(mut self, mut queue: mpsc::Receiver<Job>, most: usize) {
        let mut jobs = Vec::with_capacity(most);
        while queue.blocking_recv_many(&mut jobs, most) > 0 {
            let mut group = Vec::with_capacity(jobs.len());
            for job in jobs.drain(..) {
                match job {
                    Job::Write(write) => group.push(write),
                    Job::Settle(reply) => {
                        self.commit(std::mem::take(&mut group));
                        let settled = self.settle();
                        // Who no longer waits for the answer needs none; here and below.
                        let _ = reply.send(settled);
                    }
                    Job::Close(reply) => {
                        self.commit(std::mem::take(&mut group));
                        let closed = self.close();
                        let _ = reply.send(closed);
                        return;
                    }
                }
            }
            self.commit(group);
        }
    }

    fn commit(&mut self, group: Vec<Write>) {
        if group.is_empty() {
            return;
        }
        match self.answers_of(&group) {
            Ok(answers) => {
                let committed = answers.iter().filter(|answer| answer.is_ok()).count() as u64;
                self.counts.groups.fetch_add(1, Ordering::Relaxed);
                self.counts.commits.fetch_add(committed, Ordering::Relaxed);
                for (write, answer) in group.into_iter().zip(answers) {
                    let _ = write.reply.send(answer);
                }
            }
            Err(failure) => {
                self.roll_back();
                for write in group {
                    let _ = write.reply.send(Err(failure.clone()));
                }
            }
        }
    }

    /// One transaction, without savepoints: they cost each caller two statements and the index a write of its own. Where
    /// one is refused, which is rare, the group runs again with a savepoint each.
    ///
    /// An answer that is an error is that caller's alone; a failure is everybody's.
    fn answers_of(&mut self, group: &[Write]) -> Result<Vec<Result<Answer>>> {
        self.begin()?;
        match self.commit_together(group) {
            Ok(answers) => Ok(answers.into_iter().map(Ok).collect()),
            Err(failure) if group.len() == 1 => Err(of_sqlite(failure, &self.path)),
            Err(_) => {
                self.roll_back();
                self.begin()?;
                self.commit_apart(group).map_err(|failure| of_sqlite(failure, &self.path))
            }
        }
    }

    /// Takes the right to write. A newer program may have brought the file to a schema meanwhile that this one would spoil.
    fn begin(&mut self) -> Result<()> {
        let known = MIGRATIONS.last().map_or(0, |migration| migration.version);
        match self.try_begin() {
            Ok((version, min_reader)) if min_reader > known => {
                self.looked = None;
                Err(overtaken(&self.path, version, min_reader, known))
            }
            Ok(_) => Ok(()),
            Err(failure) => Err(of_sqlite(failure, &self.path)),
        }
    }

    /// What the file says of itself, where another process has written since it was last asked; else nothing that matters.
    fn try_begin(&mut self) -> rusqlite::Result<(i64, i64)> {
        let looked = self.looked;
        let connection = self.connection()?;
        execute(connection, "begin immediate")?;
        let now = connection.prepare_cached("pragma data_version")?.query_row([], |row| row.get(0))?;
        if looked == Some(now) {
            return Ok((0, 0));
        }
        let said = "select version, min_reader from meta";
        let said = connection.prepare_cached(said)?.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        self.looked = Some(now);
        Ok(said)
    }

    fn commit_together(&mut self, group: &[Write]) -> rusqlite::Result<Vec<Answer>> {
        let connection = self.connection()?;
        let mut answers = Vec::with_capacity(group.len());
        for write in group {
            answers.push(write.run(connection)?);
        }
        execute(connection, "commit")?;
        Ok(answers)
    }

    fn commit_apart(&mut self, group: &[Write]) -> rusqlite::Result<Vec<Result<Answer>>> {
        let path = self.path.clone();
        let connection = self.connection()?;
        let mut answers = Vec::with_capacity(group.len());
        for write in group {
            execute(connection, "savepoint caller")?;
            let answer = write.run(connection);
            if answer.is_err() {
                execute(connection, "rollback to caller")?;
            }
            execute(connection, "release caller")?;
            answers.push(answer.map_err(|failure| of_sqlite(failure, &path)));
        }
        execute(connection, "commit")?;
        Ok(answers)
    }

    fn roll_back(&mut self) {
        // SQLite may have rolled back by itself; then there is no transaction, and nothing in doubt.
        let open = self.connection.as_ref().filter(|connection| !connection.is_autocommit());
        if open.is_some_and(|connection| execute(connection, "rollback").is_err()) {
            self.connection = None;
        }
    }

    fn connection(&mut self) -> rusqlite::Result<&Connection> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => {
                // It counts others' writes anew.
                self.looked = None;
                connect(&self.path, self.busy, Access::Write)?
            }
        };
        Ok(self.connection.insert(connection))
    }

    fn settle(&mut self) -> Result<()> {
        let erased = self.try_settle();
        if erased.is_err() {
            self.roll_back();
        }
        erased
    }

    fn try_settle(&mut self) -> Result<()> {
        let path = self.path.clone();
        let of = |failure| of_sqlite(failure, &path);
        let connection = self.connection().map_err(of)?;
        let erased = fetch(connection, "select 1 from meta where erased", &[]).map_err(of)?;
        if !erased.is_empty() {
            self.begin()?;
            remove_backups(&path).map_err(|failure| of_io(failure, &path))?;
            clean_index(self.connection().map_err(of)?).map_err(of)?;
        }
        execute(self.connection().map_err(of)?, "pragma wal_checkpoint(truncate)").map_err(of)
    }

    fn close(self) -> Result<()> {
        match self.connection {
            Some(connection) => connection.close().map_err(|(_, failure)| of_sqlite(failure, &self.path)),
            None => Ok(()),
        }
    }
}

/// In the transaction that was begun.
fn clean_index(connection: &Connection) -> rusqlite::Result<()> {
    // Beginnings of erased terms stand in the index's own index until it is written anew.
    execute(connection, "insert into pieces(pieces) values ('optimize')")?;
    execute(connection, "update meta set erased = 0")?;
    execute(connection, "commit")
}

//! The one connection that writes: what many callers want at once goes to the disk in one transaction.
use duyetbot_core::Result;
use sqlx::{Connection, SqliteConnection, sqlite::SqliteArguments};
use std::{
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::sync::{mpsc, oneshot};

use super::{
    Counts,
    connection::{arguments, execute, fetch, options},
    file::remove_backups,
};
use crate::{
    dialect::{Cell, Row},
    error::of_sqlx,
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
    statements: Vec<&'static str>,
    arguments: SqliteArguments,
    reply: oneshot::Sender<Result<Answer>>,
}

impl Write {
    pub(super) fn new(
        statements: &[&'static str],
        cells: Vec<Cell>,
        reply: oneshot::Sender<Result<Answer>>,
    ) -> Result<Self> {
        Ok(Write { statements: statements.to_vec(), arguments: arguments(cells)?, reply })
    }

    async fn run(&self, connection: &mut SqliteConnection) -> sqlx::Result<Answer> {
        let mut answer = Vec::with_capacity(self.statements.len());
        for statement in &self.statements {
            answer.push(fetch(connection, statement, self.arguments.clone()).await?);
        }
        Ok(answer)
    }
}

pub(super) struct Writer {
    /// None after a failure that left it in doubt: the next group opens another.
    connection: Option<SqliteConnection>,
    path: PathBuf,
    busy: Duration,
    counts: Arc<Counts>,
}

impl Writer {
    pub(super) fn new(
        connection: SqliteConnection,
        path: PathBuf,
        busy: Duration,
        counts: Arc<Counts>,
    ) -> Self {
        Writer { connection: Some(connection), path, busy, counts }
    }

    /// Serves until it is closed or nobody can ask any more.
    pub(super) async fn serve(mut self, mut queue: mpsc::Receiver<Job>, most: usize) {
        let mut jobs = Vec::with_capacity(most);
        while queue.recv_many(&mut jobs, most).await > 0 {
            let mut group = Vec::with_capacity(jobs.len());
            for job in jobs.drain(..) {
                match job {
                    Job::Write(write) => group.push(write),
                    Job::Settle(reply) => {
                        self.commit(std::mem::take(&mut group)).await;
                        let settled = self.settle().await;
                        // Who no longer waits for the answer needs none; here and below.
                        let _ = reply.send(settled);
                    }
                    Job::Close(reply) => {
                        self.commit(std::mem::take(&mut group)).await;
                        let closed = self.close().await;
                        let _ = reply.send(closed);
                        return;
                    }
                }
            }
            self.commit(group).await;
        }
    }

    async fn commit(&mut self, group: Vec<Write>) {
        if group.is_empty() {
            return;
        }
        match self.answers_of(&group).await {
            Ok(answers) => {
                let committed = answers.iter().filter(|answer| answer.is_ok()).count() as u64;
                self.counts.groups.fetch_add(1, Ordering::Relaxed);
                self.counts.commits.fetch_add(committed, Ordering::Relaxed);
                for (write, answer) in group.into_iter().zip(answers) {
                    let _ = write.reply.send(answer);
                }
            }
            Err(failure) => {
                self.roll_back().await;
                let failure = of_sqlx(failure, &self.path);
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
    async fn answers_of(&mut self, group: &[Write]) -> sqlx::Result<Vec<Result<Answer>>> {
        let together = self.commit_together(group).await;
        match together {
            Ok(answers) => Ok(answers.into_iter().map(Ok).collect()),
            Err(failure) if group.len() == 1 => Err(failure),
            Err(_) => {
                self.roll_back().await;
                self.commit_apart(group).await
            }
        }
    }

    async fn commit_together(&mut self, group: &[Write]) -> sqlx::Result<Vec<Answer>> {
        let connection = self.connection().await?;
        execute(connection, "begin immediate").await?;
        let mut answers = Vec::with_capacity(group.len());
        for write in group {
            answers.push(write.run(connection).await?);
        }
        execute(connection, "commit").await?;
        Ok(answers)
    }

    async fn commit_apart(&mut self, group: &[Write]) -> sqlx::Result<Vec<Result<Answer>>> {
        let path = self.path.clone();
        let connection = self.connection().await?;
        execute(connection, "begin immediate").await?;
        let mut answers = Vec::with_capacity(group.len());
        for write in group {
            execute(connection, "savepoint caller").await?;
            let answer = write.run(connection).await;
            if answer.is_err() {
                execute(connection, "rollback to caller").await?;
            }
            execute(connection, "release caller").await?;
            answers.push(answer.map_err(|failure| of_sqlx(failure, &path)));
        }
        execute(connection, "commit").await?;
        Ok(answers)
    }

    async fn roll_back(&mut self) {
        if let Some(connection) = &mut self.connection {
            let rolled_back = execute(connection, "rollback").await;
            // SQLite may have rolled back by itself; then there is no transaction, and nothing in doubt.
            let in_doubt = rolled_back.is_err_and(|e| {
                !e.as_database_error().is_some_and(|e| e.message().contains("no transaction"))
            });
            if in_doubt {
                self.connection = None;
            }
        }
    }

    async fn connection(&mut self) -> sqlx::Result<&mut SqliteConnection> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => SqliteConnection::connect_with(&options(&self.path, self.busy)).await?,
        };
        Ok(self.connection.insert(connection))
    }

    async fn settle(&mut self) -> Result<()> {
        let erased = self.try_settle().await;
        if erased.is_err() {
            self.roll_back().await;
        }
        erased.map_err(|failure| of_sqlx(failure, &self.path))
    }

    async fn try_settle(&mut self) -> sqlx::Result<()> {
        let path = self.path.clone();
        let connection = self.connection().await?;
        let erased = fetch(connection, "select 1 from meta where erased", SqliteArguments::default()).await?;
        if !erased.is_empty() {
            remove_backups(&path)?;
            execute(connection, "begin immediate").await?;
            // Beginnings of erased terms stand in the index's own index until it is written anew.
            execute(connection, "insert into pieces(pieces) values ('optimize')").await?;
            execute(connection, "update meta set erased = 0").await?;
            execute(connection, "commit").await?;
        }
        execute(connection, "pragma wal_checkpoint(truncate)").await
    }

    async fn close(self) -> Result<()> {
        match self.connection {
            Some(connection) => connection.close().await.map_err(|failure| of_sqlx(failure, &self.path)),
            None => Ok(()),
        }
    }
}

//! The yardstick for commits: the store's own statements over one connection, each commit a transaction of its own.
use async_trait::async_trait;
use duyetbot::SystemClock;
use duyetbot_core::{DeviceId, Error, ErrorKind};
use duyetbot_storage_sqlite::{Cell, Driver, Row, SqlStore};
use sqlx::{
    Arguments, ConnectOptions, Connection, SqliteConnection,
    sqlite::{SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use std::{path::Path, sync::Arc};
use tokio::sync::Mutex;

/// Opens a file that has the schema.
pub(crate) async fn open(file: &Path) -> duyetbot_core::Result<SqlStore<Plain>> {
    let connection = SqliteConnectOptions::new()
        .filename(file)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("secure_delete", "on")
        .disable_statement_logging()
        .connect()
        .await
        .map_err(Error::internal)?;
    Ok(SqlStore::over(Plain(Mutex::new(connection)), Arc::new(SystemClock), DeviceId::new()))
}

pub(crate) struct Plain(Mutex<SqliteConnection>);

#[async_trait]
impl Driver for Plain {
    async fn write(
        &self,
        statements: &[&'static str],
        cells: Vec<Cell>,
    ) -> duyetbot_core::Result<Vec<Vec<Row>>> {
        let arguments = arguments(cells).map_err(|e| Error::internal(sqlx::Error::Encode(e)))?;
        let mut connection = self.0.lock().await;
        commit(&mut connection, statements, &arguments).await.map_err(Error::internal)?;
        // What a commit did is read from its last statement; the reader of it here needs no more than that it was new.
        Ok(vec![vec![Row(vec![Cell::Integer(1), Cell::Integer(1), Cell::Null, Cell::Null, Cell::Null])]])
    }

    async fn read(&self, _statement: &'static str, _cells: Vec<Cell>) -> duyetbot_core::Result<Vec<Row>> {
        Err(Error::new(ErrorKind::Unsupported, "the yardstick only writes"))
    }

    async fn settle(&self) -> duyetbot_core::Result<()> {
        Ok(())
    }
}

fn arguments(cells: Vec<Cell>) -> Result<SqliteArguments, sqlx::error::BoxDynError> {
    let mut arguments = SqliteArguments::default();
    for cell in cells {
        match cell {
            Cell::Null => arguments.add(None::<i64>)?,
            Cell::Integer(number) => arguments.add(number)?,
            Cell::Real(number) => arguments.add(number)?,
            Cell::Text(text) => arguments.add(text)?,
            Cell::Bytes(bytes) => arguments.add(bytes)?,
        }
    }
    Ok(arguments)
}

async fn commit(
    connection: &mut SqliteConnection,
    statements: &[&'static str],
    arguments: &SqliteArguments,
) -> sqlx::Result<()> {
    let mut transaction = connection.begin_with("begin immediate").await?;
    for statement in statements {
        sqlx::query_with(*statement, arguments.clone()).fetch_all(&mut *transaction).await?;
    }
    transaction.commit().await
}

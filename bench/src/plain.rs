//! The yardstick for commits: the store's own statements over one connection, each commit a transaction of its own.
use async_trait::async_trait;
use duyetbot::SystemClock;
use duyetbot_core::{DeviceId, Error, ErrorKind};
use duyetbot_storage_sqlite::{Cell, Driver, Row, SqlStore};
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use std::{path::Path, sync::Arc};
use tokio::sync::Mutex;

/// Opens a file that has the schema.
pub(crate) async fn open(file: &Path) -> duyetbot_core::Result<SqlStore<Plain>> {
    let connection = connect(file).map_err(Error::internal)?;
    Ok(SqlStore::over(Plain(Mutex::new(connection)), Arc::new(SystemClock), DeviceId::new()))
}

fn connect(file: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.set_prepared_statement_cache_capacity(128);
    connection.execute_batch(
        "pragma foreign_keys = off; pragma journal_mode = wal; pragma synchronous = full; pragma secure_delete = on;",
    )?;
    Ok(connection)
}

pub(crate) struct Plain(Mutex<Connection>);

#[async_trait]
impl Driver for Plain {
    async fn write(
        &self,
        statements: &[&'static str],
        cells: Vec<Cell>,
    ) -> duyetbot_core::Result<Vec<Vec<Row>>> {
        let mut connection = self.0.lock().await;
        commit(&mut connection, statements, &cells).map_err(Error::internal)?;
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

fn commit(connection: &mut Connection, statements: &[&'static str], cells: &[Cell]) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for statement in statements {
        let mut prepared = transaction.prepare_cached(statement)?;
        for (n, cell) in cells.iter().take(prepared.parameter_count()).enumerate() {
            match cell {
                Cell::Null => prepared.raw_bind_parameter(n + 1, None::<i64>)?,
                Cell::Integer(number) => prepared.raw_bind_parameter(n + 1, number)?,
                Cell::Real(number) => prepared.raw_bind_parameter(n + 1, number)?,
                Cell::Text(text) => prepared.raw_bind_parameter(n + 1, text)?,
                Cell::Bytes(bytes) => prepared.raw_bind_parameter(n + 1, bytes)?,
            }
        }
        let mut rows = prepared.raw_query();
        while rows.next()?.is_some() {}
    }
    transaction.commit()
}

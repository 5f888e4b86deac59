//! A connection's settings, and statements over it.
use duyetbot_core::{Error, Result};
use futures::{StreamExt as _, TryStreamExt as _};
use sqlx::{
    ConnectOptions, Row as _, SqliteConnection, TypeInfo, ValueRef, query_with,
    sqlite::{SqliteArguments, SqliteConnectOptions, SqliteRow, SqliteSynchronous},
};
use std::{path::Path, time::Duration};

use crate::dialect::{Cell, Row};

/// Rows that SQLite's thread may be ahead of the reader: each time that it must wait for room costs two switches.
const ROWS: usize = 512;

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// It reads.
    Read,
    /// It writes too.
    Write,
}

/// How every connection to a file of ours is set.
pub(crate) fn options(path: &Path, busy: Duration) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(busy)
        .foreign_keys(false)
        .synchronous(SqliteSynchronous::Full)
        .pragma("secure_delete", "on")
        .pragma("temp_store", "memory")
        .pragma("cache_size", "-8000")
        .row_buffer_size(ROWS)
        .disable_statement_logging()
}

pub(crate) fn arguments(cells: Vec<Cell>) -> Result<SqliteArguments> {
    use sqlx::Arguments;
    let mut arguments = SqliteArguments::default();
    for cell in cells {
        match cell {
            Cell::Null => arguments.add(None::<i64>),
            Cell::Integer(number) => arguments.add(number),
            Cell::Real(number) => arguments.add(number),
            Cell::Text(text) => arguments.add(text),
            Cell::Bytes(bytes) => arguments.add(bytes),
        }
        .map_err(|e| Error::internal(sqlx::Error::Encode(e)))?;
    }
    Ok(arguments)
}

/// Runs one statement and reads all its rows.
pub(crate) async fn fetch(
    connection: &mut SqliteConnection,
    statement: &'static str,
    arguments: SqliteArguments,
) -> sqlx::Result<Vec<Row>> {
    // One after the other, so that none is held twice.
    query_with(statement, arguments).fetch(connection).map(|row| row_of(&row?)).try_collect().await
}

/// Runs one statement without arguments.
pub(crate) async fn execute(connection: &mut SqliteConnection, statement: &'static str) -> sqlx::Result<()> {
    sqlx::query(statement).execute(connection).await.map(drop)
}

/// A row of sqlx's as one of the dialect's.
pub(crate) fn row_of(row: &SqliteRow) -> sqlx::Result<Row> {
    (0..row.len())
        .map(|column| {
            let value = row.try_get_raw(column)?;
            if value.is_null() {
                return Ok(Cell::Null);
            }
            match value.type_info().name() {
                "INTEGER" | "BOOLEAN" => row.try_get_unchecked(column).map(Cell::Integer),
                "REAL" => row.try_get_unchecked(column).map(Cell::Real),
                "BLOB" => row.try_get_unchecked(column).map(Cell::Bytes),
                _ => row.try_get_unchecked(column).map(Cell::Text),
            }
        })
        .collect::<sqlx::Result<_>>()
        .map(Row)
}

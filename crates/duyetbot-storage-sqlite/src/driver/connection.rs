//! A connection's settings, and statements over it.
use rusqlite::{
    Connection, OpenFlags, Statement, ToSql,
    config::DbConfig,
    types::{ToSqlOutput, ValueRef},
};
use std::{path::Path, time::Duration};

use super::fields::{Arguments, Taken};
use crate::dialect::{Cell, Row};

/// Statements that a connection keeps prepared: more than there are.
const PREPARED: usize = 128;
/// How every connection to a file of ours is set.
const SETTINGS: &str = "pragma foreign_keys = off;
pragma synchronous = full;
pragma secure_delete = on;
pragma temp_store = memory;
pragma cache_size = -8000;";

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// It reads.
    Read,
    /// It writes too.
    Write,
}

/// Connects to a file that is there; a call waits this long for another process that writes.
pub(crate) fn connect(path: &Path, busy: Duration, access: Access) -> rusqlite::Result<Connection> {
    let mode = match access {
        Access::Read => OpenFlags::SQLITE_OPEN_READ_ONLY,
        Access::Write => OpenFlags::SQLITE_OPEN_READ_WRITE,
    };
    let connection = Connection::open_with_flags(path, mode | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(busy)?;
    connection.set_prepared_statement_cache_capacity(PREPARED);
    // Plans depend on statements alone: SQLite would plan anew for each value that it might plan by.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.execute_batch(SETTINGS)?;
    Ok(connection)
}

/// Runs one statement and reads all its rows. It takes as many of the cells as it has parameters.
pub(crate) fn fetch(connection: &Connection, statement: &str, cells: &[Cell]) -> rusqlite::Result<Vec<Row>> {
    let mut found = Vec::new();
    walk(connection, statement, cells, |row| {
        found.push(row?);
        Ok(())
    })?;
    Ok(found)
}

/// Runs one statement of the dialect and reads all its rows.
pub(crate) fn run(
    connection: &Connection,
    statement: &'static str,
    arguments: &Arguments,
) -> rusqlite::Result<Vec<Row>> {
    let taken = Taken::of(statement);
    let mut prepared = connection.prepare_cached(&taken.sql)?;
    for (parameter, cell) in taken.bound(arguments) {
        prepared.raw_bind_parameter(parameter, cell)?;
    }
    let mut found = Vec::new();
    show_rows(&mut prepared, |row| {
        found.push(row?);
        Ok(())
    })?;
    Ok(found)
}

/// Runs one statement and shows each row, or why it cannot be read. It ends with the first failure to step.
pub(crate) fn walk(
    connection: &Connection,
    statement: &str,
    cells: &[Cell],
    show: impl FnMut(rusqlite::Result<Row>) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let mut prepared = connection.prepare_cached(statement)?;
    for (n, cell) in cells.iter().take(prepared.parameter_count()).enumerate() {
        prepared.raw_bind_parameter(n + 1, cell)?;
    }
    show_rows(&mut prepared, show)
}

fn show_rows(
    prepared: &mut Statement<'_>,
    mut show: impl FnMut(rusqlite::Result<Row>) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let columns = prepared.column_count();
    let mut rows = prepared.raw_query();
    while let Some(row) = rows.next()? {
        show((0..columns).map(|n| cell_of(row.get_ref(n)?, n)).collect::<rusqlite::Result<_>>().map(Row))?;
    }
    Ok(())
}

/// Runs one statement without arguments.
pub(crate) fn execute(connection: &Connection, statement: &str) -> rusqlite::Result<()> {
    walk(connection, statement, &[], |row| row.map(drop))
}

fn cell_of(value: ValueRef<'_>, column: usize) -> rusqlite::Result<Cell> {
    Ok(match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(number) => Cell::Integer(number),
        ValueRef::Real(number) => Cell::Real(number),
        ValueRef::Text(text) => match std::str::from_utf8(text) {
            Ok(text) => Cell::Text(text.to_owned()),
            Err(failure) => return Err(rusqlite::Error::Utf8Error(column, failure)),
        },
        ValueRef::Blob(bytes) => Cell::Bytes(bytes.to_vec()),
    })
}

impl ToSql for Cell {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Cell::Null => ValueRef::Null,
            Cell::Integer(number) => ValueRef::Integer(*number),
            Cell::Real(number) => ValueRef::Real(*number),
            Cell::Text(text) => ValueRef::Text(text.as_bytes()),
            Cell::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

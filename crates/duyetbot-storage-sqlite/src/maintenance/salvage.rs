//! Saves the rows that can be read out of a damaged file into a new one.
use duyetbot_core::{Code, Error, Result};
use rusqlite::{Connection, ErrorCode};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use super::{check::is_message, close, connect, reindex, repair::Repaired};
use crate::{
    dialect::{Cell, MIGRATIONS, Row},
    driver::{Access, beside, create_private, execute, fetch, set_up, walk},
    error::{of_io, of_sqlite},
};

/// A table, by what its rows are ordered, and the indexes that know its rows.
struct Table {
    name: &'static str,
    order: &'static str,
    indexes: &'static [&'static str],
}

const TABLES: &[Table] = &[
    Table { name: "owners", order: "number", indexes: &[] },
    Table { name: "sessions", order: "owner, id", indexes: &[] },
    Table { name: "tombstones", order: "owner, session", indexes: &[] },
    Table { name: "messages", order: "rowid", indexes: &["messages_id", "messages_seq", "messages_session"] },
    Table { name: "runs", order: "rowid", indexes: &["runs_id"] },
    Table { name: "run_drafts", order: "owner, session, message, n", indexes: &[] },
    Table { name: "usage", order: "owner, day", indexes: &[] },
    Table { name: "blobs", order: "rowid", indexes: &["blobs_id"] },
    Table { name: "blob_uses", order: "owner, hash, message", indexes: &[] },
    Table { name: "users", order: "owner", indexes: &[] },
    Table { name: "identities", order: "provider, subject", indexes: &[] },
    Table { name: "api_tokens", order: "hash", indexes: &[] },
    Table { name: "erased_users", order: "id", indexes: &[] },
];

/// Makes what was saved consistent: owners and sessions that were lost get a row, counts are taken anew.
const MEND: &[&str] = &[
    "insert or ignore into owners(number, id)
     select owner, id from users where owner not in (select number from owners)",
    "insert into owners(number, id)
     select owner, 'recovered:' || owner from (select owner from sessions union select owner from messages)
     where owner not in (select number from owners)",
    "update owners set seq = max(seq,
       coalesce((select max(seq) from messages where owner = number), 0),
       coalesce((select max(seq) from sessions where owner = number), 0))",
    "insert into sessions(owner, id, state_at, state_by, title, title_at, title_by, title_folded, head_at, head_by,
       metadata, metadata_at, metadata_by, deleted_at, deleted_by, created, updated, seq)
     select m.owner, m.session, max(m.created), x.device, 'Recovered', max(m.created), x.device, 'recovered',
       max(m.created), x.device, '{}', max(m.created), x.device, max(m.created), x.device, min(m.created),
       max(m.created), o.seq + row_number() over (partition by m.owner order by m.session)
     from messages m join meta x join owners o on o.number = m.owner
     where not exists (select 1 from sessions s where s.owner = m.owner and s.id = m.session)
       and not exists (select 1 from tombstones t where t.owner = m.owner and t.session = m.session)
     group by m.owner, m.session",
    "update sessions set head = (select m.id from messages m
       where m.owner = sessions.owner and m.session = sessions.id order by m.seq desc limit 1)
     where not exists (select 1 from messages m where m.owner = sessions.owner and m.id = sessions.head)",
    "update sessions set run = null where run is not null and not exists (select 1 from runs r
       where r.owner = sessions.owner and r.session = sessions.id and r.message = sessions.run)",
    "update sessions set
       messages = (select count(*) from messages m where m.owner = sessions.owner and m.session = sessions.id),
       bytes = (select coalesce(sum(size), 0) from messages m
         where m.owner = sessions.owner and m.session = sessions.id)",
    "update owners set
       seq = max(seq, coalesce((select max(seq) from sessions where owner = number), 0)),
       sessions = (select count(*) from sessions s where s.owner = number and not s.deleted),
       blobs = (select coalesce(sum(length(b.bytes)), 0) from blobs b where b.owner = number),
       bytes = (select coalesce(sum(s.bytes), 0) from sessions s where s.owner = number and not s.deleted)",
];

pub(super) fn salvage(path: &Path) -> Result<Repaired> {
    let old = connect(path, Access::Read).map_err(|failure| nothing_left(path, failure))?;
    let file = new_file(path)?;
    let saved = save(&old, &file);
    if saved.is_err() {
        // The failure itself is told; a half-made file that cannot be removed is only litter.
        let _ = std::fs::remove_file(&file);
    }
    let (saved, lost) = saved?;
    Ok(Repaired::Salvaged { file, saved, lost })
}

/// Of a file that cannot be opened at all there is nothing to be saved.
fn nothing_left(path: &Path, failure: Error) -> Error {
    if !failure.is(Code::Damaged) {
        return failure;
    }
    let at = path.display();
    failure.with_message(format!(
        "nothing of {at} can be read; bring it back from a backup, or move it away to begin anew"
    ))
}

/// Answers how many messages were saved, and how many were lost.
fn save(old: &Connection, file: &Path) -> Result<(u64, u64)> {
    let new = connect(file, Access::Write)?;
    let of = |failure| of_sqlite(failure, file);
    set_up(&new, MIGRATIONS).map_err(of)?;
    let lost = copy(old, &new).map_err(of)?;
    reindex(&new).map_err(of)?;
    let count = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
    let saved = new.query_row("select count(*) from messages", [], count).map_err(of)?;
    close(new, file)?;
    Ok((saved.unsigned_abs(), lost))
}

/// An empty file beside the old one.
fn new_file(path: &Path) -> Result<PathBuf> {
    let mut n = 1;
    let mut file = beside(path, ".salvaged");
    while file.exists() {
        n += 1;
        file = beside(path, &format!(".salvaged-{n}"));
    }
    create_private(&file).map_err(|e| of_io(e, &file))?;
    Ok(file)
}

/// Copies in one transaction, and answers how many messages are known of and could not be read.
fn copy(old: &Connection, new: &Connection) -> rusqlite::Result<u64> {
    let transaction = new.unchecked_transaction()?;
    copy_device(old, new)?;
    let mut lost = 0;
    for table in TABLES {
        let missed = copy_table(old, new, table)?;
        if table.name == "messages" {
            lost = missed;
        }
    }
    for statement in MEND {
        execute(new, statement)?;
    }
    transaction.commit()?;
    Ok(lost)
}

fn copy_device(old: &Connection, new: &Connection) -> rusqlite::Result<()> {
    // Unreadable, the new file keeps the id that it was made with.
    if let Some(row) = readable(old, "select device from meta", &[]).pop() {
        fetch(new, "update meta set device = ?1", &row.0)?;
    }
    Ok(())
}

fn copy_table(old: &Connection, new: &Connection, table: &Table) -> rusqlite::Result<u64> {
    let names = columns(new, table.name)?;
    let holders: Vec<String> = (1..=names.len()).map(|n| format!("?{n}")).collect();
    let list = names.join(", ");
    let insert = format!("insert or ignore into {}({list}) values ({})", table.name, holders.join(", "));
    // A walk ends at the first unreadable page: one from each end reads what lies on both sides of it.
    for order in [table.order.to_owned(), table.order.replace(',', " desc,") + " desc"] {
        let select = format!("select {list} from {} order by {order}", table.name);
        for row in readable(old, &select, &[]).into_iter().filter(|row| makes_sense(&names, row)) {
            put(new, &insert, row)?;
        }
    }
    if table.indexes.is_empty() {
        return Ok(0);
    }
    copy_by_rowid(old, new, table, &names, &insert)
}

/// Whether a row holds what its columns say. Only a message's words are looked at: nothing else is read on the way to them.
fn makes_sense(names: &[String], row: &Row) -> bool {
    names.iter().zip(&row.0).all(|(name, cell)| name != "parts" || is_message(cell))
}

/// Asks for each row that an index knows of, and answers how many of them cannot be read.
fn copy_by_rowid(
    old: &Connection,
    new: &Connection,
    table: &Table,
    names: &[String],
    insert: &str,
) -> rusqlite::Result<u64> {
    let list = names.join(", ");
    let mut known = BTreeSet::new();
    for index in table.indexes {
        let select = format!("select rowid from {} indexed by {index}", table.name);
        known.extend(readable(old, &select, &[]).into_iter().filter_map(|row| match row.0.first() {
            Some(Cell::Integer(rowid)) => Some(*rowid),
            _ => None,
        }));
    }
    let mut lost = 0;
    for rowid in known {
        let select = format!("select {list} from {} not indexed where rowid = ?1", table.name);
        match readable(old, &select, &[Cell::Integer(rowid)]).pop() {
            Some(row) if makes_sense(names, &row) => put(new, insert, row)?,
            _ => lost += 1,
        }
    }
    Ok(lost)
}

/// The columns of a table in the new file that the old one may have too.
fn columns(new: &Connection, table: &'static str) -> rusqlite::Result<Vec<String>> {
    let rows = fetch(new, "select name from pragma_table_info(?1)", &[Cell::Text(table.to_owned())])?;
    Ok(rows.into_iter().filter_map(|row| row.read().text().ok()).collect())
}

/// The rows of a statement up to the first that cannot be read. Statement texts are made of names of ours.
fn readable(connection: &Connection, select: &str, cells: &[Cell]) -> Vec<Row> {
    let mut found = Vec::new();
    // What was found before the failure is what there is.
    let _ = walk(connection, select, cells, |row| {
        found.push(row?);
        Ok(())
    });
    found
}

fn put(new: &Connection, insert: &str, row: Row) -> rusqlite::Result<()> {
    match fetch(new, insert, &row.0) {
        // A row that was read wrong breaks a rule of the schema; it is left out.
        Err(failure) if failure.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => Ok(()),
        put => put.map(drop),
    }
}

//! Saves the rows that can be read out of a damaged file into a new one.
use duyetbot_core::{Code, Error, Result};
use futures::TryStreamExt;
use sqlx::{AssertSqlSafe, Connection, Row as _, SqliteConnection, query_with, sqlite::SqliteArguments};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use super::{check::is_message, connect, reindex, repair::Repaired};
use crate::{
    dialect::{Cell, MIGRATIONS, Row},
    driver::{Access, arguments, beside, create_private, row_of, set_up},
    error::{of_io, of_sqlx},
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

pub(super) async fn salvage(path: &Path) -> Result<Repaired> {
    let mut old = connect(path, Access::Read).await.map_err(|failure| nothing_left(path, failure))?;
    let file = new_file(path)?;
    let saved = save(&mut old, &file).await;
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
async fn save(old: &mut SqliteConnection, file: &Path) -> Result<(u64, u64)> {
    let mut new = connect(file, Access::Write).await?;
    let of = |failure| of_sqlx(failure, file);
    set_up(&mut new, MIGRATIONS).await.map_err(of)?;
    let lost = copy(old, &mut new).await.map_err(of)?;
    reindex(&mut new).await.map_err(of)?;
    let saved = sqlx::query("select count(*) from messages").fetch_one(&mut new).await.map_err(of)?;
    let saved: i64 = saved.try_get(0).map_err(of)?;
    new.close().await.map_err(of)?;
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
async fn copy(old: &mut SqliteConnection, new: &mut SqliteConnection) -> sqlx::Result<u64> {
    let mut transaction = new.begin().await?;
    copy_device(old, &mut transaction).await?;
    let mut lost = 0;
    for table in TABLES {
        let missed = copy_table(old, &mut transaction, table).await?;
        if table.name == "messages" {
            lost = missed;
        }
    }
    for statement in MEND {
        sqlx::query(*statement).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(lost)
}

async fn copy_device(old: &mut SqliteConnection, new: &mut SqliteConnection) -> sqlx::Result<()> {
    // Unreadable, the new file keeps the id that it was made with.
    if let Ok(row) = sqlx::query("select device from meta").fetch_one(old).await {
        let device: String = row.try_get(0)?;
        sqlx::query("update meta set device = ?1").bind(device).execute(new).await?;
    }
    Ok(())
}

async fn copy_table(
    old: &mut SqliteConnection,
    new: &mut SqliteConnection,
    table: &Table,
) -> sqlx::Result<u64> {
    let names = columns(new, table.name).await?;
    let holders: Vec<String> = (1..=names.len()).map(|n| format!("?{n}")).collect();
    let list = names.join(", ");
    let insert = format!("insert or ignore into {}({list}) values ({})", table.name, holders.join(", "));
    // A walk ends at the first unreadable page: one from each end reads what lies on both sides of it.
    for order in [table.order.to_owned(), table.order.replace(',', " desc,") + " desc"] {
        let select = format!("select {list} from {} order by {order}", table.name);
        for row in readable(old, select, vec![]).await.into_iter().filter(|row| makes_sense(&names, row)) {
            put(new, &insert, row).await?;
        }
    }
    if table.indexes.is_empty() {
        return Ok(0);
    }
    copy_by_rowid(old, new, table, &names, &insert).await
}

/// Whether a row holds what its columns say. Only a message's words are looked at: nothing else is read on the way to them.
fn makes_sense(names: &[String], row: &Row) -> bool {
    names.iter().zip(&row.0).all(|(name, cell)| name != "parts" || is_message(cell))
}

/// Asks for each row that an index knows of, and answers how many of them cannot be read.
async fn copy_by_rowid(
    old: &mut SqliteConnection,
    new: &mut SqliteConnection,
    table: &Table,
    names: &[String],
    insert: &str,
) -> sqlx::Result<u64> {
    let list = names.join(", ");
    let mut known = BTreeSet::new();
    for index in table.indexes {
        let select = format!("select rowid from {} indexed by {index}", table.name);
        known.extend(readable(old, select, vec![]).await.into_iter().filter_map(|row| match row.0.first() {
            Some(Cell::Integer(rowid)) => Some(*rowid),
            _ => None,
        }));
    }
    let mut lost = 0;
    for rowid in known {
        let select = format!("select {list} from {} not indexed where rowid = ?1", table.name);
        match readable(old, select, vec![Cell::Integer(rowid)]).await.pop() {
            Some(row) if makes_sense(names, &row) => put(new, insert, row).await?,
            _ => lost += 1,
        }
    }
    Ok(lost)
}

/// The columns of a table in the new file that the old one may have too.
async fn columns(new: &mut SqliteConnection, table: &'static str) -> sqlx::Result<Vec<String>> {
    let rows = sqlx::query("select name from pragma_table_info(?1)").bind(table).fetch_all(new).await?;
    rows.iter().map(|row| row.try_get(0)).collect()
}

/// The rows of a statement up to the first that cannot be read. Statement texts are made of names of ours.
async fn readable(connection: &mut SqliteConnection, select: String, cells: Vec<Cell>) -> Vec<Row> {
    let Ok(arguments) = arguments(cells) else { return Vec::new() };
    let mut found = Vec::new();
    let mut rows = query_with(AssertSqlSafe(select), arguments).fetch(connection);
    while let Ok(Some(row)) = rows.try_next().await {
        match row_of(&row) {
            Ok(row) => found.push(row),
            Err(_) => break,
        }
    }
    found
}

async fn put(new: &mut SqliteConnection, insert: &str, row: Row) -> sqlx::Result<()> {
    let arguments: SqliteArguments = arguments(row.0).map_err(|e| sqlx::Error::Encode(Box::new(e)))?;
    let put = query_with(AssertSqlSafe(insert.to_owned()), arguments).execute(new).await;
    match put {
        // A row that was read wrong breaks a rule of the schema; it is left out.
        Err(sqlx::Error::Database(failure)) if failure.kind() != sqlx::error::ErrorKind::Other => Ok(()),
        put => put.map(drop),
    }
}

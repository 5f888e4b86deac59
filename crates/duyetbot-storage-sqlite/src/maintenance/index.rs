//! Makes the full-text index anew from the messages.
use duyetbot_core::{Role, decode_parts, index};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::{
    dialect::{Cell, Row},
    driver::fetch,
    record::digest,
};

const NEXT: &str =
    "select rowid, role, context, parts from messages where rowid > ?1 order by rowid limit 64";
const CLEAR: &str = "insert into pieces(pieces) values ('delete-all')";
const PUT: &str = "insert into pieces(rowid, t, c)
 select (m.owner << 32) | (m.seq << 6) | (p.value->>1), p.value->>2, p.value->>3
 from json_each(?1) p cross join messages m on m.rowid = p.value->>0";
const NOTE: &str = "update messages set pieces = j.value->>1, indexed = j.value->>2
 from json_each(?1) j where messages.rowid = j.value->>0";
const COUNT: &str = "update owners set pieces =
 (select coalesce(sum(m.pieces), 0) from messages m where m.owner = owners.number)";
const VERSION: &str = "update meta set terms = ?1";

/// In one transaction, whatever state the index is in.
pub(crate) fn reindex(connection: &Connection) -> rusqlite::Result<()> {
    fetch(connection, "begin immediate", &[])?;
    let done = reindex_all(connection);
    fetch(connection, if done.is_ok() { "commit" } else { "rollback" }, &[]).map(drop).and(done)
}

fn reindex_all(connection: &Connection) -> rusqlite::Result<()> {
    fetch(connection, CLEAR, &[])?;
    let mut after = 0;
    loop {
        let rows = fetch(connection, NEXT, &[Cell::Integer(after)])?;
        let Some(last) = rows.last().and_then(|row| row.0.first().cloned()) else { break };
        let (entries, notes) = rows.into_iter().filter_map(entries_of).fold(
            (Vec::new(), Vec::new()),
            |(mut entries, mut notes), (more, note)| {
                entries.extend(more);
                notes.push(note);
                (entries, notes)
            },
        );
        fetch(connection, PUT, &[Value::from(entries).to_string().into()])?;
        fetch(connection, NOTE, &[Value::from(notes).to_string().into()])?;
        let Cell::Integer(rowid) = last else { break };
        after = rowid;
    }
    fetch(connection, COUNT, &[])?;
    let version = Cell::Integer(i64::from(index::TERMS_VERSION));
    fetch(connection, VERSION, &[version]).map(drop)
}

/// The entries of a message, and the note of them for its row; none where the row cannot be read.
fn entries_of(row: Row) -> Option<(Vec<Value>, Value)> {
    let mut row = row.read();
    let (rowid, role, context): (_, Role, _) = (row.number().ok()?, row.word().ok()?, row.text().ok()?);
    let text = index::indexed_text(role, &decode_parts(&row.text().ok()?).ok()?);
    let pieces = index::pieces(&text, &context);
    let note = json!([rowid, pieces.len(), digest(&pieces)]);
    let entries = pieces.iter().enumerate().map(|(n, p)| json!([rowid, n, p.terms, p.context])).collect();
    Some((entries, note))
}

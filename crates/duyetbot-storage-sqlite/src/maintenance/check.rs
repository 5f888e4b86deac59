//! Looks what of a file is sound, without changing it.
use duyetbot_core::{Code, Result, decode_parts};
use rusqlite::Connection;
use std::path::{Path, PathBuf};

use super::{close, connect};
use crate::{
    dialect::Cell,
    driver::{Access, Standing, fetch, probe, refuse_newer, refuse_other_files, walk},
    error::other_program,
};

/// Whether something can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// It can.
    Sound,
    /// It cannot; [`super::repair`] helps.
    Damaged,
}

/// What a look at a file found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The file.
    pub file: PathBuf,
    /// The version of its schema.
    pub schema: i64,
    /// Everything but the full-text index: messages, sessions, runs, blobs.
    pub messages: Health,
    /// The full-text index, which can be made anew from the messages.
    pub index: Health,
    /// Rows whose session or owner is not there.
    pub orphans: u64,
    /// What exactly is wrong, in SQLite's words or ours; at most a hundred lines.
    pub findings: Vec<String>,
}

pub(super) fn look(path: &Path) -> Result<Report> {
    refuse_other_files(path)?;
    let mut report = Report {
        file: path.to_owned(),
        schema: 0,
        messages: Health::Sound,
        index: Health::Sound,
        orphans: 0,
        findings: Vec::new(),
    };
    let connection = match connect(path, Access::Read) {
        Ok(connection) => connection,
        Err(error) if error.is(Code::Damaged) => {
            (report.messages, report.index) = (Health::Damaged, Health::Damaged);
            report.findings.push("it cannot be opened as a database".to_owned());
            return Ok(report);
        }
        Err(error) => return Err(error),
    };
    match probe(&connection) {
        Ok(Standing::Foreign) => return Err(other_program(path)),
        Ok(Standing::Empty) => return Ok(report),
        Ok(Standing::Ours(version)) => report.schema = version,
        Err(failure) => {
            report.messages = Health::Damaged;
            report.index = Health::Damaged;
            report.findings.push(failure.to_string());
            return Ok(report);
        }
    }
    match refuse_newer(&connection, path, report.schema) {
        Err(error) if error.is(Code::Damaged) => report.add(About::Messages, error.message().to_owned()),
        refused => refused?,
    }
    look_at_structure(&connection, &mut report);
    if report.messages == Health::Sound {
        look_at_rows(&connection, &mut report);
    }
    if report.messages == Health::Sound {
        look_for_orphans(&connection, &mut report);
    }
    if report.messages == Health::Sound && report.index == Health::Sound {
        compare_index(&connection, &mut report);
    }
    report.findings.truncate(MOST);
    close(connection, path)?;
    Ok(report)
}

const MOST: usize = 100;
/// The index is the virtual table and what FTS5 keeps below it.
const INDEX: &str = "pieces";

impl Report {
    /// Notes a finding about the index, or about the rest.
    fn add(&mut self, about: About, finding: String) {
        match about {
            About::Index => self.index = Health::Damaged,
            About::Messages => self.messages = Health::Damaged,
        }
        self.findings.push(finding);
    }
}

#[derive(Clone, Copy)]
enum About {
    Index,
    Messages,
}

fn look_at_structure(connection: &Connection, report: &mut Report) {
    let whole = lines(connection, "pragma integrity_check", &[]);
    if whole == Ok(vec!["ok".to_owned()]) {
        return;
    }
    let tables = "select name from sqlite_schema where type = 'table' order by name";
    match lines(connection, tables, &[]) {
        Err(finding) => report.add(About::Messages, finding),
        Ok(tables) => {
            for table in tables {
                look_at_table(connection, &table, report);
            }
        }
    }
    // Something between the tables, such as the list of free pages.
    if report.findings.is_empty() {
        whole
            .unwrap_or_else(|finding| vec![finding])
            .into_iter()
            .for_each(|f| report.add(About::Messages, f));
    }
}

fn look_at_table(connection: &Connection, table: &str, report: &mut Report) {
    let about = if table == INDEX || table.starts_with("pieces_") { About::Index } else { About::Messages };
    let look = "select integrity_check from pragma_integrity_check(?1)";
    match lines(connection, look, &[table.to_owned().into()]) {
        Ok(found) if found == ["ok"] => {}
        Ok(found) => found.into_iter().for_each(|line| report.add(about, format!("{table}: {line}"))),
        Err(finding) => report.add(about, format!("{table}: {finding}")),
    }
}

/// A page can be whole and what stands in its rows broken: SQLite does not know what a message is.
fn look_at_rows(connection: &Connection, report: &mut Report) {
    let own = lines(connection, "select device from meta", &[]);
    if own.as_ref().map(Vec::len) != Ok(1) {
        report
            .add(About::Messages, own.err().unwrap_or_else(|| "the file's own row is not there".to_owned()));
    }
    let sessions = "select count(*) from sessions where not json_valid(metadata)";
    match number(connection, sessions) {
        Ok(0) => {}
        Ok(broken) => {
            report.add(About::Messages, format!("the metadata of {broken} sessions cannot be read"))
        }
        Err(finding) => report.add(About::Messages, finding),
    }
    match unreadable_messages(connection) {
        Ok(0) => {}
        Ok(broken) => report.add(About::Messages, format!("{broken} messages cannot be read")),
        Err(failure) => report.add(About::Messages, failure.to_string()),
    }
}

fn unreadable_messages(connection: &Connection) -> rusqlite::Result<u64> {
    let mut broken = 0;
    walk(connection, "select parts from messages", &[], |row| {
        let read = row.is_ok_and(|row| row.0.first().is_some_and(is_message));
        broken += u64::from(!read);
        Ok(())
    })?;
    Ok(broken)
}

/// Whether a message's parts can be read of this.
pub(super) fn is_message(parts: &Cell) -> bool {
    matches!(parts, Cell::Text(parts) if decode_parts(parts).is_ok())
}

fn look_for_orphans(connection: &Connection, report: &mut Report) {
    let orphans = "select
       (select count(*) from messages m
         where not exists (select 1 from sessions s where s.owner = m.owner and s.id = m.session)
           and not exists (select 1 from tombstones t where t.owner = m.owner and t.session = m.session and t.pending))
     + (select count(*) from runs r
         where not exists (select 1 from sessions s where s.owner = r.owner and s.id = r.session))
     + (select count(*) from sessions s where not exists (select 1 from owners o where o.number = s.owner))
     + (select count(*) from users u where not exists (select 1 from owners o where o.number = u.owner and o.id = u.id))";
    match number(connection, orphans) {
        Ok(0) => {}
        Ok(orphans) => {
            report.orphans = orphans;
            report.findings.push(format!("{orphans} rows belong to a session or an owner that is not there"));
        }
        Err(finding) => report.add(About::Messages, finding),
    }
}

/// An index can be whole and yet not that of these messages.
fn compare_index(connection: &Connection, report: &mut Report) {
    let differing = "with
     indexed as materialized (select distinct doc >> 6 place from pieces_terms),
     stored as materialized (select (owner << 26) | seq place from messages where pieces > 0)
     select (select count(*) from indexed where place not in stored)
       + (select count(*) from stored where place not in indexed)";
    match number(connection, differing) {
        Ok(0) => {}
        Ok(differing) => {
            report.add(About::Index, format!("the index does not agree with {differing} messages"));
        }
        Err(finding) => report.add(About::Index, finding),
    }
}

fn lines(
    connection: &Connection,
    statement: &'static str,
    cells: &[Cell],
) -> std::result::Result<Vec<String>, String> {
    let rows = fetch(connection, statement, cells).map_err(|e| e.to_string())?;
    rows.into_iter().map(|row| row.read().text().map_err(|e| e.to_string())).collect()
}

fn number(connection: &Connection, statement: &'static str) -> std::result::Result<u64, String> {
    let rows = fetch(connection, statement, &[]).map_err(|e| e.to_string())?;
    crate::record::first(rows, "a count").and_then(|mut row| row.count()).map_err(|e| e.to_string())
}

//! Every statement's plan: no table is read from end to end, however much lies in the file.
use rusqlite::Connection;
use std::collections::BTreeSet;

use super::{MIGRATIONS, blobs, commit, departures, erase, runs, search, sessions, users};
use crate::driver::Taken;

/// What a statement may read whole, and why.
const WHOLE: &[(&str, &str, &str)] = &[
    ("erase::DUE", "t", "by the index of the few tombstones whose erasing was begun"),
    ("departures::BEGIN", "meta", "it has one row"),
    ("departures::DUE", "e", "by the index of the few people whose erasing was begun"),
    ("erase::BEGIN", "meta", "it has one row"),
    ("runs::PROBE", "guard", "it is empty but for the probe's own row"),
];

fn statements() -> Vec<(String, &'static str)> {
    let mut all: Vec<(String, &'static str)> = Vec::new();
    macro_rules! one {
        ($($module:ident::$name:ident),* $(,)?) => {
            $(all.push((format!("{}::{}", stringify!($module), stringify!($name)), $module::$name));)*
        };
    }
    macro_rules! many {
        ($($module:ident::$name:ident),* $(,)?) => {
            $(for statement in $module::$name {
                all.push((format!("{}::{}", stringify!($module), stringify!($name)), statement));
            })*
        };
    }
    one![
        blobs::GET,
        commit::OWNER,
        commit::GUARD,
        commit::COUNT,
        commit::SESSION,
        commit::MESSAGES,
        commit::PIECES,
        commit::SPEND,
        commit::BLOB_USES,
        commit::OPEN,
        commit::MOVE,
        commit::STEP,
        commit::CLEAR_DRAFT,
        commit::OUTCOME,
        departures::DUE,
        departures::NEXT_SESSION,
        erase::NEXT,
        erase::TERMS,
        erase::DUE,
        runs::RUN,
        runs::CURRENT,
        runs::SPENT,
        runs::WAITING,
        runs::HOLDERS,
        search::POSTINGS,
        search::POSTINGS_AMONG,
        sessions::SESSION,
        sessions::LIST,
        sessions::LIST_AT,
        sessions::BY_PREFIX,
        sessions::MESSAGE,
        sessions::PATH,
        sessions::MESSAGES,
        sessions::MESSAGES_AT,
        sessions::COUNTERS,
        sessions::PLACES,
        sessions::CHANGED_MESSAGES,
        sessions::CHANGED_SESSIONS,
        users::USER,
        users::TOKENS,
        users::USAGE,
        users::LIST,
        users::BY_PREFIX,
        users::BY_IDENTITY,
        users::BY_EMAIL,
        users::AUTHENTICATE,
    ];
    many![
        blobs::PUT,
        departures::BEGIN,
        departures::REST,
        erase::BEGIN,
        erase::CHUNK,
        erase::END,
        erase::UNNAMED,
        runs::SAVE_LEASE,
        runs::SAVE_DRAFT,
        runs::SAVE_CHECKPOINT,
        runs::SAVE_WAIT,
        runs::DECIDE,
        runs::ASK_STOP,
        runs::ATTEND,
        runs::CLAIM_OF_PLACES,
        runs::CLAIM_ONE,
        runs::PROBE,
        sessions::SET_TITLE,
        sessions::SET_STATE,
        sessions::SET_HEAD,
        sessions::SET_METADATA,
        sessions::SET_UPDATED,
        sessions::SET_DELETED,
        users::CREATE,
        users::CHANGE,
        users::LINK,
        users::ADD_TOKEN,
        users::REVOKE,
        users::NOTE_USE,
    ];
    all
}

#[test]
fn the_list_above_names_every_statement() {
    let listed: BTreeSet<String> = statements().into_iter().map(|(name, _)| name).collect();
    let mut written = BTreeSet::new();
    for (module, source) in [
        ("blobs", include_str!("blobs.rs")),
        ("commit", include_str!("commit.rs")),
        ("departures", include_str!("departures.rs")),
        ("erase", include_str!("erase.rs")),
        ("runs", include_str!("runs.rs")),
        ("search", include_str!("search.rs")),
        ("sessions", include_str!("sessions.rs")),
        ("users", include_str!("users.rs")),
    ] {
        for line in source.lines() {
            if let Some(name) = line.strip_prefix("pub(crate) const ").and_then(|rest| rest.split(':').next())
            {
                written.insert(format!("{module}::{name}"));
            }
        }
    }
    assert_eq!(listed, written);
}

/// The words after a table's name, where they name it otherwise; the names that `with` gives.
fn names(statement: &str, tables: &[String]) -> (BTreeSet<String>, BTreeSet<String>) {
    let words: Vec<&str> = statement
        .split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '(' || c == ')' || c == ','))
        .flat_map(|word| word.split_inclusive(['(', ')', ',']))
        .filter(|word| !word.is_empty())
        .collect();
    let mut of_tables = BTreeSet::new();
    let mut of_parts = BTreeSet::new();
    for (at, word) in words.iter().enumerate() {
        let bare = word.trim_matches(['(', ')', ',']);
        let begins = at > 0 && matches!(words[at - 1], "from" | "join" | "update" | "into");
        if tables.iter().any(|table| table == bare) && begins {
            of_tables.insert(bare.to_owned());
            let next = words.get(at + 1).copied().unwrap_or_default().trim_matches([')', ',']);
            if *word == bare && !next.is_empty() && !KEYWORDS.contains(&next) {
                of_tables.insert(next.to_owned());
            }
        }
        if bare == "as"
            && words.get(at + 1).is_some_and(|next| matches!(*next, "(" | "materialized"))
            && at > 0
        {
            of_parts.insert(words[at - 1].trim_matches(['(', ')', ',']).to_owned());
        }
    }
    (of_tables, of_parts)
}

const KEYWORDS: &[&str] = &[
    "where",
    "set",
    "join",
    "left",
    "cross",
    "on",
    "order",
    "group",
    "limit",
    "union",
    "select",
    "values",
    "returning",
    "from",
    "and",
];

/// A database of the present schema, and its tables.
fn schema() -> (Connection, Vec<String>) {
    let connection = Connection::open_in_memory().unwrap();
    for migration in MIGRATIONS {
        for statement in migration.statements() {
            connection.execute(statement, []).unwrap();
        }
    }
    let tables = "select name from sqlite_schema where type = 'table' and name not glob 'pieces_[cd]*'";
    let tables = column_of(&connection, tables, 0);
    (connection, tables)
}

fn column_of(connection: &Connection, statement: &str, column: usize) -> Vec<String> {
    let mut prepared = connection.prepare(statement).unwrap_or_else(|e| panic!("{e}: {statement}"));
    let mut rows = prepared.raw_query();
    let mut found = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        found.push(row.get(column).unwrap());
    }
    found
}

/// The tables, by the names that the statement gives them, that it reads from end to end.
fn read_whole(connection: &Connection, tables: &[String], statement: &str) -> Vec<String> {
    let (of_tables, of_parts) = names(statement, tables);
    let both: Vec<&String> = of_tables.intersection(&of_parts).collect();
    assert!(both.is_empty(), "{both:?} are names of a table and of a part at once in: {statement}");
    let steps = column_of(connection, &format!("explain query plan {statement}"), 3);
    let scanned = steps.iter().filter_map(|step| {
        let rest = step.strip_prefix("SCAN ")?;
        // A virtual table tells by its index whether it was given something to look for.
        let sought = rest.contains("VIRTUAL TABLE INDEX") && !rest.ends_with("INDEX 0:");
        let scanned = rest.split(' ').next()?.to_owned();
        (!sought && of_tables.contains(&scanned)).then_some(scanned)
    });
    scanned.collect()
}

#[test]
fn no_statement_reads_a_table_from_end_to_end() {
    let (connection, tables) = schema();
    let mut whole = BTreeSet::new();
    for (name, statement) in statements() {
        for form in [statement, &Taken::of(statement).sql] {
            for table in read_whole(&connection, &tables, form) {
                whole.insert((name.clone(), table));
            }
        }
    }
    let allowed = WHOLE.iter().map(|(name, table, _)| ((*name).to_owned(), (*table).to_owned())).collect();
    assert_eq!(whole, allowed);
}

#[test]
fn a_statement_that_reads_a_table_whole_is_found() {
    let (connection, tables) = schema();
    for (statement, found) in [
        ("select 1 from messages where model = 'x'", "messages"),
        ("with s as (select 1 a) select 1 from s cross join messages m on m.model = s.a", "m"),
        ("delete from runs where holder = ?1", "runs"),
        (
            "update sessions set title = '' from (select id from sessions s where s.place > 'a') c where owner = 1",
            "s",
        ),
        ("select p.rowid from pieces p", "p"),
    ] {
        assert_eq!(read_whole(&connection, &tables, statement), [found], "{statement}");
    }
}

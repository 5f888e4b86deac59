//! Brings a file to the present schema when it is opened.
use duyetbot_core::{DeviceId, Result, index::TERMS_VERSION};
use rusqlite::{Connection, ErrorCode};
use std::{path::Path, time::Duration};

use super::{
    connection::{Access, connect, execute, fetch},
    file::{backup_of, beside, create_private, version_in_header},
};
use crate::{
    dialect::{MIGRATIONS, Migration},
    error::{newer, of_io, of_sqlite, other_program},
    maintenance::reindex,
};

/// Marks a SQLite file as ours: "duye" in ASCII.
const APPLICATION: i64 = 0x6475_7965;

/// An opened file of the present schema.
pub(super) struct Opened {
    pub(super) connection: Connection,
    pub(super) device: DeviceId,
}

/// What a file says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Nothing is in it.
    Empty,
    /// It is another program's.
    Foreign,
    /// It is ours, of this version.
    Ours(i64),
}

pub(super) fn open(path: &Path, busy: Duration, migrations: &[Migration]) -> Result<Opened> {
    let of = |failure| of_sqlite(failure, path);
    let known = migrations.last().map_or(0, |m| m.version);
    if version_in_header(path)? > known {
        // A connection that may write could write its log into the file when it closes.
        let reader = connect(path, busy, Access::Read).map_err(of)?;
        let checked = check_newer(&reader, path, known);
        reader.close().map_err(|(_, failure)| of(failure))?;
        checked?;
    }
    let connection = connect(path, busy, Access::Write).map_err(of)?;
    match probe(&connection).map_err(of)? {
        Standing::Foreign => return Err(other_program(path)),
        Standing::Ours(version) if version == known => {}
        Standing::Ours(version) if version > known => check_newer(&connection, path, known)?,
        Standing::Empty | Standing::Ours(_) => {
            migrate(&connection, path, busy, migrations)?;
        }
    }
    let mut meta = fetch(&connection, "select device, terms from meta", &[])
        .map_err(of)
        .and_then(|rows| crate::record::first(rows, "the file's own row"))?;
    let (device, terms) = (meta.parsed()?, meta.number()?);
    if terms != i64::from(TERMS_VERSION) {
        reindex(&connection).map_err(of)?;
    }
    Ok(Opened { connection, device })
}

/// What the file says of itself.
pub(crate) fn probe(connection: &Connection) -> rusqlite::Result<Standing> {
    let marks = "select application_id, user_version, (select count(*) from sqlite_schema)
 from pragma_application_id, pragma_user_version";
    let numbers =
        connection.query_row(marks, [], |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, i64>(2)?)))?;
    Ok(match numbers {
        (0_i64, 0_i64, 0) => Standing::Empty,
        (APPLICATION, version, _) => Standing::Ours(version),
        _ => Standing::Foreign,
    })
}

/// Refuses a file whose schema, of this version, this program may not read.
pub(crate) fn refuse_newer(connection: &Connection, path: &Path, version: i64) -> Result<()> {
    let known = MIGRATIONS.last().map_or(0, |m| m.version);
    if version > known { check_newer(connection, path, known) } else { Ok(()) }
}

fn check_newer(connection: &Connection, path: &Path, known: i64) -> Result<()> {
    let meta = fetch(connection, "select version, min_reader from meta", &[]);
    let mut meta = crate::record::first(meta.map_err(|e| of_sqlite(e, path))?, "the file's own row")?;
    let (version, min_reader) = (meta.number()?, meta.number()?);
    if min_reader > known {
        return Err(newer(path, version, min_reader, known));
    }
    Ok(())
}

/// Makes the schema in a database that is empty, within one transaction.
pub(crate) fn set_up(connection: &Connection, migrations: &[Migration]) -> rusqlite::Result<()> {
    execute(connection, "begin immediate")?;
    let done = apply(connection, 0, migrations);
    execute(connection, if done.is_ok() { "commit" } else { "rollback" }).and(done)
}

fn migrate(connection: &Connection, path: &Path, busy: Duration, migrations: &[Migration]) -> Result<()> {
    let of = |failure| of_sqlite(failure, path);
    use_wal(connection, busy).map_err(of)?;
    execute(connection, "begin immediate").map_err(of)?;
    let moved = migrate_locked(connection, path, busy, migrations);
    let ended = execute(connection, if moved.is_ok() { "commit" } else { "rollback" }).map_err(of);
    moved.and(ended)
}

/// While this connection holds the right to write, so that of many processes one migrates and the others find it done.
fn migrate_locked(
    connection: &Connection,
    path: &Path,
    busy: Duration,
    migrations: &[Migration],
) -> Result<()> {
    let version = match probe(connection).map_err(|e| of_sqlite(e, path))? {
        Standing::Empty => 0,
        Standing::Foreign => return Err(other_program(path)),
        // Another process was first.
        Standing::Ours(version) if migrations.last().is_none_or(|last| version >= last.version) => {
            return Ok(());
        }
        Standing::Ours(version) => {
            back_up(path, version, busy)?;
            version
        }
    };
    apply(connection, version, migrations).map_err(|e| of_sqlite(e, path))
}

fn apply(connection: &Connection, from: i64, migrations: &[Migration]) -> rusqlite::Result<()> {
    for migration in migrations.iter().filter(|m| m.version > from) {
        for statement in migration.statements() {
            execute(connection, statement)?;
        }
        connection.execute(
            "insert into meta(one, version, min_reader, device, terms) values (1, ?1, ?2, ?3, ?4)
             on conflict(one) do update set version = excluded.version, min_reader = excluded.min_reader",
            (migration.version, migration.min_reader, DeviceId::new().to_string(), TERMS_VERSION),
        )?;
        connection.pragma_update(None, "user_version", migration.version)?;
        connection.pragma_update(None, "application_id", APPLICATION)?;
    }
    Ok(())
}

/// A whole copy of the file, complete before it has its name.
fn back_up(path: &Path, version: i64, busy: Duration) -> Result<()> {
    let half = beside(path, &format!(".backup-half-{}", std::process::id()));
    let made = copy_into(path, &half, busy);
    let named = made.and_then(|()| {
        std::fs::File::open(&half)
            .and_then(|file| file.sync_all())
            .and_then(|()| std::fs::rename(&half, backup_of(path, version)))
            .map_err(|e| of_io(e, path))
    });
    if named.is_err() {
        // The failure itself is told; a half copy that cannot be removed is only litter.
        let _ = std::fs::remove_file(&half);
    }
    named
}

fn copy_into(path: &Path, copy: &Path, busy: Duration) -> Result<()> {
    let of = |failure| of_sqlite(failure, path);
    create_private(copy).map_err(|e| of_io(e, copy))?;
    let reader = connect(path, busy, Access::Write).map_err(of)?;
    let target = copy.to_string_lossy().into_owned();
    let copied = reader.execute("vacuum into ?1", [target]).map_err(of);
    reader.close().map_err(|(_, failure)| of(failure))?;
    copied.map(drop)
}

/// Switches to the write-ahead log. SQLite does not wait here for others who do the same, so this does.
#[expect(clippy::disallowed_methods, reason = "this thread is one that waits for the file")]
fn use_wal(connection: &Connection, busy: Duration) -> rusqlite::Result<()> {
    let mut left = busy.as_millis() / PAUSE.as_millis();
    loop {
        match execute(connection, "pragma journal_mode = wal") {
            Err(failure) if is_busy(&failure) && left > 0 => {
                left -= 1;
                std::thread::sleep(PAUSE);
            }
            done => return done,
        }
    }
}

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(5);

fn is_busy(failure: &rusqlite::Error) -> bool {
    let code = failure.sqlite_error_code();
    matches!(code, Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

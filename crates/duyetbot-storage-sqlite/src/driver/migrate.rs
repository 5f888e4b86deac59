//! Brings a file to the present schema when it is opened.
use duyetbot_core::{DeviceId, Result, index::TERMS_VERSION};
use sqlx::{AssertSqlSafe, Connection, Row as _, SqliteConnection, sqlite::SqliteArguments};
use std::{path::Path, time::Duration};

use super::{
    connection::{execute, fetch, options},
    file::{backup_of, beside, create_private, version_in_header},
};
use crate::{
    dialect::{MIGRATIONS, Migration},
    error::{newer, of_io, of_sqlx, other_program},
    maintenance::reindex,
};

/// Marks a SQLite file as ours: "duye" in ASCII.
const APPLICATION: i64 = 0x6475_7965;

/// An opened file of the present schema.
pub(super) struct Opened {
    pub(super) connection: SqliteConnection,
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

pub(super) async fn open(path: &Path, busy: Duration, migrations: &[Migration]) -> Result<Opened> {
    let of = |failure| of_sqlx(failure, path);
    let known = migrations.last().map_or(0, |m| m.version);
    if version_in_header(path)? > known {
        // A connection that may write could write its log into the file when it closes.
        let mut reader =
            SqliteConnection::connect_with(&options(path, busy).read_only(true)).await.map_err(of)?;
        let checked = check_newer(&mut reader, path, known).await;
        reader.close().await.map_err(of)?;
        checked?;
    }
    let mut connection = SqliteConnection::connect_with(&options(path, busy)).await.map_err(of)?;
    match probe(&mut connection).await.map_err(of)? {
        Standing::Foreign => return Err(other_program(path)),
        Standing::Ours(version) if version == known => {}
        Standing::Ours(version) if version > known => check_newer(&mut connection, path, known).await?,
        Standing::Empty | Standing::Ours(_) => {
            migrate(&mut connection, path, busy, migrations).await?;
        }
    }
    let mut meta = fetch(&mut connection, "select device, terms from meta", SqliteArguments::default())
        .await
        .map_err(of)
        .and_then(|rows| crate::record::first(rows, "the file's own row"))?;
    let (device, terms) = (meta.parsed()?, meta.number()?);
    if terms != i64::from(TERMS_VERSION) {
        reindex(&mut connection).await.map_err(of)?;
    }
    Ok(Opened { connection, device })
}

/// What the file says of itself.
pub(crate) async fn probe(connection: &mut SqliteConnection) -> sqlx::Result<Standing> {
    let row = sqlx::query(
        "select application_id, user_version, (select count(*) from sqlite_schema)
         from pragma_application_id, pragma_user_version",
    )
    .fetch_one(connection)
    .await?;
    Ok(match (row.try_get(0)?, row.try_get(1)?, row.try_get::<i64, _>(2)?) {
        (0_i64, 0_i64, 0) => Standing::Empty,
        (APPLICATION, version, _) => Standing::Ours(version),
        _ => Standing::Foreign,
    })
}

/// Refuses a file whose schema, of this version, this program may not read.
pub(crate) async fn refuse_newer(connection: &mut SqliteConnection, path: &Path, version: i64) -> Result<()> {
    let known = MIGRATIONS.last().map_or(0, |m| m.version);
    if version > known { check_newer(connection, path, known).await } else { Ok(()) }
}

async fn check_newer(connection: &mut SqliteConnection, path: &Path, known: i64) -> Result<()> {
    let meta = fetch(connection, "select version, min_reader from meta", SqliteArguments::default()).await;
    let mut meta = crate::record::first(meta.map_err(|e| of_sqlx(e, path))?, "the file's own row")?;
    let (version, min_reader) = (meta.number()?, meta.number()?);
    if min_reader > known {
        return Err(newer(path, version, min_reader, known));
    }
    Ok(())
}

/// Makes the schema in a database that is empty, within one transaction.
pub(crate) async fn set_up(connection: &mut SqliteConnection, migrations: &[Migration]) -> sqlx::Result<()> {
    execute(connection, "begin immediate").await?;
    let done = apply(connection, 0, migrations).await;
    execute(connection, if done.is_ok() { "commit" } else { "rollback" }).await.and(done)
}

async fn migrate(
    connection: &mut SqliteConnection,
    path: &Path,
    busy: Duration,
    migrations: &[Migration],
) -> Result<()> {
    let of = |failure| of_sqlx(failure, path);
    use_wal(connection, busy).await.map_err(of)?;
    execute(connection, "begin immediate").await.map_err(of)?;
    let moved = migrate_locked(connection, path, busy, migrations).await;
    let ended = execute(connection, if moved.is_ok() { "commit" } else { "rollback" }).await.map_err(of);
    moved.and(ended)
}

/// While this connection holds the right to write, so that of many processes one migrates and the others find it done.
async fn migrate_locked(
    connection: &mut SqliteConnection,
    path: &Path,
    busy: Duration,
    migrations: &[Migration],
) -> Result<()> {
    let version = match probe(connection).await.map_err(|e| of_sqlx(e, path))? {
        Standing::Empty => 0,
        Standing::Foreign => return Err(other_program(path)),
        // Another process was first.
        Standing::Ours(version) if migrations.last().is_none_or(|last| version >= last.version) => {
            return Ok(());
        }
        Standing::Ours(version) => {
            back_up(path, version, busy).await?;
            version
        }
    };
    apply(connection, version, migrations).await.map_err(|e| of_sqlx(e, path))
}

async fn apply(connection: &mut SqliteConnection, from: i64, migrations: &[Migration]) -> sqlx::Result<()> {
    for migration in migrations.iter().filter(|m| m.version > from) {
        for statement in migration.statements() {
            execute(connection, statement).await?;
        }
        sqlx::query(
            "insert into meta(one, version, min_reader, device, terms) values (1, ?1, ?2, ?3, ?4)
             on conflict(one) do update set version = excluded.version, min_reader = excluded.min_reader",
        )
        .bind(migration.version)
        .bind(migration.min_reader)
        .bind(DeviceId::new().to_string())
        .bind(TERMS_VERSION)
        .execute(&mut *connection)
        .await?;
        // A pragma takes no argument, and both values are numbers of ours.
        for mark in [
            format!("pragma user_version = {}", migration.version),
            format!("pragma application_id = {APPLICATION}"),
        ] {
            sqlx::query(AssertSqlSafe(mark)).execute(&mut *connection).await?;
        }
    }
    Ok(())
}

/// A whole copy of the file, complete before it has its name.
async fn back_up(path: &Path, version: i64, busy: Duration) -> Result<()> {
    let half = beside(path, &format!(".backup-half-{}", std::process::id()));
    let made = copy_into(path, &half, busy).await;
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

async fn copy_into(path: &Path, copy: &Path, busy: Duration) -> Result<()> {
    let of = |failure| of_sqlx(failure, path);
    create_private(copy).map_err(|e| of_io(e, copy))?;
    let mut reader = SqliteConnection::connect_with(&options(path, busy)).await.map_err(of)?;
    let target = copy.to_string_lossy().into_owned();
    let copied = sqlx::query("vacuum into ?1").bind(target).execute(&mut reader).await.map_err(of);
    reader.close().await.map_err(of)?;
    copied.map(drop)
}

/// Switches to the write-ahead log. SQLite does not wait here for others who do the same, so this does.
async fn use_wal(connection: &mut SqliteConnection, busy: Duration) -> sqlx::Result<()> {
    let mut left = busy.as_millis() / PAUSE.as_millis();
    loop {
        match execute(connection, "pragma journal_mode = wal").await {
            Err(failure) if is_busy(&failure) && left > 0 => {
                left -= 1;
                tokio::time::sleep(PAUSE).await;
            }
            done => return done,
        }
    }
}

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(5);

fn is_busy(failure: &sqlx::Error) -> bool {
    let code = failure.as_database_error().and_then(|e| e.code()).and_then(|code| code.parse::<i32>().ok());
    code.is_some_and(|code| matches!(code & 0xff, 5 | 6))
}

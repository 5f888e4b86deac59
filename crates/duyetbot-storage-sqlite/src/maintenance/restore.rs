//! Puts a backup in a file's place: what stood there is kept aside, and who was erased since stays so.
use duyetbot_core::{Clock, Erasing, Error, ErrorKind, Result, Scope, UserId, UserStore};
use rusqlite::{Connection, ErrorCode};
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use super::{
    Health,
    backup::{copy_into, named, remove, sound, take_name},
    close, connect,
};
use crate::{
    config::SqliteConfig,
    dialect::Cell,
    driver::{self, Access, SqliteStore, Standing, beside, execute, fetch, probe, remove_backups},
    error::{of_io, of_sqlite},
};

/// How long a restore waits for whoever holds the file: nobody should.
const BUSY: Duration = Duration::from_secs(1);
/// What SQLite keeps beside a file. It would be taken for a part of the new one.
const SIDES: [&str; 3] = ["-wal", "-shm", "-journal"];
/// People who were erased, and when.
const ERASED: &str = "select id, at from erased_users order by id";
const HAS_ERASED: &str = "select count(*) from sqlite_schema where name = 'erased_users'";
/// An id that is never given again, of one whom the backup does not know.
const NOTE: &str = "insert or ignore into erased_users(id, number, at, pending) values (?1, 0, ?2, 0)";

/// What a restore did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The file that stood there, under its new name.
    pub replaced: Option<PathBuf>,
    /// People in the backup who were erased since, and are again.
    pub erased: u64,
    /// Whether the file that stood there could say who was erased.
    pub list: Health,
}

pub(super) async fn restore(from: &Path, path: &Path, clock: Arc<dyn Clock>) -> Result<Restored> {
    let half = beside(path, &format!(".half-{}", std::process::id()));
    let restored = put(from, path, &half, clock).await.map_err(|error| named(error, &half, path));
    if restored.is_err() {
        remove(&half);
        // The failure itself is told.
        let _ = remove_backups(&half);
    }
    restored
}

async fn put(from: &Path, path: &Path, half: &Path, clock: Arc<dyn Clock>) -> Result<Restored> {
    let (source, file, copy) = (from.to_owned(), path.to_owned(), half.to_owned());
    let present = driver::blocking(path, move || {
        refuse_itself(&source, &file)?;
        sound(&source)?;
        let present = Present::look(&file)?;
        copy_into(&source, &copy).map(|()| present)
    })
    .await?;
    let erased = erase_again(half, &present.erased, clock).await?;
    let (file, copy) = (path.to_owned(), half.to_owned());
    driver::blocking(path, move || {
        note(&copy, &present.erased)?;
        sound(&copy)?;
        let replaced = present.set_aside(&file)?;
        take_name(&copy, &file)?;
        Ok(Restored { replaced, erased, list: present.list })
    })
    .await
}

fn refuse_itself(from: &Path, path: &Path) -> Result<()> {
    let real = |path: &Path| path.canonicalize().ok();
    match real(from) {
        None => Err(of_io(io::ErrorKind::NotFound.into(), from)),
        Some(source) if Some(&source) == real(path).as_ref() => {
            Err(Error::invalid(format!("{} is the database itself; name a backup of it", path.display())))
        }
        Some(_) => Ok(()),
    }
}

/// The file that stands in the backup's place.
struct Present {
    is_there: bool,
    erased: Vec<(String, i64)>,
    list: Health,
}

impl Present {
    /// Reads who was erased. A file that another process has open is refused: it would go on writing to what is put aside.
    fn look(path: &Path) -> Result<Self> {
        let nobody = |is_there, list| Present { is_there, erased: Vec::new(), list };
        if !path.exists() {
            return Ok(nobody(false, Health::Sound));
        }
        // A damaged file cannot say it, and must not keep its backup from taking its place.
        let Ok(connection) = driver::connect(path, BUSY, Access::Write) else {
            return Ok(nobody(true, Health::Damaged));
        };
        let read = alone(&connection).and_then(|()| erased(&connection));
        let closed = connection.close();
        match read {
            Ok(erased) if closed.is_ok() => Ok(Present { is_there: true, erased, list: Health::Sound }),
            Err(failure) if is_held(&failure) => Err(Error::new(
                ErrorKind::Conflict,
                format!(
                    "{} is in use; stop the server, and whatever else has it open, first",
                    path.display()
                ),
            )),
            _ => Ok(nobody(true, Health::Damaged)),
        }
    }

    /// Gives what stands there another name, so that nothing is lost by a restore of the wrong backup.
    fn set_aside(&self, path: &Path) -> Result<Option<PathBuf>> {
        let of = |failure| of_io(failure, path);
        if !self.is_there {
            SIDES.iter().try_for_each(|side| clear(&beside(path, side))).map_err(of)?;
            return Ok(None);
        }
        let names = (1..).map(|n| beside(path, &format!(".replaced-{n}")));
        let free = names.into_iter().find(|name| fs::symlink_metadata(name).is_err());
        let Some(aside) = free else { return Ok(None) };
        // Linked, not moved: at every moment the database has a file of its name.
        fs::hard_link(path, &aside).or_else(|_| fs::copy(path, &aside).map(drop)).map_err(of)?;
        for side in SIDES {
            let beside_it = beside(path, side);
            if fs::symlink_metadata(&beside_it).is_ok() {
                fs::rename(&beside_it, beside(&aside, side)).map_err(of)?;
            }
        }
        Ok(Some(aside))
    }
}

fn clear(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(failure) if failure.kind() != io::ErrorKind::NotFound => Err(failure),
        _ => Ok(()),
    }
}

/// Succeeds where no other connection has the file open, and brings its log home.
fn alone(connection: &Connection) -> rusqlite::Result<()> {
    execute(connection, "pragma locking_mode = exclusive")?;
    execute(connection, "begin exclusive")?;
    execute(connection, "commit")
}

fn is_held(failure: &rusqlite::Error) -> bool {
    matches!(failure.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

fn erased(connection: &Connection) -> rusqlite::Result<Vec<(String, i64)>> {
    let known: i64 = match probe(connection)? {
        Standing::Ours(_) => connection.query_row(HAS_ERASED, [], |row| row.get(0))?,
        Standing::Empty | Standing::Foreign => 0,
    };
    if known == 0 {
        return Ok(Vec::new());
    }
    let mut statement = connection.prepare(ERASED)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

/// Erases those of the backup who were erased since it was made: as ever, with their words in the file and its index.
async fn erase_again(half: &Path, erased: &[(String, i64)], clock: Arc<dyn Clock>) -> Result<u64> {
    // Opening brings an older backup to the present schema; the copy that this makes is of the copy.
    let store = SqliteStore::open(SqliteConfig::new(half, clock)).await?;
    let mut again = 0;
    for (id, _) in erased {
        let Ok(user) = id.parse::<UserId>() else { continue };
        again += u64::from(erase(&store, &user.scope()).await?);
    }
    if again > 0 {
        store.sweep_all().await?;
    }
    store.close().await?;
    remove_backups(half).map_err(|e| of_io(e, half))?;
    Ok(again)
}

/// Whether there was such a person.
async fn erase(store: &SqliteStore, scope: &Scope) -> Result<bool> {
    loop {
        match store.erase_user(scope).await {
            Ok(Erasing::Begun) => {}
            Ok(Erasing::Done) => return Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        }
    }
}

/// Keeps the ids of those whom the backup does not know from being given again, and leaves one whole file in the log's mode.
fn note(half: &Path, erased: &[(String, i64)]) -> Result<()> {
    let of = |failure| of_sqlite(failure, half);
    let connection = connect(half, Access::Write)?;
    execute(&connection, "pragma journal_mode = wal").map_err(of)?;
    for (id, at) in erased {
        fetch(&connection, NOTE, &[Cell::Text(id.clone()), Cell::Integer(*at)]).map_err(of)?;
    }
    close(connection, half)?;
    fs::File::open(half).and_then(|file| file.sync_all()).map_err(|e| of_io(e, half))
}

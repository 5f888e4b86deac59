//! What an operator does with a file: look what is damaged, make the index anew, save what can be read, back it up, restore it.
mod backup;
mod check;
mod index;
mod repair;
mod restore;
mod salvage;

pub use check::{Health, Report};
pub(crate) use index::reindex;
pub use repair::Repaired;
pub use restore::Restored;

use duyetbot_core::{Clock, Result};
use rusqlite::Connection;
use std::{path::Path, sync::Arc, time::Duration};

use crate::{
    driver::{self, Access},
    error::of_sqlite,
};

/// How long maintenance waits for others.
const BUSY: Duration = Duration::from_secs(60);

/// Looks at all of a file. It takes as long as reading the file.
///
/// # Errors
/// Where it is no file of ours, needs a newer program, or cannot be opened at all.
pub async fn check(path: &Path) -> Result<Report> {
    let file = path.to_owned();
    driver::blocking(path, move || check::look(&file)).await
}

/// Repairs a file: makes its index anew, or, where more is damaged, saves what can be read into a new file beside it.
///
/// # Errors
/// Where it is no file of ours, cannot be read at all, or there is no room.
pub async fn repair(path: &Path) -> Result<Repaired> {
    let file = path.to_owned();
    driver::blocking(path, move || repair::mend(&file)).await
}

/// Copies a file whole into another, also while others write to it: all that was stored before it began is in it. The copy is
/// looked at as [`check`] does, and has its name only then.
///
/// # Errors
/// Where it is no file of ours, needs a newer program or is damaged, where the copy's name is taken, or there is no room; then
/// there is no file of that name.
pub async fn back_up(path: &Path, copy: &Path) -> Result<Report> {
    let (file, copy) = (path.to_owned(), copy.to_owned());
    driver::blocking(path, move || backup::back_up(&file, &copy)).await
}

/// Puts a backup in a file's place, and keeps what stood there under another name. People who were erased there since the
/// backup was made are erased in it too, and their ids are not given again.
///
/// # Errors
/// Where the backup is none of ours, damaged, or of a newer program; and where another process has the file open. Then nothing
/// was changed.
pub async fn restore(backup: &Path, path: &Path, clock: Arc<dyn Clock>) -> Result<Restored> {
    restore::restore(backup, path, clock).await
}

fn connect(path: &Path, access: Access) -> Result<Connection> {
    driver::connect(path, BUSY, access).map_err(|e| of_sqlite(e, path))
}

fn close(connection: Connection, path: &Path) -> Result<()> {
    connection.close().map_err(|(_, failure)| of_sqlite(failure, path))
}

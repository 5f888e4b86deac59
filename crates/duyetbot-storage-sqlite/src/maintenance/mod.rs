//! What `doctor` does with a file: look what is damaged, make the index anew, save what can be read.
mod check;
mod index;
mod repair;
mod salvage;

pub use check::{Health, Report};
pub(crate) use index::reindex;
pub use repair::Repaired;

use duyetbot_core::Result;
use rusqlite::Connection;
use std::{path::Path, time::Duration};

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

fn connect(path: &Path, access: Access) -> Result<Connection> {
    driver::connect(path, BUSY, access).map_err(|e| of_sqlite(e, path))
}

fn close(connection: Connection, path: &Path) -> Result<()> {
    connection.close().map_err(|(_, failure)| of_sqlite(failure, path))
}

//! What `doctor` does with a file: look what is damaged, make the index anew, save what can be read.
mod check;
mod index;
mod repair;
mod salvage;

pub use check::{Health, Report, check};
pub(crate) use index::reindex;
pub use repair::{Repaired, repair};

use duyetbot_core::Result;
use sqlx::{Connection, SqliteConnection};
use std::{path::Path, time::Duration};

use crate::{driver, error::of_sqlx};

/// How long maintenance waits for others.
const BUSY: Duration = Duration::from_secs(60);

async fn connect(path: &Path, access: driver::Access) -> Result<SqliteConnection> {
    let options = driver::options(path, BUSY).read_only(access == driver::Access::Read);
    SqliteConnection::connect_with(&options).await.map_err(|e| of_sqlx(e, path))
}

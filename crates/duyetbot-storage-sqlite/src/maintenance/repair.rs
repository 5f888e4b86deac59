//! Makes a damaged file usable again, with as little change as its damage allows.
use duyetbot_core::Result;
use sqlx::Connection;
use std::path::{Path, PathBuf};

use super::{Health, check, connect, reindex, salvage::salvage};
use crate::{driver::Access, error::of_sqlx};

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Repaired {
    /// Nothing was damaged.
    Nothing,
    /// The index was made anew; the messages are as they were.
    Index,
    /// What could be read stands in a new file; the old one is as it was.
    Salvaged {
        /// The new file, beside the old one.
        file: PathBuf,
        /// Messages in it.
        saved: u64,
        /// Messages that are known of and could not be read.
        lost: u64,
    },
}

/// Repairs a file: makes its index anew, or, where more is damaged, saves what can be read into a new file beside it.
///
/// # Errors
/// Where it is no file of ours, cannot be read at all, or there is no room.
pub async fn repair(path: &Path) -> Result<Repaired> {
    let report = check(path).await?;
    if report.messages == Health::Damaged {
        return salvage(path).await;
    }
    if report.index == Health::Sound {
        return Ok(Repaired::Nothing);
    }
    let mut connection = connect(path, Access::Write).await?;
    let made = reindex(&mut connection).await;
    connection.close().await.map_err(|e| of_sqlx(e, path))?;
    // The index may be too damaged to be emptied; a new file has none of it.
    if made.is_err() || check(path).await?.index == Health::Damaged {
        return salvage(path).await;
    }
    Ok(Repaired::Index)
}

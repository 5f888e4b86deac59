//! Makes a damaged file usable again, with as little change as its damage allows.
use duyetbot_core::Result;
use std::path::{Path, PathBuf};

use super::{Health, check::look, close, connect, reindex, salvage::salvage};
use crate::driver::Access;

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

pub(super) fn mend(path: &Path) -> Result<Repaired> {
    let report = look(path)?;
    if report.messages == Health::Damaged {
        return salvage(path);
    }
    if report.index == Health::Sound {
        return Ok(Repaired::Nothing);
    }
    let connection = connect(path, Access::Write)?;
    let made = reindex(&connection);
    close(connection, path)?;
    // The index may be too damaged to be emptied; a new file has none of it.
    if made.is_err() || look(path)?.index == Health::Damaged {
        return salvage(path);
    }
    Ok(Repaired::Index)
}

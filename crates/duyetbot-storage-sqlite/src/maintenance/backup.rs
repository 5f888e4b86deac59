//! Copies a file whole, also while others write to it.
use duyetbot_core::{Code, Error, ErrorKind, Result};
use std::{
    fs::{self, File},
    io,
    path::Path,
};

use super::{Health, Report, check::look, close, connect};
use crate::{
    driver::{Access, Standing, beside, create_private, probe, refuse_newer, refuse_other_files},
    error::{of_io, of_sqlite, other_program},
};

/// The copy has its name once it is whole, looked at and on the disk.
pub(super) fn back_up(path: &Path, copy: &Path) -> Result<Report> {
    if fs::symlink_metadata(copy).is_ok() {
        let words = format!("{} is there already; name another file for the backup", copy.display());
        return Err(Error::new(ErrorKind::Conflict, words));
    }
    let half = beside(copy, &format!(".half-{}", std::process::id()));
    let made = copy_into(path, &half)
        .and_then(|()| sound(&half))
        .and_then(|report| take_name(&half, copy).map(|()| report))
        .map_err(|error| named(error, &half, copy));
    if made.is_err() {
        remove(&half);
    }
    made.map(|report| Report { file: copy.to_owned(), ..report })
}

/// A whole copy as it is at one moment, the log of others' writes included.
pub(super) fn copy_into(path: &Path, copy: &Path) -> Result<()> {
    if !path.exists() {
        return Err(of_io(io::ErrorKind::NotFound.into(), path));
    }
    // Refuses other programs' files and newer ones before anything is made.
    refuse_strangers(path)?;
    create_private(copy).map_err(|e| of_io(e, copy))?;
    let reader = connect(path, Access::Read)?;
    let copied = reader.execute("vacuum into ?1", [copy.to_string_lossy().into_owned()]);
    let copied = copied.map_err(|e| of_sqlite(e, copy));
    close(reader, path)?;
    copied?;
    File::open(copy).and_then(|file| file.sync_all()).map_err(|e| of_io(e, copy))
}

fn refuse_strangers(path: &Path) -> Result<()> {
    refuse_other_files(path)?;
    let reader = connect(path, Access::Read)?;
    let refused = match probe(&reader).map_err(|e| of_sqlite(e, path)) {
        Ok(Standing::Ours(version)) => refuse_newer(&reader, path, version),
        Ok(Standing::Foreign) => Err(other_program(path)),
        Ok(Standing::Empty) => {
            Err(Error::new(ErrorKind::NotFound, format!("there is nothing in {}", path.display())))
        }
        Err(error) => Err(error),
    };
    close(reader, path)?;
    refused
}

/// What a look at a file finds, where nothing in it is damaged.
pub(super) fn sound(path: &Path) -> Result<Report> {
    let report = look(path)?;
    if report.messages == Health::Sound && report.index == Health::Sound {
        return Ok(report);
    }
    let first = report.findings.first().map_or("", String::as_str);
    let words = format!("{} is damaged ({first}); `duyetbot doctor` says more", path.display());
    Err(Error::new(ErrorKind::Internal, words).with_code(Code::Damaged))
}

/// Gives a file its name; what had the name before has it no longer.
pub(super) fn take_name(half: &Path, path: &Path) -> Result<()> {
    let folder =
        path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| ".".as_ref());
    fs::rename(half, path)
        // The name itself is to be there after a loss of power.
        .and_then(|()| File::open(folder)?.sync_all())
        .map_err(|e| of_io(e, path))
}

/// Removes a half-made file and what SQLite put beside it. The failure itself is told; what stays is only litter.
pub(super) fn remove(half: &Path) {
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let _ = fs::remove_file(beside(half, suffix));
    }
}

/// An error by the name that the person gave.
pub(super) fn named(error: Error, half: &Path, path: &Path) -> Error {
    let words = error.message().replace(&*half.to_string_lossy(), &path.to_string_lossy());
    error.with_message(words)
}

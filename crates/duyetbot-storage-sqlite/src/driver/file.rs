//! The file itself: who may read it, what it begins with, and the copies beside it.
use duyetbot_core::Result;
use std::{
    fs::{DirBuilder, File, OpenOptions},
    io::{self, Read},
    path::{Path, PathBuf},
};

use crate::error::{of_io, text_file};

/// What every SQLite file begins with.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// Makes the file, private to its person, where it is not there; refuses one that is no database, untouched.
pub(super) fn prepare(path: &Path) -> Result<()> {
    let of = |failure| of_io(failure, path);
    match OpenOptions::new().read(true).write(true).open(path) {
        Ok(_) => refuse_other_files(path),
        Err(failure) if failure.kind() == io::ErrorKind::NotFound => {
            if let Some(folder) = path.parent() {
                create_folder(folder).map_err(|failure| of_io(failure, folder))?;
            }
            create_private(path).map_err(of)
        }
        Err(failure) => Err(of(failure)),
    }
}

/// Refuses what is neither empty nor begins like a SQLite file, untouched.
pub(crate) fn refuse_other_files(path: &Path) -> Result<()> {
    let head = head_of(path, MAGIC.len() as u64)?;
    if head.is_empty() || head == MAGIC { Ok(()) } else { Err(text_file(path)) }
}

fn head_of(path: &Path, bytes: u64) -> Result<Vec<u8>> {
    let mut head = Vec::new();
    File::open(path)
        .and_then(|file| file.take(bytes).read_to_end(&mut head))
        .map(|_| head)
        .map_err(|failure| of_io(failure, path))
}

/// An empty file that only its person may read; one that is there already stays as it is.
pub(crate) fn create_private(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(failure) if failure.kind() != io::ErrorKind::AlreadyExists => Err(failure),
        _ => Ok(()),
    }
}

fn create_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// The copy that is made before a file leaves this version.
pub(super) fn backup_of(path: &Path, version: i64) -> PathBuf {
    beside(path, &format!(".backup-v{version}"))
}

/// The path with more behind its name.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// The copies beside this file.
fn backups(path: &Path) -> io::Result<Vec<PathBuf>> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return Ok(Vec::new()) };
    let begin = format!("{}.backup-v", name.to_string_lossy());
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(&begin) {
            found.push(entry.path());
        }
    }
    Ok(found)
}

/// Removes the copies: they hold what was erased since.
pub(crate) fn remove_backups(path: &Path) -> io::Result<()> {
    backups(path)?.iter().try_for_each(std::fs::remove_file)
}

/// The schema's version as the file's own header has it, without opening it as a database.
pub(super) fn version_in_header(path: &Path) -> Result<i64> {
    let header = head_of(path, 64)?;
    let version = header.get(60..64).and_then(|bytes| <[u8; 4]>::try_from(bytes).ok());
    Ok(version.map_or(0, |bytes| i64::from(u32::from_be_bytes(bytes))))
}

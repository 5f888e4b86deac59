//! Whether a server can keep its database where it is to lie: rights of the folder and the file, and room on the disk.
use rustix::fs::{Access, access, statvfs};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// Bytes without which nothing can be stored.
const LEAST: u64 = 4 * 1024 * 1024;

/// What is wrong with the place of this file, and what to do about it.
pub(super) fn faults(file: &Path) -> Vec<String> {
    let mut faults = Vec::new();
    if let Ok(found) = fs::metadata(file) {
        let shown = file.display();
        if !found.is_file() {
            return vec![format!("{shown} is not a file; move it away or name another with --storage")];
        }
        if found.permissions().mode() & 0o077 != 0 {
            faults.push(format!("{shown} can be read by others; mend it with: chmod 600 {shown}"));
        }
        if access(file, Access::READ_OK | Access::WRITE_OK).is_err() {
            faults.push(format!("{shown} cannot be read and written by who runs this; make it theirs"));
        }
    }
    let folder = nearest_folder(file);
    let shown = folder.display();
    if !folder.is_dir() {
        faults.push(format!("{shown} is not a folder; move it away or name another with --storage"));
    } else if access(&folder, Access::WRITE_OK | Access::EXEC_OK).is_err() {
        faults.push(format!("{shown} cannot be written to by who runs this; the database makes files there"));
    } else if statvfs(&folder).is_ok_and(|disk| disk.f_bavail.saturating_mul(disk.f_frsize) < LEAST) {
        faults.push(format!("the disk that holds {shown} is full; make room"));
    }
    faults
}

/// The folder that the file lies in, or the nearest above it that is there: what is missing is made.
fn nearest_folder(file: &Path) -> PathBuf {
    let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let above = file.ancestors().skip(1).find(|folder| folder.exists());
    above.map_or_else(|| PathBuf::from("/"), Path::to_owned)
}

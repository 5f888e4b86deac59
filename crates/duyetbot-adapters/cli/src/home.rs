//! Where everything of a person lies: one folder, made with rights for its owner alone.
use duyetbot_core::{Code, Error, ErrorKind, Result};
use std::{
    fs,
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use crate::environment::Environment;

/// The home folder.
#[derive(Clone, Debug)]
pub(crate) struct Home(PathBuf);

impl Home {
    /// `DUYETBOT_HOME`, else `~/.duyetbot`. Nothing is made yet.
    pub(crate) fn find(environment: &Environment) -> Result<Self> {
        if let Some(home) = environment.get("DUYETBOT_HOME") {
            let path = PathBuf::from(&home);
            if !path.is_absolute() {
                return Err(Error::invalid(format!(
                    "DUYETBOT_HOME must be an absolute path, it is {home:?}"
                )));
            }
            return Ok(Home(path));
        }
        match environment.get("HOME").map(PathBuf::from) {
            // A home that is not there is a mistake, or a user without one: nothing is made in its place.
            Some(home) if home.is_absolute() && !home.is_dir() => Err(Error::invalid(format!(
                "HOME is {}, which is no folder; set DUYETBOT_HOME to the folder to use",
                home.display()
            ))),
            Some(home) if home.is_absolute() => Ok(Home(home.join(".duyetbot"))),
            Some(home) => Err(Error::invalid(format!(
                "HOME must be an absolute path, it is {:?}; set DUYETBOT_HOME to the folder to use",
                home.display().to_string()
            ))),
            None => Err(Error::invalid("there is no HOME; set DUYETBOT_HOME to the folder to use")),
        }
    }
    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
    /// The settings file.
    pub(crate) fn config(&self) -> PathBuf {
        self.0.join("config.toml")
    }
    /// The database.
    pub(crate) fn database(&self) -> PathBuf {
        self.0.join("duyetbot.db")
    }
    /// What was typed before.
    pub(crate) fn history(&self) -> PathBuf {
        self.0.join("history")
    }
    /// An older duyetbot's sessions.
    pub(crate) fn legacy_sessions(&self) -> PathBuf {
        self.0.join("sessions")
    }
    /// Makes the folder where it is not there, for its owner alone.
    pub(crate) fn make(&self) -> Result<()> {
        match fs::symlink_metadata(&self.0) {
            Ok(found) if found.is_dir() || self.0.is_dir() => return Ok(()),
            Ok(_) => {
                return Err(Error::invalid(format!(
                    "{} is not a folder; move it away or set DUYETBOT_HOME",
                    self.0.display()
                )));
            }
            Err(_) => {}
        }
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.0)
            .map_err(|e| io_error("make", &self.0, &e))
    }
}

/// An error of the file system, with the path that was tried.
pub(crate) fn io_error(verb: &str, path: &Path, error: &io::Error) -> Error {
    let say = |kind, what: &str| Error::new(kind, format!("cannot {verb} {}: {what}", path.display()));
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            say(ErrorKind::Unavailable, "the disk is full; free some space and try again")
                .with_code(Code::DiskFull)
        }
        io::ErrorKind::PermissionDenied if verb == "read" => say(
            ErrorKind::Unavailable,
            "it may not be read; see whose it is, or set DUYETBOT_HOME to a folder of yours",
        ),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            say(ErrorKind::Unavailable, "it may not be written; set DUYETBOT_HOME to a folder of yours")
                .with_code(Code::ReadOnly)
        }
        io::ErrorKind::NotFound => say(ErrorKind::NotFound, "it is not there"),
        _ => say(ErrorKind::Unavailable, &error.to_string()),
    }
}

/// Replaces a file in one step: whoever reads it sees the old or the new, never a part. A link stays and the file that it
/// leads to is replaced, with the rights that it had; what is no file (a pipe, a device) is written to.
pub(crate) fn replace(path: &Path, content: &str) -> Result<()> {
    let write = || -> io::Result<()> {
        let path = match fs::symlink_metadata(path) {
            Ok(found) if found.is_symlink() => path.canonicalize()?,
            _ => path.to_owned(),
        };
        match fs::metadata(&path) {
            Ok(found) if !found.is_file() => {
                fs::OpenOptions::new().write(true).open(&path)?.write_all(content.as_bytes())
            }
            Ok(found) => replace_file(&path, content, found.permissions().mode()),
            Err(_) => replace_file(&path, content, 0o600),
        }
    };
    write().map_err(|error| io_error("write", path, &error))
}

fn replace_file(path: &Path, content: &str, mode: u32) -> io::Result<()> {
    let beside = path.with_extension(format!("new-{}", std::process::id()));
    let write = || -> io::Result<()> {
        let mut file =
            fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        file.set_permissions(fs::Permissions::from_mode(mode & 0o777))?;
        file.write_all(content.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, path)
    };
    write().inspect_err(|_| {
        // The half-made file is of no use; that it may stay is not worth a second error.
        let _ = fs::remove_file(&beside);
    })
}

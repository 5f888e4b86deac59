//! The directory that the tools work in: held open, so that every path is opened beneath it and never checked first.
mod beneath;
mod blocking;
mod judged;
mod lock;
pub(crate) mod name;
mod place;
mod replace;
mod version;

pub(crate) use beneath::{open_at, open_dir_at};
pub(crate) use blocking::{Stop, blocking};
pub(crate) use lock::locked;
pub(crate) use place::{Place, kind_of};
pub(crate) use replace::{Before, Replaced, clean, replace};
pub(crate) use version::{HASHED, Known, Version};

use cap_std::{
    ambient_authority,
    fs::{Dir, File, Metadata},
};
use duyetbot_core::{Error, ErrorKind, Result, redact::Redactor};
use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use crate::refusal::Refusal;
use judged::Judged;
use version::Versions;

/// A directory that tools work in. Clones share it, and what was read in it.
///
/// What lies outside cannot be reached: not by `..`, not by a link, not by swapping a directory for a link while a call
/// runs, because the system itself resolves each path beneath the held directory.
///
/// ```
/// # fn main() -> duyetbot_core::Result<()> {
/// let here = duyetbot_tools::Workspace::open(env!("CARGO_MANIFEST_DIR"))?;
/// assert!(here.path().is_absolute());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Workspace {
    held: Arc<Held>,
    /// A directory in it that no tool looks into.
    closed: Option<PathBuf>,
    /// Knows the secrets that a model is not shown.
    redactor: Redactor,
    /// The person's umask, where this process has another.
    umask: Option<u32>,
}

struct Held {
    root: Dir,
    path: PathBuf,
    /// The path that it was opened by, where a link led to it.
    alias: PathBuf,
    versions: Mutex<Versions>,
    judged: Mutex<Judged>,
}

impl Workspace {
    /// Opens the directory at `path`. A directory that is renamed later is still the same workspace.
    ///
    /// # Errors
    /// `NotFound` where there is none, `Invalid` where it is no directory or cannot be opened.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let alias = path.as_ref();
        let wrong = |cause: io::Error| {
            let kind = match cause.kind() {
                io::ErrorKind::NotFound => ErrorKind::NotFound,
                _ => ErrorKind::Invalid,
            };
            Error::new(kind, format!("the workspace {} cannot be opened: {cause}", alias.display()))
                .with_source(cause)
        };
        let path = alias.canonicalize().map_err(wrong)?;
        let root = Dir::open_ambient_dir(&path, ambient_authority()).map_err(wrong)?;
        let alias = std::path::absolute(alias).map_err(wrong)?;
        Ok(Workspace {
            held: Arc::new(Held { root, path, alias, versions: Mutex::default(), judged: Mutex::default() }),
            closed: None,
            redactor: Redactor::default(),
            umask: None,
        })
    }

    /// Closes a directory to the tools, where it lies in the workspace: the agent's own, which holds memory, rules and keys.
    #[must_use]
    pub fn closed_to(mut self, home: impl AsRef<Path>) -> Self {
        let home = home.as_ref();
        let real = home.canonicalize().unwrap_or_else(|_| home.to_owned());
        self.closed = self.relative(&real).filter(|_| real.is_absolute());
        self
    }

    /// Knows secrets as this redactor does, which hides them from the model: what is written in the place of one is refused.
    #[must_use]
    pub fn redacted_by(mut self, redactor: Redactor) -> Self {
        self.redactor = redactor;
        self
    }

    /// What is made here gets its rights by this umask, and not by that of this process.
    #[must_use]
    pub fn with_umask(mut self, umask: Option<u32>) -> Self {
        self.umask = umask.map(|umask| umask & 0o777);
        self
    }

    pub(crate) fn umask(&self) -> Option<u32> {
        self.umask
    }

    /// Makes a directory and those on the way to it that are missing.
    pub(crate) fn make_directories(&self, path: &Path) -> io::Result<()> {
        let Some(umask) = self.umask else { return self.root().create_dir_all(path) };
        let mut ancestors: Vec<&Path> =
            path.ancestors().filter(|path| !matches!(path.to_str(), Some("" | "."))).collect();
        ancestors.reverse();
        for directory in ancestors {
            match self.root().create_dir(directory) {
                Ok(()) => rights(&open_dir_at(self.root(), directory)?, 0o777 & !umask)?,
                Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {}
                Err(cause) => return Err(cause),
            }
        }
        Ok(())
    }

    pub(crate) fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    pub(crate) fn has_closed(&self) -> bool {
        self.closed.is_some()
    }

    /// Is a path, links followed, in what is closed?
    pub(crate) fn is_closed(&self, path: &Path) -> bool {
        self.closed.as_ref().is_some_and(|closed| closed == Path::new(".") || path.starts_with(closed))
    }

    /// Where the directory lay when it was opened, without links.
    pub fn path(&self) -> &Path {
        &self.held.path
    }

    pub(crate) fn root(&self) -> &Dir {
        &self.held.root
    }

    /// Opens a regular file to be read. A pipe, a device or a socket is refused without waiting for its other end.
    pub(crate) fn open_file(&self, place: &Place) -> std::result::Result<(File, Metadata), Refusal> {
        let refused = |cause: io::Error| self.cannot(place, "read", &cause);
        let file = open_at(self.root(), place.path()).map_err(refused)?;
        let metadata = file.metadata().map_err(refused)?;
        if !metadata.is_file() {
            let kind = kind_of(&metadata.file_type());
            let hint = if metadata.is_dir() { "; use `ls` for its entries" } else { "" };
            return Err(Refusal::new(format!("{place} is not a regular file: it is {kind}{hint}")));
        }
        Ok((file, metadata))
    }

    /// Why something could not be done to a path, in words.
    pub(crate) fn cannot(&self, place: &Place, what: &str, cause: &io::Error) -> Refusal {
        let raw = cause.raw_os_error();
        if raw == Some(rustix::io::Errno::NXIO.raw_os_error()) {
            return Refusal::new(format!("{place} is not a regular file: it is a socket or a device"));
        }
        match cause.kind() {
            io::ErrorKind::NotFound if self.is_gone() => self.gone(),
            io::ErrorKind::NotFound => {
                Refusal::new(format!("{place} does not exist; look with `ls` or `glob`"))
            }
            _ if beneath::is_swapped(cause) => {
                Refusal::new(format!("{place} was swapped for a link while it was opened; it was left alone"))
            }
            _ => Refusal::io(format!("{place} cannot be {what}"), cause),
        }
    }

    /// Was the directory itself removed?
    pub(crate) fn is_gone(&self) -> bool {
        self.root().dir_metadata().is_ok_and(|root| cap_std::fs::MetadataExt::nlink(&root) == 0)
    }

    pub(crate) fn gone(&self) -> Refusal {
        Refusal::new(format!("the workspace {} no longer exists; tell the person", self.path().display()))
    }

    /// Remembers what a file held when the model saw it.
    pub(crate) fn saw(&self, place: &Place, version: Version) {
        self.versions().put(place.path().to_owned(), version);
    }

    /// Whether the model knows what the file holds now.
    pub(crate) fn knows(&self, place: &Place, now: &Version) -> Known {
        self.versions().compare(place.path(), now)
    }

    fn versions(&self) -> std::sync::MutexGuard<'_, Versions> {
        self.held.versions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives what was just made its rights, and leaves what it has of its directory (the group's bit).
pub(crate) fn rights(made: impl rustix::fd::AsFd, mode: u32) -> io::Result<()> {
    let inherited = rustix::fs::fstat(&made)?.st_mode & 0o7000;
    let mode = rustix::fs::Mode::from_raw_mode(inherited | mode as rustix::fs::RawMode);
    rustix::fs::fchmod(&made, mode).map_err(io::Error::from)
}

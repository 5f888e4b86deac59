//! A file's new content in one step: whoever looks, at any moment and after any crash, sees the old or the new one whole.
use rustix::{
    fd::{AsFd, OwnedFd},
    fs::{
        AtFlags, CWD, Gid, Mode, OFlags, RawMode, RenameFlags, Stat, Uid, fchmod, fchown, fstat, fsync,
        linkat, openat, renameat, renameat_with, statat, unlinkat,
    },
    io::Errno,
};
use std::{
    ffi::{OsStr, OsString},
    fs::File,
    io::{self, Write},
    os::unix::ffi::OsStrExt,
    sync::atomic::{AtomicU64, Ordering},
};

/// Begins the name of every file that is not yet in its place.
const PREFIX: &str = ".duyetbot-";
const SUFFIX: &str = ".tmp";

static NEXT: AtomicU64 = AtomicU64::new(0);

/// What has to stand under the name for the new content to take its place.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Before<'a> {
    /// Nothing. The new file gets its rights by this umask, or by that of this process.
    Nothing(Option<u32>),
    /// This file, unchanged. Its mode and owner go over to the new one.
    File(&'a Stat),
}

/// How replacing ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Replaced {
    /// The new content is in place.
    Done,
    /// Something else stood there meanwhile, and was left alone.
    Changed,
}

/// Puts a new file with this content under `name` in a directory. Another name of the same file (a hard link) keeps the
/// old content.
pub(crate) fn replace(
    directory: impl AsFd,
    name: &OsStr,
    content: &[u8],
    before: Before<'_>,
) -> io::Result<Replaced> {
    let directory = directory.as_fd();
    let mode = match before {
        Before::Nothing(_) => Mode::from_raw_mode(0o666),
        Before::File(_) => Mode::from_raw_mode(0o600),
    };
    // A file without a name, where the file system has such: whatever ends this process leaves nothing behind.
    let nameless = openat(directory, ".", OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC, mode);
    let (file, mut temporary) = match nameless {
        Ok(file) => (file, None),
        Err(_) => {
            let temporary = Temporary::new(directory);
            let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
            (openat(directory, temporary.name.as_os_str(), flags, mode)?, Some(temporary))
        }
    };
    let file = fill(file, content)?;
    match before {
        Before::File(old) => like(&file, old)?,
        Before::Nothing(Some(umask)) => super::rights(&file, 0o666 & !umask)?,
        Before::Nothing(None) => {}
    }
    fsync(&file)?;
    if temporary.is_none() {
        let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&file));
        if let Before::Nothing(_) = before {
            return match linkat(CWD, path, directory, name, AtFlags::SYMLINK_FOLLOW) {
                Ok(()) => fsync(directory).map(|()| Replaced::Done).map_err(io::Error::from),
                Err(Errno::EXIST) => Ok(Replaced::Changed),
                Err(cause) => Err(cause.into()),
            };
        }
        let named = Temporary::new(directory);
        linkat(CWD, path, directory, named.name.as_os_str(), AtFlags::SYMLINK_FOLLOW)?;
        temporary = Some(named);
    }
    let Some(temporary) = temporary else { return Ok(Replaced::Changed) };
    let renamed = match before {
        Before::Nothing(_) => {
            renameat_with(directory, temporary.name.as_os_str(), directory, name, RenameFlags::NOREPLACE)
        }
        Before::File(old) if is_still(directory, name, old) => {
            renameat(directory, temporary.name.as_os_str(), directory, name)
        }
        Before::File(_) => return Ok(Replaced::Changed),
    };
    match renamed {
        Ok(()) => {
            temporary.keep();
            fsync(directory)?;
            Ok(Replaced::Done)
        }
        Err(Errno::EXIST) => Ok(Replaced::Changed),
        Err(cause) => Err(cause.into()),
    }
}

/// Removes what a process that was killed left in a directory: it had no time to put it in its place.
pub(crate) fn clean(directory: impl AsFd) -> io::Result<()> {
    for entry in rustix::fs::Dir::read_from(&directory)? {
        let entry = entry?;
        let name = OsStr::from_bytes(entry.file_name().to_bytes());
        if owner_of(name).is_some_and(|pid| !lives(pid)) {
            match unlinkat(&directory, name, AtFlags::empty()) {
                Ok(()) | Err(Errno::NOENT) => {}
                Err(cause) => return Err(cause.into()),
            }
        }
    }
    Ok(())
}

/// The process that made a file of such a name.
fn owner_of(name: &OsStr) -> Option<i32> {
    let (pid, number) = name.to_str()?.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?.split_once('-')?;
    number.parse::<u64>().ok()?;
    pid.parse().ok()
}

fn lives(pid: i32) -> bool {
    let Some(pid) = rustix::process::Pid::from_raw(pid) else { return false };
    rustix::process::test_kill_process(pid) != Err(Errno::SRCH)
}

fn fill(file: OwnedFd, content: &[u8]) -> io::Result<File> {
    let mut file = File::from(file);
    file.write_all(content)?;
    Ok(file)
}

/// Gives a file the owner and the mode of another. Whoever may not give it away keeps it, without the bits that run a
/// program as its owner.
fn like(file: &File, old: &Stat) -> io::Result<()> {
    let new = fstat(file)?;
    let mut mode = old.st_mode & 0o7777;
    if (new.st_uid, new.st_gid) != (old.st_uid, old.st_gid) {
        let owner = Some(Uid::from_raw(old.st_uid));
        let group = Some(Gid::from_raw(old.st_gid));
        if fchown(file, owner, group).is_err() && fchown(file, None, group).is_err() {
            mode &= 0o1777;
        }
    }
    fchmod(file, Mode::from_raw_mode(mode as RawMode))?;
    Ok(())
}

fn is_still(directory: impl AsFd, name: &OsStr, old: &Stat) -> bool {
    let version =
        |s: &Stat| (s.st_dev, s.st_ino, s.st_size, s.st_mtime, s.st_mtime_nsec, s.st_ctime, s.st_ctime_nsec);
    statat(directory, name, AtFlags::SYMLINK_NOFOLLOW).is_ok_and(|now| version(&now) == version(old))
}

/// A name that is removed unless its file went into its place.
struct Temporary<'a> {
    directory: rustix::fd::BorrowedFd<'a>,
    name: OsString,
}

impl<'a> Temporary<'a> {
    fn new(directory: rustix::fd::BorrowedFd<'a>) -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Temporary { directory, name: format!("{PREFIX}{}-{number}{SUFFIX}", std::process::id()).into() }
    }

    fn keep(mut self) {
        self.name = OsString::new();
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        if !self.name.is_empty() {
            // Where it was never made there is nothing to remove; where it cannot be removed `clean` tries again.
            let _ = unlinkat(self.directory, self.name.as_os_str(), AtFlags::empty());
        }
    }
}

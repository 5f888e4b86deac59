//! Opening what lies at a path beneath a held directory, so that no link on the way is followed and none leads out.
use cap_std::fs::{Dir, File, OpenOptions, OpenOptionsExt};
use rustix::{fs::OFlags, io::Errno};
use std::{io, path::Path};

/// Opens a file to be read, without waiting and without taking a terminal. The path's links were followed before.
pub(crate) fn open_at(root: &Dir, path: &Path) -> io::Result<File> {
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    if let Some(opened) = without_links(root, path, flags) {
        return opened.map(|fd| File::from_std(fd.into()));
    }
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(flags.bits().cast_signed());
    root.open_with(path, &options)
}

/// Opens a directory, so that it can be listed, locked and written into.
pub(crate) fn open_dir_at(root: &Dir, path: &Path) -> io::Result<Dir> {
    if let Some(opened) = without_links(root, path, OFlags::DIRECTORY) {
        return opened.map(|fd| Dir::from_std_file(fd.into()));
    }
    let dir = root.open_dir(path)?;
    // A handle of its own: that one may be good for nothing but paths.
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let fd = rustix::fs::openat(&dir, ".", flags, rustix::fs::Mode::empty())?;
    Ok(Dir::from_std_file(fd.into()))
}

/// Was a name on the way swapped for a link between its look-up and the opening?
pub(super) fn is_swapped(cause: &io::Error) -> bool {
    match cause.raw_os_error() {
        Some(raw) => [Errno::LOOP, Errno::XDEV].iter().any(|errno| errno.raw_os_error() == raw),
        // The word of the library for a path that leads out.
        None => cause.kind() == io::ErrorKind::PermissionDenied,
    }
}

/// Asks the kernel for all of it at once; none where it does not know how.
#[cfg(target_os = "linux")]
fn without_links(root: &Dir, path: &Path, flags: OFlags) -> Option<io::Result<rustix::fd::OwnedFd>> {
    use rustix::fs::{Mode, ResolveFlags, openat2};
    const MOST_TRIES: usize = 8;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    for _ in 0..MOST_TRIES {
        match openat2(root, path, flags | OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty(), resolve) {
            Err(Errno::NOSYS | Errno::PERM) => return None,
            // Something was renamed meanwhile.
            Err(Errno::AGAIN) => {}
            opened => return Some(opened.map_err(io::Error::from)),
        }
    }
    Some(Err(Errno::AGAIN.into()))
}

#[cfg(not(target_os = "linux"))]
fn without_links(_: &Dir, _: &Path, _: OFlags) -> Option<io::Result<rustix::fd::OwnedFd>> {
    None
}

//! One writer at a time in a directory, among all processes that work in it this way.
use rustix::{
    fd::OwnedFd,
    fs::{FlockOperation, flock},
    io::Errno,
};
use std::{io, path::Path, time::Duration};

use super::{Workspace, open_dir_at};

/// How long a lock is waited for. A writer holds it for as long as it takes to write one file.
const PATIENCE: Duration = Duration::from_secs(20);
const BETWEEN: Duration = Duration::from_millis(5);

/// A directory that this call alone writes into, until it is dropped.
pub(crate) type Locked = OwnedFd;

/// Opens a directory of the workspace and locks it. A file system without locks is used without.
pub(crate) async fn locked(workspace: &Workspace, directory: &Path) -> io::Result<Locked> {
    // A handle of its own, to which the lock belongs.
    let fd = OwnedFd::from(open_dir_at(workspace.root(), directory)?.into_std_file());
    let wait = async {
        loop {
            match flock(&fd, FlockOperation::NonBlockingLockExclusive) {
                Err(Errno::WOULDBLOCK) => tokio::time::sleep(BETWEEN).await,
                Err(Errno::INTR) => {}
                _ => return,
            }
        }
    };
    match tokio::time::timeout(PATIENCE, wait).await {
        Ok(()) => Ok(fd),
        Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "another program keeps its directory locked")),
    }
}

//! A walk over a tree of the workspace on all processors, without what git ignores and without `.git`.
use cap_std::fs::Dir;
use ignore::{DirEntry, WalkBuilder, WalkState};
use std::{
    ffi::OsStr,
    io,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use crate::workspace::{Stop, Workspace, open_dir_at};

/// Threads of one walk.
const MOST_THREADS: usize = 8;

/// Whether files that git ignores are walked over too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ignored {
    Skip,
    Include,
}

impl Ignored {
    pub(super) fn of(include: Option<bool>) -> Self {
        if include.unwrap_or(false) { Ignored::Include } else { Ignored::Skip }
    }
}

/// A tree to walk over, held open.
pub(super) struct Tree {
    workspace: Workspace,
    base: PathBuf,
    dir: Dir,
    /// The directory as a path, good for as long as it is held.
    root: PathBuf,
}

impl Tree {
    /// The tree below a directory of the workspace.
    pub(super) fn open(workspace: &Workspace, base: &Path) -> io::Result<Self> {
        let dir = open_dir_at(workspace.root(), base)?;
        Ok(Tree {
            workspace: workspace.clone(),
            base: base.to_owned(),
            root: root_of(&dir, workspace, base),
            dir,
        })
    }

    /// The directory that the tree begins with.
    pub(super) fn dir(&self) -> &Dir {
        &self.dir
    }

    /// The path of an entry relative to the workspace.
    pub(super) fn path(&self, inner: &Path) -> PathBuf {
        if self.base == Path::new(".") { inner.to_owned() } else { self.base.join(inner) }
    }

    /// Walks over all entries but directories. `visitor` makes what one thread does with each: with its path relative to
    /// the tree, and whether it is a regular file. What the threads return is collected.
    ///
    /// The paths are names that were seen, no more: who opens one does so beneath the tree.
    pub(super) fn walk<V: Visit>(
        &self,
        ignored: Ignored,
        stop: &Stop,
        visitor: impl Fn() -> V,
    ) -> Vec<V::Found> {
        let skip = ignored == Ignored::Skip;
        let threads = std::thread::available_parallelism().map_or(1, |n| n.get().min(MOST_THREADS));
        let mut walk = WalkBuilder::new(&self.root);
        walk.hidden(false).git_ignore(skip).git_exclude(skip).git_global(skip).ignore(skip).parents(skip);
        walk.require_git(false).threads(threads).filter_entry(|entry| entry.file_name() != ".git");
        let found = Mutex::new(Vec::new());
        walk.build_parallel().run(|| {
            let mut one = OneThread { visit: Some(visitor()), found: &found };
            Box::new(move |entry| {
                if stop.is_asked() {
                    return WalkState::Quit;
                }
                // What cannot be looked into is not there for this person.
                if let (Ok(entry), Some(visit)) = (entry, &mut one.visit)
                    && let Some((inner, is_file)) = self.seen(&entry)
                    && !visit.visit(inner, is_file)
                {
                    return WalkState::Quit;
                }
                WalkState::Continue
            })
        });
        found.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn seen<'a>(&self, entry: &'a DirEntry) -> Option<(&'a Path, bool)> {
        let kind = entry.file_type().filter(|kind| !kind.is_dir())?;
        // The walk puts names behind the root as it is: bytes are compared, which a hundred thousand files notice.
        let path = entry.path().as_os_str().as_bytes();
        let inner = Path::new(OsStr::from_bytes(path.strip_prefix(self.root.as_os_str().as_bytes())?));
        let is_open = !self.workspace.has_closed() || !self.workspace.is_closed(&self.path(inner));
        is_open.then_some((inner, kind.is_file()))
    }
}

/// The held directory itself, wherever it lies by now.
#[cfg(target_os = "linux")]
fn root_of(held: &Dir, _workspace: &Workspace, _base: &Path) -> PathBuf {
    // With the slash at the end it is the directory, and not the link to it.
    PathBuf::from(format!("/proc/self/fd/{}/", std::os::fd::AsRawFd::as_raw_fd(held)))
}

#[cfg(not(target_os = "linux"))]
fn root_of(_held: &Dir, workspace: &Workspace, base: &Path) -> PathBuf {
    workspace.path().join(base).join("")
}

/// What one thread of a walk does.
pub(super) trait Visit: Send {
    /// What it has at the end.
    type Found: Send;
    /// Looks at an entry; `false` ends the walk.
    fn visit(&mut self, inner: &Path, is_file: bool) -> bool;
    /// What it found.
    fn found(self) -> Self::Found;
}

struct OneThread<'a, V: Visit> {
    visit: Option<V>,
    found: &'a Mutex<Vec<V::Found>>,
}

impl<V: Visit> Drop for OneThread<'_, V> {
    fn drop(&mut self) {
        if let Some(visit) = self.visit.take() {
            self.found.lock().unwrap_or_else(PoisonError::into_inner).push(visit.found());
        }
    }
}

//! What a file held when the model saw it, so that nobody's newer words are written over.
use cap_std::fs::{Metadata, MetadataExt};
use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hasher},
    path::{Path, PathBuf},
};

/// A file up to this size is known by what it holds; a larger one by what the system says of it.
pub(crate) const HASHED: u64 = 8 * 1024 * 1024;
/// Files that are remembered; after that all are forgotten, and have to be read again.
const MOST: usize = 10_000;

/// What a file held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    Content { len: u64, hash: u64 },
    Stamp { dev: u64, ino: u64, len: u64, modified: (i64, i64), changed: (i64, i64) },
}

impl Version {
    /// The version of a file that holds this.
    pub(crate) fn of(content: &[u8]) -> Self {
        let mut hasher = DefaultHasher::new();
        hasher.write(content);
        Version::Content { len: content.len() as u64, hash: hasher.finish() }
    }

    /// The version of a file that is too large to be read for this.
    pub(crate) fn stamp(metadata: &Metadata) -> Self {
        Version::Stamp {
            dev: metadata.dev(),
            ino: metadata.ino(),
            len: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// Whether the model knows what a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// It was never read here.
    Never,
    /// It holds what it held then.
    Same,
    /// It holds something else now.
    Changed,
}

#[derive(Default)]
pub(super) struct Versions(HashMap<PathBuf, Version>);

impl Versions {
    pub(super) fn put(&mut self, path: PathBuf, version: Version) {
        if self.0.len() >= MOST {
            self.0.clear();
        }
        self.0.insert(path, version);
    }

    pub(super) fn compare(&self, path: &Path, now: &Version) -> Known {
        match self.0.get(path) {
            None => Known::Never,
            Some(then) if then == now => Known::Same,
            Some(_) => Known::Changed,
        }
    }
}

//! How a file is opened.
use duyetbot_core::Clock;
use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

/// Where the file is, and by which clock it runs.
///
/// ```no_run
/// # async fn example(clock: std::sync::Arc<dyn duyetbot_core::Clock>) -> duyetbot_core::Result<()> {
/// use duyetbot_storage_sqlite::{SqliteConfig, SqliteStore};
/// let store = SqliteStore::open(SqliteConfig::new("/home/ada/.duyetbot/duyetbot.db", clock)).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SqliteConfig {
    /// The file; it is made where it is not there, with its folders.
    pub path: PathBuf,
    /// The store's now.
    pub clock: Arc<dyn Clock>,
    /// How long a call waits for another process that writes.
    pub busy: Duration,
    /// Commits that share one flush to the disk, at most. 1 groups nothing.
    pub group: usize,
    /// Connections that read beside the one that writes.
    pub readers: u32,
}

impl SqliteConfig {
    /// The usual settings for this file.
    pub fn new(path: impl Into<PathBuf>, clock: Arc<dyn Clock>) -> Self {
        SqliteConfig { path: path.into(), clock, busy: Duration::from_secs(60), group: 128, readers: 4 }
    }
}

impl fmt::Debug for SqliteConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteConfig").field("path", &self.path).finish_non_exhaustive()
    }
}

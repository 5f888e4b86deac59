//! What is erased leaves the files: soon after somebody asked for it, and every hour what lay in the bin for long.
use duyetbot_core::Storage;
use duyetbot_http::Housekeeping;
use std::{sync::Arc, time::Duration};
use tokio::sync::Notify;

/// How often the storage is swept where nobody asks.
const EVERY: Duration = Duration::from_secs(60 * 60);

/// Tells the sweep that there is something to do.
#[derive(Clone, Default)]
pub(crate) struct Sweep(Arc<Notify>);

impl Housekeeping for Sweep {
    fn is_due(&self) {
        // Kept for the next sweep where one is under way.
        self.0.notify_one();
    }
}

impl Sweep {
    /// Sweeps as long as the server lives, at first what a dead process left. A failure is tried again at the next turn.
    pub(crate) async fn keep_sweeping(self, store: Arc<dyn Storage>) {
        loop {
            match store.sweep().await {
                Ok(swept) => tracing::debug!(sessions = swept.sessions, blobs = swept.blobs, "swept"),
                Err(error) => tracing::warn!(?error, "the storage could not be swept"),
            }
            tokio::select! {
                () = self.0.notified() => {}
                () = tokio::time::sleep(EVERY) => {}
            }
        }
    }
}

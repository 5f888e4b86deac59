//! Work on files beside the executor, which ends soon after its call was dropped or took too long.
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use crate::refusal::Refusal;

/// How long work may go on after it was told to stop, before its call is answered without it.
const GRACE: Duration = Duration::from_secs(2);

/// Tells work that nobody waits for it any longer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop(Arc<AtomicBool>);

impl Stop {
    pub(crate) fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

struct StopOnDrop(Stop);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}

/// Does `work` on a thread for such work. After `limit` it is told to stop, and what it answers then counts still; work
/// that does not stop (a file system that hangs) is left behind.
pub(crate) async fn blocking<T: Send + 'static>(
    limit: Duration,
    work: impl FnOnce(&Stop) -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    let stop = Stop::default();
    let guard = StopOnDrop(stop.clone());
    let mut thread = tokio::task::spawn_blocking(move || work(&stop));
    let done = match tokio::time::timeout(limit, &mut thread).await {
        Ok(done) => done,
        Err(_) => {
            drop(guard);
            match tokio::time::timeout(GRACE, &mut thread).await {
                Ok(done) => done,
                Err(_) => return Err(Refusal::new(format!("the file system did not answer within {limit:?}"))),
            }
        }
    };
    done.unwrap_or_else(|_| Err(Refusal::new("the tool failed (it panicked)")))
}

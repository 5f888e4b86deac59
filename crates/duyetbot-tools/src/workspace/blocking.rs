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
                Err(_) => {
                    return Err(Refusal::new(format!("the file system did not answer within {limit:?}")));
                }
            }
        }
    };
    done.unwrap_or_else(|_| Err(Refusal::new("the tool failed (it panicked)")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use duyetbot_core::ToolResult;
    use std::sync::mpsc;

    /// Works until it is told to stop, and says so.
    fn until_stopped(stop: &Stop, told: &mpsc::SyncSender<()>) -> Result<&'static str, Refusal> {
        while !stop.is_asked() {
            std::thread::yield_now();
        }
        told.send(()).unwrap();
        Ok("what there was until then")
    }

    #[tokio::test]
    async fn work_whose_call_is_dropped_is_told_to_stop() {
        let (told, stopped) = mpsc::sync_channel(1);
        let call = blocking(Duration::from_secs(60), move |stop| until_stopped(stop, &told));
        assert!(tokio::time::timeout(Duration::from_millis(10), call).await.is_err());
        stopped.recv_timeout(Duration::from_secs(5)).unwrap();
    }

    #[tokio::test]
    async fn work_that_takes_too_long_is_told_to_stop_and_answers_what_it_has() {
        let (told, _stopped) = mpsc::sync_channel(1);
        let done = blocking(Duration::from_millis(10), move |stop| until_stopped(stop, &told)).await;
        assert_eq!(done, Ok("what there was until then"));
    }

    #[tokio::test]
    async fn work_that_panics_is_a_refusal() {
        let done = blocking::<()>(Duration::from_secs(5), |_| panic!("on purpose")).await;
        assert_eq!(ToolResult::from(done.unwrap_err()).output, "the tool failed (it panicked)");
    }
}

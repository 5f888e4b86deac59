//! How streams learn that the server is about to stop.
use futures::{FutureExt, channel::oneshot, future::Shared};
use std::sync::{Arc, Mutex, PoisonError};

/// Begins once. Streams end with a hint to resume, and the server is no longer ready.
#[derive(Clone)]
pub struct Drain {
    begin: Arc<Mutex<Option<oneshot::Sender<()>>>>,
    begun: Shared<oneshot::Receiver<()>>,
}

impl Default for Drain {
    fn default() -> Self {
        let (begin, begun) = oneshot::channel();
        Drain { begin: Arc::new(Mutex::new(Some(begin))), begun: begun.shared() }
    }
}

impl Drain {
    /// Begins it.
    pub fn begin(&self) {
        self.begin.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
    /// Has it begun?
    pub fn is_begun(&self) -> bool {
        self.begin.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }
    /// Waits until it begins.
    pub async fn begun(&self) {
        // The sender is dropped, and never sends.
        let _ = self.begun.clone().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_waits_learns_of_it_and_so_does_who_comes_later() {
        let drain = Drain::default();
        let mut waiting = drain.begun().boxed();
        assert_eq!((waiting.as_mut().now_or_never(), drain.is_begun()), (None, false));
        drain.clone().begin();
        assert_eq!((waiting.now_or_never(), drain.begun().now_or_never()), (Some(()), Some(())));
        assert!(drain.is_begun());
    }
}

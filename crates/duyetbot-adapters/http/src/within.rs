//! A time limit by the core's clock: the only timer that is there on every target.
use duyetbot_core::Clock;
use futures::future::{Either, select};
use std::{future::Future, pin::pin, time::Duration};

/// What the work answers, or none where that takes longer than this.
pub(crate) async fn within<T>(
    clock: &dyn Clock,
    limit: Duration,
    work: impl Future<Output = T>,
) -> Option<T> {
    match select(pin!(work), clock.sleep(limit)).await {
        Either::Left((done, _)) => Some(done),
        Either::Right(_) => None,
    }
}

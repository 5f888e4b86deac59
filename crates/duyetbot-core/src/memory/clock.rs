//! A clock that stands still until it is set, so that nothing that waits needs real time.
use async_trait::async_trait;
use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use crate::{store::Clock, time_stamp::Timestamp};

/// A clock for tests, examples and programs that keep their own time: it moves only when it is told to.
///
/// ```
/// use duyetbot_core::{Clock, SettableClock, Timestamp};
/// use std::time::Duration;
/// let clock = SettableClock::new(Timestamp(1_000));
/// clock.advance(Duration::from_secs(2));
/// assert_eq!(clock.now(), Timestamp(3_000));
/// ```
#[derive(Debug, Default)]
pub struct SettableClock {
    face: Mutex<Face>,
}

#[derive(Debug, Default)]
struct Face {
    now: Timestamp,
    next_sleep: u64,
    /// By deadline, then in the order in which they began.
    sleepers: BTreeMap<(Timestamp, u64), Option<Waker>>,
}

impl SettableClock {
    /// A clock that shows this moment.
    pub fn new(now: Timestamp) -> Self {
        SettableClock { face: Mutex::new(Face { now, ..Face::default() }) }
    }

    /// Shows this moment from now on, be it earlier or later, and wakes whose time has come.
    pub fn set(&self, now: Timestamp) {
        let mut face = self.face();
        face.now = now;
        let woken: Vec<Waker> =
            face.sleepers.range_mut(..=(now, u64::MAX)).filter_map(|(_, waker)| waker.take()).collect();
        drop(face);
        woken.into_iter().for_each(Waker::wake);
    }

    /// Moves on by so much, and wakes whose time has come.
    pub fn advance(&self, by: Duration) {
        let now = self.now().plus(by);
        self.set(now);
    }

    /// When the first of those that sleep wakes; none while nobody sleeps.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.face().sleepers.keys().next().map(|(deadline, _)| *deadline)
    }

    fn face(&self) -> MutexGuard<'_, Face> {
        self.face.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Clock for SettableClock {
    fn now(&self) -> Timestamp {
        self.face().now
    }

    // Written out so that the deadline counts from the call, not from the first poll.
    fn sleep<'life0, 'async_trait>(
        &'life0 self,
        duration: Duration,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'async_trait>>
    where
        'life0: 'async_trait,
        Self: 'async_trait,
    {
        let mut face = self.face();
        let key = (face.now.plus(duration), face.next_sleep);
        face.next_sleep += 1;
        face.sleepers.insert(key, None);
        Box::pin(Sleep { clock: self, key })
    }
}

struct Sleep<'a> {
    clock: &'a SettableClock,
    key: (Timestamp, u64),
}

impl Future for Sleep<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut face = self.clock.face();
        if face.now >= self.key.0 {
            return Poll::Ready(());
        }
        face.sleepers.insert(self.key, Some(cx.waker().clone()));
        Poll::Pending
    }
}

impl Drop for Sleep<'_> {
    fn drop(&mut self) {
        self.clock.face().sleepers.remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::{FutureExt, executor::block_on, future::join};
    use std::sync::Arc;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_sleep_ends_at_its_moment_and_not_before() {
        let clock = SettableClock::new(Timestamp(0));
        let mut sleep = clock.sleep(SECOND);
        assert_eq!(sleep.as_mut().now_or_never(), None);
        clock.advance(Duration::from_millis(999));
        assert_eq!(sleep.as_mut().now_or_never(), None);
        clock.advance(Duration::from_millis(1));
        assert_eq!(sleep.as_mut().now_or_never(), Some(()));
    }

    #[test]
    fn a_sleep_counts_from_its_call() {
        let clock = SettableClock::new(Timestamp(0));
        let sleep = clock.sleep(SECOND);
        clock.advance(SECOND);
        assert_eq!(sleep.now_or_never(), Some(()));
    }

    #[test]
    fn moving_the_clock_wakes_a_sleeper_in_another_task() {
        let clock = Arc::new(SettableClock::new(Timestamp(0)));
        let sleeper = clock.clone();
        let mover = clock.clone();
        block_on(join(async move { sleeper.sleep(SECOND).await }, async move { mover.advance(SECOND) }));
        assert_eq!(clock.now(), Timestamp(1_000));
    }

    #[test]
    fn a_dropped_sleep_leaves_nothing_behind() {
        let clock = SettableClock::new(Timestamp(0));
        let long = clock.sleep(SECOND * 2);
        let short = clock.sleep(SECOND);
        assert_eq!(clock.next_deadline(), Some(Timestamp(1_000)));
        drop(short);
        assert_eq!(clock.next_deadline(), Some(Timestamp(2_000)));
        drop(long);
        assert_eq!(clock.next_deadline(), None);
    }
}

//! The live side of runs in this process: one view a run, and who waits for a change of it.
use std::{
    collections::BTreeMap,
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    task::{Poll, Waker},
};

use futures::channel::mpsc;

use super::live::View;
use crate::{id::RunId, scope::Scope};

/// One run's view. Its holder, or the one follower of this process, writes it.
pub(super) struct Live {
    inner: Mutex<Inner>,
    stop: Option<mpsc::Sender<()>>,
}

struct Inner {
    view: View,
    version: u64,
    detached: bool,
    wakers: Vec<Waker>,
}

impl Inner {
    fn of(view: View) -> Mutex<Self> {
        Mutex::new(Inner { view, version: 0, detached: false, wakers: Vec::new() })
    }
}

impl Live {
    /// A run that this process holds; `stop` reaches its driver.
    pub(super) fn held(view: View, stop: mpsc::Sender<()>) -> Arc<Self> {
        Arc::new(Live { inner: Inner::of(view), stop: Some(stop) })
    }
    /// A run that another process holds.
    pub(super) fn followed(view: View) -> Arc<Self> {
        Arc::new(Live { inner: Inner::of(view), stop: None })
    }
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// Does this process hold the run?
    pub(super) fn is_held(&self) -> bool {
        self.stop.is_some()
    }
    /// Changes the view and wakes who waits.
    pub(super) fn change(&self, change: impl FnOnce(&mut View)) {
        let wakers = {
            let mut inner = self.lock();
            change(&mut inner.view);
            inner.version += 1;
            std::mem::take(&mut inner.wakers)
        };
        wakers.into_iter().for_each(Waker::wake);
    }
    /// Nobody writes this view any more.
    pub(super) fn detach(&self) {
        self.lock().detached = true;
        self.change(|_| {});
    }
    /// Does somebody still write this view?
    pub(super) fn attached(&self) -> bool {
        !self.lock().detached
    }
    /// Looks at the view, and answers which version it was.
    pub(super) fn look<T>(&self, look: impl FnOnce(&View) -> T) -> (T, u64) {
        let inner = self.lock();
        (look(&inner.view), inner.version)
    }
    /// Waits until the view is newer than this version.
    pub(super) async fn changed(&self, since: u64) {
        poll_fn(|cx| {
            let mut inner = self.lock();
            if inner.version != since {
                return Poll::Ready(());
            }
            if !inner.wakers.iter().any(|w| w.will_wake(cx.waker())) {
                inner.wakers.push(cx.waker().clone());
            }
            Poll::Pending
        })
        .await;
    }
    /// Asks the driver in this process to stop; false where another process holds the run.
    pub(super) fn stop(&self) -> bool {
        self.stop.as_ref().is_some_and(|stop| match stop.clone().try_send(()) {
            Ok(()) => true,
            // It was asked already.
            Err(error) => error.is_full(),
        })
    }
}

/// The runs that this process holds or follows, by owner: ids are made by clients, and two owners may use the same.
#[derive(Clone, Default)]
pub(super) struct Runs(Arc<Mutex<Kept>>);

type Key = (String, RunId);

#[derive(Default)]
struct Kept {
    views: BTreeMap<Key, Weak<Live>>,
    /// Views when those that nobody holds were last taken out.
    swept: usize,
}

impl Kept {
    /// Views that are kept however few of them somebody holds.
    const FEW: usize = 64;

    fn get(&self, key: &Key) -> Option<Arc<Live>> {
        self.views.get(key).and_then(Weak::upgrade).filter(|live| live.attached())
    }

    /// Once there are twice as many as were held, those that nobody holds go: so each pays for one other.
    fn put(&mut self, key: Key, live: &Arc<Live>) {
        if self.views.len() >= 2 * self.swept.max(Self::FEW) {
            self.views.retain(|_, live| live.strong_count() > 0);
            self.swept = self.views.len();
        }
        self.views.insert(key, Arc::downgrade(live));
    }
}

impl Runs {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
    pub(super) fn get(&self, scope: &Scope, run: RunId) -> Option<Arc<Live>> {
        self.lock().get(&key(scope, run))
    }
    pub(super) fn put(&self, scope: &Scope, run: RunId, live: &Arc<Live>) {
        self.lock().put(key(scope, run), live);
    }
    /// The run's view; made by `follow` where this process has none. `true` where it was made now.
    pub(super) fn get_or_put(
        &self,
        scope: &Scope,
        run: RunId,
        follow: impl FnOnce() -> Arc<Live>,
    ) -> (Arc<Live>, bool) {
        let mut runs = self.lock();
        let key = key(scope, run);
        if let Some(live) = runs.get(&key) {
            return (live, false);
        }
        let live = follow();
        runs.put(key, &live);
        (live, true)
    }
}

fn key(scope: &Scope, run: RunId) -> Key {
    (scope.owner().to_owned(), run)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        id::{MessageId, SessionId},
        message::Origin,
        run::{Checkpoint, Guards},
        run_row::RunState,
    };

    #[test]
    fn views_that_nobody_holds_go_and_those_that_somebody_holds_stay() {
        let (runs, scope) = (Runs::default(), Scope::vouched("ada", "ada"));
        let begin = || {
            let run = RunId { session: SessionId::new(), message: MessageId::new() };
            let checkpoint = Checkpoint::open(run, "model".to_owned(), Origin::Api, Guards::default());
            let live = Live::followed(View::of(&checkpoint, 1, RunState::Running));
            runs.put(&scope, run, &live);
            (run, live)
        };
        let held: Vec<_> = (0..Kept::FEW).map(|_| begin()).collect();
        for _ in 0..20 * Kept::FEW {
            let (run, live) = begin();
            drop(live);
            assert!(runs.get(&scope, run).is_none());
            assert!(runs.lock().views.len() <= 2 * (held.len() + 1));
        }
        assert!(held.iter().all(|(run, live)| Arc::ptr_eq(&runs.get(&scope, *run).unwrap(), live)));
    }
}

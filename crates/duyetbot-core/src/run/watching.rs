//! Watching a run in this process: a cursor at its view, and what it lacks.
use futures::{
    FutureExt, StreamExt,
    future::{BoxFuture, Either, select},
    stream::{self, BoxStream},
};
use std::{pin::pin, sync::Arc, time::Duration};

use super::{
    context::hydrate,
    following::Live,
    live::{Cursor, Told, diff},
    local::LocalAgent,
};
use crate::{
    agent::Watched,
    error::Result,
    id::{MessageId, RunId},
    scope::Scope,
};

/// The longest that a watcher waits without looking again.
const LOOK: Duration = Duration::from_secs(5);

/// A watcher holds the view that it reads: a follower lives as long as somebody does.
struct Watcher {
    live: Arc<Live>,
    cursor: Cursor,
    /// Rings when it is time to look again. It is set anew when it has rung, not with each event.
    look: BoxFuture<'static, ()>,
}

impl LocalAgent {
    /// See [`crate::Agent::watch`].
    pub(super) async fn watch_from(
        &self,
        scope: &Scope,
        run: RunId,
        after: u32,
    ) -> Result<BoxStream<'static, Watched>> {
        let live = self.live(scope, run).await?;
        let watcher = Watcher { live, cursor: Cursor::after(after), look: self.look_again() };
        let (agent, scope) = (self.clone(), scope.clone());
        let events = stream::unfold(watcher, move |mut watcher| {
            let (agent, scope) = (agent.clone(), scope.clone());
            async move {
                if watcher.cursor.done() {
                    return None;
                }
                let events = agent.next_events(&scope, run, &mut watcher).await;
                Some((stream::iter(events), watcher))
            }
        });
        Ok(events.flatten().boxed())
    }

    /// Waits until there is something that the watcher lacks.
    async fn next_events(&self, scope: &Scope, run: RunId, watcher: &mut Watcher) -> Vec<Watched> {
        loop {
            let Watcher { live, cursor, look } = watcher;
            let ((lacks, open, last), version) = live.look(|view| {
                let lacks = cursor.lacks(view);
                let open = if lacks.is_empty() { diff(run, cursor, view, &[]) } else { Vec::new() };
                (lacks, open, view.committed.clone())
            });
            if !open.is_empty() {
                return open;
            }
            // One step at a time: what a watcher that is far behind makes this process hold is one message.
            if !lacks.is_empty() {
                let id = run.step(lacks.start);
                let told = match last.filter(|last| last.id == id) {
                    Some(last) => last,
                    None => match self.step(scope, run, id).await {
                        Ok(step) => step,
                        Err(error) => return cursor.fail(error),
                    },
                };
                return live.look(|view| diff(run, cursor, view, &[told])).0;
            }
            if !live.attached() {
                match self.live(scope, run).await {
                    Ok(live) => watcher.live = live,
                    Err(error) => return cursor.fail(error),
                }
                continue;
            }
            if let Either::Right(_) = select(pin!(live.changed(version)), &mut *look).await {
                *look = self.look_again();
            }
        }
    }

    fn look_again(&self) -> BoxFuture<'static, ()> {
        let clock = self.parts.clock.clone();
        async move { clock.sleep(LOOK).await }.boxed()
    }

    /// A committed step with all of its text: a watcher that was sent more than a row holds must not lose it again.
    async fn step(&self, scope: &Scope, run: RunId, id: MessageId) -> Result<Arc<Told>> {
        let message = self.parts.store.message(scope, run.session, id).await?;
        Ok(Arc::new(hydrate(&*self.parts.store, scope, message).await?.into()))
    }
}

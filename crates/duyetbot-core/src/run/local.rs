//! The agent that runs in this process, over a store.
use async_trait::async_trait;
use futures::{FutureExt, channel::mpsc, stream::BoxStream};
use std::{sync::Arc, time::Duration};

use super::{
    asking::Asking,
    checkpoint::Checkpoint,
    compacting::Compacted,
    driver::Driver,
    effects::{Effect, Successor},
    following::{Live, Runs},
    live::View,
    machine::Machine,
    offered::Offered,
    opening::Opening,
    parts::{Parts, Settings},
    policy::{Narrowing, Policy},
    slots::{Slot, Slots},
    waiting::OpenCall,
};
use crate::{
    agent::{Agent, Chat, Found, Watched},
    error::{Code, Error, ErrorKind, Result},
    id::{CallId, MessageId, RunId, SessionId},
    index::{self, CommonTerms},
    model::{ChatModel, ModelInfo},
    run_row::{Claim, ClaimOf, Claimed, Decision, RunState},
    scope::Scope,
    store::Commit,
};

/// How often the row of a run that another process holds is read.
const FOLLOW: Duration = Duration::from_millis(100);
/// The same while it waits for a person, which may take days.
const FOLLOW_WAITING: Duration = Duration::from_secs(1);
/// For how long a follower says that somebody watches.
const ATTEND: Duration = Duration::from_secs(5);
/// Times that a message is offered while other runs of its session are ended for it.
const OFFERS: u32 = 4;

/// An agent over a store, with its own models and tools. Cheap to clone.
#[derive(Clone)]
pub struct LocalAgent {
    pub(super) parts: Arc<Parts>,
    pub(super) settings: Arc<Settings>,
    pub(super) runs: Runs,
    slots: Slots,
    pub(super) common: Arc<CommonTerms>,
    pub(super) offered: Offered,
}

impl LocalAgent {
    /// An agent of these parts.
    pub fn new(parts: Parts, settings: Settings) -> Self {
        LocalAgent {
            offered: Offered::of(&parts.tools),
            parts: Arc::new(parts),
            settings: Arc::new(settings),
            runs: Runs::default(),
            slots: Slots::default(),
            common: Arc::default(),
        }
    }

    /// What it is made of.
    pub fn parts(&self) -> &Parts {
        &self.parts
    }

    /// Takes over what dead processes of this place left, as the settings say; answers the runs. Called at start, and by
    /// a server on a timer.
    pub async fn adopt_orphans(&self) -> Result<Vec<RunId>> {
        let mut adopted = Vec::new();
        let gone = self.gone().await?;
        while let Some(run) = self.adopt(ClaimOf::Places(vec![self.settings.place.clone()]), &gone).await? {
            adopted.push(run);
        }
        Ok(adopted)
    }

    async fn gone(&self) -> Result<Vec<String>> {
        let holders = self.parts.store.holders(std::slice::from_ref(&self.settings.place)).await?;
        Ok(holders.into_iter().filter(|h| self.parts.host.is_gone(h)).collect())
    }

    async fn adopt(&self, of: ClaimOf, gone: &[String]) -> Result<Option<RunId>> {
        let claim = Claim { of, holder: self.parts.host.holder(), gone: gone.to_vec() };
        let Some(claimed) = self.parts.store.claim(&claim).await? else { return Ok(None) };
        // A run that was decided goes on; one whose process died goes on or ends, as this place does it.
        let successor =
            if claimed.was == RunState::Queued { Successor::GoesOn } else { self.settings.successor };
        let run = claimed.run;
        self.go_on(claimed, successor).await?;
        Ok(Some(run))
    }

    /// A slot for the run of a message. One that is begun already has its own: asking for it again is no second run.
    async fn slot_for(&self, scope: &Scope, chat: &Chat) -> Result<Option<Slot>> {
        let slot = self.slots.take(scope, self.settings.runs_at_once);
        if slot.is_some() {
            return Ok(slot);
        }
        let run = RunId { session: chat.session_id(scope), message: chat.message };
        match self.parts.store.run(scope, run).await {
            Ok(_) => Ok(None),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(Slots::full()),
            Err(error) => Err(error),
        }
    }

    /// Goes on with a claimed run, or ends it.
    async fn go_on(&self, claimed: Claimed, successor: Successor) -> Result<()> {
        let checkpoint = match Checkpoint::read(&claimed.checkpoint) {
            Ok(checkpoint) => checkpoint,
            Err(_) => return self.end_unreadable(claimed, successor).await,
        };
        if successor != Successor::GoesOn {
            return self.end(checkpoint, &claimed, successor).await;
        }
        // Rules that cannot be read any more must not fall away: such a run ends.
        let Ok(policy) = self.policy(&checkpoint.narrowing) else {
            return self.end(checkpoint, &claimed, Successor::Ends).await;
        };
        let model = self.model_of(&checkpoint).await?;
        // What the machine goes on to is not durable before its effects are performed.
        let view = View::of(&checkpoint, claimed.epoch, RunState::Running);
        let (scope, run) = (claimed.scope.clone(), claimed.run);
        let (machine, effects) = Machine::resume(checkpoint, &claimed, successor, policy);
        let slot = self.slots.take(&scope, None);
        self.drive(&scope, run, Held { model, machine, effects, view, said: None, slot });
        Ok(())
    }

    /// The model that a run goes on with: its own, else the one that is used where none is named.
    pub(super) async fn model_of(&self, checkpoint: &Checkpoint) -> Result<Arc<dyn ChatModel>> {
        match self.parts.models.model(Some(&checkpoint.model)).await {
            Ok(model) => Ok(model),
            // What is wrong with its own says more than what is wrong with another.
            Err(error) => self.parts.models.model(None).await.map_err(|_| error),
        }
    }

    /// The policy of a run that begins or goes on now.
    pub(super) fn policy(&self, narrowing: &Narrowing) -> Result<Arc<dyn Policy>> {
        let policy = self.parts.policy.renewed().unwrap_or_else(|| self.parts.policy.clone());
        if narrowing.is_empty() { Ok(policy) } else { policy.narrowed(narrowing) }
    }

    fn drive(&self, scope: &Scope, run: RunId, held: Held) {
        let Held { model, machine, effects, view, said, slot } = held;
        let epoch = view.epoch;
        let (stop, stops) = mpsc::channel(1);
        let live = Live::held(view, stop);
        self.runs.put(scope, run, &live);
        let asking = Asking {
            parts: self.parts.clone(),
            settings: self.settings.clone(),
            scope: scope.clone(),
            model,
            origin: machine.checkpoint().origin,
            recalled: None,
            common: self.common.clone(),
            offered: self.offered.clone(),
            over: Arc::default(),
        };
        let driver = Driver { asking, run, epoch, live, said };
        let work = async move {
            driver.drive(machine, effects, stops).await;
            drop(slot);
        };
        self.parts.spawner.spawn(work.boxed());
    }

    /// The run's view in this process, made by reading its row where another process holds it.
    pub(super) async fn live(&self, scope: &Scope, run: RunId) -> Result<Arc<Live>> {
        if let Some(live) = self.runs.get(scope, run) {
            return Ok(live);
        }
        let row = self.parts.store.run(scope, run).await?;
        let (live, made) = self.runs.get_or_put(scope, run, || Live::followed(View::of_row(&row)));
        if made {
            if row.state.ended() {
                return Ok(live);
            }
            let agent = self.clone();
            let (scope, weak) = (scope.clone(), Arc::downgrade(&live));
            self.parts.spawner.spawn(
                async move {
                    while let Some(live) = weak.upgrade() {
                        let over = agent.follow(&scope, run, &live).await;
                        let waits = live.look(|view| view.state == RunState::Waiting).0;
                        drop(live);
                        if over {
                            break;
                        }
                        agent.parts.clock.sleep(if waits { FOLLOW_WAITING } else { FOLLOW }).await;
                    }
                }
                .boxed(),
            );
        }
        Ok(live)
    }

    /// Brings a follower's view up to the row; `true` where there is nothing more to follow.
    async fn follow(&self, scope: &Scope, run: RunId, live: &Live) -> bool {
        let row = match self.parts.store.run(scope, run).await {
            Ok(row) => row,
            Err(error) => {
                live.change(|view| view.lost = Some(error));
                live.detach();
                return true;
            }
        };
        if row.state == RunState::Queued
            && row.place == self.settings.place
            && let Ok(Some(_)) = self.adopt(ClaimOf::Places(vec![self.settings.place.clone()]), &[]).await
        {
            live.detach();
            return true;
        }
        if let Ok(true) = self.end_overdue(scope, &row).await {
            return false;
        }
        if row.state == RunState::Running {
            // Best effort: without it the text comes a second later.
            let _ = self.parts.store.attend(scope, run, ATTEND).await;
        }
        if self.ending(&row) == Some(Successor::Ends) && row.place == self.settings.place {
            let gone: Vec<String> =
                Some(row.holder.clone()).filter(|h| self.parts.host.is_gone(h)).into_iter().collect();
            if let Ok(Some(_)) = self.adopt(ClaimOf::Places(vec![self.settings.place.clone()]), &gone).await {
                live.detach();
                return true;
            }
        }
        let ended = row.state.ended();
        let view = View::of_row(&row);
        live.change(|v| *v = view);
        ended
    }
}

/// A run that this process holds from now on.
struct Held {
    model: Arc<dyn ChatModel>,
    machine: Machine,
    effects: Vec<Effect>,
    view: View,
    /// The text of the message that its first step hangs under, where it is at hand.
    said: Option<(MessageId, String)>,
    slot: Option<Slot>,
}

#[async_trait]
impl Agent for LocalAgent {
    async fn start(&self, scope: &Scope, chat: Chat) -> Result<RunId> {
        let mut slot = self.slot_for(scope, &chat).await?;
        let opening = Opening::new(self, scope, chat).await?;
        let run = opening.run;
        for offer in 1.. {
            let commit: Commit = opening.commit(self, scope).await?;
            match self.parts.store.commit(scope, &commit).await {
                Ok(done) => {
                    if done.fresh {
                        let (machine, effects) =
                            Machine::start(opening.checkpoint.clone(), opening.policy.clone());
                        let view = View::of(&opening.checkpoint, 1, RunState::Running);
                        let said = Some((run.message, opening.text.clone()));
                        let (model, slot) = (opening.model.clone(), slot.take());
                        self.drive(scope, run, Held { model, machine, effects, view, said, slot });
                    }
                    break;
                }
                Err(error) if error.is(Code::RunActive) && offer < OFFERS => {
                    let Some(other) = self.parts.store.current(scope, run.session).await? else { continue };
                    if !self.make_way(scope, other).await? {
                        return Err(Error::new(
                            ErrorKind::Conflict,
                            "another turn of this session is running; wait for it or stop it",
                        )
                        .with_code(Code::RunActive)
                        .with_context("run", other));
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(run)
    }

    async fn watch(&self, scope: &Scope, run: RunId, after: u32) -> Result<BoxStream<'static, Watched>> {
        self.watch_from(scope, run, after).await
    }

    async fn open_calls(&self, scope: &Scope) -> Result<Vec<OpenCall>> {
        self.waiting_calls(scope).await
    }

    async fn unfinished(&self, scope: &Scope, session: SessionId) -> Result<Option<RunId>> {
        self.unfinished_run(scope, session).await
    }

    async fn decide(&self, scope: &Scope, run: RunId, call: &CallId, decision: Decision) -> Result<RunState> {
        self.in_time(scope, run).await?;
        let state = self.parts.store.decide(scope, run, call, decision).await?;
        if state == RunState::Queued {
            let row = self.parts.store.run(scope, run).await?;
            if row.place == self.settings.place {
                self.adopt(ClaimOf::Places(vec![self.settings.place.clone()]), &[]).await?;
            }
        }
        Ok(state)
    }

    async fn stop(&self, scope: &Scope, run: RunId) -> Result<RunState> {
        let row = self.parts.store.run(scope, run).await?;
        if row.state.ended() {
            return Ok(row.state);
        }
        if self.runs.get(scope, run).is_some_and(|live| live.stop()) {
            return Ok(row.state);
        }
        let state = self.parts.store.ask_stop(scope, run).await?;
        let free = matches!(state, RunState::Waiting | RunState::Queued) || self.ending(&row).is_some();
        if free {
            self.take_and_end(scope, &row, Successor::Denies).await?;
            return Ok(self.parts.store.run(scope, run).await?.state);
        }
        Ok(state)
    }

    async fn search(&self, scope: &Scope, words: &str, limit: usize) -> Result<Vec<Found>> {
        let hits = index::search(&*self.parts.store, scope, &index::typed_query(words), limit).await?;
        Ok(hits.into_iter().map(Found::from).collect())
    }

    async fn model(&self, _scope: &Scope, name: Option<&str>) -> Result<Option<ModelInfo>> {
        Ok(Some(self.parts.models.model(name).await?.info().clone()))
    }

    async fn models(&self, _scope: &Scope) -> Result<Vec<String>> {
        self.parts.models.list().await
    }

    async fn compact(
        &self,
        scope: &Scope,
        session: SessionId,
        tip: MessageId,
        model: Option<&str>,
    ) -> Result<Option<Compacted>> {
        self.summed_up(scope, session, tip, model).await
    }
}

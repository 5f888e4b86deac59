//! The store in memory: the reference of what the traits mean, and the store of programs that keep nothing.
mod blobs;
mod clock;
mod commit;
mod erase;
mod feed;
mod fields;
mod people;
mod postings;
mod rows;
mod runs;
mod sessions;
mod users;

use async_trait::async_trait;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

pub use clock::SettableClock;
use people::People;
use rows::{Moment, Owner};

use crate::{
    error::Result,
    id::{CallId, DeviceId, MessageId, RunId, SessionId},
    limits::Limits,
    message::{BlobRef, Message, Usage},
    run_row::{Asked, Claim, Claimed, Decision, RunRow, RunState, Save},
    scope::Scope,
    session::{Change, Session, Stamp},
    store::{
        BlobStore, Capabilities, Changes, Clock, Commit, Committed, Counters, Operator, PageOf, PieceKey,
        Postings, RunStore, SessionFilter, SessionStore, Swept, Term,
    },
};

/// Sessions, runs and blobs in memory, lost with the process.
///
/// ```
/// use duyetbot_core::{MemoryStore, Scope, SessionFilter, SessionStore, SettableClock, Timestamp};
/// use std::sync::Arc;
/// # futures::executor::block_on(async {
/// let store = MemoryStore::new(Arc::new(SettableClock::new(Timestamp(0))));
/// let mine = Scope::vouched("ada", "ada");
/// assert!(store.sessions(&mine, &SessionFilter::default()).await?.items.is_empty());
/// # Ok::<(), duyetbot_core::Error>(()) }).unwrap();
/// ```
pub struct MemoryStore {
    clock: Arc<dyn Clock>,
    device: DeviceId,
    world: Mutex<World>,
}

/// All that there is, under one lock: a person's erasing and a write under the person's id cannot cross.
#[derive(Default)]
struct World {
    owners: BTreeMap<String, Owner>,
    people: People,
}

impl MemoryStore {
    /// An empty store that reads its now from this clock.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        MemoryStore { clock, device: DeviceId::new(), world: Mutex::default() }
    }

    /// When a session's title was last set.
    pub fn title_stamp(&self, scope: &Scope, session: SessionId) -> Option<Stamp> {
        self.read(scope, |owner| owner.sessions.get(&session).map(|row| row.stamps.title))
    }

    fn moment(&self) -> Moment {
        Moment { now: self.clock.now(), device: self.device }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads what an owner has; one that never wrote has nothing.
    fn read<T>(&self, scope: &Scope, read: impl FnOnce(&Owner) -> T) -> T {
        match self.world().owners.get(scope.owner()) {
            Some(owner) => read(owner),
            None => read(&Owner::default()),
        }
    }

    /// Changes what an owner has; one that never wrote, or was erased, has nothing.
    fn write<T>(&self, scope: &Scope, write: impl FnOnce(&mut Owner) -> T) -> T {
        match self.world().owners.get_mut(scope.owner()) {
            Some(owner) => write(owner),
            None => write(&mut Owner::default()),
        }
    }

    /// Adds to what an owner has; `erased` tells whether the id is an erased person's.
    fn add<T>(&self, scope: &Scope, add: impl FnOnce(&mut Owner, Result<()>) -> Result<T>) -> Result<T> {
        let mut world = self.world();
        let erased = world.people.refuse_erased(scope.owner());
        if erased.is_err() {
            return add(&mut Owner::default(), erased);
        }
        add(world.owners.entry(scope.owner().to_owned()).or_default(), erased)
    }
}

#[async_trait]
impl SessionStore for MemoryStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            text_search: true,
            changes: true,
            secure_erase: false,
            shared: false,
            commits: true,
            verbatim: true,
        }
    }
    async fn commit(&self, scope: &Scope, commit: &Commit) -> Result<Committed> {
        commit.check()?;
        self.add(scope, |owner, erased| owner.commit(scope, commit, self.moment(), erased))
    }
    async fn session(&self, scope: &Scope, id: SessionId) -> Result<Session> {
        self.read(scope, |owner| owner.session(id).map(|row| row.session.clone()))
    }
    async fn sessions(&self, scope: &Scope, filter: &SessionFilter) -> Result<PageOf<Session>> {
        self.read(scope, |owner| owner.page(scope, filter))
    }
    async fn sessions_by_prefix(&self, scope: &Scope, prefix: &str) -> Result<Vec<Session>> {
        Ok(self.read(scope, |owner| owner.by_prefix(prefix)))
    }
    async fn message(&self, scope: &Scope, session: SessionId, id: MessageId) -> Result<Message> {
        self.read(scope, |owner| owner.message(session, id)?.message())
    }
    async fn path(
        &self,
        scope: &Scope,
        session: SessionId,
        tip: Option<MessageId>,
        limit: u32,
    ) -> Result<Vec<Message>> {
        self.read(scope, |owner| owner.path(session, tip, limit))
    }
    async fn messages(
        &self,
        scope: &Scope,
        session: SessionId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Message>> {
        self.read(scope, |owner| owner.messages_of(session, after, limit))
    }
    async fn set(&self, scope: &Scope, id: SessionId, change: &Change) -> Result<Session> {
        change.check()?;
        self.write(scope, |owner| owner.set(id, change, self.moment()))
    }
    async fn erase(&self, scope: &Scope, id: SessionId) -> Result<()> {
        self.write(scope, |owner| owner.erase(id))
    }
    async fn changes(&self, scope: &Scope, after: u64, limit: u32) -> Result<Changes> {
        self.read(scope, |owner| owner.changes(after, limit))
    }
    async fn postings(
        &self,
        scope: &Scope,
        terms: &[Term],
        among: Option<&[PieceKey]>,
        limit: u32,
    ) -> Result<Vec<Postings>> {
        Ok(self.read(scope, |owner| owner.index.postings(terms, among, limit)))
    }
    async fn messages_at(&self, scope: &Scope, seqs: &[u64]) -> Result<Vec<Message>> {
        self.read(scope, |owner| owner.messages_at(seqs))
    }
    async fn counters(&self, scope: &Scope) -> Result<Counters> {
        Ok(self.read(scope, |owner| owner.counters))
    }
}

#[async_trait]
impl RunStore for MemoryStore {
    async fn run(&self, scope: &Scope, run: RunId) -> Result<RunRow> {
        self.read(scope, |owner| owner.run(run, self.clock.now()))
    }
    async fn current(&self, scope: &Scope, session: SessionId) -> Result<Option<RunId>> {
        Ok(self.read(scope, |owner| owner.sessions.get(&session).and_then(|row| row.session.run)))
    }
    async fn spent_today(&self, scope: &Scope) -> Result<Usage> {
        let day = self.clock.now().day();
        Ok(self.read(scope, |owner| owner.spent.get(&day).copied().unwrap_or_default()))
    }
    async fn waiting(&self, scope: &Scope, limit: u32) -> Result<Vec<RunRow>> {
        Ok(self.read(scope, |owner| owner.waiting(limit, self.clock.now())))
    }
    async fn save(&self, scope: &Scope, run: RunId, epoch: u64, save: &Save) -> Result<Asked> {
        self.write(scope, |owner| owner.save(run, epoch, save, self.clock.now()))
    }
    async fn decide(&self, scope: &Scope, run: RunId, call: &CallId, decision: Decision) -> Result<RunState> {
        self.write(scope, |owner| owner.decide(run, call, decision, self.clock.now()))
    }
    async fn ask_stop(&self, scope: &Scope, run: RunId) -> Result<RunState> {
        self.write(scope, |owner| owner.ask_stop(run))
    }
    async fn attend(&self, scope: &Scope, run: RunId, during: Duration) -> Result<()> {
        self.write(scope, |owner| owner.attend(run, self.clock.now().plus(during)))
    }
}

#[async_trait]
impl Operator for MemoryStore {
    async fn holders(&self, places: &[String]) -> Result<Vec<String>> {
        Ok(runs::holders(&self.world().owners, places))
    }
    async fn claim(&self, claim: &Claim) -> Result<Option<Claimed>> {
        Ok(runs::claim(&mut self.world().owners, claim, self.clock.now()))
    }
    async fn sweep(&self) -> Result<Swept> {
        let now = self.clock.now();
        let mut swept = Swept::default();
        for owner in self.world().owners.values_mut() {
            swept.sessions += owner.empty_bin(now)?;
            swept.blobs += owner.drop_unnamed(now);
        }
        Ok(swept)
    }
    async fn probe(&self) -> Result<()> {
        Ok(())
    }
}

#[async_trait]
impl BlobStore for MemoryStore {
    async fn put_blob_within(&self, scope: &Scope, bytes: &[u8], limits: Limits) -> Result<BlobRef> {
        self.add(scope, |owner, erased| erased.and_then(|()| owner.put_blob(bytes, limits, self.clock.now())))
    }
    async fn blob(&self, scope: &Scope, hash: &str) -> Result<Vec<u8>> {
        self.read(scope, |owner| owner.blob(hash))
    }
}

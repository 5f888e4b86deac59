//! A store with one fault: it asks a good one and distorts the answer.
use async_trait::async_trait;
use duyetbot_core::{
    Asked, BlobRef, BlobStore, CallId, Capabilities, Change, Changes, Claim, Claimed, Code, Commit,
    Committed, Counters, Decision, DraftChunk, Error, ErrorKind, Limits, MemoryStore, Message, MessageId,
    Operator, PageOf, Parent, PieceKey, Postings, Result, RunId, RunRow, RunState, RunStore, Save, Scope,
    Session, SessionCursor, SessionFilter, SessionId, SessionStore, SignedIn, Swept, Term, TokenHash, Usage,
};
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard},
    time::Duration,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    FlushWithoutFence,
    CountGivenBackTwice,
    LimitOffByOne,
    ForeignRead,
    ClaimByTwo,
    RepeatIsFresh,
    LimitBindsRepeat,
    ContentNotCompared,
    ParentBeforeRun,
    DraftOfAllEpochs,
    PageLosesTies,
    ForeignCursor,
    LeaseOverLate,
    StopForgotten,
    FeedWithoutRows,
    TermIsPrefix,
    BlobOutlives,
    PathReversed,
    BlobLimitOffByOne,
    BlobCountedTwice,
    EmailCaseMatters,
    PageOfPeopleLosesTies,
    TokenOutlivesRevocation,
    SigningInIsNoted,
    LinkTakesOver,
    OneDayOnly,
    ErasedIdIsNotFound,
}

pub(crate) struct Faulty {
    pub(crate) inner: MemoryStore,
    pub(crate) fault: Fault,
    memory: Mutex<Remembered>,
}

#[derive(Default)]
pub(crate) struct Remembered {
    /// Counts given back too often, by owner.
    given: BTreeMap<String, u64>,
    taken: Option<Claimed>,
    drafts: BTreeMap<RunId, Vec<DraftChunk>>,
    blobs: BTreeMap<(String, String), Vec<u8>>,
    pub(crate) signed: BTreeMap<TokenHash, SignedIn>,
}

impl Faulty {
    pub(crate) fn new(inner: MemoryStore, fault: Fault) -> Self {
        Faulty { inner, fault, memory: Mutex::default() }
    }
    pub(crate) fn has(&self, fault: Fault) -> bool {
        self.fault == fault
    }
    pub(crate) fn memory(&self) -> MutexGuard<'_, Remembered> {
        self.memory.lock().unwrap()
    }
    /// Every owner that the suite knows.
    fn everyone() -> [Scope; 2] {
        [Scope::vouched("ada", "ada"), Scope::vouched("bob", "bob")]
    }
}

#[async_trait]
impl SessionStore for Faulty {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }
    async fn commit(&self, scope: &Scope, commit: &Commit) -> Result<Committed> {
        let mut asked = commit.clone();
        if self.has(Fault::LimitOffByOne) {
            let more = |limit: Option<u64>| limit.map(|limit| limit + 1);
            let Limits { sessions, messages, bytes } = commit.limits;
            asked.limits = Limits { sessions: more(sessions), messages: more(messages), bytes: more(bytes) };
        }
        match self.inner.commit(scope, &asked).await {
            Ok(committed) if self.has(Fault::RepeatIsFresh) => Ok(Committed { fresh: true, ..committed }),
            Ok(committed)
                if self.has(Fault::LimitBindsRepeat)
                    && !committed.fresh
                    && commit.limits.messages == Some(0) =>
            {
                Err(Error::new(ErrorKind::LimitReached, "full").with_code(Code::MessageLimit))
            }
            Err(error) if self.has(Fault::ErasedIdIsNotFound) && error.is(Code::UserErased) => {
                Err(Error::not_found("session"))
            }
            Err(error) if self.has(Fault::ContentNotCompared) && error.is(Code::ContentDiffers) => {
                let session = self.inner.session(scope, commit.session).await?;
                Ok(Committed { seq: session.seq, head: session.head, fresh: false, run: None })
            }
            Err(error) if self.has(Fault::ParentBeforeRun) && error.is(Code::RunActive) => {
                for message in &commit.messages {
                    let Parent::Is(Some(parent)) = message.parent else { continue };
                    if self.inner.message(scope, commit.session, parent).await.is_err() {
                        return Err(Error::new(ErrorKind::Conflict, "").with_code(Code::ParentMissing));
                    }
                }
                Err(error)
            }
            answer => answer,
        }
    }
    async fn session(&self, scope: &Scope, id: SessionId) -> Result<Session> {
        self.inner.session(scope, id).await
    }
    async fn sessions(&self, scope: &Scope, filter: &SessionFilter) -> Result<PageOf<Session>> {
        let mut page = match self.inner.sessions(scope, filter).await {
            Err(_) if self.has(Fault::ForeignCursor) => PageOf { items: vec![], next: None },
            answer => answer?,
        };
        if let (Fault::PageLosesTies, Some(cursor)) = (self.fault, &filter.cursor) {
            let after = SessionCursor::decode(scope, cursor)?.updated;
            page.items.retain(|session| session.updated < after);
            page.next = page.next.filter(|_| !page.items.is_empty());
        }
        Ok(page)
    }
    async fn sessions_by_prefix(&self, scope: &Scope, prefix: &str) -> Result<Vec<Session>> {
        self.inner.sessions_by_prefix(scope, prefix).await
    }
    async fn message(&self, scope: &Scope, session: SessionId, id: MessageId) -> Result<Message> {
        if self.has(Fault::ForeignRead) {
            for scope in Self::everyone() {
                if let Ok(message) = self.inner.message(&scope, session, id).await {
                    return Ok(message);
                }
            }
        }
        self.inner.message(scope, session, id).await
    }
    async fn path(
        &self,
        scope: &Scope,
        session: SessionId,
        tip: Option<MessageId>,
        limit: u32,
    ) -> Result<Vec<Message>> {
        let mut path = self.inner.path(scope, session, tip, limit).await?;
        if self.has(Fault::PathReversed) {
            path.reverse();
        }
        Ok(path)
    }
    async fn messages(
        &self,
        scope: &Scope,
        session: SessionId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Message>> {
        self.inner.messages(scope, session, after, limit).await
    }
    async fn set(&self, scope: &Scope, id: SessionId, change: &Change) -> Result<Session> {
        let before = self.inner.session(scope, id).await;
        if self.has(Fault::CountGivenBackTwice)
            && *change == Change::Delete
            && before.is_ok_and(|session| session.deleted)
        {
            *self.memory().given.entry(scope.owner().into()).or_default() += 1;
        }
        self.inner.set(scope, id, change).await
    }
    async fn erase(&self, scope: &Scope, id: SessionId) -> Result<()> {
        self.inner.erase(scope, id).await
    }
    async fn changes(&self, scope: &Scope, after: u64, limit: u32) -> Result<Changes> {
        let mut page = self.inner.changes(scope, after, limit).await?;
        if self.has(Fault::FeedWithoutRows) {
            page.sessions.retain(|session| session.seq > after && session.seq <= page.seq);
        }
        Ok(page)
    }
    async fn postings(
        &self,
        scope: &Scope,
        terms: &[Term],
        among: Option<&[PieceKey]>,
        limit: u32,
    ) -> Result<Vec<Postings>> {
        let mut terms = terms.to_vec();
        if self.has(Fault::TermIsPrefix) {
            for term in &mut terms {
                if let Term::Is(text) = term {
                    *term = Term::Prefix(std::mem::take(text));
                }
            }
        }
        self.inner.postings(scope, &terms, among, limit).await
    }
    async fn messages_at(&self, scope: &Scope, seqs: &[u64]) -> Result<Vec<Message>> {
        self.inner.messages_at(scope, seqs).await
    }
    async fn counters(&self, scope: &Scope) -> Result<Counters> {
        let counters = self.inner.counters(scope).await?;
        let given = self.memory().given.get(scope.owner()).copied().unwrap_or(0);
        let blobs = if self.has(Fault::BlobCountedTwice) { counters.blobs * 2 } else { counters.blobs };
        Ok(Counters { sessions: counters.sessions.saturating_sub(given), blobs, ..counters })
    }
}

#[async_trait]
impl RunStore for Faulty {
    async fn run(&self, scope: &Scope, run: RunId) -> Result<RunRow> {
        let mut row = self.inner.run(scope, run).await?;
        if self.has(Fault::LeaseOverLate) && row.state == RunState::Running {
            row.expired = false;
        }
        Ok(row)
    }
    async fn current(&self, scope: &Scope, session: SessionId) -> Result<Option<RunId>> {
        self.inner.current(scope, session).await
    }
    async fn spent_today(&self, scope: &Scope) -> Result<Usage> {
        self.inner.spent_today(scope).await
    }
    async fn waiting(&self, scope: &Scope, limit: u32) -> Result<Vec<RunRow>> {
        self.inner.waiting(scope, limit).await
    }
    async fn save(&self, scope: &Scope, run: RunId, epoch: u64, save: &Save) -> Result<Asked> {
        if let (Fault::DraftOfAllEpochs, Save::Draft(chunks)) = (self.fault, save) {
            self.memory().drafts.entry(run).or_default().extend(chunks.iter().cloned());
        }
        let asked = match self.inner.save(scope, run, epoch, save).await {
            Err(error) if self.has(Fault::FlushWithoutFence) && matches!(save, Save::Draft(_)) => {
                let held = self.inner.run(scope, run).await.map_err(|_| error)?.epoch;
                self.inner.save(scope, run, held, save).await?
            }
            answer => answer?,
        };
        Ok(Asked { stop: asked.stop && !self.has(Fault::StopForgotten), ..asked })
    }
    async fn decide(&self, scope: &Scope, run: RunId, call: &CallId, decision: Decision) -> Result<RunState> {
        self.inner.decide(scope, run, call, decision).await
    }
    async fn ask_stop(&self, scope: &Scope, run: RunId) -> Result<RunState> {
        self.inner.ask_stop(scope, run).await
    }
    async fn attend(&self, scope: &Scope, run: RunId, during: Duration) -> Result<()> {
        self.inner.attend(scope, run, during).await
    }
}

#[async_trait]
impl Operator for Faulty {
    async fn holders(&self, places: &[String]) -> Result<Vec<String>> {
        self.inner.holders(places).await
    }
    async fn claim(&self, claim: &Claim) -> Result<Option<Claimed>> {
        let taken = self.inner.claim(claim).await?;
        let mut memory = self.memory();
        match taken {
            None if self.has(Fault::ClaimByTwo) => Ok(memory.taken.clone()),
            Some(mut taken) => {
                if self.has(Fault::DraftOfAllEpochs) {
                    taken.draft = memory.drafts.get(&taken.run).cloned().unwrap_or_default();
                }
                memory.taken = Some(taken.clone());
                Ok(Some(taken))
            }
            None => Ok(None),
        }
    }
    async fn sweep(&self) -> Result<Swept> {
        self.inner.sweep().await
    }
    async fn probe(&self) -> Result<()> {
        self.inner.probe().await
    }
}

#[async_trait]
impl BlobStore for Faulty {
    async fn put_blob_within(&self, scope: &Scope, bytes: &[u8], mut limits: Limits) -> Result<BlobRef> {
        if self.has(Fault::BlobLimitOffByOne) {
            limits.bytes = limits.bytes.map(|limit| limit + 1);
        }
        let blob = self.inner.put_blob_within(scope, bytes, limits).await?;
        self.memory().blobs.insert((scope.owner().into(), blob.hash.clone()), bytes.to_vec());
        Ok(blob)
    }
    async fn blob(&self, scope: &Scope, hash: &str) -> Result<Vec<u8>> {
        let kept = self.memory().blobs.get(&(scope.owner().into(), hash.into())).cloned();
        match (self.fault, kept) {
            (Fault::BlobOutlives, Some(kept)) => Ok(kept),
            _ => self.inner.blob(scope, hash).await,
        }
    }
}

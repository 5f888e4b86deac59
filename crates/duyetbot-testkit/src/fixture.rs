//! What the checks are made of: short commits, and whole answers to compare.
use duyetbot_core::{
    ApiSecret, BlobRef, Claim, ClaimOf, Clock, Code, Commit, Content, Counters, ErrorKind, HeadMove,
    Identity, Limits, Message, MessageId, NewMessage, NewSession, NewToken, NewUser, Origin, Parent, Part,
    Result, Role, RunChange, RunId, RunRow, RunState, Scope, Session, SessionFilter, SessionId, SessionState,
    SettableClock, Storage, StoredCheckpoint, Timestamp, User,
};
use std::{fmt::Debug, sync::Arc};
use uuid::Uuid;

use crate::backend::Backend;

/// A fresh store, its clock, and two owners.
pub struct Ground {
    /// The store.
    pub store: Arc<dyn Storage>,
    /// The clock that it reads.
    pub clock: Arc<SettableClock>,
    /// The owner that a check is about.
    pub mine: Scope,
    /// Another one.
    pub other: Scope,
}

/// Kind and code of a refusal.
pub type Refusal = (ErrorKind, Option<Code>);

/// All that an owner can read, to see that something changed nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// The counters.
    pub counters: Counters,
    /// Every session, the bin's too.
    pub sessions: Vec<Session>,
    /// Every message.
    pub messages: Vec<Message>,
    /// The active runs.
    pub runs: Vec<RunRow>,
}

impl Ground {
    /// A fresh store of this backend, its clock at a fixed moment.
    pub async fn of(backend: &dyn Backend) -> Self {
        let clock = backend.clock();
        clock.set(START);
        Ground {
            store: backend.open().await,
            clock,
            mine: Scope::vouched("ada", "ada-at-work"),
            other: Scope::vouched("bob", "bob"),
        }
    }

    /// A session of the first owner with these messages, one after the other, and their ids.
    pub async fn session_of(&self, texts: &[&str]) -> (SessionId, Vec<MessageId>) {
        let session = SessionId::new();
        let messages: Vec<NewMessage> = texts.iter().map(|text| said(text)).collect();
        let ids = messages.iter().map(|m| m.id).collect();
        self.store.commit(&self.mine, &begin(session, messages)).await.unwrap();
        (session, ids)
    }

    /// A new session of the first owner with one open run, held in epoch 1.
    pub async fn open_run(&self) -> RunId {
        let commit = open(SessionId::new(), said("go"));
        self.store.commit(&self.mine, &commit).await.unwrap();
        RunId { session: commit.session, message: commit.messages[0].id }
    }

    /// The present moment.
    pub(crate) fn clock_now(&self) -> Timestamp {
        Clock::now(&*self.clock)
    }

    /// A person with an account, invited.
    pub async fn person(&self, n: u128) -> User {
        self.store.create_user(&guest(n)).await.unwrap()
    }

    /// All that this owner can read.
    pub async fn snapshot(&self, scope: &Scope) -> Snapshot {
        let mut sessions = Vec::new();
        for deleted in [false, true] {
            let filter =
                SessionFilter { limit: 1000, states: ALL_STATES.to_vec(), deleted, ..Default::default() };
            sessions.extend(self.store.sessions(scope, &filter).await.unwrap().items);
        }
        let (mut messages, mut runs) = (Vec::new(), Vec::new());
        for session in &sessions {
            messages.extend(self.store.messages(scope, session.id, 0, u32::MAX).await.unwrap());
            if let Some(run) = session.run {
                runs.push(self.store.run(scope, run).await.unwrap());
            }
        }
        Snapshot { counters: self.store.counters(scope).await.unwrap(), sessions, messages, runs }
    }
}

/// Where the clock stands when a check begins.
pub(crate) const START: Timestamp = Timestamp(1_764_000_000_000);
/// When the messages of the checks were made, by their maker's clock.
pub(crate) const MADE: Timestamp = Timestamp(1_700_000_000_000);
pub(crate) const ALL_STATES: [SessionState; 3] =
    [SessionState::Active, SessionState::Paused, SessionState::Completed];

/// Content of one text part.
pub fn words(role: Role, text: &str) -> Content {
    Content::of(role, &[Part::text(text)]).unwrap()
}

/// A person's words under the head.
pub fn said(text: &str) -> NewMessage {
    message(Role::User, Parent::Head, text)
}

/// The agent's words under the head.
pub fn answer(text: &str) -> NewMessage {
    message(Role::Assistant, Parent::Head, text)
}

/// A person's words under this message.
pub fn under(parent: impl Into<Option<MessageId>>, text: &str) -> NewMessage {
    message(Role::User, Parent::Is(parent.into()), text)
}

fn message(role: Role, parent: Parent, text: &str) -> NewMessage {
    NewMessage {
        id: MessageId::new(),
        parent,
        role,
        content: words(role, text),
        origin: Origin::Api,
        model: None,
        usage: None,
        cut: false,
        created: MADE,
        context: String::new(),
        pieces: Vec::new(),
    }
}

/// A commit that makes its session where it is not there.
pub fn begin(session: SessionId, messages: Vec<NewMessage>) -> Commit {
    Commit {
        create: Some(NewSession {
            title: "A title".into(),
            parent: None,
            place: Some("host:/here".into()),
            metadata: "{}".into(),
            created: MADE,
        }),
        ..add(session, messages)
    }
}

/// A commit to a session that is there.
pub fn add(session: SessionId, messages: Vec<NewMessage>) -> Commit {
    Commit { session, create: None, messages, head: HeadMove::IfParent, run: None, limits: Limits::NONE }
}

/// A commit that opens the run of this message, held by `first` at `host:/here`.
pub fn open(session: SessionId, message: NewMessage) -> Commit {
    let run = RunChange::Open {
        message: message.id,
        place: "host:/here".into(),
        holder: "first".into(),
        checkpoint: checkpoint(1, &[]),
    };
    Commit { run: Some(run), ..begin(session, vec![message]) }
}

/// A commit of a run's n-th message, which moves the run to this state.
pub fn step(run: RunId, epoch: u64, n: u32, text: &str, state: RunState) -> Commit {
    let message = NewMessage { id: run.step(n), ..answer(text) };
    let change =
        RunChange::Step { run, epoch, state, checkpoint: checkpoint(u64::from(n) + 10, &[]), error: None };
    Commit { run: Some(change), ..add(run.session, vec![message]) }
}

/// A person's words that name a blob.
pub(crate) fn names(blob: &BlobRef) -> NewMessage {
    let part = Part::Text { text: "its head".into(), blob: Some(blob.clone()) };
    NewMessage { content: Content::of(Role::User, &[part]).unwrap(), ..said("") }
}

/// A person to be invited.
pub(crate) fn guest(n: u128) -> NewUser {
    NewUser::invited(Uuid::from_u128(n), &format!("guest{n}@example.org"))
}

/// A login.
pub(crate) fn login(provider: &str, subject: &str) -> Identity {
    Identity { provider: provider.into(), subject: subject.into() }
}

/// A token of this name that may do everything.
pub(crate) fn token(name: &str) -> NewToken {
    NewToken::full(name, &ApiSecret::random().unwrap())
}

/// A claim by `second`, who knows of no dead holder.
pub(crate) fn claim(of: ClaimOf) -> Claim {
    Claim { of, holder: "second".into(), gone: Vec::new() }
}

/// A checkpoint with calls that wait.
pub fn checkpoint(counter: u64, pending: &[&str]) -> StoredCheckpoint {
    StoredCheckpoint {
        json: format!("{{\"at\":{counter}}}"),
        counter,
        pending: pending.iter().map(|call| (*call).into()).collect(),
    }
}

/// Kind and code of what must be a refusal.
pub(crate) fn refusal<T: Debug>(result: Result<T>) -> Refusal {
    let error = result.expect_err("this must be refused");
    (error.kind(), error.code())
}

pub(crate) const fn conflict(code: Code) -> Refusal {
    (ErrorKind::Conflict, Some(code))
}

pub(crate) const fn over(code: Code) -> Refusal {
    (ErrorKind::LimitReached, Some(code))
}

pub(crate) const NOT_FOUND: Refusal = (ErrorKind::NotFound, None);
pub(crate) const INVALID: Refusal = (ErrorKind::Invalid, None);

/// The ids of messages.
pub(crate) fn ids(messages: &[Message]) -> Vec<MessageId> {
    messages.iter().map(|m| m.id).collect()
}

//! Plays a history on two stores and compares what they answer.
use duyetbot_core::{
    BlobRef, Change, Claim, ClaimOf, Clock, Commit, Content, DraftChunk, IndexPiece, Limits, MessageId,
    NewMessage, NewSession, Origin, Parent, Part, PieceKey, Result, Role, RunChange, RunId, Save, Scope,
    SessionFilter, SessionId, SettableClock, Storage, StoredCheckpoint, Term, Timestamp, hex,
};
use proptest::test_runner::{TestCaseError, TestCaseResult};
use std::{
    fmt::Debug,
    sync::{Arc, Mutex},
    time::Duration,
};
use uuid::Uuid;

use super::{
    Met,
    op::{
        BLOBS, ChangeOp, CommitOp, EpochPick, MESSAGES, MessageOp, OWNERS, Op, ParentPick, RunOp, RunPick,
        SESSIONS, SaveOp,
    },
};
use crate::fixture::MADE;

pub(super) struct Play {
    pub(super) a: Arc<dyn Storage>,
    pub(super) b: Arc<dyn Storage>,
    pub(super) clock: Arc<SettableClock>,
    pub(super) met: Arc<Mutex<Met>>,
}

/// What a store answered: the kind of it, to be counted, and all of it, to be compared.
struct Answer {
    operation: &'static str,
    kind: String,
    whole: String,
}

const WORDS: [&str; 4] = ["alpha", "alphabet", "beta", "Ärger"];

impl Play {
    pub(super) async fn all(&self, history: &[Op]) -> TestCaseResult {
        for (n, op) in history.iter().enumerate() {
            let action = self.settle(op).await;
            let (a, b) = (apply(&*self.a, &action).await, apply(&*self.b, &action).await);
            same(&a.whole, &b.whole, || format!("operation {n}, {action:?}"))?;
            self.count(a);
            let (a, b) = (glance(&*self.a).await, glance(&*self.b).await);
            same(&a, &b, || format!("counters and pages after operation {n}, {action:?}"))?;
        }
        for owner in 0..OWNERS {
            let (a, b) = (everything(&*self.a, owner).await, everything(&*self.b, owner).await);
            for (a, b) in a.into_iter().zip(b) {
                same(&a, &b, || "what can be read at the end".into())?;
            }
        }
        Ok(())
    }

    fn count(&self, answer: Answer) {
        let mut met = self.met.lock().expect("no history panicked while it counted");
        *met.entry((answer.operation, answer.kind)).or_default() += 1;
    }

    /// What depends on where the stores stand is read from the first: the second must stand there too.
    async fn settle(&self, op: &Op) -> Action {
        match op.clone() {
            Op::Commit(commit) => self.commit(commit).await,
            Op::Save { owner, run, epoch, what } => {
                let run = self.run(owner, &run).await;
                Action::Save(scope(owner), run, self.epoch(owner, run, &epoch).await, save(what))
            }
            Op::Decide { owner, run, call, decision } => {
                Action::Decide(scope(owner), self.run(owner, &run).await, call_id(call), decision)
            }
            Op::Stop { owner, run } => Action::Stop(scope(owner), self.run(owner, &run).await),
            Op::Attend { owner, run, millis } => {
                let during = Duration::from_millis(millis.into());
                Action::Attend(scope(owner), self.run(owner, &run).await, during)
            }
            Op::Claim { of, places, holder, gone } => {
                let of = match of {
                    Some((owner, run)) => ClaimOf::Run(scope(owner), self.run(owner, &run).await),
                    None => ClaimOf::Places(places.into_iter().map(place).collect()),
                };
                let gone = gone.into_iter().map(self::holder).collect();
                Action::Claim(Claim { of, holder: self::holder(holder), gone })
            }
            Op::Set { owner, session, change } => {
                Action::Set(scope(owner), session_id(session), change_of(change))
            }
            Op::Erase { owner, session } => Action::Erase(scope(owner), session_id(session)),
            Op::Sweep => Action::Sweep,
            Op::Put { owner, blob } => Action::Put(scope(owner), blob_bytes(blob)),
            Op::Page { owner, limit, states, deleted, title } => {
                let title = title.map(|n| WORDS[n as usize % 4].to_uppercase());
                Action::Walk(
                    scope(owner),
                    SessionFilter { limit, states, deleted, title, ..Default::default() },
                )
            }
            Op::Path { owner, session, tip, limit } => {
                Action::Path(scope(owner), session_id(session), tip.map(message_id), limit)
            }
            Op::Feed { owner, after, limit } => Action::Feed(scope(owner), after, limit),
            Op::Search { owner, word, prefix, among, limit } => {
                let word = WORDS[word as usize % 4].to_lowercase();
                let term = if prefix { Term::Prefix(word) } else { Term::Is(word) };
                let key = |(seq, piece)| PieceKey::new(seq, piece);
                let among = among.map(|keys| keys.into_iter().map(key).collect());
                Action::Search(scope(owner), term, among, limit)
            }
            Op::Clock { millis } => {
                self.clock.set(Timestamp(self.clock.now().0 + millis));
                Action::Nothing
            }
        }
    }

    async fn run(&self, owner: u8, pick: &RunPick) -> RunId {
        match *pick {
            RunPick::Named(session, message) => {
                RunId { session: session_id(session), message: message_id(message) }
            }
            RunPick::Current(session) => {
                let session = session_id(session);
                let current = self.a.current(&scope(owner), session).await.unwrap();
                current.unwrap_or(RunId { session, message: message_id(0) })
            }
        }
    }

    async fn epoch(&self, owner: u8, run: RunId, pick: &EpochPick) -> u64 {
        let held = self.a.run(&scope(owner), run).await.map_or(1, |row| row.epoch);
        match pick {
            EpochPick::Holders => held,
            EpochPick::Off(by) => held.saturating_add_signed(i64::from(*by)),
        }
    }

    async fn commit(&self, op: CommitOp) -> Action {
        let mut session = session_id(op.session);
        let mut messages: Vec<NewMessage> = op.messages.into_iter().map(message).collect();
        let run = match op.run {
            RunOp::None => None,
            RunOp::Open { place, holder } => Some(RunChange::Open {
                message: messages.last().map_or(message_id(0), |message| message.id),
                place: self::place(place),
                holder: self::holder(holder),
                checkpoint: checkpoint(&[], None),
            }),
            RunOp::Step { run, epoch, state, n } => {
                let run = self.run(op.owner, &run).await;
                session = run.session;
                if let Some(n) = n {
                    messages.truncate(1);
                    let step = messages.pop().unwrap_or_else(|| message(plain(0)));
                    messages = vec![NewMessage { id: run.step(n.into()), role: Role::Assistant, ..step }];
                }
                let epoch = self.epoch(op.owner, run, &epoch).await;
                let error = state.ended().then(|| format!("{{\"state\":\"{}\"}}", state.as_str()));
                Some(RunChange::Step { run, epoch, state, checkpoint: checkpoint(&[1], None), error })
            }
        };
        let create = op.create.then(|| NewSession {
            title: WORDS[3].into(),
            parent: None,
            place: Some(place(op.session % 2)),
            metadata: "{}".into(),
            created: MADE,
        });
        let [sessions, of_messages, bytes] = op.limits;
        let limits = Limits { sessions, messages: of_messages, bytes };
        Action::Commit(scope(op.owner), Commit { session, create, messages, head: op.head, run, limits })
    }
}

/// An operation with every name filled in.
#[derive(Debug)]
enum Action {
    Nothing,
    Commit(Scope, Commit),
    Save(Scope, RunId, u64, Save),
    Decide(Scope, RunId, duyetbot_core::CallId, duyetbot_core::Decision),
    Stop(Scope, RunId),
    Attend(Scope, RunId, Duration),
    Claim(Claim),
    Set(Scope, SessionId, Change),
    Erase(Scope, SessionId),
    Sweep,
    Put(Scope, Vec<u8>),
    Walk(Scope, SessionFilter),
    Path(Scope, SessionId, Option<MessageId>, u32),
    Feed(Scope, u64, u32),
    Search(Scope, Term, Option<Vec<PieceKey>>, u32),
}

async fn apply(store: &dyn Storage, action: &Action) -> Answer {
    match action {
        Action::Nothing => Answer { operation: "clock", kind: "ok".into(), whole: String::new() },
        Action::Commit(scope, commit) => {
            let committed = store.commit(scope, commit).await;
            let operation = match commit.run {
                None => "commit",
                Some(RunChange::Open { .. }) => "open",
                Some(RunChange::Step { .. }) => "step",
            };
            let repeat = committed.as_ref().is_ok_and(|committed| !committed.fresh);
            let answer = answer(operation, committed);
            if repeat { Answer { kind: "repeat".into(), ..answer } } else { answer }
        }
        Action::Save(scope, run, epoch, save) => {
            let operation = match save {
                Save::Draft(_) => "flush",
                Save::Wait(_) => "wait",
                _ => "save",
            };
            answer(operation, store.save(scope, *run, *epoch, save).await)
        }
        Action::Decide(scope, run, call, decision) => {
            answer("decide", store.decide(scope, *run, call, *decision).await)
        }
        Action::Stop(scope, run) => answer("stop", store.ask_stop(scope, *run).await),
        Action::Attend(scope, run, during) => answer("attend", store.attend(scope, *run, *during).await),
        Action::Claim(claim) => {
            let mut taken = store.claim(claim).await;
            if let Ok(Some(taken)) = &mut taken {
                taken.decisions.sort_by(|a, b| a.0.cmp(&b.0));
            }
            let nothing = matches!(taken, Ok(None));
            let answer = answer("claim", taken);
            if nothing { Answer { kind: "nothing".into(), ..answer } } else { answer }
        }
        Action::Set(scope, session, change) => answer("set", store.set(scope, *session, change).await),
        Action::Erase(scope, session) => answer("erase", store.erase(scope, *session).await),
        Action::Sweep => answer("sweep", store.sweep().await),
        Action::Put(scope, bytes) => answer("put", store.put_blob(scope, bytes).await),
        Action::Walk(scope, filter) => answer("page", walk(store, scope, filter.clone()).await),
        Action::Path(scope, session, tip, limit) => {
            answer("path", store.path(scope, *session, *tip, *limit).await)
        }
        Action::Feed(scope, after, limit) => answer("feed", feed(store, scope, *after, *limit).await),
        Action::Search(scope, term, among, limit) => {
            let terms = std::slice::from_ref(term);
            answer("search", store.postings(scope, terms, among.as_deref(), *limit).await)
        }
    }
}

fn answer<T: Debug>(operation: &'static str, result: Result<T>) -> Answer {
    let result = result.map_err(|error| (error.kind(), error.code()));
    let kind = match &result {
        Ok(_) => "ok".into(),
        Err((_, Some(code))) => code.as_str().into(),
        Err((kind, None)) => format!("{kind:?}"),
    };
    Answer { operation, kind, whole: format!("{result:?}") }
}

fn same(a: &str, b: &str, at: impl Fn() -> String) -> TestCaseResult {
    if a == b {
        return Ok(());
    }
    Err(TestCaseError::fail(format!("at {}\nthe first:  {a}\nthe second: {b}\n", at())))
}

async fn walk(store: &dyn Storage, scope: &Scope, mut filter: SessionFilter) -> Result<String> {
    let mut pages = String::new();
    loop {
        let page = store.sessions(scope, &filter).await?;
        pages += &format!("{page:?}");
        match page.next {
            Some(next) => filter.cursor = Some(next),
            None => return Ok(pages),
        }
    }
}

async fn feed(store: &dyn Storage, scope: &Scope, after: u64, limit: u32) -> Result<String> {
    if !store.capabilities().changes {
        return Ok(String::new());
    }
    let mut page = store.changes(scope, after, limit).await?;
    page.sessions.sort_by_key(|session| session.id);
    Ok(format!("{page:?}"))
}

/// What is cheap to read after each operation.
async fn glance(store: &dyn Storage) -> String {
    let mut seen = String::new();
    for owner in 0..OWNERS {
        let counters = store.counters(&scope(owner)).await;
        seen += &format!("{:?}", counters.map_err(|error| error.kind()));
    }
    seen
}

/// All that an owner can read.
async fn everything(store: &dyn Storage, owner: u8) -> Vec<String> {
    let scope = scope(owner);
    let mut seen = Vec::new();
    for deleted in [false, true] {
        let states = crate::fixture::ALL_STATES.to_vec();
        let filter = SessionFilter { limit: 2, states, deleted, ..Default::default() };
        seen.push(answer("page", walk(store, &scope, filter).await).whole);
    }
    for session in (0..SESSIONS).map(session_id) {
        seen.push(answer("current", store.current(&scope, session).await).whole);
        let messages = store.messages(&scope, session, 0, u32::MAX).await;
        for tip in messages.iter().flatten().map(|message| message.id) {
            seen.push(answer("path", store.path(&scope, session, Some(tip), 99).await).whole);
        }
        seen.push(answer("messages", messages).whole);
        for message in (0..MESSAGES).map(message_id) {
            let mut row = store.run(&scope, RunId { session, message }).await;
            if let Ok(row) = &mut row {
                row.decisions.sort_by(|a, b| a.0.cmp(&b.0));
            }
            seen.push(answer("run", row).whole);
        }
    }
    for blob in 0..BLOBS {
        seen.push(answer("blob", store.blob(&scope, &blob_ref(blob).hash).await).whole);
    }
    seen.push(answer("feed", feed(store, &scope, 0, u32::MAX).await).whole);
    let all: Vec<u64> = (0..200).collect();
    let mut at = store.messages_at(&scope, &all).await;
    if let Ok(messages) = &mut at {
        messages.sort_by_key(|message| message.seq);
    }
    seen.push(answer("messages_at", at).whole);
    let terms: Vec<Term> = WORDS
        .iter()
        .map(|word| word.to_lowercase())
        .flat_map(|word| [Term::Prefix(word.clone()), Term::Is(word)])
        .collect();
    if store.capabilities().text_search {
        seen.push(answer("postings", store.postings(&scope, &terms, None, 99).await).whole);
    }
    let mut holders = store.holders(&[place(0), place(1)]).await;
    if let Ok(holders) = &mut holders {
        holders.sort();
    }
    seen.push(answer("holders", holders).whole);
    let waiting =
        store.waiting(&scope, 99).await.map(|rows| rows.into_iter().map(|r| r.id).collect::<Vec<_>>());
    seen.push(answer("waiting", waiting).whole);
    seen
}

fn scope(owner: u8) -> Scope {
    Scope::vouched(format!("owner {owner}"), format!("actor {owner}"))
}

fn session_id(n: u8) -> SessionId {
    SessionId::from(Uuid::from_u64_pair(0x0193_0000_0000_7000, 0x8000_0000_0000_0000 | u64::from(n)))
}

fn message_id(n: u8) -> MessageId {
    MessageId::from(Uuid::from_u64_pair(0x0194_0000_0000_7000, 0x8000_0000_0000_0000 | u64::from(n)))
}

fn call_id(n: u8) -> duyetbot_core::CallId {
    duyetbot_core::CallId(format!("call.{n}\"$"))
}

fn place(n: u8) -> String {
    format!("host:/{n}")
}

fn holder(n: u8) -> String {
    format!("holder {n}")
}

fn blob_bytes(n: u8) -> Vec<u8> {
    vec![n; 3 + n as usize]
}

fn blob_ref(n: u8) -> BlobRef {
    use sha2::{Digest, Sha256};
    let bytes = blob_bytes(n);
    BlobRef { hash: hex(&Sha256::digest(&bytes)), size: bytes.len() as u64 }
}

fn plain(id: u8) -> MessageOp {
    MessageOp { id, words: 0, parent: ParentPick::Head, blob: None, pieces: Vec::new() }
}

fn message(op: MessageOp) -> NewMessage {
    let mut parts = vec![Part::text(format!("words \"{}\" of {} é", op.words, op.id))];
    if let Some(blob) = op.blob {
        parts.push(Part::File { media_type: "text/plain".into(), name: None, blob: blob_ref(blob) });
    }
    let parent = match op.parent {
        ParentPick::Head => Parent::Head,
        ParentPick::Root => Parent::Is(None),
        ParentPick::Message(n) => Parent::Is(Some(message_id(n))),
    };
    let word = |n: u8| WORDS[n as usize % 4].to_lowercase();
    let piece = |(term, context)| IndexPiece { terms: word(term), context: word(context) };
    NewMessage {
        id: message_id(op.id),
        parent,
        role: Role::User,
        content: Content::of(Role::User, &parts).expect("parts of text are JSON"),
        origin: Origin::Cli,
        model: None,
        usage: None,
        cut: false,
        created: MADE,
        context: String::new(),
        pieces: op.pieces.into_iter().map(piece).collect(),
    }
}

fn checkpoint(calls: &[u8], blob: Option<u8>) -> StoredCheckpoint {
    let hash = blob.map(|n| blob_ref(n).hash).unwrap_or_default();
    StoredCheckpoint {
        json: format!("{{\"blob\":\"{hash}\"}}"),
        counter: calls.len() as u64,
        pending: calls.iter().map(|n| call_id(*n)).collect(),
    }
}

fn save(op: SaveOp) -> Save {
    match op {
        SaveOp::Lease => Save::Lease,
        SaveOp::Draft(chunks) => Save::Draft(
            chunks
                .into_iter()
                .map(|(reasoning, word)| (reasoning, format!("{} ", WORDS[word as usize % 4])))
                .map(
                    |(reasoning, word)| {
                        if reasoning { DraftChunk::Reasoning(word) } else { DraftChunk::Text(word) }
                    },
                )
                .collect(),
        ),
        SaveOp::Checkpoint(calls, blob) => Save::Checkpoint(checkpoint(&calls, blob)),
        SaveOp::Wait(calls, blob) => Save::Wait(checkpoint(&calls, blob)),
    }
}

fn change_of(op: ChangeOp) -> Change {
    match op {
        ChangeOp::Title(n) => Change::Title(format!("A title of {}", WORDS[n as usize % 4])),
        ChangeOp::State(state) => Change::State(state),
        ChangeOp::Head(n) => Change::Head(message_id(n)),
        ChangeOp::Metadata(full) => Change::Metadata(if full { r#"{"a": 1}"# } else { "{}" }.into()),
        ChangeOp::Delete => Change::Delete,
        ChangeOp::Restore => Change::Restore,
    }
}

//! Plays a history on two stores and compares what they answer.
use duyetbot_core::{
    CallId, Change, Claim, ClaimOf, Clock, Commit, Decision, Limits, MessageId, NewMessage, NewSession,
    PieceKey, Result, RunChange, RunId, Save, Scope, SessionFilter, SessionId, SettableClock, Storage, Term,
    Timestamp,
};
use proptest::test_runner::{TestCaseError, TestCaseResult};
use std::{
    fmt::Debug,
    sync::{Arc, Mutex},
    time::Duration,
};

use super::{
    Met, names,
    names::{WORDS, message_id, session_id},
    op::{BLOBS, CommitOp, EpochPick, MESSAGES, MessageOp, OWNERS, Op, RunOp, RunPick, SESSIONS},
};
use crate::fixture::{ALL_STATES, MADE};

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
                Action::Save(
                    names::scope(owner),
                    run,
                    self.epoch(owner, run, &epoch).await,
                    names::save(what),
                )
            }
            Op::Decide { owner, run, call, decision } => Action::Decide(
                names::scope(owner),
                self.run(owner, &run).await,
                names::call_id(call),
                decision,
            ),
            Op::Stop { owner, run } => Action::Stop(names::scope(owner), self.run(owner, &run).await),
            Op::Attend { owner, run, millis } => {
                let during = Duration::from_millis(millis.into());
                Action::Attend(names::scope(owner), self.run(owner, &run).await, during)
            }
            Op::Claim { of, places, holder, gone } => {
                let of = match of {
                    Some((owner, run)) => ClaimOf::Run(names::scope(owner), self.run(owner, &run).await),
                    None => ClaimOf::Places(places.into_iter().map(names::place).collect()),
                };
                let gone = gone.into_iter().map(names::holder).collect();
                Action::Claim(Claim { of, holder: names::holder(holder), gone })
            }
            Op::Set { owner, session, change } => {
                Action::Set(names::scope(owner), session_id(session), names::change_of(change))
            }
            Op::Erase { owner, session } => Action::Erase(names::scope(owner), session_id(session)),
            Op::Sweep => Action::Sweep,
            Op::Put { owner, blob } => Action::Put(names::scope(owner), names::blob_bytes(blob)),
            Op::Page { owner, limit, states, deleted, title } => {
                let title = title.map(|n| WORDS[n as usize % 4].to_uppercase());
                Action::Walk(
                    names::scope(owner),
                    SessionFilter { limit, states, deleted, title, ..Default::default() },
                )
            }
            Op::Path { owner, session, tip, limit } => {
                Action::Path(names::scope(owner), session_id(session), tip.map(message_id), limit)
            }
            Op::Feed { owner, after, limit } => Action::Feed(names::scope(owner), after, limit),
            Op::Search { owner, word, prefix, among, limit } => {
                let word = WORDS[word as usize % 4].to_lowercase();
                let term = if prefix { Term::Prefix(word) } else { Term::Is(word) };
                let key = |(seq, piece)| PieceKey::new(seq, piece);
                let among = among.map(|keys| keys.into_iter().map(key).collect());
                Action::Search(names::scope(owner), term, among, limit)
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
                let current = self.a.current(&names::scope(owner), session).await.unwrap();
                current.unwrap_or(RunId { session, message: message_id(0) })
            }
        }
    }

    async fn epoch(&self, owner: u8, run: RunId, pick: &EpochPick) -> u64 {
        let held = self.a.run(&names::scope(owner), run).await.map_or(1, |row| row.epoch);
        match pick {
            EpochPick::Holders => held,
            EpochPick::Off(by) => held.saturating_add_signed(i64::from(*by)),
        }
    }

    async fn commit(&self, op: CommitOp) -> Action {
        let mut session = session_id(op.session);
        let words = op.messages.first().map_or(0, |first| first.words);
        let mut messages: Vec<NewMessage> = op.messages.into_iter().map(names::message).collect();
        let run = match op.run {
            RunOp::None => None,
            RunOp::Open { place, holder } => Some(RunChange::Open {
                message: messages.last().map_or(message_id(0), |message| message.id),
                place: names::place(place),
                holder: names::holder(holder),
                checkpoint: names::checkpoint(&[], None),
            }),
            RunOp::Step { run, epoch, state, n } => {
                let run = self.run(op.owner, &run).await;
                session = run.session;
                if let Some(n) = n {
                    let of_step = names::message(MessageOp { words, ..names::plain(n) });
                    messages = vec![NewMessage { id: run.step(n.into()), ..of_step }];
                }
                let epoch = self.epoch(op.owner, run, &epoch).await;
                let error = state.ended().then(|| format!("{{\"state\":\"{}\"}}", state.as_str()));
                Some(RunChange::Step { run, epoch, state, checkpoint: names::checkpoint(&[1], None), error })
            }
        };
        let create = op.create.then(|| NewSession {
            title: WORDS[3].into(),
            parent: None,
            place: Some(names::place(op.session % 2)),
            metadata: "{}".into(),
            created: MADE,
        });
        let [sessions, of_messages, bytes] = op.limits;
        let limits = Limits { sessions, messages: of_messages, bytes };
        let commit = Commit { session, create, messages, head: op.head, run, limits };
        Action::Commit(names::scope(op.owner), Box::new(commit))
    }
}

/// An operation with every name filled in.
#[derive(Debug)]
enum Action {
    Nothing,
    Commit(Scope, Box<Commit>),
    Save(Scope, RunId, u64, Save),
    Decide(Scope, RunId, CallId, Decision),
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
    for _ in 0..=SESSIONS {
        let page = store.sessions(scope, &filter).await?;
        pages += &format!("{page:?}");
        match page.next {
            Some(next) => filter.cursor = Some(next),
            None => return Ok(pages),
        }
    }
    Ok(pages + " and so on without an end")
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
        let counters = store.counters(&names::scope(owner)).await;
        seen += &format!("{:?}", counters.map_err(|error| error.kind()));
    }
    seen
}

/// All that an owner can read.
async fn everything(store: &dyn Storage, owner: u8) -> Vec<String> {
    let scope = names::scope(owner);
    let mut seen = Vec::new();
    for deleted in [false, true] {
        let states = ALL_STATES.to_vec();
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
        seen.push(answer("blob", store.blob(&scope, &names::blob_ref(blob).hash).await).whole);
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
    let mut holders = store.holders(&[names::place(0), names::place(1)]).await;
    if let Ok(holders) = &mut holders {
        holders.sort();
    }
    seen.push(answer("holders", holders).whole);
    let waiting =
        store.waiting(&scope, 99).await.map(|rows| rows.into_iter().map(|r| r.id).collect::<Vec<_>>());
    seen.push(answer("waiting", waiting).whole);
    seen
}

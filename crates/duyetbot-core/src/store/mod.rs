//! The storage traits. Every sentence under `# Behavior` has a test in `duyetbot-testkit`; every backend runs them all.
mod commit;
mod cursor;
mod query;
mod users;

pub use commit::{Commit, Committed, HeadMove, IndexPiece, NewMessage, NewSession, Parent, RunChange};
pub use cursor::{SessionCursor, open_cursor, seal_cursor};
pub use query::{Capabilities, Changes, Counters, PageOf, PieceKey, Postings, SessionFilter, Swept, Term};

pub use users::{Accounts, Erasing, UserStore};

use async_trait::async_trait;
use std::time::Duration;

use crate::{
    error::Result,
    id::{CallId, MessageId, RunId, SessionId},
    limits::Limits,
    message::{BlobRef, Message, Usage},
    run_row::{Asked, Claim, Claimed, Decision, RunRow, RunState, Save},
    scope::Scope,
    session::{Change, Session},
    time_stamp::Timestamp,
};

/// How long a holder keeps a run without a sign of life.
pub const LEASE: Duration = Duration::from_secs(10);
/// How long a run waits for decisions.
pub const WAIT: Duration = Duration::from_secs(7 * 24 * 3600);
/// How long a session stays in the bin.
pub const BIN: Duration = Duration::from_secs(30 * 24 * 3600);
/// How long a blob is kept that no row names.
pub const UNNAMED: Duration = Duration::from_secs(24 * 3600);

/// Sessions and messages of owners.
#[async_trait]
pub trait SessionStore: Send + Sync + 'static {
    /// What this backend can do.
    fn capabilities(&self) -> Capabilities;

    /// Writes all of a commit, or nothing.
    ///
    /// # Behavior
    /// Checked in this order, inside the write (what [`Commit::check`] refuses is refused before):
    /// 1. a step whose epoch does not hold the run, or whose run is not running: `Conflict`, `StaleEpoch`. An unknown run
    ///    is held by nobody;
    /// 2. a message whose id is stored with another hash or in another session: `Conflict`, `ContentDiffers`, and nothing
    ///    is overwritten. Parent, created and usage are not compared;
    /// 3. all messages are stored already: a repeat. It changes nothing, is not fresh, answers as the first did with the
    ///    seq, head and run as they stand now; limits and "one run at a time" do not apply. A step's repeat by its own
    ///    epoch is not stale, also after the run ended. Without messages, a repeat is a commit without a run to a session
    ///    that is there, and a step to the end that the run already has;
    /// 4. an erased person's id as owner: `Conflict`, `UserErased`; an erased session: `Conflict`, `Erased`; an unknown one
    ///    without `create`: `NotFound`;
    /// 5. a limit (sessions, then messages, then bytes): `LimitReached` with its code. At the limit exactly is allowed.
    ///    A session that comes out of the bin counts like a new one. A step is bound by no limit;
    /// 6. an open where another run of the session is queued, running or waiting: `Conflict`, `RunActive`;
    /// 7. an unknown parent, or one of another session: `Conflict`, `ParentMissing`. Only new messages are asked.
    ///
    /// The new messages of one commit get consecutive `seq`; the session's is the last of them, or one of its own where
    /// there are none. Messages of a commit that are stored already are left alone. The head moves from the first new
    /// message's parent to the last new message. A commit never fails because the head moved. A commit takes its session
    /// out of the bin, and makes a completed one active; a paused one stays paused. `updated` is the store's now. An open
    /// run's row, and the session's `run`, are in the same write; a step renews the lease; one that ends its run ends the
    /// lease and clears the session's `run`; every step clears what was flushed of the draft, the decisions and the wish
    /// to stop.
    async fn commit(&self, scope: &Scope, commit: &Commit) -> Result<Committed>;

    /// One session.
    ///
    /// # Behavior
    /// `NotFound` for an unknown, erased or foreign one. One in the bin is answered, marked.
    async fn session(&self, scope: &Scope, id: SessionId) -> Result<Session>;

    /// Sessions, the latest updated first.
    ///
    /// # Behavior
    /// The order is total (`updated`, then id, both falling). Walking the cursors gives each session that does not change meanwhile
    /// exactly once. A cursor that we did not make, or of another owner, is `Invalid`, `CursorUnknown` ([`SessionCursor`]). There is a
    /// next page only where there is more.
    async fn sessions(&self, scope: &Scope, filter: &SessionFilter) -> Result<PageOf<Session>>;

    /// Sessions whose id begins with this text, at most two by id: enough to tell unique from ambiguous.
    ///
    /// # Behavior
    /// Those in the bin too. Case does not matter, and nothing in the text is a pattern.
    async fn sessions_by_prefix(&self, scope: &Scope, prefix: &str) -> Result<Vec<Session>>;

    /// One message of a session.
    ///
    /// # Behavior
    /// `NotFound` for one of another session or owner.
    async fn message(&self, scope: &Scope, session: SessionId, id: MessageId) -> Result<Message>;

    /// The path from `tip` (or the head) backwards, at most `limit` messages, oldest first.
    ///
    /// # Behavior
    /// Its cost is that of `limit`, not of the session. An empty session gives an empty path; an unknown session or tip
    /// is `NotFound`.
    async fn path(
        &self,
        scope: &Scope,
        session: SessionId,
        tip: Option<MessageId>,
        limit: u32,
    ) -> Result<Vec<Message>>;

    /// All messages of a session on all branches, by `seq`, after this one, at most `limit`.
    ///
    /// # Behavior
    /// `NotFound` for an unknown session.
    async fn messages(
        &self,
        scope: &Scope,
        session: SessionId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Message>>;

    /// Sets a field: last writer wins, and this call is the last.
    ///
    /// # Behavior
    /// The field's stamp becomes the store's now, or one more than the stamp that it replaces. The same value again
    /// changes nothing; another takes one place in the feed. `updated` is the store's now, or what [`Change::Updated`] says. An unknown session is `NotFound`. A head that is no message
    /// of the session is `Invalid`, as is what [`Change::check`] refuses. Into the bin gives the session's count and bytes
    /// back exactly once, out of it takes them again, whatever the limits.
    async fn set(&self, scope: &Scope, id: SessionId, change: &Change) -> Result<Session>;

    /// Erases a session: rows, index, runs, and blobs that no other row names. A tombstone stays.
    ///
    /// # Behavior
    /// Again, or of an unknown session: `NotFound`. Its counts are given back exactly once, whether or not it lay in the
    /// bin. The tombstone takes one place in the feed. A later commit to it is `Conflict`, `Erased`. While a run is active
    /// in it the run ends with it, and its holder's next write is `Conflict`, `StaleEpoch`. No word of it is left in the
    /// files after [`Operator::sweep`].
    async fn erase(&self, scope: &Scope, id: SessionId) -> Result<()>;

    /// Sessions and messages that changed after this `seq`, in its order.
    ///
    /// # Behavior
    /// A page covers the next `limit` places (at least one) that a message or a session's row holds; `seq` is the last of
    /// them, or `after` where there is none. It carries the row of every session that a message in it belongs to, as it
    /// stands now, in the bin or not. Walking until `more` is false gives every change.
    async fn changes(&self, scope: &Scope, after: u64, limit: u32) -> Result<Changes>;

    /// For each term the newest pieces that hold it, at most `limit` a column, newest first.
    ///
    /// # Behavior
    /// Only of this owner; none of a session in the bin is left out here (the caller drops them by
    /// [`SessionStore::messages_at`]). Where `among` is given, only those pieces are asked about. A failing index is an
    /// error, never an empty list. No term is query syntax. The answer has one entry a term, in their order.
    async fn postings(
        &self,
        scope: &Scope,
        terms: &[Term],
        among: Option<&[PieceKey]>,
        limit: u32,
    ) -> Result<Vec<Postings>>;

    /// The messages at these places of the feed, those of sessions in the bin left out, in no order.
    async fn messages_at(&self, scope: &Scope, seqs: &[u64]) -> Result<Vec<Message>>;

    /// The owner's counters. An owner that never wrote has zeros.
    async fn counters(&self, scope: &Scope) -> Result<Counters>;
}

/// The run's row, which a commit moves in the same transaction.
#[async_trait]
pub trait RunStore: SessionStore {
    /// One run; `NotFound` for an unknown or foreign one.
    async fn run(&self, scope: &Scope, run: RunId) -> Result<RunRow>;

    /// The session's queued, running or waiting run; none for an unknown or foreign session.
    async fn current(&self, scope: &Scope, session: SessionId) -> Result<Option<RunId>>;

    /// What the owner's runs have used today, a day in UTC by the store's clock.
    ///
    /// # Behavior
    /// Each new message that a step stores counts once, on the day of its commit, whatever becomes of its session. What
    /// is copied in by a commit without a run was used elsewhere and does not count. An owner that used nothing has zeros.
    async fn spent_today(&self, scope: &Scope) -> Result<Usage>;

    /// The owner's waiting runs, newest first (by `created`, then id), at most `limit`; those of the bin too.
    async fn waiting(&self, scope: &Scope, limit: u32) -> Result<Vec<RunRow>>;

    /// Saves what lies inside a step, and renews the lease to the store's now and [`LEASE`].
    ///
    /// # Behavior
    /// `Conflict`, `StaleEpoch` where this epoch does not hold the run, or it is not running: a text flush too. A draft
    /// is appended to what lies there, chunk by chunk. A checkpoint keeps the draft, and so does `Wait`, which moves the
    /// run to `waiting` with an expiry of [`WAIT`] and no decisions, and ends the lease. A lease that is over but was not
    /// taken is renewed.
    async fn save(&self, scope: &Scope, run: RunId, epoch: u64, save: &Save) -> Result<Asked>;

    /// Decides a waiting call.
    ///
    /// # Behavior
    /// The same decision again answers the state as it is. Another decision on a decided call, or one on a call that
    /// does not wait, is `Conflict`, `NotPending`. The decision that leaves none open moves the run to `queued`, without
    /// expiry and with a lease within which a process of its place is to claim it. An unknown run is `NotFound`.
    async fn decide(&self, scope: &Scope, run: RunId, call: &CallId, decision: Decision) -> Result<RunState>;

    /// Asks whoever holds the run to stop; answers its state.
    ///
    /// # Behavior
    /// An ended run stays as it ended. The holder, or whoever claims the run, learns of it by its next
    /// [`RunStore::save`]. An unknown run is `NotFound`.
    async fn ask_stop(&self, scope: &Scope, run: RunId) -> Result<RunState>;

    /// Says that somebody watches the run from another process, for so long.
    ///
    /// # Behavior
    /// The holder learns of it by its next [`RunStore::save`]. A shorter time never cuts a longer one. An unknown run is
    /// `NotFound`.
    async fn attend(&self, scope: &Scope, run: RunId, during: Duration) -> Result<()>;
}

/// What has no scope yet. No handler of a request holds one.
#[async_trait]
pub trait Operator: RunStore {
    /// The holders of running runs of these places, each once, to look which of them still live.
    async fn holders(&self, places: &[String]) -> Result<Vec<String>>;

    /// Takes one run over: raises its epoch and gives it a lease.
    ///
    /// # Behavior
    /// Of places: one that is queued, or running with a lease that is over or a holder that is gone; of several the one
    /// that was opened first. Of one run: also one that waits, or is queued. A lease is over at its moment. Two claims at
    /// once: one gets it. The holder before is refused from then on. None where there is nothing to take. The checkpoint,
    /// the decisions and the wish to stop stay; what was flushed is answered once, and the new epoch begins with none.
    async fn claim(&self, claim: &Claim) -> Result<Option<Claimed>>;

    /// Erases what lay in the bin for [`BIN`], drops blobs that no row names and that were put [`UNNAMED`] ago, and
    /// truncates logs. Finishes the erasing of people that was begun.
    ///
    /// # Behavior
    /// Of every owner. A message and the checkpoint of a run that has not ended name blobs.
    async fn sweep(&self) -> Result<Swept>;

    /// Writes something, durably, that stays nowhere: for those who ask whether a server can serve.
    ///
    /// # Behavior
    /// It fails where a commit of now would fail for want of a disk, a lock or a right. It changes nothing that can be
    /// read, and takes no place in a feed.
    async fn probe(&self) -> Result<()>;
}

/// Large payloads of owners, by content.
#[async_trait]
pub trait BlobStore: Send + Sync + 'static {
    /// Stores bytes and answers where, whatever the limits: what a run has made can always be stored.
    async fn put_blob(&self, scope: &Scope, bytes: &[u8]) -> Result<BlobRef> {
        self.put_blob_within(scope, bytes, Limits::NONE).await
    }

    /// Stores bytes of a person's, and answers where.
    ///
    /// # Behavior
    /// The same bytes again change nothing and answer the same, also at the limit; they count as put now. Each distinct
    /// blob of an owner counts its bytes once ([`Counters::blobs`]), whoever names it, until it is dropped. An erased
    /// person's id as owner: `Conflict`, `UserErased`. Messages and blobs together over the limit of bytes: `LimitReached`,
    /// `StorageLimit`, and nothing is stored. At the limit exactly is allowed.
    async fn put_blob_within(&self, scope: &Scope, bytes: &[u8], limits: Limits) -> Result<BlobRef>;

    /// The bytes of a blob; `NotFound` for an unknown or foreign one.
    async fn blob(&self, scope: &Scope, hash: &str) -> Result<Vec<u8>>;
}

/// All that an agent needs of one backend.
pub trait Storage: Operator + BlobStore + Accounts {}
impl<S: Operator + BlobStore + Accounts> Storage for S {}

/// A source of time, and of waiting.
#[async_trait]
pub trait Clock: Send + Sync + 'static {
    /// The present moment.
    fn now(&self) -> Timestamp;
    /// Waits so long.
    async fn sleep(&self, duration: Duration);
}

//! What is asked of a session store, and answered.
use crate::{message::Message, session::Session, session::SessionState};

/// What a backend can do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// Answers [`super::SessionStore::postings`].
    pub text_search: bool,
    /// Answers [`super::SessionStore::changes`].
    pub changes: bool,
    /// Erases words from its files.
    pub secure_erase: bool,
    /// Several processes may use it at once.
    pub shared: bool,
    /// Takes every commit and change. A store that does not is another's from afar: it takes what a person does to
    /// sessions (make, name, remove), and answers `Unsupported` for what only a run or a copy writes.
    pub commits: bool,
    /// Answers what is stored byte for byte. A store that does not answers messages whole, what is kept apart from their
    /// rows among the rest, and metadata as JSON means it.
    pub verbatim: bool,
}

/// Which sessions to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionFilter {
    /// At most this many; 0 is 50, the most is 1000.
    pub limit: u32,
    /// Where the page before ended.
    pub cursor: Option<String>,
    /// Only these states; empty: active and paused.
    pub states: Vec<SessionState>,
    /// Only those begun here.
    pub place: Option<String>,
    /// Only those whose title holds this, whatever its case ([`str::to_lowercase`] of both); nothing in it is a pattern.
    pub title: Option<String>,
    /// Only those in the bin; else only those outside it.
    pub deleted: bool,
}

impl SessionFilter {
    /// How many sessions a page has at most.
    pub fn page_size(&self) -> usize {
        match self.limit {
            0 => 50,
            limit => limit.min(1000) as usize,
        }
    }
}

/// A page and where the next begins.
#[derive(Clone, Debug, PartialEq)]
pub struct PageOf<T> {
    /// The items.
    pub items: Vec<T>,
    /// The next page's cursor, where there is one.
    pub next: Option<String>,
}

/// A page of the change feed.
#[derive(Clone, Debug, PartialEq)]
pub struct Changes {
    /// Sessions that changed, or that a message in the page belongs to.
    pub sessions: Vec<Session>,
    /// Messages, by `seq`.
    pub messages: Vec<Message>,
    /// Where the next page begins.
    pub seq: u64,
    /// There is more.
    pub more: bool,
}

/// A term to look up.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Term {
    /// This whole term.
    Is(String),
    /// Every term that begins so.
    Prefix(String),
}

/// A piece of a message within its owner's index: `seq << 6 | piece`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PieceKey(pub u64);

impl PieceKey {
    /// The key of a message's n-th piece.
    pub fn new(seq: u64, piece: u32) -> Self {
        PieceKey(seq << 6 | u64::from(piece & 63))
    }
    /// The message's place in the feed.
    pub fn seq(self) -> u64 {
        self.0 >> 6
    }
}

/// Where a term stands, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Postings {
    /// Pieces that hold it themselves.
    pub terms: Vec<PieceKey>,
    /// Pieces whose context holds it.
    pub context: Vec<PieceKey>,
}

/// What an owner has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// The last place in the change feed.
    pub seq: u64,
    /// Sessions, those in the bin left out.
    pub sessions: u64,
    /// Bytes of messages as they lie in their rows, those in the bin left out.
    pub bytes: u64,
    /// Bytes of blobs, each distinct one once.
    pub blobs: u64,
    /// Pieces in the index.
    pub pieces: u64,
}

impl Counters {
    /// All bytes that count against the limit.
    pub fn storage(&self) -> u64 {
        self.bytes.saturating_add(self.blobs)
    }
}

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Sessions erased from the bin.
    pub sessions: u64,
    /// Blobs dropped.
    pub blobs: u64,
}

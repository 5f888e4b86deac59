//! A commit is one value: rows, preconditions, limits, and what becomes of the run.
use std::collections::BTreeSet;

use crate::{
    error::{Error, Result},
    id::{MessageId, RunId, SessionId},
    limits::Limits,
    message::{Content, Origin, Role, Usage},
    run_row::{RunState, StoredCheckpoint},
    session::check_metadata,
    time_stamp::Timestamp,
};

/// Under what a new message hangs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parent {
    /// Whatever the session's head is at the commit. The messages of one commit follow each other.
    Head,
    /// This message; none begins the session, or another tree of it.
    Is(Option<MessageId>),
}

/// What the full-text index gets of a message: one entry a piece, each two columns of space-joined terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexPiece {
    /// The terms of the piece itself.
    pub terms: String,
    /// The terms of its context: the day, and for the first piece the end of the message before.
    pub context: String,
}

impl IndexPiece {
    /// How many pieces a message has at most.
    pub const MOST: usize = 64;
}

/// A message to be stored.
#[derive(Clone, Debug, PartialEq)]
pub struct NewMessage {
    /// Its id, made by the client.
    pub id: MessageId,
    /// Under what it hangs.
    pub parent: Parent,
    /// Who speaks.
    pub role: Role,
    /// What is said, as stored bytes.
    pub content: Content,
    /// The interface that it came through.
    pub origin: Origin,
    /// The model that made it.
    pub model: Option<String>,
    /// What it cost.
    pub usage: Option<Usage>,
    /// It ended before its time.
    pub cut: bool,
    /// When it was made.
    pub created: Timestamp,
    /// What `pieces` was made with beside the text, kept so that an erase can name the index entries again.
    pub context: String,
    /// Its entries in the full-text index, at most 64.
    pub pieces: Vec<IndexPiece>,
}

/// What a commit does with the session's head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadMove {
    /// Moves it if it is still the first message's parent; else the messages are a branch.
    IfParent,
    /// Moves it in any case: a person named the parent (edit, regenerate).
    Always,
}

/// A session that the commit makes if it is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSession {
    /// Its title.
    pub title: String,
    /// The session that it was forked from.
    pub parent: Option<SessionId>,
    /// Where it is begun.
    pub place: Option<String>,
    /// A JSON object.
    pub metadata: String,
    /// When it was made.
    pub created: Timestamp,
}

/// What a commit does with a run.
#[derive(Clone, Debug, PartialEq)]
pub enum RunChange {
    /// Opens the run of this message, with epoch 1 and a lease.
    Open {
        /// The person's message that begins it: the commit's last.
        message: MessageId,
        /// Where its tools run.
        place: String,
        /// The process that holds it.
        holder: String,
        /// What it begins with.
        checkpoint: StoredCheckpoint,
    },
    /// Moves a run on, in the same transaction as its step. Ends the lease where the state is an end.
    Step {
        /// The run.
        run: RunId,
        /// The epoch of its holder.
        epoch: u64,
        /// The state that it gets.
        state: RunState,
        /// What it goes on from.
        checkpoint: StoredCheckpoint,
        /// Why it failed: a JSON problem for watchers.
        error: Option<String>,
    },
}

/// All of one write.
#[derive(Clone, Debug, PartialEq)]
pub struct Commit {
    /// The session that the messages belong to.
    pub session: SessionId,
    /// Makes the session where it is not there; without it an unknown session is `NotFound`.
    pub create: Option<NewSession>,
    /// The messages, parents first. Each after the first hangs under the one before it unless it names a parent.
    pub messages: Vec<NewMessage>,
    /// What happens to the head.
    pub head: HeadMove,
    /// What happens to a run.
    pub run: Option<RunChange>,
    /// What binds this write.
    pub limits: Limits,
}

impl Commit {
    /// Refuses as `Invalid` what no store could take. Every backend calls it first.
    pub fn check(&self) -> Result<()> {
        let mut seen = BTreeSet::new();
        for message in &self.messages {
            if !seen.insert(message.id) {
                return Err(
                    Error::invalid("a commit names a message twice").with_context("message", message.id)
                );
            }
            if message.pieces.len() > IndexPiece::MOST {
                return Err(
                    Error::invalid("a message has too many pieces").with_context("message", message.id)
                );
            }
        }
        if let Some(create) = &self.create {
            check_metadata(&create.metadata)?;
        }
        match &self.run {
            Some(RunChange::Open { message, .. }) if self.messages.last().map(|m| m.id) != Some(*message) => {
                Err(Error::invalid("a run is opened by the last message of its commit"))
            }
            Some(RunChange::Step { run, .. }) if run.session != self.session => {
                Err(Error::invalid("a step goes to the session of its run"))
            }
            Some(RunChange::Step { state: RunState::Queued | RunState::Waiting, .. }) => {
                Err(Error::invalid("a step leaves its run running or ends it"))
            }
            _ => Ok(()),
        }
    }
}

/// What a commit did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The session's place in the change feed.
    pub seq: u64,
    /// The session's head.
    pub head: Option<MessageId>,
    /// False where all of it was stored already.
    pub fresh: bool,
    /// The state and epoch of the run that the commit names, as it stands now.
    pub run: Option<(RunState, u64)>,
}

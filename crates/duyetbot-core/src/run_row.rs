//! A run's row: what is durable of a turn beside its messages.
use serde::{Deserialize, Serialize};

use crate::{
    id::{CallId, RunId},
    scope::Scope,
    time_stamp::Timestamp,
};

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Decided; waits for a process of its place.
    Queued,
    /// A process holds it by a lease.
    Running,
    /// Waits for a person's decisions; nobody holds it.
    Waiting,
    /// Ended well.
    Done,
    /// Ended by an error.
    Failed,
    /// Ended by a person.
    Cancelled,
    /// Ended by the death of its process.
    Interrupted,
}

impl RunState {
    /// All states.
    pub const ALL: [RunState; 7] = [
        RunState::Queued,
        RunState::Running,
        RunState::Waiting,
        RunState::Done,
        RunState::Failed,
        RunState::Cancelled,
        RunState::Interrupted,
    ];
    /// No further step will come.
    pub fn ended(self) -> bool {
        !matches!(self, RunState::Queued | RunState::Running | RunState::Waiting)
    }
    /// The stable word of this state.
    pub fn as_str(self) -> &'static str {
        match self {
            RunState::Queued => "queued",
            RunState::Running => "running",
            RunState::Waiting => "waiting",
            RunState::Done => "done",
            RunState::Failed => "failed",
            RunState::Cancelled => "cancelled",
            RunState::Interrupted => "interrupted",
        }
    }
    /// The state of this word.
    pub fn parse(word: &str) -> Option<Self> {
        RunState::ALL.into_iter().find(|s| s.as_str() == word)
    }
}

/// A machine's checkpoint as stores keep it: opaque but for what they act on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredCheckpoint {
    /// The machine's state, JSON.
    pub json: String,
    /// Counts the run's checkpoints: of two, the higher is the truth.
    pub counter: u64,
    /// The calls that wait for a decision.
    pub pending: Vec<CallId>,
}

/// Text of an open step, appended as the model speaks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "text", rename_all = "snake_case")]
pub enum DraftChunk {
    /// Words of the answer.
    Text(String),
    /// Words of the reasoning.
    Reasoning(String),
}

/// A person's decision on a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Run it.
    Allow,
    /// Do not.
    Deny,
}

/// A run as stored.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRow {
    /// Its id.
    pub id: RunId,
    /// Where it stands.
    pub state: RunState,
    /// Where its tools run.
    pub place: String,
    /// The person for whom it acts.
    pub actor: String,
    /// Raised by each takeover; fences every write.
    pub epoch: u64,
    /// The process that holds it, or held it last.
    pub holder: String,
    /// Until when it is held, by the store's clock.
    pub lease: Timestamp,
    /// The lease is over by the store's clock at this read.
    pub expired: bool,
    /// What it goes on from.
    pub checkpoint: StoredCheckpoint,
    /// What was flushed of the open step, in this epoch.
    pub draft: Vec<DraftChunk>,
    /// The decisions on its waiting calls.
    pub decisions: Vec<(CallId, Decision)>,
    /// Somebody asked to stop it.
    pub stop_asked: bool,
    /// When waiting ends by itself.
    pub expires: Option<Timestamp>,
    /// Why it failed: a JSON problem.
    pub error: Option<String>,
    /// When it was opened.
    pub created: Timestamp,
}

/// What a holder saves between two commits. Each renews the lease.
#[derive(Clone, Debug, PartialEq)]
pub enum Save {
    /// Nothing but the lease.
    Lease,
    /// More text of the open step; appended to what lies there.
    Draft(Vec<DraftChunk>),
    /// The machine's state inside a step.
    Checkpoint(StoredCheckpoint),
    /// The machine's state as it waits for decisions: the lease ends, the state becomes `waiting`.
    Wait(StoredCheckpoint),
}

/// What was asked of a holder meanwhile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// To stop.
    pub stop: bool,
    /// To flush often: somebody watches from another process.
    pub watched: bool,
}

/// Which run to take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClaimOf {
    /// Any queued or orphaned run of these places.
    Places(Vec<String>),
    /// This one, of this owner, in whatever place: to end it. Takes a waiting one too.
    Run(Scope, RunId),
}

/// A wish to take a run over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Which.
    pub of: ClaimOf,
    /// The process that takes it.
    pub holder: String,
    /// Holders that are known to be dead: their leases count as over.
    pub gone: Vec<String>,
}

/// A run that was taken over.
#[derive(Clone, Debug, PartialEq)]
pub struct Claimed {
    /// The scope that stands in its row.
    pub scope: Scope,
    /// The run.
    pub run: RunId,
    /// The epoch of the new holder.
    pub epoch: u64,
    /// What it was before.
    pub was: RunState,
    /// What it goes on from.
    pub checkpoint: StoredCheckpoint,
    /// What the holder before had flushed of the open step.
    pub draft: Vec<DraftChunk>,
    /// The decisions on its waiting calls.
    pub decisions: Vec<(CallId, Decision)>,
}

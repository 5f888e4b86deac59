//! What the command line prints for programs beside what a server answers.
use duyetbot_core::{Decision, RunState};
use serde::{Deserialize, Serialize};

use crate::message::Message;

/// A decision that was taken, and where its run stands since.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Decided {
    /// The run.
    pub run_id: String,
    /// Its session.
    pub session_id: String,
    /// The call.
    pub call_id: String,
    /// What was decided.
    pub decision: Decision,
    /// Where the run stands.
    pub state: RunState,
}

/// The last message of a branch of a session.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BranchEnd {
    /// The message.
    pub message: Message,
    /// It is the end of the main line.
    pub head: bool,
}

/// A conversation that was imported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Imported {
    /// The file that it was read from.
    pub file: String,
    /// The session that it is now.
    pub session_id: String,
    /// How many messages it has.
    pub messages: usize,
    /// What a person should know of it.
    pub note: Option<String>,
}

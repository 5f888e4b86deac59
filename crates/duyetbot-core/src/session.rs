//! Sessions: a few last-writer-wins fields over a grow-only tree of messages.
use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    id::{DeviceId, MessageId, RunId, SessionId},
    time_stamp::Timestamp,
};

/// What a session is for at present.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionState {
    /// In use.
    #[default]
    Active,
    /// Nothing starts in it by itself.
    Paused,
    /// Left out of lists unless asked for; a new message makes it active.
    Completed,
}

impl SessionState {
    /// The stable word of this state.
    pub fn as_str(self) -> &'static str {
        match self {
            SessionState::Active => "active",
            SessionState::Paused => "paused",
            SessionState::Completed => "completed",
        }
    }
}

/// When and by which store a field was last written: a hybrid logical clock, then the device. The higher wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Stamp {
    /// Milliseconds; at least one more than the stamp that it replaces.
    pub at: i64,
    /// The store that wrote it.
    pub device: DeviceId,
}

/// A session as stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// What it is for at present.
    pub state: SessionState,
    /// Its title.
    pub title: String,
    /// The message that its main line ends with; none while it is empty.
    pub head: Option<MessageId>,
    /// The session that it was forked from.
    pub parent: Option<SessionId>,
    /// Where it was begun (`host:/workspace`), so that "go on here" finds it.
    pub place: Option<String>,
    /// A JSON object of the person's own.
    pub metadata: String,
    /// It lies in the bin.
    pub deleted: bool,
    /// When it was made.
    pub created: Timestamp,
    /// When it last changed.
    pub updated: Timestamp,
    /// Its place in the owner's change feed on this store.
    pub seq: u64,
    /// How many messages it has, on all branches.
    pub messages: u64,
    /// How many bytes they are.
    pub bytes: u64,
    /// The run that is active in it.
    pub run: Option<RunId>,
}

/// A field of a session to set, by this store, now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Its title.
    Title(String),
    /// Its state.
    State(SessionState),
    /// Its main line: a message of the session.
    Head(MessageId),
    /// Its metadata: a JSON object.
    Metadata(String),
    /// When it last changed, as an import says: what another store knows of it, and so without a stamp.
    Updated(Timestamp),
    /// Into the bin.
    Delete,
    /// Out of the bin.
    Restore,
}

impl Change {
    /// Refuses as `Invalid` what no store could take. Every backend calls it first.
    pub fn check(&self) -> Result<()> {
        match self {
            Change::Metadata(metadata) => check_metadata(metadata),
            _ => Ok(()),
        }
    }
}

/// Refuses metadata that is no JSON object.
pub(crate) fn check_metadata(metadata: &str) -> Result<()> {
    serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(metadata)
        .map(drop)
        .map_err(|e| Error::invalid(format!("metadata is not a JSON object: {e}")))
}

/// The first message's first line, cut to a title.
pub fn title_of(text: &str) -> String {
    const LONGEST: usize = 60;
    let line = text.lines().map(str::trim).find(|l| !l.is_empty()).unwrap_or("New session");
    let clean: String = line.chars().filter(|c| !c.is_control()).collect();
    if clean.chars().count() <= LONGEST {
        return clean;
    }
    let cut: String = clean.chars().take(LONGEST).collect();
    let at_word = cut.rfind(' ').filter(|at| *at > LONGEST / 2).unwrap_or(cut.len());
    format!("{}…", &cut[..at_word])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_the_first_line_cut_at_a_word() {
        assert_eq!(title_of("\n  fix the parser \nplease"), "fix the parser");
        assert_eq!(title_of(""), "New session");
        let long = title_of(&"word ".repeat(40));
        assert!(long.ends_with("word…") && long.chars().count() <= 61, "{long}");
        assert_eq!(title_of(&"長".repeat(100)).chars().count(), 61);
    }
}

//! What lies in memory of one owner.
use std::collections::{BTreeMap, BTreeSet};

use super::postings::Index;
use crate::{
    error::{Error, Result},
    id::{DeviceId, MessageId, RunId, SessionId},
    message::{Content, Message, Origin, Role, Usage, decode_parts},
    run_row::RunRow,
    session::{Session, Stamp},
    store::{Counters, IndexPiece},
    time_stamp::Timestamp,
};

/// The store's now, and the store.
#[derive(Clone, Copy)]
pub(super) struct Moment {
    pub(super) now: Timestamp,
    pub(super) device: DeviceId,
}

impl Moment {
    /// A stamp for a field that was never set.
    pub(super) fn first(self) -> Stamp {
        Stamp { at: self.now.0, device: self.device }
    }
    /// A stamp that wins over this one, wherever the clock stands.
    pub(super) fn after(self, replaced: Stamp) -> Stamp {
        Stamp { at: self.now.0.max(replaced.at.saturating_add(1)), device: self.device }
    }
}

#[derive(Default)]
pub(super) struct Owner {
    pub(super) counters: Counters,
    pub(super) sessions: BTreeMap<SessionId, SessionRow>,
    pub(super) messages: BTreeMap<MessageId, MessageRow>,
    /// Every message by its place in the feed.
    pub(super) feed: BTreeMap<u64, MessageId>,
    pub(super) runs: BTreeMap<RunId, RunEntry>,
    pub(super) erased: BTreeSet<SessionId>,
    pub(super) index: Index,
    pub(super) blobs: BTreeMap<String, Blob>,
    /// What runs used, by the day.
    pub(super) spent: BTreeMap<i64, Usage>,
}

pub(super) struct SessionRow {
    pub(super) session: Session,
    pub(super) stamps: Stamps,
    /// Its messages by their places in the feed.
    pub(super) feed: BTreeMap<u64, MessageId>,
}

/// When each field was last written.
#[derive(Clone, Copy)]
pub(super) struct Stamps {
    pub(super) title: Stamp,
    pub(super) state: Stamp,
    pub(super) head: Stamp,
    pub(super) metadata: Stamp,
    pub(super) deleted: Stamp,
}

pub(super) struct MessageRow {
    pub(super) id: MessageId,
    pub(super) session: SessionId,
    pub(super) parent: Option<MessageId>,
    pub(super) role: Role,
    pub(super) content: Content,
    pub(super) origin: Origin,
    pub(super) model: Option<String>,
    pub(super) usage: Option<Usage>,
    pub(super) cut: bool,
    pub(super) created: Timestamp,
    pub(super) seq: u64,
    pub(super) pieces: Vec<IndexPiece>,
}

impl MessageRow {
    pub(super) fn message(&self) -> Result<Message> {
        Ok(Message {
            id: self.id,
            session: self.session,
            parent: self.parent,
            role: self.role,
            parts: decode_parts(self.content.stored())?,
            origin: self.origin,
            model: self.model.clone(),
            usage: self.usage,
            cut: self.cut,
            created: self.created,
            seq: self.seq,
            hash: self.content.hash().to_owned(),
        })
    }
}

pub(super) struct RunEntry {
    pub(super) row: RunRow,
    /// Until when somebody watches from another process.
    pub(super) watched: Timestamp,
}

pub(super) struct Blob {
    pub(super) bytes: Vec<u8>,
    pub(super) put: Timestamp,
}

impl Owner {
    pub(super) fn session(&self, id: SessionId) -> Result<&SessionRow> {
        self.sessions.get(&id).ok_or_else(|| Error::not_found("session"))
    }

    pub(super) fn session_mut(&mut self, id: SessionId) -> Result<&mut SessionRow> {
        self.sessions.get_mut(&id).ok_or_else(|| Error::not_found("session"))
    }

    pub(super) fn message(&self, session: SessionId, id: MessageId) -> Result<&MessageRow> {
        self.messages.get(&id).filter(|row| row.session == session).ok_or_else(|| Error::not_found("message"))
    }

    /// Takes places in the feed and answers the last of them.
    pub(super) fn take_places(&mut self, how_many: u64) -> u64 {
        self.counters.seq += how_many;
        self.counters.seq
    }
}

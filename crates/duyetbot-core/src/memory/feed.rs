//! The change feed: what an owner's sessions and messages became, in the order of their places.
use std::collections::{BTreeMap, BTreeSet};

use super::rows::{MessageRow, Owner};
use crate::{error::Result, id::SessionId, message::Message, session::Session, store::Changes};

impl Owner {
    pub(super) fn changes(&self, after: u64, limit: u32) -> Result<Changes> {
        let rows: BTreeMap<u64, SessionId> = self
            .sessions
            .values()
            .filter(|row| row.session.seq > after)
            .map(|row| (row.session.seq, row.session.id))
            .collect();
        let mut places: BTreeSet<u64> =
            self.feed.range(after.saturating_add(1)..).map(|(seq, _)| *seq).collect();
        places.extend(rows.keys());
        let covered: Vec<u64> = places.iter().copied().take(limit.max(1) as usize).collect();
        let seq = covered.last().copied().unwrap_or(after);

        let messages = self
            .feed
            .range(after.saturating_add(1)..)
            .take_while(|(place, _)| **place <= seq)
            .filter_map(|(_, id)| self.messages.get(id))
            .map(MessageRow::message)
            .collect::<Result<Vec<Message>>>()?;
        let mut mentioned: BTreeSet<SessionId> = messages.iter().map(|message| message.session).collect();
        mentioned.extend(rows.range(..=seq).map(|(_, id)| *id));
        let sessions: Vec<Session> =
            mentioned.iter().filter_map(|id| self.sessions.get(id)).map(|row| row.session.clone()).collect();
        Ok(Changes { sessions, messages, seq, more: places.len() > covered.len() })
    }

    pub(super) fn messages_at(&self, seqs: &[u64]) -> Result<Vec<Message>> {
        let seqs: BTreeSet<u64> = seqs.iter().copied().collect();
        seqs.iter()
            .filter_map(|seq| self.feed.get(seq))
            .filter_map(|id| self.messages.get(id))
            .filter(|row| self.sessions.get(&row.session).is_some_and(|session| !session.session.deleted))
            .map(MessageRow::message)
            .collect()
    }
}

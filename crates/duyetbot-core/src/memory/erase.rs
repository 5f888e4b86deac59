//! Erasing a session, and emptying the bin.
use super::rows::Owner;
use crate::{
    error::{Error, Result},
    id::SessionId,
    store::{BIN, PieceKey},
    time_stamp::Timestamp,
};

impl Owner {
    pub(super) fn erase(&mut self, id: SessionId) -> Result<()> {
        let row = self.sessions.remove(&id).ok_or_else(|| Error::not_found("session"))?;
        if !row.session.deleted {
            self.counters.sessions -= 1;
            self.counters.bytes -= row.session.bytes;
        }
        let mut texts = Vec::new();
        for (seq, message) in &row.feed {
            self.feed.remove(seq);
            let Some(message) = self.messages.remove(message) else { continue };
            for (key, piece) in (0..).map(|n| PieceKey::new(*seq, n)).zip(&message.pieces) {
                self.index.remove(key, piece);
            }
            self.counters.pieces -= message.pieces.len() as u64;
            texts.push(message.content.stored().to_owned());
        }
        texts.extend(
            self.runs.extract_if(.., |run, _| run.session == id).map(|(_, entry)| entry.row.checkpoint.json),
        );
        self.drop_named_in(&texts);
        self.erased.insert(id);
        self.take_places(1);
        Ok(())
    }

    /// Erases what lay in the bin long enough, and answers how many sessions.
    pub(super) fn empty_bin(&mut self, now: Timestamp) -> Result<u64> {
        let over: Vec<SessionId> = self
            .sessions
            .values()
            .filter(|row| row.session.deleted && Timestamp(row.stamps.deleted.at).plus(BIN) <= now)
            .map(|row| row.session.id)
            .collect();
        for id in &over {
            self.erase(*id)?;
        }
        Ok(over.len() as u64)
    }
}

//! The fields of a session, each settled by its last writer.
use super::rows::{Moment, Owner, SessionRow};
use crate::{
    error::{Error, Result},
    id::SessionId,
    session::{Change, Session, Stamp},
};

impl Owner {
    pub(super) fn set(&mut self, id: SessionId, change: &Change, moment: Moment) -> Result<Session> {
        let before = self.session(id)?.session.clone();
        if let Change::Head(head) = change {
            self.message(id, *head).map_err(|_| Error::invalid("the head is no message of the session"))?;
        }
        let SessionRow { session, stamps, .. } = self.session_mut(id)?;
        let stamp = write_field(session, stamps, change);
        if *session == before {
            return Ok(before);
        }
        if let Some(stamp) = stamp {
            *stamp = moment.after(*stamp);
            session.updated = moment.now;
        }
        match change {
            Change::Delete => {
                self.counters.sessions -= 1;
                self.counters.bytes -= before.bytes;
            }
            Change::Restore => {
                self.counters.sessions += 1;
                self.counters.bytes += before.bytes;
            }
            _ => {}
        }
        let seq = self.take_places(1);
        let session = &mut self.session_mut(id)?.session;
        session.seq = seq;
        Ok(session.clone())
    }
}

/// Writes the value and answers the field's stamp, where it has one.
fn write_field<'a>(
    session: &mut Session,
    stamps: &'a mut super::rows::Stamps,
    change: &Change,
) -> Option<&'a mut Stamp> {
    Some(match change {
        Change::Title(title) => {
            session.title.clone_from(title);
            &mut stamps.title
        }
        Change::State(state) => {
            session.state = *state;
            &mut stamps.state
        }
        Change::Head(head) => {
            session.head = Some(*head);
            &mut stamps.head
        }
        Change::Metadata(metadata) => {
            session.metadata.clone_from(metadata);
            &mut stamps.metadata
        }
        Change::Updated(moment) => {
            session.updated = *moment;
            return None;
        }
        Change::Delete => {
            session.deleted = true;
            &mut stamps.deleted
        }
        Change::Restore => {
            session.deleted = false;
            &mut stamps.deleted
        }
    })
}

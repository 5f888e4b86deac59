//! Reading sessions and messages.
use super::rows::{MessageRow, Owner, SessionRow};
use crate::{
    error::Result,
    id::{MessageId, SessionId},
    message::Message,
    scope::Scope,
    session::{Session, SessionState},
    store::{PageOf, SessionCursor, SessionFilter},
};

impl Owner {
    pub(super) fn page(&self, scope: &Scope, filter: &SessionFilter) -> Result<PageOf<Session>> {
        let after = filter.cursor.as_deref().map(|text| SessionCursor::decode(scope, text)).transpose()?;
        let after = after.map(|cursor| (cursor.updated, cursor.id));
        let mut found: Vec<&Session> = self
            .sessions
            .values()
            .map(|row| &row.session)
            .filter(|session| passes(session, filter))
            .filter(|session| after.is_none_or(|after| (session.updated, session.id) < after))
            .collect();
        found.sort_by_key(|session| std::cmp::Reverse((session.updated, session.id)));
        let more = found.len() > filter.page_size();
        let items: Vec<Session> = found.into_iter().take(filter.page_size()).cloned().collect();
        let next = items
            .last()
            .filter(|_| more)
            .map(|last| SessionCursor { updated: last.updated, id: last.id }.encode(scope));
        Ok(PageOf { items, next })
    }

    pub(super) fn by_prefix(&self, prefix: &str) -> Vec<Session> {
        let prefix = prefix.to_ascii_lowercase();
        self.sessions
            .iter()
            .filter(|(id, _)| id.to_string().starts_with(&prefix))
            .take(2)
            .map(|(_, row)| row.session.clone())
            .collect()
    }

    pub(super) fn path(
        &self,
        session: SessionId,
        tip: Option<MessageId>,
        limit: u32,
    ) -> Result<Vec<Message>> {
        let head = self.session(session)?.session.head;
        if let Some(tip) = tip {
            self.message(session, tip)?;
        }
        let first = tip.or(head).and_then(|id| self.messages.get(&id));
        let mut path = std::iter::successors(first, |row| row.parent.and_then(|id| self.messages.get(&id)))
            .take(limit as usize)
            .map(MessageRow::message)
            .collect::<Result<Vec<Message>>>()?;
        path.reverse();
        Ok(path)
    }

    pub(super) fn messages_of(&self, session: SessionId, after: u64, limit: u32) -> Result<Vec<Message>> {
        let SessionRow { feed, .. } = self.session(session)?;
        feed.range(after.saturating_add(1)..)
            .take(limit as usize)
            .filter_map(|(_, id)| self.messages.get(id))
            .map(MessageRow::message)
            .collect()
    }
}

fn passes(session: &Session, filter: &SessionFilter) -> bool {
    let state = match filter.states.as_slice() {
        [] => session.state != SessionState::Completed,
        states => states.contains(&session.state),
    };
    let place = filter.place.is_none() || filter.place == session.place;
    let title = filter
        .title
        .as_ref()
        .is_none_or(|title| session.title.to_lowercase().contains(&title.to_lowercase()));
    state && place && title && session.deleted == filter.deleted
}

//! `SessionStore`: each call is one list of statements.
use async_trait::async_trait;
use duyetbot_core::{
    Capabilities, Change, Changes, Commit, Committed, Counters, Error, Message, MessageId, PageOf, PieceKey,
    Postings, Result, RunChange, Scope, Session, SessionCursor, SessionFilter, SessionId, SessionState,
    SessionStore, Term,
};
use serde_json::{Value, json};
use std::collections::BTreeSet;

use crate::{
    dialect::{Driver, commit as c, sessions as s},
    record::{self, of},
    store::SqlStore,
};

#[async_trait]
impl<D: Driver> SessionStore for SqlStore<D> {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            text_search: true,
            changes: true,
            secure_erase: true,
            shared: true,
            commits: true,
            verbatim: true,
        }
    }

    async fn commit(&self, scope: &Scope, commit: &Commit) -> Result<Committed> {
        commit.check()?;
        let record = record::commit(scope, commit, self.now(), self.device)?;
        // Who has no row yet has no session either, so only a commit that may make one needs the owner's row.
        let mut statements = match &commit.create {
            Some(_) => vec![c::OWNER, c::GUARD, c::SESSION],
            None => vec![c::GUARD],
        };
        if !commit.messages.is_empty() {
            statements.push(c::MESSAGES);
        }
        statements.push(c::COUNT);
        if record.has_pieces {
            statements.push(c::PIECES);
        }
        if record.names_blobs {
            statements.push(c::BLOB_USES);
        }
        if record.spends {
            statements.push(c::SPEND);
        }
        match &commit.run {
            None => statements.push(c::MOVE),
            Some(RunChange::Open { .. }) => statements.extend([c::OPEN, c::MOVE]),
            Some(RunChange::Step { .. }) => statements.extend([c::MOVE, c::STEP, c::CLEAR_DRAFT]),
        }
        statements.push(c::OUTCOME);
        let mut answers = self.driver.write(&statements, record.arguments).await?;
        record::committed(answers.pop().unwrap_or_default())
    }

    async fn session(&self, scope: &Scope, id: SessionId) -> Result<Session> {
        let rows = self.driver.read(s::SESSION, vec![of(scope, json!({ "session": id }))]).await?;
        rows.into_iter().next().map(record::session).unwrap_or_else(|| Err(Error::not_found("session")))
    }

    async fn sessions(&self, scope: &Scope, filter: &SessionFilter) -> Result<PageOf<Session>> {
        let size = filter.page_size();
        let after = filter.cursor.as_deref().map(|text| SessionCursor::decode(scope, text)).transpose()?;
        let states = match filter.states.as_slice() {
            [] => &[SessionState::Active, SessionState::Paused],
            states => states,
        };
        // Without a cursor the page begins below a place that no session has.
        let (updated, id) = after.map_or((i64::MAX, "~".to_owned()), |at| (at.updated.0, at.id.to_string()));
        let fields = json!({
            "updated": updated, "id": id, "deleted": u8::from(filter.deleted), "states": states,
            "place": filter.place, "title": filter.title.as_ref().map(|title| title.to_lowercase()),
            "limit": size + 1,
        });
        let statement = if filter.place.is_some() { s::LIST_AT } else { s::LIST };
        let rows = self.driver.read(statement, vec![of(scope, fields)]).await?;
        let mut items = rows.into_iter().map(record::session).collect::<Result<Vec<_>>>()?;
        let more = items.len() > size;
        items.truncate(size);
        let last = items.last().filter(|_| more);
        let next = last.map(|s| SessionCursor { updated: s.updated, id: s.id }.encode(scope));
        Ok(PageOf { items, next })
    }

    async fn sessions_by_prefix(&self, scope: &Scope, prefix: &str) -> Result<Vec<Session>> {
        let fields = json!({ "prefix": prefix.to_lowercase() });
        let rows = self.driver.read(s::BY_PREFIX, vec![of(scope, fields)]).await?;
        rows.into_iter().map(record::session).collect()
    }

    async fn message(&self, scope: &Scope, session: SessionId, id: MessageId) -> Result<Message> {
        let fields = json!({ "session": session, "message": id });
        let rows = self.driver.read(s::MESSAGE, vec![of(scope, fields)]).await?;
        rows.into_iter().next().map(record::message).unwrap_or_else(|| Err(Error::not_found("message")))
    }

    async fn path(
        &self,
        scope: &Scope,
        session: SessionId,
        tip: Option<MessageId>,
        limit: u32,
    ) -> Result<Vec<Message>> {
        // The tip itself is read in any case: it tells an empty path from an unknown one.
        let fields = json!({ "session": session, "tip": tip, "limit": limit });
        let path = self.messages_of(s::PATH, scope, fields).await?;
        if path.is_empty() {
            self.session(scope, session).await?;
            if tip.is_some() {
                return Err(Error::not_found("message"));
            }
        }
        Ok(if limit == 0 { Vec::new() } else { path })
    }

    async fn messages(
        &self,
        scope: &Scope,
        session: SessionId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Message>> {
        let fields = json!({ "session": session, "after": after, "limit": limit });
        let messages = self.messages_of(s::MESSAGES, scope, fields).await?;
        if messages.is_empty() {
            self.session(scope, session).await?;
        }
        Ok(messages)
    }

    async fn set(&self, scope: &Scope, id: SessionId, change: &Change) -> Result<Session> {
        change.check()?;
        let mut fields = json!({ "session": id, "now": self.now(), "device": self.device });
        let (statements, value) = match change {
            Change::Title(title) => {
                fields["folded"] = title.to_lowercase().into();
                (s::SET_TITLE, title.as_str().into())
            }
            Change::State(state) => (s::SET_STATE, state.as_str().into()),
            Change::Head(head) => {
                fields["head"] = json!(head);
                (s::SET_HEAD, json!(head))
            }
            Change::Metadata(metadata) => (s::SET_METADATA, metadata.as_str().into()),
            Change::Updated(moment) => (s::SET_UPDATED, json!(moment)),
            Change::Delete => (s::SET_DELETED, Value::from(1)),
            Change::Restore => (s::SET_DELETED, Value::from(0)),
        };
        fields["value"] = value;
        let mut answers = self.driver.write(statements, vec![of(scope, fields)]).await?;
        let row = answers.pop().unwrap_or_default().into_iter().next();
        row.map(record::session).unwrap_or_else(|| Err(Error::not_found("session")))
    }

    async fn erase(&self, scope: &Scope, id: SessionId) -> Result<()> {
        self.erase_session(scope, id, None).await
    }

    async fn changes(&self, scope: &Scope, after: u64, limit: u32) -> Result<Changes> {
        let limit = limit.max(1) as usize;
        let fields = json!({ "after": after, "limit": limit + 1 });
        let rows = self.driver.read(s::PLACES, vec![of(scope, fields)]).await?;
        let places = rows.into_iter().map(|row| row.read().count()).collect::<Result<Vec<_>>>()?;
        let until = places.iter().take(limit).next_back().copied().unwrap_or(after);
        // A session that changes between these reads comes again on a later page, and its messages never change.
        let span = json!({ "after": after, "until": until });
        let sessions = self.driver.read(s::CHANGED_SESSIONS, vec![of(scope, span.clone())]).await?;
        Ok(Changes {
            sessions: sessions.into_iter().map(record::session).collect::<Result<_>>()?,
            messages: self.messages_of(s::CHANGED_MESSAGES, scope, span).await?,
            seq: until,
            more: places.len() > limit,
        })
    }

    async fn postings(
        &self,
        scope: &Scope,
        terms: &[Term],
        among: Option<&[PieceKey]>,
        limit: u32,
    ) -> Result<Vec<Postings>> {
        self.postings_of(scope, terms, among, limit).await
    }

    async fn messages_at(&self, scope: &Scope, seqs: &[u64]) -> Result<Vec<Message>> {
        let seqs: BTreeSet<&u64> = seqs.iter().collect();
        self.messages_of(s::MESSAGES_AT, scope, json!({ "seqs": seqs })).await
    }

    async fn counters(&self, scope: &Scope) -> Result<Counters> {
        let rows = self.driver.read(s::COUNTERS, vec![of(scope, json!({}))]).await?;
        rows.into_iter().next().map_or(Ok(Counters::default()), record::counters)
    }
}

impl<D: Driver> SqlStore<D> {
    async fn messages_of(
        &self,
        statement: &'static str,
        scope: &Scope,
        fields: Value,
    ) -> Result<Vec<Message>> {
        let rows = self.driver.read(statement, vec![of(scope, fields)]).await?;
        rows.into_iter().map(record::message).collect()
    }
}

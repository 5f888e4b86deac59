//! The sessions of a person on a server.
use async_trait::async_trait;
use duyetbot_core::{
    BlobRef, BlobStore, Capabilities, Change, Changes, Commit, Committed, Counters, Error, ErrorKind, Limits,
    Message, MessageId, PageOf, PieceKey, Postings, Result, Scope, Session, SessionFilter, SessionId,
    SessionStore, Term, hex,
};
use duyetbot_fetch::Call;
use duyetbot_wire::{self as wire, MessagePage, NewSession, SessionPage, SessionPatch};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use url::form_urlencoded::Serializer;

use crate::{calls::body, connection::Connection};

/// Messages that one page has at most.
const PAGE: u32 = 1000;

/// The sessions behind a connection. It reads everything, and takes what a person does to sessions: make, name, pause, remove.
/// Messages come into being by runs. What it cannot do it does not declare, and answers with `Unsupported`. Messages come
/// whole: what the server keeps apart from their rows is in them.
#[derive(Clone, Debug)]
pub struct RemoteStore {
    connection: Connection,
}

impl RemoteStore {
    /// The sessions behind this connection.
    pub fn new(connection: Connection) -> Self {
        RemoteStore { connection }
    }

    fn url(&self, path: &str) -> String {
        self.connection.address().of(path)
    }

    fn unsupported(&self, what: &str) -> Error {
        let host = self.connection.address().host();
        Error::new(ErrorKind::Unsupported, format!("{host} {what}"))
    }

    async fn page(
        &self,
        session: SessionId,
        asked: &[(&str, &str)],
    ) -> Result<(Vec<Message>, Option<String>)> {
        let url = self.url(&format!("/sessions/{session}/messages{}", query(asked)));
        let page: MessagePage = self.connection.json(Call::get(url)).await?;
        let messages =
            page.messages.into_iter().map(|message| message.into_core(session)).collect::<Result<_>>()?;
        Ok((messages, page.next_cursor))
    }

    async fn list(&self, asked: &[(&str, &str)]) -> Result<PageOf<Session>> {
        let page: SessionPage =
            self.connection.json(Call::get(self.url(&format!("/sessions{}", query(asked))))).await?;
        let items = page.sessions.into_iter().map(wire::Session::into_core).collect::<Result<_>>()?;
        Ok(PageOf { items, next: page.next_cursor })
    }
}

/// A query of these parameters, from its `?` on.
pub(crate) fn query(asked: &[(&str, &str)]) -> String {
    if asked.is_empty() {
        return String::new();
    }
    format!("?{}", Serializer::new(String::new()).extend_pairs(asked).finish())
}

/// A stored JSON object as it is.
fn raw(json: &str) -> Result<Box<RawValue>> {
    RawValue::from_string(json.to_owned()).map_err(Error::internal)
}

#[async_trait]
impl SessionStore for RemoteStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities { shared: true, ..Capabilities::default() }
    }

    /// Makes a session. Whether it was there before the server does not tell; a commit of anything more is `Unsupported`.
    async fn commit(&self, scope: &Scope, commit: &Commit) -> Result<Committed> {
        self.connection.check(scope)?;
        commit.check()?;
        let create = match &commit.create {
            Some(create) if commit.messages.is_empty() && commit.run.is_none() && create.parent.is_none() => {
                create
            }
            _ => return Err(self.unsupported("takes no copied messages: only what is said to it")),
        };
        let session = NewSession {
            id: Some(commit.session.to_string()),
            title: Some(create.title.clone()),
            workspace: create.place.clone(),
            metadata: Some(raw(&create.metadata)?),
        };
        let call = Call::post_json(self.url("/sessions"), body(&session)?);
        let made = self.connection.json::<wire::Session>(call).await?.into_core()?;
        Ok(Committed { seq: made.seq, head: made.head, fresh: true, run: None })
    }

    async fn session(&self, scope: &Scope, id: SessionId) -> Result<Session> {
        self.connection.check(scope)?;
        self.connection
            .json::<wire::Session>(Call::get(self.url(&format!("/sessions/{id}"))))
            .await?
            .into_core()
    }

    async fn sessions(&self, scope: &Scope, filter: &SessionFilter) -> Result<PageOf<Session>> {
        self.connection.check(scope)?;
        let limit = filter.page_size().to_string();
        let states = filter.states.iter().map(|state| state.as_str()).collect::<Vec<_>>().join(",");
        let mut asked = vec![("limit", limit.as_str())];
        if !states.is_empty() {
            asked.push(("state", &states));
        }
        if filter.deleted {
            asked.push(("deleted", "true"));
        }
        for (name, value) in [("cursor", &filter.cursor), ("workspace", &filter.place), ("q", &filter.title)]
        {
            asked.extend(value.as_deref().map(|value| (name, value)));
        }
        self.list(&asked).await
    }

    async fn sessions_by_prefix(&self, scope: &Scope, prefix: &str) -> Result<Vec<Session>> {
        self.connection.check(scope)?;
        Ok(self.list(&[("id", prefix)]).await?.items)
    }

    async fn message(&self, scope: &Scope, session: SessionId, id: MessageId) -> Result<Message> {
        self.connection.check(scope)?;
        let (found, _) = self.page(session, &[("branch", &id.to_string()), ("limit", "1")]).await?;
        let found = found.into_iter().next().filter(|found| found.id == id);
        found.ok_or_else(|| self.connection.not_ours("a path does not end with its last message"))
    }

    async fn path(
        &self,
        scope: &Scope,
        session: SessionId,
        tip: Option<MessageId>,
        limit: u32,
    ) -> Result<Vec<Message>> {
        self.connection.check(scope)?;
        let tip = tip.map(|tip| tip.to_string());
        let (mut path, mut cursor): (Vec<Message>, Option<String>) = (Vec::new(), None);
        loop {
            let left = limit.saturating_sub(u32::try_from(path.len()).unwrap_or(u32::MAX));
            let most = left.clamp(1, PAGE).to_string();
            let mut asked = vec![("order", "desc"), ("limit", most.as_str())];
            asked.extend(tip.as_deref().map(|tip| ("branch", tip)));
            asked.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
            let (page, next) = self.page(session, &asked).await?;
            path.extend(page);
            path.truncate(limit as usize);
            cursor = next;
            if cursor.is_none() || path.len() >= limit as usize {
                path.reverse();
                return Ok(path);
            }
        }
    }

    async fn messages(
        &self,
        scope: &Scope,
        session: SessionId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Message>> {
        self.connection.check(scope)?;
        let (mut all, mut after): (Vec<Message>, u64) = (Vec::new(), after);
        loop {
            let left = limit.saturating_sub(u32::try_from(all.len()).unwrap_or(u32::MAX));
            let most = left.clamp(1, PAGE);
            let (page, _) =
                self.page(session, &[("after", &after.to_string()), ("limit", &most.to_string())]).await?;
            let is_last = page.len() < most as usize;
            after = page.last().map_or(after, |last| last.seq);
            all.extend(page);
            all.truncate(limit as usize);
            if is_last || all.len() >= limit as usize {
                return Ok(all);
            }
        }
    }

    /// Sets what a person may: all but the head and the moment of the last change, which only a copy sets.
    async fn set(&self, scope: &Scope, id: SessionId, change: &Change) -> Result<Session> {
        self.connection.check(scope)?;
        change.check()?;
        let patch = match change {
            Change::Title(title) => SessionPatch { title: Some(title.clone()), ..SessionPatch::default() },
            Change::State(state) => SessionPatch { state: Some(*state), ..SessionPatch::default() },
            Change::Metadata(json) => SessionPatch { metadata: Some(raw(json)?), ..SessionPatch::default() },
            Change::Delete => SessionPatch { deleted: Some(true), ..SessionPatch::default() },
            Change::Restore => SessionPatch { deleted: Some(false), ..SessionPatch::default() },
            Change::Head(_) | Change::Updated(_) => {
                return Err(self.unsupported("keeps its sessions' heads and moments by itself"));
            }
        };
        let call = Call::patch_json(self.url(&format!("/sessions/{id}")), body(&patch)?);
        self.connection.json::<wire::Session>(call).await?.into_core()
    }

    async fn erase(&self, scope: &Scope, id: SessionId) -> Result<()> {
        self.connection.check(scope)?;
        let mut tries = 0;
        let call = Call::delete(self.url(&format!("/sessions/{id}?erase=true")));
        loop {
            tries += 1;
            match self.connection.answer_once(call.clone()).await {
                Ok(_) => return Ok(()),
                // An earlier try erased it, and its answer was lost.
                Err(error) if error.kind() == ErrorKind::NotFound && tries > 1 => return Ok(()),
                Err(error) => self.connection.wait_after(error, tries).await?,
            }
        }
    }

    async fn changes(&self, scope: &Scope, _after: u64, _limit: u32) -> Result<Changes> {
        self.connection.check(scope)?;
        Err(self.unsupported("does not tell what changed since a moment"))
    }

    async fn postings(
        &self,
        scope: &Scope,
        _terms: &[Term],
        _among: Option<&[PieceKey]>,
        _limit: u32,
    ) -> Result<Vec<Postings>> {
        self.connection.check(scope)?;
        Err(self.unsupported("searches by itself: ask the agent"))
    }

    async fn messages_at(&self, scope: &Scope, _seqs: &[u64]) -> Result<Vec<Message>> {
        self.connection.check(scope)?;
        Err(self.unsupported("does not find messages by their place in the feed"))
    }

    async fn counters(&self, scope: &Scope) -> Result<Counters> {
        self.connection.check(scope)?;
        Err(self.unsupported("counts for itself; what is used of each limit it tells"))
    }
}

#[async_trait]
impl BlobStore for RemoteStore {
    /// Stores bytes within the server's limits.
    async fn put_blob_within(&self, scope: &Scope, bytes: &[u8], _limits: Limits) -> Result<BlobRef> {
        self.connection.check(scope)?;
        let hash = hex(&Sha256::digest(bytes));
        let call = Call::put(self.url(&format!("/blobs/{hash}")), bytes.to_vec());
        self.connection.answer(call).await?;
        Ok(BlobRef { hash, size: bytes.len() as u64 })
    }

    async fn blob(&self, scope: &Scope, hash: &str) -> Result<Vec<u8>> {
        self.connection.check(scope)?;
        if !hash.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(Error::not_found("file"));
        }
        let bytes = self.connection.answer(Call::get(self.url(&format!("/blobs/{hash}")))).await?;
        if hex(&Sha256::digest(&bytes)) != hash {
            return Err(self.connection.not_ours("a file is not the one that was asked for"));
        }
        Ok(bytes.to_vec())
    }
}

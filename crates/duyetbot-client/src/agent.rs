//! An agent that is on a server.
use async_trait::async_trait;
use duyetbot_core::{
    Agent, CallId, Chat, Code, Decision, Error, ErrorKind, Found, MessageId, Missing, ModelInfo, Result,
    Retry, RunId, RunState, Scope, SessionId, Watched,
    run::{Compacted, OpenCall},
};
use duyetbot_fetch::Call;
use duyetbot_wire::{self as wire, Decide, Event, Given, OpenCalls, RunReply, SearchPage};
use futures::{StreamExt, stream::BoxStream};

use crate::{
    calls::body,
    connection::Connection,
    store::query,
    watch::{read, watch},
};

/// Results of a search that one page has at most.
const PAGE: usize = 100;

/// The agent of a server. Its tools are the server's, and its rules too: what a message says only narrows them.
#[derive(Clone, Debug)]
pub struct RemoteAgent {
    connection: Connection,
}

impl RemoteAgent {
    /// The agent behind this connection.
    pub fn new(connection: Connection) -> Self {
        RemoteAgent { connection }
    }

    async fn state(&self, run: RunId, what: &str, body: Vec<u8>) -> Result<RunState> {
        let url = self.connection.address().of(&format!("/agent/runs/{run}/{what}"));
        let reply: RunReply = self.connection.json(Call::post_json(url, body)).await?;
        Ok(reply.state)
    }

    /// Says the message, and answers the run that it began. The stream that comes with it is left: watching is another act.
    async fn begin(&self, call: Call) -> Result<RunId> {
        let mut frames = self.connection.frames(call).await?;
        let Some(frame) = frames.next().await else {
            let words =
                format!("{} closed the connection before the run began", self.connection.address().host());
            let cut = Error::new(ErrorKind::Unavailable, words).with_code(Code::Network);
            return Err(cut.with_retry(Retry::Now));
        };
        match read(&self.connection, &frame?.data)? {
            Event::Run { run_id, .. } => run_id.parse(),
            Event::Error { error, .. } => Err(error.into()),
            _ => Err(self.connection.not_ours("a run does not begin with its name")),
        }
    }
}

/// What is sent of a message. A session that follows from it is not named where it need not be there yet.
fn said(scope: &Scope, chat: Chat) -> Result<wire::Chat> {
    let follows = SessionId::derived(chat.message.uuid(), scope.owner());
    Ok(wire::Chat {
        session_id: chat
            .session
            .filter(|named| *named != follows || chat.missing == Missing::Refused)
            .map(|id| id.to_string()),
        message: Given::of_parts(chat.parts)?,
        message_id: Some(chat.message.to_string()),
        parent_id: chat.parent.map(|id| id.to_string()),
        seen_id: chat.seen.map(|id| id.to_string()),
        origin: Some(chat.origin),
        workspace: chat.place,
        model: chat.model,
        stream: Some(true),
        max_steps: chat.max_steps,
        allow: chat.narrowing.allow,
        deny: Some(chat.narrowing.deny).filter(|deny| !deny.is_empty()),
    })
}

#[async_trait]
impl Agent for RemoteAgent {
    async fn start(&self, scope: &Scope, chat: Chat) -> Result<RunId> {
        self.connection.check(scope)?;
        let call = Call::post_json(self.connection.address().of("/agent/chat"), body(&said(scope, chat)?)?);
        // The message's id is ours: said twice, it attaches to the run that it began.
        let mut tries = 0;
        loop {
            tries += 1;
            match self.begin(call.clone()).await {
                Ok(run) => return Ok(run),
                Err(error) => self.connection.wait_after(error, tries).await?,
            }
        }
    }

    async fn watch(&self, scope: &Scope, run: RunId, after: u32) -> Result<BoxStream<'static, Watched>> {
        self.connection.check(scope)?;
        watch(self.connection.clone(), run, after).await
    }

    async fn open_calls(&self, scope: &Scope) -> Result<Vec<OpenCall>> {
        self.connection.check(scope)?;
        let url = self.connection.address().of("/agent/approvals");
        let open: OpenCalls = self.connection.json(Call::get(url)).await?;
        open.approvals.into_iter().map(wire::OpenCall::into_core).collect()
    }

    async fn decide(&self, scope: &Scope, run: RunId, call: &CallId, decision: Decision) -> Result<RunState> {
        self.connection.check(scope)?;
        let decide = Decide { call_id: call.0.clone(), decision };
        self.state(run, "approvals", body(&decide)?).await
    }

    async fn stop(&self, scope: &Scope, run: RunId) -> Result<RunState> {
        self.connection.check(scope)?;
        self.state(run, "stop", Vec::new()).await
    }

    async fn search(&self, scope: &Scope, words: &str, limit: usize) -> Result<Vec<Found>> {
        self.connection.check(scope)?;
        let mut found = Vec::new();
        let mut cursor: Option<String> = None;
        while found.len() < limit {
            let most = (limit - found.len()).min(PAGE).to_string();
            let mut asked = vec![("q", words), ("limit", &most)];
            asked.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
            let url = self.connection.address().of(&format!("/search{}", query(&asked)));
            let page: SearchPage = self.connection.json(Call::get(url)).await?;
            for one in page.results {
                found.push(one.into_core()?);
            }
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        Ok(found)
    }

    async fn model(&self, scope: &Scope, _name: Option<&str>) -> Result<Option<ModelInfo>> {
        self.connection.check(scope)?;
        Ok(None)
    }

    async fn models(&self, scope: &Scope) -> Result<Vec<String>> {
        self.connection.check(scope)?;
        let host = self.connection.address().host();
        Err(unsupported(format!("{host} does not list its models; name one as PROVIDER/NAME")))
    }

    async fn compact(
        &self,
        scope: &Scope,
        _session: SessionId,
        _tip: MessageId,
        _model: Option<&str>,
    ) -> Result<Option<Compacted>> {
        self.connection.check(scope)?;
        let host = self.connection.address().host();
        Err(unsupported(format!("{host} sums a session up by itself once it is long; it cannot be asked to")))
    }
}

fn unsupported(words: String) -> Error {
    Error::new(ErrorKind::Unsupported, words)
}

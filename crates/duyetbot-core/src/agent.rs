//! The seam to interfaces: start a run, watch it, decide, stop. They do not know whether it is here or on a server.
use async_trait::async_trait;
use futures::stream::BoxStream;

use crate::{
    error::{Error, Result},
    id::{CallId, MessageId, RunId, SessionId},
    index::Hit,
    message::{Origin, Part, ToolStatus, Usage},
    model::{ModelInfo, Passage},
    run::{Compacted, Narrowing, OpenCall},
    run_row::{Decision, RunState},
    scope::Scope,
    time_stamp::Timestamp,
};

/// A person's message that begins a run.
#[derive(Clone, Debug)]
pub struct Chat {
    /// The session; without one a new session whose id follows from owner and message.
    pub session: Option<SessionId>,
    /// The message's id, made by the client: the same id again attaches to the run that it began.
    pub message: MessageId,
    /// What is said.
    pub parts: Vec<Part>,
    /// The message that it answers (edit, regenerate); without one the session's head.
    pub parent: Option<MessageId>,
    /// The last message that the person has seen, where no parent is named: the message goes under it, and is a branch where
    /// the session went on elsewhere since.
    pub seen: Option<MessageId>,
    /// The interface that it comes through.
    pub origin: Origin,
    /// The model, as `provider/name`; without one the configured one.
    pub model: Option<String>,
    /// Steps that the run may take; never more than the agent's own limit.
    pub max_steps: Option<u32>,
    /// What the run's calls are narrowed to.
    pub narrowing: Narrowing,
    /// Where a new session is begun.
    pub place: Option<String>,
    /// What becomes of a message to a session that is not there.
    pub missing: Missing,
}

/// What becomes of a message to a session that is not there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Missing {
    /// It begins the session.
    #[default]
    Begun,
    /// It is refused: `NotFound`.
    Refused,
}

impl Chat {
    /// A message of words in a new session.
    pub fn new(text: impl Into<String>) -> Self {
        Chat {
            session: None,
            message: MessageId::new(),
            parts: vec![Part::text(text)],
            parent: None,
            seen: None,
            origin: Origin::Api,
            model: None,
            max_steps: None,
            narrowing: Narrowing::default(),
            place: None,
            missing: Missing::default(),
        }
    }
    /// The same in this session.
    #[must_use]
    pub fn in_session(mut self, session: SessionId) -> Self {
        self.session = Some(session);
        self
    }
    /// The session that the message goes to: the named one, or the one that follows from owner and message.
    pub fn session_id(&self, scope: &Scope) -> SessionId {
        self.session.unwrap_or_else(|| SessionId::derived(self.message.uuid(), scope.owner()))
    }
}

/// What a watcher sees. Text and reasoning come with an offset in Unicode code points of the open message: a client cuts
/// what it holds there.
#[derive(Clone, Debug)]
pub enum Event {
    /// First: what is watched.
    Run {
        /// The run.
        run: RunId,
    },
    /// The run waits for a process of its place.
    Queued,
    /// What recall found for the person's message.
    Recall(Vec<Passage>),
    /// A message begins, or begins again: what is held of it is void.
    Begin {
        /// The message.
        message: MessageId,
    },
    /// Words of the answer.
    Content {
        /// Where they go.
        offset: usize,
        /// The words.
        text: String,
    },
    /// Words of the reasoning.
    Reasoning {
        /// Where they go.
        offset: usize,
        /// The words.
        text: String,
    },
    /// The model calls a tool.
    Tool {
        /// The call.
        call: CallId,
        /// The tool.
        tool: String,
        /// Its input, JSON text.
        input: String,
    },
    /// A call waits for a decision.
    Approval {
        /// The call.
        call: CallId,
        /// The tool.
        tool: String,
        /// Its input, JSON text.
        input: String,
        /// Why it asks.
        reason: String,
    },
    /// A call has its result.
    ToolResult {
        /// The call.
        call: CallId,
        /// The tool.
        tool: String,
        /// How it ended.
        status: ToolStatus,
        /// The text that the model gets.
        output: String,
    },
    /// A step's edge: the message is durable.
    Message {
        /// The message.
        message: MessageId,
    },
    /// The run ended, after everything is durable.
    Done {
        /// `Done` or `Cancelled`.
        state: RunState,
        /// What the run cost.
        usage: Usage,
        /// The run's last message, where it made one.
        message: Option<MessageId>,
    },
    /// The run ended by a failure, after everything is durable.
    Error {
        /// `Failed` or `Interrupted`.
        state: RunState,
        /// What went wrong.
        error: Error,
    },
}

/// An event; a step's edge and the end also carry the count of committed steps, to resume from.
pub type Watched = (Option<u32>, Event);

/// A message that a search found, as far as whoever looks needs it.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The session that it stands in.
    pub session: SessionId,
    /// The message.
    pub message: MessageId,
    /// Its words around what was found, on one line.
    pub snippet: String,
    /// When it was made.
    pub created: Timestamp,
    /// How well it fits; higher is better.
    pub score: f64,
}

impl From<Hit> for Found {
    fn from(hit: Hit) -> Self {
        let Hit { message, snippet, score } = hit;
        Found { session: message.session, message: message.id, snippet, created: message.created, score }
    }
}

/// A personal agent.
#[async_trait]
pub trait Agent: Send + Sync + 'static {
    /// Starts a run with a person's message and answers once that message is durable.
    ///
    /// # Behavior
    /// The same message id again attaches to the run that it began, also at its end. Another active run in the session is
    /// `Conflict`, `RunActive`, unless it waits (then it ends `cancelled` and the message goes under its step) or its
    /// holder is dead (then it ends `interrupted`). As many runs of the owner as may go on at once are `LimitReached`,
    /// `RunLimit`, which passes.
    async fn start(&self, scope: &Scope, chat: Chat) -> Result<RunId>;

    /// Watches a run from the edge of its n-th step; 0 is its beginning. The stream ends after `Done` or `Error`, and
    /// stays open while the run waits. Dropping it stops nothing. An `Error` without a position is the watch's end and not
    /// the run's, which goes on elsewhere or later: it can be watched again.
    async fn watch(&self, scope: &Scope, run: RunId, after: u32) -> Result<BoxStream<'static, Watched>>;

    /// The calls that wait for this person, those of the newest run first.
    ///
    /// # Behavior
    /// A run whose time is over is ended before that. Calls that are decided already do not wait, though their run does.
    async fn open_calls(&self, scope: &Scope) -> Result<Vec<OpenCall>>;

    /// The session's run that is not over, gone on with where it was decided or left here: what is said next comes after it.
    ///
    /// # Behavior
    /// An agent that is told of waiting runs alone answers those.
    async fn unfinished(&self, scope: &Scope, session: SessionId) -> Result<Option<RunId>> {
        let open = self.open_calls(scope).await?;
        Ok(open.into_iter().map(|call| call.run).find(|run| run.session == session))
    }

    /// Decides a waiting call.
    async fn decide(&self, scope: &Scope, run: RunId, call: &CallId, decision: Decision) -> Result<RunState>;

    /// Stops a run. What was said stays.
    async fn stop(&self, scope: &Scope, run: RunId) -> Result<RunState>;

    /// The person's messages that hold these words, the best first, at most `limit`.
    async fn search(&self, scope: &Scope, words: &str, limit: usize) -> Result<Vec<Found>>;

    /// The model that this name chooses, or none: what is known of it before a run begins. None where only the run tells.
    async fn model(&self, scope: &Scope, name: Option<&str>) -> Result<Option<ModelInfo>>;

    /// The names of models to choose from.
    async fn models(&self, scope: &Scope) -> Result<Vec<String>>;

    /// Sums up what was said on the way to this message, with this model or the configured one. The first and the latest
    /// words of the person stay as they are, and so does every message: only what a model gets to see is shorter. None
    /// where too little was said for that.
    ///
    /// # Behavior
    /// Dropping the future leaves the session as it was, or with the summary. A run that is active in the session is
    /// `Conflict`, `RunActive`.
    async fn compact(
        &self,
        scope: &Scope,
        session: SessionId,
        tip: MessageId,
        model: Option<&str>,
    ) -> Result<Option<Compacted>>;
}

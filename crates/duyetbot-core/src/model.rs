//! The seam to language models: a request in, a stream of events out.
use async_trait::async_trait;
use futures::stream::BoxStream;
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc};

use crate::{
    error::Result,
    id::{MessageId, SessionId},
    message::{Message, Role, Usage},
    session::Session,
    time_stamp::Timestamp,
    tool::ToolSpec,
};

/// What a model is and can take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelInfo {
    /// Its name, as `provider/name`.
    pub id: String,
    /// Tokens that prompt and answer may have together.
    pub window: u32,
    /// Tokens that an answer may have.
    pub max_output: u32,
    /// It reads pictures.
    pub images: bool,
    /// It is no language model: it words what recall and the list of sessions hold, and gets both.
    pub memory_only: bool,
}

/// Something of the person's own history that recall found.
#[derive(Clone, Debug, PartialEq)]
pub struct Passage {
    /// The session that it stands in.
    pub session: SessionId,
    /// That session's title.
    pub title: String,
    /// The message.
    pub message: MessageId,
    /// Who said it.
    pub role: Role,
    /// When.
    pub created: Timestamp,
    /// The words, cut around what was found.
    pub text: String,
    /// How well it fits; higher is better.
    pub score: f64,
}

/// A line of the person's list of sessions.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionLine {
    /// The session.
    pub id: SessionId,
    /// Its title.
    pub title: String,
    /// When it last changed.
    pub updated: Timestamp,
    /// How many messages it has.
    pub messages: u64,
}

impl SessionLine {
    /// The line of this session.
    pub fn of(session: &Session) -> Self {
        SessionLine {
            id: session.id,
            title: session.title.clone(),
            updated: session.updated,
            messages: session.messages,
        }
    }
}

/// A shape that the answer must have.
#[derive(Clone, Debug, PartialEq)]
pub struct OutputSchema {
    /// A name for it.
    pub name: String,
    /// A JSON schema.
    pub schema: Value,
}

/// What a model is asked. The messages are a path of one session, oldest first, each tool call with its result; a client
/// renders them into its provider's form and mends what that provider would refuse.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Who the model is, and standing instructions.
    pub system: String,
    /// What was said, oldest first. The last is a person's, or an assistant's whose calls have results.
    pub messages: Vec<Arc<Message>>,
    /// Data for the last message of a person: found in the history, not said now. Never instructions.
    pub recalled: Vec<Passage>,
    /// What the model may call.
    pub tools: Arc<[ToolSpec]>,
    /// Tokens that the answer may have; the model's own limit where none is given.
    pub max_output: Option<u32>,
    /// The shape that the answer must have.
    pub schema: Option<OutputSchema>,
    /// The person's latest sessions, newest first; only for a model that is no language model.
    pub sessions: Vec<SessionLine>,
    /// The bytes of images and files that the messages name, by hash.
    pub blobs: BTreeMap<String, Arc<[u8]>>,
}

/// Why a model stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// It said what it wanted, or calls tools.
    End,
    /// The answer reached its token limit.
    MaxTokens,
    /// Prompt and answer filled the window.
    Window,
    /// The model or a filter refused; what was said stands.
    Refusal,
    /// A reason that we do not know.
    Other(String),
}

/// A whole tool call of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelCall {
    /// The provider's id, or one made up where it gave none. Unique within the answer.
    pub id: String,
    /// The tool's name as the agent knows it.
    pub tool: String,
    /// JSON text; `{}` where the provider sent nothing.
    pub input: String,
    /// It arrived whole. One that was cut off is never run.
    pub whole: bool,
    /// What the provider wants to see again beside the call: JSON text.
    pub extra: Option<String>,
}

/// A piece of an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum ModelEvent {
    /// Words of the answer; joined with those before.
    Text(String),
    /// Words of the reasoning; joined with those before until its end.
    Reasoning(String),
    /// A reasoning part ends; may come without words before it.
    ReasoningEnd {
        /// The provider's proof of it.
        signature: Option<String>,
        /// The provider's sealed reasoning.
        redacted: Option<String>,
    },
    /// A call, once all of it is there.
    Call(ModelCall),
    /// What the answer has cost so far; the last one counts.
    Usage(Usage),
    /// The answer is complete. Nothing follows.
    Stop(StopReason),
}

/// Events of one answer. It ends with [`ModelEvent::Stop`] or an error; an end without either is a cut.
pub type Answer = BoxStream<'static, Result<ModelEvent>>;

/// A language model.
///
/// # Behavior
/// An error before the first event may be tried again as its [`crate::Retry`] says; the caller does that, not the model.
/// Dropping the stream closes the connection at once.
#[async_trait]
pub trait ChatModel: Send + Sync + 'static {
    /// What it is.
    fn info(&self) -> &ModelInfo;
    /// Asks it.
    async fn ask(&self, request: &Request) -> Result<Answer>;
}

/// Finds models by name.
#[async_trait]
pub trait Models: Send + Sync + 'static {
    /// The model of this `provider/name`, or the configured one.
    async fn model(&self, name: Option<&str>) -> Result<Arc<dyn ChatModel>>;
    /// The full names that a person may choose from; none where that is not known.
    async fn list(&self) -> Result<Vec<String>> {
        Ok(Vec::new())
    }
}

/// One model for every name that is not another's.
pub struct OneModel(pub Arc<dyn ChatModel>);

#[async_trait]
impl Models for OneModel {
    async fn model(&self, name: Option<&str>) -> Result<Arc<dyn ChatModel>> {
        match name {
            Some(name) if name != self.0.info().id => Err(crate::error::Error::new(
                crate::error::ErrorKind::NotFound,
                format!("the model {name} is not configured here; this agent has {}", self.0.info().id),
            )
            .with_code(crate::error::Code::ModelUnknown)),
            _ => Ok(self.0.clone()),
        }
    }
    async fn list(&self) -> Result<Vec<String>> {
        Ok(vec![self.0.info().id.clone()])
    }
}

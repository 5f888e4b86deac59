//! What a watcher of a run gets: one object an event, in a stream of server-sent events or a line each.
use duyetbot_core::{CallId, Result, Role, RunState, ToolStatus};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{message::Usage, problem::Problem};

/// An event. A client ignores types that it does not know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// Words of the answer.
    Content {
        /// The words.
        content: String,
        /// Where they go, in Unicode code points of the open message.
        offset: usize,
    },
    /// The model calls a tool.
    #[serde(rename_all = "camelCase")]
    Tool {
        /// The tool.
        tool: String,
        /// Its input.
        input: Value,
        /// The call.
        call_id: String,
    },
    /// The run ended.
    #[serde(rename_all = "camelCase")]
    Done {
        /// `done` or `cancelled`.
        #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::RunState))]
        state: RunState,
        /// What it cost.
        usage: Usage,
        /// The run's last message.
        #[cfg_attr(feature = "openapi", schema(value_type = Option<crate::openapi::Id>))]
        message_id: Option<String>,
    },
    /// The run ended by a failure.
    Error {
        /// `failed` or `interrupted`.
        #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::RunState))]
        state: RunState,
        /// What went wrong.
        error: Problem,
    },
    /// First: what is watched.
    #[serde(rename_all = "camelCase")]
    Run {
        /// The run.
        #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::RunId))]
        run_id: String,
        /// Its session.
        #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::Id))]
        session_id: String,
        /// The person's message.
        #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::Id))]
        message_id: String,
    },
    /// A message begins, or begins again: what is held of it is void.
    #[serde(rename_all = "camelCase")]
    Begin {
        /// The message.
        #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::Id))]
        message_id: String,
    },
    /// Words of the reasoning.
    Reasoning {
        /// The words.
        content: String,
        /// Where they go.
        offset: usize,
    },
    /// The run waits for a decision.
    #[serde(rename_all = "camelCase")]
    Approval {
        /// The call.
        call_id: String,
        /// The tool.
        tool: String,
        /// Its input.
        input: Value,
        /// Why it asks.
        reason: String,
    },
    /// A call has its result.
    #[serde(rename_all = "camelCase")]
    ToolResult {
        /// The call.
        call_id: String,
        /// The tool.
        tool: String,
        /// How it ended.
        #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::ToolStatus))]
        status: ToolStatus,
        /// What it answered.
        output: String,
    },
    /// A step's edge: the message is durable.
    #[serde(rename_all = "camelCase")]
    Message {
        /// The message.
        #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::Id))]
        message_id: String,
    },
    /// The run waits for a process of its place.
    Queued,
    /// What recall found.
    Recall {
        /// The passages.
        results: Vec<Passage>,
    },
    /// The session has another title.
    Title {
        /// The title.
        title: String,
    },
    /// All that is held is void; the whole follows.
    Reset,
    /// A type of a newer program.
    #[serde(other)]
    Unknown,
}

/// A passage that recall found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Passage {
    /// The session that it stands in.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::Id))]
    pub session_id: String,
    /// The message.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::Id))]
    pub message_id: String,
    /// The session's title.
    pub title: String,
    /// Who said it.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::Role))]
    pub role: Role,
    /// When.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::Time))]
    pub created_at: String,
    /// The words.
    pub text: String,
    /// How well it fits; higher is better.
    pub score: f64,
}

fn input(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_else(|_| json.into())
}

impl From<&duyetbot_core::Event> for Event {
    fn from(event: &duyetbot_core::Event) -> Self {
        use duyetbot_core::Event as Core;
        match event {
            Core::Run { run } => Event::Run {
                run_id: run.to_string(),
                session_id: run.session.to_string(),
                message_id: run.message.to_string(),
            },
            Core::Queued => Event::Queued,
            Core::Recall(found) => Event::Recall { results: found.iter().map(Passage::from).collect() },
            Core::Begin { message } => Event::Begin { message_id: message.to_string() },
            Core::Content { offset, text } => Event::Content { content: text.clone(), offset: *offset },
            Core::Reasoning { offset, text } => Event::Reasoning { content: text.clone(), offset: *offset },
            Core::Tool { call, tool, input: json } => {
                Event::Tool { tool: tool.clone(), input: input(json), call_id: call.0.clone() }
            }
            Core::Approval { call, tool, input: json, reason } => Event::Approval {
                call_id: call.0.clone(),
                tool: tool.clone(),
                input: input(json),
                reason: reason.clone(),
            },
            Core::ToolResult { call, tool, status, output } => Event::ToolResult {
                call_id: call.0.clone(),
                tool: tool.clone(),
                status: *status,
                output: output.clone(),
            },
            Core::Message { message } => Event::Message { message_id: message.to_string() },
            Core::Done { state, usage, message } => Event::Done {
                state: *state,
                usage: Usage::from(*usage),
                message_id: message.map(|id| id.to_string()),
            },
            Core::Error { state, error } => Event::Error { state: *state, error: Problem::from(error) },
        }
    }
}

impl Event {
    /// The event as the core knows it; `Invalid` where it names nothing. None for those that a client has no use for.
    pub fn into_core(self) -> Result<Option<duyetbot_core::Event>> {
        use duyetbot_core::Event as Core;
        Ok(Some(match self {
            Event::Run { run_id, .. } => Core::Run { run: run_id.parse()? },
            Event::Queued => Core::Queued,
            Event::Recall { results } => {
                Core::Recall(results.into_iter().map(Passage::into_core).collect::<Result<_>>()?)
            }
            Event::Begin { message_id } => Core::Begin { message: message_id.parse()? },
            Event::Content { content, offset } => Core::Content { offset, text: content },
            Event::Reasoning { content, offset } => Core::Reasoning { offset, text: content },
            Event::Tool { tool, input, call_id } => {
                Core::Tool { call: CallId(call_id), tool, input: input.to_string() }
            }
            Event::Approval { call_id, tool, input, reason } => {
                Core::Approval { call: CallId(call_id), tool, input: input.to_string(), reason }
            }
            Event::ToolResult { call_id, tool, status, output } => {
                Core::ToolResult { call: CallId(call_id), tool, status, output }
            }
            Event::Message { message_id } => Core::Message { message: message_id.parse()? },
            Event::Done { state, usage, message_id } => Core::Done {
                state,
                usage: usage.into(),
                message: message_id.map(|id| id.parse()).transpose()?,
            },
            Event::Error { state, error } => Core::Error { state, error: error.into() },
            Event::Title { .. } | Event::Reset | Event::Unknown => return Ok(None),
        }))
    }
}

impl Passage {
    fn into_core(self) -> Result<duyetbot_core::Passage> {
        Ok(duyetbot_core::Passage {
            session: self.session_id.parse()?,
            title: self.title,
            message: self.message_id.parse()?,
            role: self.role,
            created: self.created_at.parse()?,
            text: self.text,
            score: self.score,
        })
    }
}

impl From<&duyetbot_core::Passage> for Passage {
    fn from(passage: &duyetbot_core::Passage) -> Self {
        Passage {
            session_id: passage.session.to_string(),
            message_id: passage.message.to_string(),
            title: passage.title.clone(),
            role: passage.role,
            created_at: passage.created.to_string(),
            text: passage.text.clone(),
            score: passage.score,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_have_the_documented_shapes() {
        let json = |event: duyetbot_core::Event| serde_json::to_string(&Event::from(&event)).unwrap();
        assert_eq!(
            json(duyetbot_core::Event::Content { offset: 3, text: "hé".into() }),
            r#"{"type":"content","content":"hé","offset":3}"#
        );
        let usage = duyetbot_core::Usage { input: 120, output: 30, ..Default::default() };
        assert_eq!(
            json(duyetbot_core::Event::Done { state: RunState::Done, usage, message: None }),
            r#"{"type":"done","state":"done","usage":{"tokens":150,"input":120,"output":30},"messageId":null}"#
        );
        assert_eq!(
            json(duyetbot_core::Event::Tool {
                call: "c".into(),
                tool: "bash".into(),
                input: r#"{"command":"ls"}"#.into()
            }),
            r#"{"type":"tool","tool":"bash","input":{"command":"ls"},"callId":"c"}"#
        );
        assert_eq!(serde_json::from_str::<Event>(r#"{"type":"hologram","x":1}"#).unwrap(), Event::Unknown);
    }
}

//! What a server answers beside sessions, messages and events.
use duyetbot_core::{CallId, Result, RunState, ToolStatus, index::Hit, run};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    message::{Message, Usage},
    session::Session,
};

/// A page of sessions, the latest updated first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct SessionPage {
    /// The sessions.
    pub sessions: Vec<Session>,
    /// Where the next page begins; null where there is none.
    pub next_cursor: Option<String>,
}

/// A page of a path of messages.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct MessagePage {
    /// The messages.
    pub messages: Vec<Message>,
    /// Where the next page begins; null where there is none.
    pub next_cursor: Option<String>,
}

/// A message that a search found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Found {
    /// The session that it stands in.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::Id))]
    pub session_id: String,
    /// The message.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::Id))]
    pub message_id: String,
    /// Its words around what was found.
    pub snippet: String,
    /// When it was made.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::Time))]
    pub created_at: String,
    /// How well it fits; higher is better.
    pub score: f64,
}

impl From<&duyetbot_core::Found> for Found {
    fn from(found: &duyetbot_core::Found) -> Self {
        Found {
            session_id: found.session.to_string(),
            message_id: found.message.to_string(),
            snippet: found.snippet.clone(),
            created_at: found.created.to_string(),
            score: found.score,
        }
    }
}

impl Found {
    /// What was found; `Invalid` where it names nothing.
    pub fn into_core(self) -> Result<duyetbot_core::Found> {
        Ok(duyetbot_core::Found {
            session: self.session_id.parse()?,
            message: self.message_id.parse()?,
            snippet: self.snippet,
            created: self.created_at.parse()?,
            score: self.score,
        })
    }
}

impl From<&Hit> for Found {
    fn from(hit: &Hit) -> Self {
        Found {
            session_id: hit.message.session.to_string(),
            message_id: hit.message.id.to_string(),
            snippet: hit.snippet.clone(),
            created_at: hit.message.created.to_string(),
            score: hit.score,
        }
    }
}

/// A page of what a search found, the best first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct SearchPage {
    /// What was found.
    pub results: Vec<Found>,
    /// Where the next page begins; null where there is none.
    pub next_cursor: Option<String>,
}

/// What a message came to.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ChatReply {
    /// The run.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::RunId))]
    pub run_id: String,
    /// Its session.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::Id))]
    pub session_id: String,
    /// `done` or `cancelled`; `waiting` where a decision is not waited for.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::RunState))]
    pub state: RunState,
    /// The run's last message; null where it made none.
    pub message: Option<Message>,
    /// What it cost.
    pub usage: Usage,
    /// The calls that were refused.
    #[serde(default)]
    pub denied: Vec<String>,
}

/// A run that waits for decisions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct WaitingReply {
    /// The run.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::RunId))]
    pub run_id: String,
    /// Its session.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::Id))]
    pub session_id: String,
    /// `waiting`.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::RunState))]
    pub state: RunState,
    /// The calls that wait.
    pub approvals: Vec<Approval>,
}

/// A call that waits for a decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Approval {
    /// The call.
    pub call_id: String,
    /// The tool.
    pub tool: String,
    /// Its input.
    pub input: Value,
    /// Why it asks.
    pub reason: String,
}

/// A call that waits for a decision, with all that a person needs to find it and its run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct OpenCall {
    /// The id that no other call has: the run's and the call's own.
    pub id: String,
    /// The call.
    pub call_id: String,
    /// The run.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::RunId))]
    pub run_id: String,
    /// Its session.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::Id))]
    pub session_id: String,
    /// The tool.
    pub tool: String,
    /// Its input.
    pub input: Value,
    /// Why it asks.
    pub reason: String,
    /// Committed steps of the run: the call belongs to the next.
    #[serde(default)]
    pub step: u32,
    /// Where it would run.
    pub place: String,
    /// When the run was opened.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::Time))]
    pub created_at: String,
    /// Until when it waits; null where it is not known.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<crate::openapi::Time>))]
    pub expires_at: Option<String>,
}

impl From<&run::OpenCall> for OpenCall {
    fn from(call: &run::OpenCall) -> Self {
        OpenCall {
            id: format!("{}:{}", call.run, call.call),
            call_id: call.call.0.clone(),
            run_id: call.run.to_string(),
            session_id: call.run.session.to_string(),
            tool: call.tool.clone(),
            input: serde_json::from_str(&call.input).unwrap_or_else(|_| call.input.as_str().into()),
            reason: call.reason.clone(),
            step: call.step,
            place: call.place.clone(),
            created_at: call.created.to_string(),
            expires_at: call.expires.map(|at| at.to_string()),
        }
    }
}

impl OpenCall {
    /// The call that waits; `Invalid` where it names none.
    pub fn into_core(self) -> Result<run::OpenCall> {
        Ok(run::OpenCall {
            run: self.run_id.parse()?,
            call: CallId(self.call_id),
            tool: self.tool,
            input: self.input.to_string(),
            reason: self.reason,
            step: self.step,
            place: self.place,
            created: self.created_at.parse()?,
            expires: self.expires_at.map(|at| at.parse()).transpose()?,
        })
    }
}

/// The calls that wait for a person, those of the newest run first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct OpenCalls {
    /// The calls.
    pub approvals: Vec<OpenCall>,
}

/// Where a run stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct RunReply {
    /// The run.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::RunId))]
    pub run_id: String,
    /// Where it stands.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::RunState))]
    pub state: RunState,
}

/// What a tool answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ExecuteReply {
    /// The tool.
    pub tool: String,
    /// `success` or `error`.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::ToolStatus))]
    pub status: ToolStatus,
    /// What it answered.
    pub output: String,
    /// How long it took.
    pub duration_ms: u64,
}

/// A person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// The id.
    pub id: String,
    /// An address that a provider verified.
    pub email: Option<String>,
    /// The name.
    pub name: Option<String>,
    /// The address of a picture.
    pub picture: Option<String>,
    /// Who vouches for the person.
    pub provider: String,
    /// The person's own.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub settings: Map<String, Value>,
    /// Since when the person is known.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::Time))]
    pub created_at: String,
}

impl From<&duyetbot_core::User> for User {
    fn from(user: &duyetbot_core::User) -> Self {
        User {
            id: user.id.to_string(),
            email: user.email.clone(),
            name: user.name.clone(),
            picture: user.picture.clone(),
            provider: user.provider.clone(),
            // Stores take JSON objects only.
            settings: serde_json::from_str(&user.settings).unwrap_or_default(),
            created_at: user.created.to_string(),
        }
    }
}

/// How much of a limit is used; `limit` is null where there is none.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Used<T> {
    /// So much.
    pub used: T,
    /// Of so much.
    pub limit: Option<T>,
}

/// How many requests are left in this minute; null where there is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct UsedRequests {
    /// In each minute.
    pub limit: Option<u32>,
    /// At once.
    pub remaining: Option<u32>,
}

/// What a person uses.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct UsageOverview {
    /// Sessions outside the bin.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::UsedCount))]
    pub sessions: Used<u64>,
    /// Bytes of messages outside the bin.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::UsedCount))]
    pub storage_bytes: Used<u64>,
    /// Requests.
    pub requests_per_minute: UsedRequests,
    /// Tokens of today's runs, a day in UTC.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::UsedCount))]
    pub tokens: Used<u64>,
    /// US dollars of today's runs.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::UsedAmount))]
    pub cost: Used<f64>,
}

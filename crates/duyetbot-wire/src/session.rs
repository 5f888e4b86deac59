//! A session as JSON.
use duyetbot_core::{Error, Result, SessionState};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::Id))]
    pub id: String,
    /// Its title.
    pub title: String,
    /// `active`, `paused` or `completed`.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::SessionState))]
    pub state: SessionState,
    /// The message that its main line ends with.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<crate::openapi::Id>))]
    pub head: Option<String>,
    /// The session that it was forked from.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<crate::openapi::Id>))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// Where it was begun, as `host:/folder`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// When it was made.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::Time))]
    pub created_at: String,
    /// When it last changed.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::Time))]
    pub updated_at: String,
    /// How many messages it has, on all branches.
    #[serde(default)]
    pub message_count: u64,
    /// It lies in the bin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted: Option<bool>,
    /// Its place in the owner's change feed; told by the server that keeps it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// How many bytes its messages are; told by the server that keeps it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_bytes: Option<u64>,
    /// The run that is active in it; told by the server that keeps it.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<crate::openapi::RunId>))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// The person's own.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub metadata: Map<String, Value>,
}

impl From<&duyetbot_core::Session> for Session {
    fn from(session: &duyetbot_core::Session) -> Self {
        Session {
            id: session.id.to_string(),
            title: session.title.clone(),
            state: session.state,
            head: session.head.map(|id| id.to_string()),
            parent: session.parent.map(|id| id.to_string()),
            workspace: session.place.clone(),
            created_at: session.created.to_string(),
            updated_at: session.updated.to_string(),
            message_count: session.messages,
            deleted: session.deleted.then_some(true),
            seq: None,
            message_bytes: None,
            run_id: None,
            // Stores take JSON objects only.
            metadata: serde_json::from_str(&session.metadata).unwrap_or_default(),
        }
    }
}

impl Session {
    /// With what only the store that keeps it knows.
    pub fn kept(session: &duyetbot_core::Session) -> Self {
        Session {
            seq: Some(session.seq),
            message_bytes: Some(session.bytes),
            run_id: session.run.map(|run| run.to_string()),
            ..Session::from(session)
        }
    }

    /// The session, as far as it is told; `Invalid` where it is none.
    pub fn into_core(self) -> Result<duyetbot_core::Session> {
        Ok(duyetbot_core::Session {
            id: self.id.parse()?,
            state: self.state,
            title: self.title,
            head: self.head.map(|id| id.parse()).transpose()?,
            parent: self.parent.map(|id| id.parse()).transpose()?,
            place: self.workspace,
            metadata: serde_json::to_string(&self.metadata).map_err(Error::internal)?,
            deleted: self.deleted.unwrap_or(false),
            created: self.created_at.parse()?,
            updated: self.updated_at.parse()?,
            seq: self.seq.unwrap_or(0),
            messages: self.message_count,
            bytes: self.message_bytes.unwrap_or(0),
            run: self.run_id.map(|id| id.parse()).transpose()?,
        })
    }
}

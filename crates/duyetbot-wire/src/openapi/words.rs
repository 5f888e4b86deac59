//! The core's words as schemas of OpenAPI: the core itself does not describe them.
#![allow(dead_code, reason = "words are described here, and never said")]

use serde::Serialize;
use utoipa::ToSchema;

/// What a session is for at present.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SessionState {
    Active,
    Paused,
    Completed,
}

/// Where a run stands.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RunState {
    Queued,
    Running,
    Waiting,
    Done,
    Failed,
    Cancelled,
    Interrupted,
}

/// How a tool call ended.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ToolStatus {
    Success,
    Error,
    Denied,
    Interrupted,
}

/// Who speaks.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Role {
    User,
    Assistant,
    System,
}

/// Through which interface a message came.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Origin {
    Cli,
    Web,
    Action,
    Python,
    Api,
}

/// A person's decision on a call.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Decision {
    Allow,
    Deny,
}

/// What a token lets its bearer do.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Permission {
    /// Read sessions, messages, files and usage, search, and watch runs.
    Read,
    /// Begin, decide and stop runs, and store files for them.
    Chat,
    /// Make, change and delete sessions.
    Write,
    /// Change the profile and tokens, and erase everything.
    Account,
}

#[cfg(test)]
mod tests {
    use super::*;
    use duyetbot_core as core;
    use serde::de::DeserializeOwned;

    /// The words of a described enum are those that the core reads.
    fn same<T: DeserializeOwned>(described: &[impl Serialize]) {
        for word in described {
            let json = serde_json::to_string(word).unwrap();
            assert!(serde_json::from_str::<T>(&json).is_ok(), "{json}");
        }
    }

    #[test]
    fn the_words_are_the_cores() {
        use {
            Decision as D, Origin as O, Permission as M, Role as R, RunState as S, SessionState as P,
            ToolStatus as T,
        };
        same::<core::SessionState>(&[P::Active, P::Paused, P::Completed]);
        same::<core::RunState>(&[
            S::Queued,
            S::Running,
            S::Waiting,
            S::Done,
            S::Failed,
            S::Cancelled,
            S::Interrupted,
        ]);
        same::<core::ToolStatus>(&[T::Success, T::Error, T::Denied, T::Interrupted]);
        same::<core::Role>(&[R::User, R::Assistant, R::System]);
        same::<core::Origin>(&[O::Cli, O::Web, O::Action, O::Python, O::Api]);
        same::<core::Decision>(&[D::Allow, D::Deny]);
        same::<core::Permission>(&[M::Read, M::Chat, M::Write, M::Account]);
    }
}

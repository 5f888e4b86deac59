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

    /// The words of a described enum are those of the core's. Where the core has another, this does not compile.
    macro_rules! same {
        ($name:ident: $($word:ident)+) => {
            let known = |word: core::$name| match word {
                $(core::$name::$word => serde_json::to_string(&$name::$word).unwrap(),)+
            };
            for word in [$(core::$name::$word),+] {
                assert_eq!(known(word), serde_json::to_string(&word).unwrap());
            }
        };
    }

    #[test]
    fn the_words_are_the_cores() {
        same!(SessionState: Active Paused Completed);
        same!(RunState: Queued Running Waiting Done Failed Cancelled Interrupted);
        same!(ToolStatus: Success Error Denied Interrupted);
        same!(Role: User Assistant System);
        same!(Origin: Cli Web Action Python Api);
        same!(Decision: Allow Deny);
        same!(Permission: Read Chat Write Account);
    }
}

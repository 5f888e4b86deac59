//! The public JSON of duyetbot, once, for server, client, command line and bindings. camelCase; times are RFC 3339 in UTC
//! with milliseconds; ids are opaque strings.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod answer;
mod command;
mod event;
mod export;
pub mod legacy;
mod markdown;
mod message;
#[cfg(feature = "openapi")]
mod openapi;
mod problem;
mod request;
mod session;
mod token;

pub use answer::{
    Approval, ChatReply, ExecuteReply, Found, MessagePage, OpenCall, OpenCalls, RunReply, SearchPage,
    SessionPage, UsageOverview, Used, UsedRequests, User, WaitingReply,
};
pub use command::{BranchEnd, Decided, Imported};
pub use event::{Event, Passage};
pub use export::{Export, LARGEST_IMPORT};
pub use message::{Message, Part, Usage};
#[cfg(feature = "openapi")]
pub use openapi::schemas;
pub use problem::{KINDS, Problem};
pub use request::{
    Chat, Decide, Execute, Given, GivenPart, LARGEST_SEQ, LONGEST_NAME, LONGEST_TITLE, LONGEST_WORKSPACE,
    NewSession, SessionPatch, UserPatch,
};
pub use session::Session;
pub use token::{ApiToken, ApiTokens, MadeToken, NewApiToken};

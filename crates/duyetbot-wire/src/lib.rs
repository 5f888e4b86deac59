//! The public JSON of duyetbot, once, for server, client, command line and bindings. camelCase; times are RFC 3339 in UTC
//! with milliseconds; ids are opaque strings.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod event;
mod export;
pub mod legacy;
mod markdown;
mod message;
mod problem;
mod session;

pub use event::{Event, Passage};
pub use export::{Export, LARGEST_IMPORT};
pub use message::{Message, Part, Usage};
pub use problem::{KINDS, Problem};
pub use session::Session;

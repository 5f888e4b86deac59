//! The core of duyetbot, a personal agent that remembers: domain types, storage and model traits, the run machine, and
//! in-memory stores. No IO, no runtime, no database: adapters bring those.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod agent;
mod error;
mod id;
pub mod index;
mod limits;
mod memory;
mod message;
mod model;
mod rate;
pub mod redact;
pub mod run;
mod run_row;
mod scope;
mod session;
mod store;
pub mod text;
mod time_stamp;
mod token;
mod tool;
mod user;

pub use agent::{Agent, Chat, Event, Found, Missing, Watched};
pub use error::{Code, Error, ErrorKind, Result, Retry};
pub use id::{CallId, DeviceId, MessageId, RunId, SessionId, TokenId};
pub use limits::{Limits, Quota};
pub use memory::{MemoryStore, SettableClock};
pub use message::{
    BlobRef, Content, Message, Origin, Part, Role, ToolResult, ToolStatus, ToolUse, Usage, decode_parts,
    encode_parts, hex, text_of,
};
pub use model::{
    Answer, ChatModel, ModelCall, ModelEvent, ModelInfo, Models, OneModel, OutputSchema, Passage, Request,
    SessionLine, StopReason,
};
pub use rate::{MemoryRates, Rate, RateLimiter, Taken};
pub use run_row::{
    Asked, Claim, ClaimOf, Claimed, Decision, DraftChunk, RunRow, RunState, Save, StoredCheckpoint,
};
pub use scope::Scope;
pub use session::{Change, Session, SessionState, Stamp, title_of};
pub use store::{
    Accounts, BIN, BlobStore, Capabilities, Changes, Clock, Commit, Committed, Counters, Erasing, HeadMove,
    IndexPiece, LEASE, NewMessage, NewSession, Operator, PageOf, Parent, PieceKey, Postings, RunChange,
    RunStore, SessionCursor, SessionFilter, SessionStore, Storage, Swept, Term, UNNAMED, UserStore, WAIT,
    open_cursor, seal_cursor,
};
pub use time_stamp::Timestamp;
pub use token::{
    ApiSecret, ApiToken, MOST_TOKENS, NewToken, Permission, SignedIn, TokenHash, USE_STEP, token_refused,
};
pub use tool::{Approval, Tool, ToolContext, ToolSpec};
pub use user::{Identity, LARGEST_SETTINGS, NewUser, User, UserChange, UserCursor, UserId, folded_email};

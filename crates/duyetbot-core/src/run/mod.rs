//! The run: a machine without IO, a driver that performs its effects, and the agent that holds both.
mod asking;
mod checkpoint;
mod context;
mod driver;
mod following;
mod live;
mod local;
mod machine;
mod offload;
mod opening;
mod parts;
mod policy;

pub use checkpoint::{
    CHECKPOINT_VERSION, CallState, Checkpoint, Draft, DraftCall, DraftPart, Guards, Phase, Salvage,
};
pub use context::hydrate;
pub use live::{Cursor, View, diff};
pub use local::LocalAgent;
pub use machine::{Effect, Input, Machine, NOT_RUN, Step, StepMessage, Successor, UNKNOWN};
pub use offload::{LARGEST_ROW, content};
pub use opening::LARGEST_MESSAGE;
pub use parts::{AnyHost, Host, Parts, Recall, Settings, Spawner};
pub use policy::{Policy, Presence, ToolPolicy, Verdict};

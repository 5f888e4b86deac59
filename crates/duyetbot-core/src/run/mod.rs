//! The run: a machine without IO, a driver that performs its effects, and the agent that holds both.
mod asking;
mod checkpoint;
mod commits;
mod compacting;
mod context;
mod counting;
mod driver;
mod effects;
mod ending;
mod following;
mod gather;
mod guards;
mod live;
mod local;
mod machine;
mod offered;
mod offload;
mod opening;
mod parts;
mod policy;
mod said;
mod slots;
mod waiting;
mod watching;

pub use checkpoint::{
    CHECKPOINT_VERSION, CallState, Checkpoint, Draft, DraftCall, DraftPart, Guards, Phase, Salvage,
};
pub use compacting::Compacted;
pub use context::hydrate;
pub use effects::{Effect, Input, NOT_RUN, Step, StepMessage, Successor, UNKNOWN};
pub use live::{Cursor, Told, View, diff};
pub use local::LocalAgent;
pub use machine::Machine;
pub use offload::{LARGEST_ROW, content};
pub use opening::LARGEST_MESSAGE;
pub use parts::{AnyHost, Host, Parts, Recall, Settings, Spawner};
pub use policy::{LONGEST_RULE, MOST_RULES, Narrowing, Policy, Presence, ToolPolicy, Verdict};
pub use slots::{Slot, Slots};
pub use waiting::OpenCall;

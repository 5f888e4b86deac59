//! What goes into the run machine, and what comes out of it.
use super::checkpoint::{Checkpoint, DraftCall};
use crate::{
    error::Error,
    id::{CallId, MessageId},
    message::{Part, Role, ToolResult, Usage},
    model::{ModelCall, ModelEvent},
    run_row::{DraftChunk, RunState},
};

/// The result of a call that ran when its process died.
pub const UNKNOWN: &str = "interrupted: it is not known whether it ran";
/// The result of a call that was not begun when the run ended.
pub const NOT_RUN: &str = "interrupted: it did not run";

/// What happened.
#[derive(Clone, Debug)]
pub enum Input {
    /// The model said something other than a call.
    Model(ModelEvent),
    /// The model made a call; `refused` says why it must not run whatever the policy says.
    Call {
        /// The call.
        call: ModelCall,
        /// The text for the model.
        refused: Option<String>,
    },
    /// The answer could not be had, or broke.
    ModelFailed(Error),
    /// The context does not fit; these messages can be summed up.
    Over(Vec<MessageId>),
    /// The summary that was asked for, and what it cost.
    Summary {
        /// The words.
        text: String,
        /// What they stand for.
        covers: Vec<MessageId>,
        /// What they cost.
        usage: Usage,
    },
    /// No summary could be had.
    SummaryFailed,
    /// A call has its result.
    Tool {
        /// The call.
        call: CallId,
        /// The result.
        result: ToolResult,
    },
    /// A person stops the run.
    Stop,
}

/// A message that a step commits; the driver gives it time, index and blobs.
#[derive(Clone, Debug, PartialEq)]
pub struct StepMessage {
    /// Its id: a function of run and step.
    pub id: MessageId,
    /// Under what it hangs.
    pub parent: MessageId,
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub parts: Vec<Part>,
    /// It ended before its time.
    pub cut: bool,
    /// What it cost.
    pub usage: Usage,
}

/// What a step commits: its message and what becomes of the run, in one write.
#[derive(Clone, Debug)]
pub struct Step {
    /// The message; none where a run ends without a word.
    pub message: Option<StepMessage>,
    /// The state that the run gets.
    pub state: RunState,
    /// What it goes on from.
    pub checkpoint: Checkpoint,
    /// Why it failed.
    pub error: Option<Error>,
}

/// What is to be done, in this order. What follows a `Save` or `Commit` waits until that is durable.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Build the context and ask the model.
    Ask,
    /// Close the connection to the model.
    CloseModel,
    /// Sum these messages up.
    Summarise(Vec<MessageId>),
    /// Words came: show them, flush them by and by.
    Said(DraftChunk),
    /// The open step changed otherwise: show it as it stood then.
    Show(Box<Checkpoint>),
    /// Run a call.
    RunTool(DraftCall),
    /// End a running call.
    CancelTool(CallId),
    /// Save the checkpoint.
    Save(Checkpoint),
    /// Save the checkpoint and wait for decisions; this holder is through.
    Wait(Checkpoint),
    /// Commit a step.
    Commit(Box<Step>),
    /// The run has ended.
    Finish(RunState),
}

/// Who takes a dead process's run over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Successor {
    /// Goes on where nothing was in flight: a server, or the process that got the last decision.
    GoesOn,
    /// Ends it as `interrupted`: a command line.
    Ends,
    /// Ends it as `cancelled` with its open calls denied: a new message, a stop, too long a wait.
    Denies,
}

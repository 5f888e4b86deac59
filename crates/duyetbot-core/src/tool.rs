//! The seam to tools.
use async_trait::async_trait;
use serde_json::Value;

use crate::{
    id::{CallId, RunId},
    message::ToolResult,
    scope::Scope,
};

/// Whether a call needs a person's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Approval {
    /// It may run.
    Free,
    /// A person decides.
    Ask,
}

/// What a model is told of a tool, and whether its calls ask.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolSpec {
    /// Its name.
    pub name: String,
    /// What it does and when to use it, for the model.
    pub description: String,
    /// The JSON schema of its input, an object.
    pub input: Value,
    /// Whether its calls ask.
    pub approval: Approval,
}

/// In whose name and for what a tool is called.
#[derive(Clone, Debug)]
pub struct ToolContext {
    /// Whose data it may touch.
    pub scope: Scope,
    /// The run that calls.
    pub run: RunId,
    /// The call.
    pub call: CallId,
}

/// Something that a model may do.
///
/// # Behavior
/// Dropping the future of `call` ends what it started. A result is text that the model can act on, errors too: what is
/// wrong with the input names the field.
#[async_trait]
pub trait Tool: Send + Sync + 'static {
    /// What it is.
    fn spec(&self) -> &ToolSpec;
    /// Does it. `input` is the model's JSON text.
    async fn call(&self, context: &ToolContext, input: &str) -> ToolResult;
}

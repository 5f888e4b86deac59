//! The tools of an agent, described once for all of its requests.
use std::sync::Arc;

use super::context::tool_tokens;
use crate::tool::{Tool, ToolSpec};

/// What a model is told of the tools, and how many tokens that takes.
#[derive(Clone, Default)]
pub(super) struct Offered {
    pub(super) specs: Arc<[ToolSpec]>,
    pub(super) tokens: u64,
}

impl Offered {
    pub(super) fn of(tools: &[Arc<dyn Tool>]) -> Self {
        let specs: Arc<[ToolSpec]> = tools.iter().map(|tool| tool.spec().clone()).collect();
        Offered { tokens: tool_tokens(&specs), specs }
    }
}

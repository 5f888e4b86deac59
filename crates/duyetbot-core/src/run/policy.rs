//! Which calls run, which ask, which are refused: a pure decision.
use crate::tool::{Approval, Tool};
use std::{collections::BTreeMap, sync::Arc};

/// What becomes of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It runs.
    Allow,
    /// A person decides; the text says why.
    Ask(String),
    /// It is refused, and the model gets this text.
    Deny(String),
    /// It is no call that could run, and the model gets this text.
    Invalid(String),
}

/// Judges calls. It does no IO: what it needs, it was made with.
pub trait Policy: Send + Sync + 'static {
    /// What becomes of a call of this tool with this input (JSON text).
    fn judge(&self, tool: &str, input: &str) -> Verdict;

    /// The policy for a run that begins or goes on now, where what it judges by may have changed since it was made. Unlike a
    /// judgement this may look at the disk. Without one, this policy judges every run.
    fn renewed(&self) -> Option<Arc<dyn Policy>> {
        None
    }
}

/// Judges by what the tools say of themselves.
pub struct ToolPolicy {
    approvals: BTreeMap<String, Approval>,
    presence: Presence,
}

/// Whether a person is there to decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// A person can decide, now or later.
    Person,
    /// Nobody will: a pipe, a workflow. What asks is denied.
    Nobody,
}

impl ToolPolicy {
    /// Judges by the specs of these tools.
    pub fn new(tools: &[Arc<dyn Tool>], presence: Presence) -> Self {
        let approvals = tools.iter().map(|t| (t.spec().name.clone(), t.spec().approval)).collect();
        ToolPolicy { approvals, presence }
    }
}

impl Policy for ToolPolicy {
    fn judge(&self, tool: &str, input: &str) -> Verdict {
        let Some(approval) = self.approvals.get(tool) else {
            let names: Vec<&str> = self.approvals.keys().map(String::as_str).collect();
            let have = if names.is_empty() { "there are no tools".to_owned() } else { names.join(", ") };
            return Verdict::Invalid(format!("there is no tool {tool:?}; the tools are: {have}"));
        };
        match serde_json::from_str::<serde_json::Value>(input) {
            Ok(serde_json::Value::Object(_)) => {}
            Ok(_) => return Verdict::Invalid("the input must be a JSON object".into()),
            Err(e) => return Verdict::Invalid(format!("the input is not valid JSON: {e}")),
        }
        match (approval, self.presence) {
            (Approval::Free, _) => Verdict::Allow,
            (Approval::Ask, Presence::Person) => Verdict::Ask(format!("{tool} asks before it runs")),
            (Approval::Ask, Presence::Nobody) => {
                Verdict::Deny(format!("{tool} needs a person's word, and nobody is there to give it"))
            }
        }
    }
}

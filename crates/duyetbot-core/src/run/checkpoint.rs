//! What a run is between two effects: serialisable, versioned, counted.
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    error::{Error, Result},
    id::{CallId, MessageId, RunId},
    message::{Origin, Part, ToolResult, ToolUse, Usage, decode_parts},
    run_row::{Decision, StoredCheckpoint},
};

use super::policy::Narrowing;

/// The version of [`Checkpoint`] that this program writes.
pub const CHECKPOINT_VERSION: u32 = 1;

/// How far a call has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum CallState {
    /// The answer that makes it is not complete.
    New,
    /// It waits for a person.
    Asked {
        /// Why it asks.
        reason: String,
    },
    /// It may run.
    Allowed,
    /// It runs, or did when the process died.
    Running,
    /// It has its result.
    Done {
        /// The result.
        result: ToolResult,
    },
}

/// A call of the open step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DraftCall {
    /// Its id, unique within the step.
    pub call: CallId,
    /// The tool.
    pub tool: String,
    /// The model's JSON text.
    pub input: String,
    /// What the provider wants to see again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extra: Option<String>,
    /// How far it has come.
    #[serde(flatten)]
    pub state: CallState,
}

/// A piece of the open step. Its tags are those of stored parts, so that a program that cannot read the rest of a
/// checkpoint still finds the words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum DraftPart {
    /// Words of the answer.
    Text {
        /// The words.
        text: String,
    },
    /// Words of the reasoning.
    Reasoning {
        /// The words.
        text: String,
        /// The provider's proof.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signature: Option<String>,
        /// The provider's sealed reasoning.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        redacted: Option<String>,
        /// Its end has come.
        closed: bool,
    },
    /// A call.
    Tool(DraftCall),
}

/// The open step: what the model has said, and what its calls have come to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Draft {
    /// The pieces, in the model's order.
    pub parts: Vec<DraftPart>,
    /// What the answer has cost.
    pub usage: Usage,
    /// The answer ended before its time.
    pub cut: bool,
}

impl Draft {
    /// The calls.
    pub fn calls(&self) -> impl Iterator<Item = &DraftCall> {
        self.parts.iter().filter_map(|p| if let DraftPart::Tool(call) = p { Some(call) } else { None })
    }
    pub(super) fn calls_mut(&mut self) -> impl Iterator<Item = &mut DraftCall> {
        self.parts.iter_mut().filter_map(|p| if let DraftPart::Tool(call) = p { Some(call) } else { None })
    }
    /// Nothing was said and nothing called.
    pub fn is_empty(&self) -> bool {
        self.parts.iter().all(|p| match p {
            DraftPart::Text { text } => text.trim().is_empty(),
            DraftPart::Reasoning { .. } => true,
            DraftPart::Tool(_) => false,
        })
    }
    /// The words of the answer so far.
    pub fn text(&self) -> String {
        self.parts
            .iter()
            .filter_map(|p| if let DraftPart::Text { text } = p { Some(text.as_str()) } else { None })
            .collect()
    }
    /// The words of the reasoning so far.
    pub fn reasoning(&self) -> String {
        self.parts
            .iter()
            .filter_map(
                |p| if let DraftPart::Reasoning { text, .. } = p { Some(text.as_str()) } else { None },
            )
            .collect()
    }
}

/// What the machine waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The model's answer.
    Asking,
    /// A summary of what no longer fits.
    Compacting,
    /// Results and decisions.
    Acting,
    /// Nothing: this holder is through.
    Ended,
}

/// What binds a run. Guards against loops that cost money and do nothing.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Guards {
    /// Answers of the model.
    pub steps: u32,
    /// Tokens, input and output together.
    pub tokens: Option<u64>,
    /// US dollars.
    pub cost: Option<f64>,
    /// The same call with the same input to the same end: the same result, or a failure with no success since.
    pub repeats: u32,
    /// Answers in a row whose every call was refused before it ran.
    pub refusals: u32,
    /// Tokens of all runs of the owner in a day, in UTC.
    pub tokens_per_day: Option<u64>,
    /// US dollars of all runs of the owner in a day, in UTC.
    pub cost_per_day: Option<f64>,
}

impl Default for Guards {
    fn default() -> Self {
        Guards {
            steps: 50,
            tokens: None,
            cost: None,
            repeats: 3,
            refusals: 5,
            tokens_per_day: None,
            cost_per_day: None,
        }
    }
}

/// The whole state of a [`super::Machine`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// [`CHECKPOINT_VERSION`].
    pub version: u32,
    /// Counts the run's checkpoints.
    pub counter: u64,
    /// The run.
    pub run: RunId,
    /// Committed messages of the run.
    pub step: u32,
    /// The message under which the next hangs.
    pub parent: MessageId,
    /// The open step.
    pub draft: Draft,
    /// What is waited for.
    pub phase: Phase,
    /// What binds the run.
    pub guards: Guards,
    /// What its message narrowed its calls to.
    #[serde(default, skip_serializing_if = "Narrowing::is_empty")]
    pub narrowing: Narrowing,
    /// The interface that the run's messages carry.
    pub origin: Origin,
    /// The model, as `provider/name`.
    pub model: String,
    /// What the committed steps have cost.
    pub spent: Usage,
    /// What answers of the open step have cost that came to nothing: it counts with the next message.
    #[serde(default)]
    pub wasted: Usage,
    /// What the owner's other runs of the day had cost when this one began, where a guard asks.
    #[serde(default)]
    pub spent_before: Usage,
    /// Answers of the model so far.
    pub answers: u32,
    /// Answers without a word, one after the other.
    pub empty: u32,
    /// Digests of calls with their results, and how often they came.
    pub repeated: Vec<(String, u32)>,
    /// Answers whose every call was refused, one after the other.
    #[serde(default)]
    pub refused: u32,
    /// How often the provider said that the context was too long.
    pub shrunk: u32,
    /// No summary is made any more: what does not fit is cut.
    pub trim: bool,
    /// The last message of the run that holds words or calls.
    pub last: Option<MessageId>,
}

impl Checkpoint {
    /// A run that begins.
    pub fn open(run: RunId, model: String, origin: Origin, guards: Guards) -> Self {
        Checkpoint {
            version: CHECKPOINT_VERSION,
            counter: 0,
            run,
            step: 0,
            parent: run.message,
            draft: Draft::default(),
            phase: Phase::Asking,
            guards,
            narrowing: Narrowing::default(),
            origin,
            model,
            spent: Usage::default(),
            wasted: Usage::default(),
            spent_before: Usage::default(),
            answers: 0,
            empty: 0,
            repeated: Vec::new(),
            refused: 0,
            shrunk: 0,
            trim: false,
            last: None,
        }
    }

    /// The calls that wait for a decision.
    pub fn pending(&self) -> Vec<CallId> {
        self.draft
            .calls()
            .filter(|c| matches!(c.state, CallState::Asked { .. }))
            .map(|c| c.call.clone())
            .collect()
    }

    /// In the form that stores keep.
    pub fn store(&self) -> Result<StoredCheckpoint> {
        Ok(StoredCheckpoint {
            json: serde_json::to_string(self).map_err(Error::internal)?,
            counter: self.counter,
            pending: self.pending(),
        })
    }

    /// Reads a stored checkpoint; one of another version is an error, and [`Salvage`] still gets at its words.
    pub fn read(stored: &StoredCheckpoint) -> Result<Self> {
        let checkpoint: Checkpoint = serde_json::from_str(&stored.json).map_err(Error::internal)?;
        if checkpoint.version != CHECKPOINT_VERSION {
            return Err(Error::invalid(format!(
                "the run was left by another version of the program (checkpoint {}, this one reads {CHECKPOINT_VERSION})",
                checkpoint.version
            )));
        }
        Ok(checkpoint)
    }

    pub(super) fn decide(&mut self, decisions: &[(CallId, Decision)]) {
        for call in self.draft.calls_mut().filter(|c| matches!(c.state, CallState::Asked { .. })) {
            if let Some((_, decision)) = decisions.iter().find(|(id, _)| *id == call.call) {
                call.state = match decision {
                    Decision::Allow => CallState::Allowed,
                    Decision::Deny => {
                        CallState::Done { result: ToolResult::denied("the person denied this call") }
                    }
                };
            }
        }
    }
}

/// What can be had of a checkpoint that this program cannot read.
#[derive(Clone, Debug, PartialEq)]
pub struct Salvage {
    /// Committed messages of the run.
    pub step: u32,
    /// The message under which the next hangs.
    pub parent: Option<MessageId>,
    /// The words and finished calls of the open step.
    pub parts: Vec<Part>,
}

impl Salvage {
    /// Reads what every version writes alike: `step`, `parent` and `draft.parts`.
    pub fn read(stored: &StoredCheckpoint) -> Self {
        let value: Value = serde_json::from_str(&stored.json).unwrap_or(Value::Null);
        let step = value["step"].as_u64().and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
        let parent = value["parent"].as_str().and_then(|id| id.parse().ok());
        let parts = value["draft"]["parts"].as_array().map(Vec::as_slice).unwrap_or_default();
        Salvage { step, parent, parts: parts.iter().filter_map(part_of).collect() }
    }
}

fn part_of(value: &Value) -> Option<Part> {
    let field = |name: &str| value[name].as_str().map(str::to_owned);
    if value["type"] == "tool" {
        let result = serde_json::from_value(value["result"].clone())
            .unwrap_or_else(|_| ToolResult::interrupted(super::effects::UNKNOWN));
        return Some(Part::Tool(ToolUse {
            call: CallId(field("call")?),
            tool: field("tool")?,
            input: field("input")?,
            result,
            blob: None,
            extra: field("extra"),
        }));
    }
    let parts = decode_parts(&format!("[{value}]")).ok()?;
    parts.into_iter().next().filter(|p| !matches!(p, Part::Unknown(_)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_checkpoint_of_another_version_gives_up_its_words() {
        let id = |n| Uuid::from_u64_pair(1, n);
        let run = RunId { session: id(1).into(), message: id(2).into() };
        let mut checkpoint = Checkpoint::open(run, "m/m".into(), Origin::Cli, Guards::default());
        checkpoint.version = 99;
        checkpoint.step = 3;
        let call = |n: &str, state| {
            DraftPart::Tool(DraftCall {
                call: n.into(),
                tool: "t".into(),
                input: "{}".into(),
                extra: None,
                state,
            })
        };
        checkpoint.draft.parts = vec![
            DraftPart::Text { text: "half".into() },
            call("a", CallState::Done { result: ToolResult::success("out") }),
            call("b", CallState::Running),
        ];
        let stored = checkpoint.store().unwrap();
        assert!(Checkpoint::read(&stored).is_err());
        let used = |n: &str, result| {
            Part::Tool(ToolUse {
                call: n.into(),
                tool: "t".into(),
                input: "{}".into(),
                result,
                blob: None,
                extra: None,
            })
        };
        assert_eq!(
            Salvage::read(&stored),
            Salvage {
                step: 3,
                parent: Some(run.message),
                parts: vec![
                    Part::text("half"),
                    used("a", ToolResult::success("out")),
                    used("b", ToolResult::interrupted(super::super::effects::UNKNOWN)),
                ]
            }
        );
    }
}

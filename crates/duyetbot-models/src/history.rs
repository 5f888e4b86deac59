//! A session's path as turns that alternate, in no provider's form yet: what any provider would refuse is mended here.
use duyetbot_core::{Message, Part, Request, Role, ToolResult, ToolStatus, ToolUse, text::mend};
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Arc};

use crate::{
    json,
    names::{CallIds, ToolNames},
    words,
};

/// The turns of a conversation. The first is a person's, and they alternate.
#[derive(Debug, PartialEq)]
pub(crate) enum Turn {
    Person(Vec<Said>),
    Agent(Vec<Done>),
}

/// What a person's turn holds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Said {
    Text(String),
    Image { media_type: String, bytes: Arc<[u8]> },
    Pdf { name: String, bytes: Arc<[u8]> },
}

/// What an agent's turn holds.
#[derive(Debug, PartialEq)]
pub(crate) enum Done {
    Text(String),
    /// Of the model that is asked now, never of another.
    Thought {
        text: String,
        signature: Option<String>,
        redacted: Option<String>,
    },
    Call(Called),
    /// The results of the calls before it are due here: another step follows.
    StepEnd,
}

/// A call with its result.
#[derive(Debug, PartialEq)]
pub(crate) struct Called {
    pub(crate) id: String,
    /// The name on the wire.
    pub(crate) name: String,
    /// JSON text of an object.
    pub(crate) input: String,
    /// Never empty.
    pub(crate) output: String,
    pub(crate) failed: bool,
    /// What this model wants to see again beside the call.
    pub(crate) extra: Option<Value>,
}

/// What turns are made for.
pub(crate) struct Reader<'a> {
    /// The model that is asked, as `provider/name`.
    pub(crate) model: &'a str,
    pub(crate) images: bool,
    pub(crate) pdf: bool,
    pub(crate) names: &'a ToolNames,
    pub(crate) ids: CallIds,
}

/// Every name of a tool that a request holds, offered now or called earlier.
pub(crate) fn tool_names(request: &Request, longest: usize) -> ToolNames {
    let offered = request.tools.iter().map(|tool| tool.name.as_str());
    let called = request.messages.iter().flat_map(|m| &m.parts).filter_map(|part| match part {
        Part::Tool(used) => Some(used.tool.as_str()),
        _ => None,
    });
    ToolNames::new(offered.chain(called), longest)
}

/// The turns of a request.
pub(crate) fn turns(request: &Request, mut reader: Reader<'_>) -> Vec<Turn> {
    let last_person = request.messages.iter().rposition(|m| m.role == Role::User);
    let mut turns = Vec::new();
    for (at, message) in request.messages.iter().enumerate() {
        if message.role == Role::Assistant {
            agent(&mut turns, reader.done(message));
            continue;
        }
        let mut said = Vec::new();
        if Some(at) == last_person && !request.recalled.is_empty() {
            said.push(Said::Text(words::recalled(&request.recalled)));
        }
        said.extend(reader.said(message, &request.blobs));
        person(&mut turns, said);
    }
    if last_person.is_none() && !request.recalled.is_empty() {
        person(&mut turns, vec![Said::Text(words::recalled(&request.recalled))]);
    }
    if !matches!(turns.first(), Some(Turn::Person(_))) {
        turns.insert(0, Turn::Person(vec![Said::Text(words::BEGINNING_LEFT_OUT.to_owned())]));
    }
    if let Some(Turn::Agent(done)) = turns.last()
        && !matches!(done.last(), Some(Done::Call(_)))
    {
        turns.push(Turn::Person(vec![Said::Text(words::GO_ON.to_owned())]));
    }
    turns
}

/// Adds to the person's turn, or begins one.
fn person(turns: &mut Vec<Turn>, said: Vec<Said>) {
    if said.is_empty() {
        return;
    }
    match turns.last_mut() {
        Some(Turn::Person(all)) => all.extend(said),
        _ => turns.push(Turn::Person(said)),
    }
}

/// Adds to the agent's turn, or begins one. A step that answers results of calls is apart from the step that called.
fn agent(turns: &mut Vec<Turn>, done: Vec<Done>) {
    if done.iter().all(|d| matches!(d, Done::Thought { .. })) {
        return;
    }
    match turns.last_mut() {
        Some(Turn::Agent(all)) => {
            if all.iter().any(|d| matches!(d, Done::Call(_))) {
                all.push(Done::StepEnd);
            }
            all.extend(done);
        }
        _ => turns.push(Turn::Agent(done)),
    }
}

impl Reader<'_> {
    fn done(&mut self, message: &Message) -> Vec<Done> {
        let own = message.model.as_deref() == Some(self.model);
        let mut done = Vec::new();
        for part in &message.parts {
            match part {
                Part::Text { text, .. } if !text.trim().is_empty() => {
                    done.push(Done::Text(mend(text).into_owned()))
                }
                Part::Reasoning { text, signature, redacted } if own => done.push(Done::Thought {
                    text: text.clone(),
                    signature: signature.clone(),
                    redacted: redacted.clone(),
                }),
                Part::Tool(used) => done.push(Done::Call(self.called(used, own))),
                _ => {}
            }
        }
        done
    }

    fn called(&mut self, used: &ToolUse, own: bool) -> Called {
        Called {
            id: self.ids.next(&used.call.0),
            name: self.names.wire(&used.tool).to_owned(),
            input: object_input(&used.input),
            output: output(&used.result),
            failed: used.result.status != ToolStatus::Success,
            extra: used.extra.as_deref().filter(|_| own).and_then(json::read),
        }
    }

    fn said(&self, message: &Message, blobs: &BTreeMap<String, Arc<[u8]>>) -> Vec<Said> {
        let text = |text: String| Some(Said::Text(text));
        let said = message.parts.iter().filter_map(|part| match part {
            Part::Text { text: words, .. } if words.trim().is_empty() => None,
            Part::Text { text: words, .. } if message.role == Role::System => text(words::note(&mend(words))),
            Part::Text { text: words, .. } => text(mend(words).into_owned()),
            Part::Summary { text: words, .. } => text(words::summary(&mend(words))),
            Part::Image { media_type, name, blob } => match blobs.get(&blob.hash) {
                Some(bytes) if self.images => {
                    Some(Said::Image { media_type: media_type.clone(), bytes: bytes.clone() })
                }
                _ => text(words::not_shown("a picture", name.as_deref(), media_type, blob.size)),
            },
            Part::File { media_type, name, blob } => {
                let bytes = blobs.get(&blob.hash);
                let words = bytes.and_then(|b| std::str::from_utf8(b).ok()).filter(|_| is_text(media_type));
                let called = name.as_deref().unwrap_or("file");
                match (words, bytes) {
                    (Some(words), _) => text(words::file(called, &mend(words))),
                    (None, Some(bytes)) if self.pdf && media_type == "application/pdf" => {
                        Some(Said::Pdf { name: called.to_owned(), bytes: bytes.clone() })
                    }
                    _ => text(words::not_shown("a file", name.as_deref(), media_type, blob.size)),
                }
            }
            Part::Reasoning { .. } | Part::Tool(_) | Part::Unknown(_) => None,
        });
        said.collect()
    }
}

fn is_text(media_type: &str) -> bool {
    media_type.starts_with("text/")
        || ["json", "xml", "yaml", "toml", "javascript"].iter().any(|end| media_type.ends_with(end))
}

/// The input as JSON text of an object, which is all that providers take back.
fn object_input(input: &str) -> String {
    let read = json::tool_input(input);
    match read.form {
        json::InputForm::Nothing | json::InputForm::Object => read.text,
        json::InputForm::Other => json!({ "unreadable": read.text }).to_string(),
    }
}

fn output(result: &ToolResult) -> String {
    match (result.output.trim().is_empty(), result.status) {
        (false, _) => mend(&result.output).into_owned(),
        (true, ToolStatus::Success) => words::NO_OUTPUT.to_owned(),
        (true, _) => words::FAILED_SILENTLY.to_owned(),
    }
}

/// A tool's schema as providers take it: an object with properties, be they none.
pub(crate) fn object_schema(schema: &Value) -> Value {
    let mut object = schema.as_object().cloned().unwrap_or_default();
    object.insert("type".to_owned(), json!("object"));
    if !object.get("properties").is_some_and(Value::is_object) {
        object.insert("properties".to_owned(), json!({}));
    }
    Value::Object(object)
}

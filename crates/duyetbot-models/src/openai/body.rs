//! A request in the form of chat completions.
use base64::{Engine, engine::general_purpose::STANDARD};
use duyetbot_core::{ModelInfo, Request};
use serde_json::{Value, json};
use std::collections::BTreeSet;

use super::dialect::{Dialect, Echo, Field};
use crate::{
    history::{Done, Reader, Said, Turn, object_schema, turns},
    json::object,
    names::{CallIds, ToolNames},
};

/// What a body is made with.
pub(super) struct Settings<'a> {
    pub(super) name: &'a str,
    pub(super) info: &'a ModelInfo,
    pub(super) dialect: &'a Dialect,
    pub(super) names: &'a ToolNames,
}

/// The body of a streamed request, without the fields that the server refused.
pub(super) fn body(request: &Request, settings: &Settings<'_>, refused: &BTreeSet<Field>) -> Value {
    let Settings { name, info, dialect, names } = settings;
    let mut messages = Vec::new();
    if !request.system.trim().is_empty() {
        let role = if refused.contains(&Field::DeveloperRole) { "system" } else { dialect.system_role };
        messages.push(json!({ "role": role, "content": duyetbot_core::text::mend(&request.system) }));
    }
    let reader = Reader {
        model: &info.id,
        images: info.images,
        pdf: false,
        names,
        ids: CallIds::new(dialect.call_ids),
    };
    for turn in turns(request, reader) {
        match turn {
            Turn::Person(said) => {
                messages.push(object([("role", "user".into()), ("content", content(said))]));
            }
            Turn::Agent(done) => agent(done, dialect, &mut messages),
        }
    }
    let mut body =
        object([("model", (*name).into()), ("stream", true.into()), ("messages", messages.into())]);
    if !refused.contains(&Field::StreamOptions) {
        body["stream_options"] = json!({ "include_usage": true });
    }
    if let Some(most) = request.max_output {
        let other = if dialect.max_tokens == "max_tokens" { "max_completion_tokens" } else { "max_tokens" };
        let field = if refused.contains(&Field::MaxTokens) { other } else { dialect.max_tokens };
        body[field] = json!(most.min(info.max_output));
    }
    if !request.tools.is_empty() {
        let tools = request.tools.iter().map(|tool| {
            json!({
                "type": "function",
                "function": {
                    "name": names.wire(&tool.name),
                    "description": tool.description,
                    "parameters": object_schema(&tool.input),
                },
            })
        });
        body["tools"] = Value::Array(tools.collect());
    }
    if let Some(schema) = request.schema.as_ref().filter(|_| !refused.contains(&Field::ResponseFormat)) {
        body["response_format"] = json!({
            "type": "json_schema",
            "json_schema": { "name": schema.name, "schema": schema.schema, "strict": true },
        });
    }
    body
}

/// A person's words: plain text where that is all, else parts.
fn content(said: Vec<Said>) -> Value {
    let only_text = said.iter().all(|s| matches!(s, Said::Text(_)));
    if only_text {
        let texts: Vec<String> = said
            .into_iter()
            .filter_map(|s| if let Said::Text(text) = s { Some(text) } else { None })
            .collect();
        return Value::String(texts.join("\n\n"));
    }
    let parts = said.into_iter().map(|said| match said {
        Said::Text(text) => object([("type", "text".into()), ("text", text.into())]),
        Said::Image { media_type, bytes } => json!({
            "type": "image_url",
            "image_url": { "url": format!("data:{media_type};base64,{}", STANDARD.encode(&bytes)) },
        }),
        Said::Pdf { name, bytes } => json!({
            "type": "file",
            "file": {
                "filename": name,
                "file_data": format!("data:application/pdf;base64,{}", STANDARD.encode(&bytes)),
            },
        }),
    });
    Value::Array(parts.collect())
}

/// One step of the agent: what it said, its calls, and their results.
#[derive(Default)]
struct Step {
    text: Vec<String>,
    thought: Vec<String>,
    calls: Vec<Value>,
    results: Vec<Value>,
}

fn agent(done: Vec<Done>, dialect: &Dialect, messages: &mut Vec<Value>) {
    let mut step = Step::default();
    for piece in done {
        match piece {
            Done::StepEnd => std::mem::take(&mut step).write(dialect, messages),
            Done::Text(text) => step.text.push(text),
            Done::Thought { text, .. } => step.thought.push(text),
            Done::Call(call) => {
                let function = object([("name", call.name.into()), ("arguments", call.input.into())]);
                let mut value = object([
                    ("id", call.id.as_str().into()),
                    ("type", "function".into()),
                    ("function", function),
                ]);
                if let Some(extra) = call.extra {
                    value["extra_content"] = extra;
                }
                step.calls.push(value);
                step.results.push(object([
                    ("role", "tool".into()),
                    ("tool_call_id", call.id.into()),
                    ("content", call.output.into()),
                ]));
            }
        }
    }
    step.write(dialect, messages);
}

impl Step {
    fn write(self, dialect: &Dialect, messages: &mut Vec<Value>) {
        if self.text.is_empty() && self.calls.is_empty() {
            return;
        }
        let text = self.text.join("\n\n");
        let content = if text.is_empty() { json!(dialect.no_content) } else { text.into() };
        let mut message = object([("role", "assistant".into()), ("content", content)]);
        let thought = self.thought.concat();
        if dialect.echo == Echo::WithCalls && !self.calls.is_empty() && !thought.is_empty() {
            message["reasoning_content"] = json!(thought);
        }
        if !self.calls.is_empty() {
            message["tool_calls"] = Value::Array(self.calls);
        }
        messages.push(message);
        messages.extend(self.results);
    }
}

//! A request in the form of the Messages API.
use base64::{Engine, engine::general_purpose::STANDARD};
use duyetbot_core::{ModelInfo, Request};
use serde_json::{Value, json};

use crate::{
    history::{Done, Reader, Said, Turn, object_schema, turns},
    json::{self, object},
    names::{CallIdForm, CallIds, ToolNames},
};

/// What a body is made with.
pub(super) struct Settings<'a> {
    pub(super) name: &'a str,
    pub(super) info: &'a ModelInfo,
    pub(super) thinking: Option<u32>,
    pub(super) names: &'a ToolNames,
    /// The tool by which an answer of a given shape comes.
    pub(super) answer_tool: Option<&'a str>,
}

/// The body of a streamed request.
pub(super) fn body(request: &Request, settings: &Settings<'_>) -> Value {
    let reader = Reader {
        model: &settings.info.id,
        images: settings.info.images,
        pdf: true,
        names: settings.names,
        ids: CallIds::new(CallIdForm::Plain),
    };
    let mut messages = messages(turns(request, reader));
    mark_last(&mut messages);
    let most = request.max_output.unwrap_or(settings.info.max_output).min(settings.info.max_output);
    let mut body = object([
        ("model", settings.name.into()),
        ("max_tokens", most.into()),
        ("stream", true.into()),
        ("messages", messages.into()),
    ]);
    if !request.system.trim().is_empty() {
        let system = duyetbot_core::text::mend(&request.system);
        body["system"] =
            json!([{ "type": "text", "text": system, "cache_control": { "type": "ephemeral" } }]);
    }
    let tools = tools(request, settings);
    if !tools.is_empty() {
        body["tools"] = Value::Array(tools);
    }
    match (settings.answer_tool, request.tools.is_empty()) {
        (Some(tool), true) => body["tool_choice"] = json!({ "type": "tool", "name": tool }),
        (Some(_), false) => body["tool_choice"] = json!({ "type": "any" }),
        (None, _) => {}
    }
    // Reasoning and a forced tool exclude each other.
    if let (Some(budget), None) = (settings.thinking.filter(|n| *n < most), settings.answer_tool) {
        body["thinking"] = json!({ "type": "enabled", "budget_tokens": budget });
    }
    body
}

/// The tools; the last one ends the part that stays the same and is cached.
fn tools(request: &Request, settings: &Settings<'_>) -> Vec<Value> {
    let mut tools: Vec<Value> = request
        .tools
        .iter()
        .map(|tool| {
            json!({
                "name": settings.names.wire(&tool.name),
                "description": tool.description,
                "input_schema": object_schema(&tool.input),
            })
        })
        .collect();
    if let (Some(name), Some(schema)) = (settings.answer_tool, &request.schema) {
        tools.push(json!({
            "name": name,
            "description": "Gives the answer. Call it once, with the whole answer.",
            "input_schema": object_schema(&schema.schema),
        }));
    }
    if let Some(last) = tools.last_mut() {
        last["cache_control"] = json!({ "type": "ephemeral" });
    }
    tools
}

/// The turns as messages: results follow their calls at the beginning of a person's message.
fn messages(turns: Vec<Turn>) -> Vec<Value> {
    let mut messages = Messages::default();
    for turn in turns {
        match turn {
            Turn::Person(said) => said.into_iter().for_each(|s| messages.add("user", block(s))),
            Turn::Agent(done) => {
                let mut results = Vec::new();
                for piece in done {
                    match piece {
                        Done::StepEnd => results.drain(..).for_each(|r| messages.add("user", r)),
                        Done::Text(text) => messages.add("assistant", text_block(text)),
                        Done::Thought { redacted: Some(data), .. } => {
                            messages.add("assistant", json!({ "type": "redacted_thinking", "data": data }));
                        }
                        Done::Thought { text, signature: Some(signature), .. } => messages.add(
                            "assistant",
                            json!({ "type": "thinking", "thinking": text, "signature": signature }),
                        ),
                        // Cut before its signature: the provider would refuse it.
                        Done::Thought { .. } => {}
                        Done::Call(call) => {
                            let input: Value = json::read(&call.input).unwrap_or_else(|| json!({}));
                            let block = object([
                                ("type", "tool_use".into()),
                                ("id", call.id.as_str().into()),
                                ("name", call.name.into()),
                                ("input", input),
                            ]);
                            messages.add("assistant", block);
                            let mut result = object([
                                ("type", "tool_result".into()),
                                ("tool_use_id", call.id.into()),
                                ("content", call.output.into()),
                            ]);
                            if call.failed {
                                result["is_error"] = json!(true);
                            }
                            results.push(result);
                        }
                    }
                }
                results.into_iter().for_each(|r| messages.add("user", r));
            }
        }
    }
    messages.0
}

#[derive(Default)]
struct Messages(Vec<Value>);

impl Messages {
    fn add(&mut self, role: &str, block: Value) {
        if let Some(last) = self.0.last_mut().filter(|m| m["role"] == role)
            && let Some(content) = last["content"].as_array_mut()
        {
            return content.push(block);
        }
        self.0.push(object([("role", role.into()), ("content", vec![block].into())]));
    }
}

fn text_block(text: String) -> Value {
    object([("type", "text".into()), ("text", text.into())])
}

fn block(said: Said) -> Value {
    match said {
        Said::Text(text) => text_block(text),
        Said::Image { media_type, bytes } => json!({
            "type": "image",
            "source": { "type": "base64", "media_type": media_type, "data": STANDARD.encode(&bytes) },
        }),
        Said::Pdf { name, bytes } => json!({
            "type": "document",
            "title": name,
            "source": { "type": "base64", "media_type": "application/pdf", "data": STANDARD.encode(&bytes) },
        }),
    }
}

/// Marks the ends of the last two messages of a person, so that the next step and the next turn read them from the cache.
fn mark_last(messages: &mut [Value]) {
    for message in messages.iter_mut().rev().filter(|m| m["role"] == "user").take(2) {
        if let Some(last) = message["content"].as_array_mut().and_then(|c| c.last_mut()) {
            last["cache_control"] = json!({ "type": "ephemeral" });
        }
    }
}

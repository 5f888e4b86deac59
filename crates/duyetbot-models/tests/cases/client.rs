//! Converses as the core's driver does: tries again before the first word, runs calls, sends the results back.
use duyetbot_core::{
    ChatModel, Error, ModelEvent, Part, Request, Retry, Role, StopReason, ToolResult, ToolSpec, ToolUse,
    Usage,
};
use duyetbot_fetch::Client;
use duyetbot_models::{AnthropicModel, Dialect, Endpoint, OpenAiModel};
use futures::StreamExt;
use serde_json::{Value, json};
use std::sync::Arc;

use crate::message::message;

#[derive(Default, Debug)]
pub struct Outcome {
    /// The words of the last answer.
    pub text: String,
    pub reasoning: String,
    pub calls: Vec<(String, String)>,
    pub usage: Usage,
    pub error: Option<Error>,
    pub window: bool,
}

fn tool(name: &str, schema: Value) -> ToolSpec {
    ToolSpec {
        name: name.to_owned(),
        description: "A tool.".to_owned(),
        input: schema,
        approval: duyetbot_core::Approval::Free,
    }
}

fn usual_tools() -> Vec<ToolSpec> {
    let city = json!({"type": "object", "properties": {"city": {"type": "string"}}});
    vec![
        tool("get_weather", city.clone()),
        tool("list_files", json!({"type": "object"})),
        tool("write_file", city),
    ]
}

fn model(case: &Value, base: &str, name: &str) -> Arc<dyn ChatModel> {
    let client = Client::default();
    let key = Some("test-key".to_owned());
    if case["format"] == "anthropic" {
        return Arc::new(AnthropicModel::new(Endpoint::anthropic(client, Some(base.to_owned()), key), name));
    }
    let endpoint = Endpoint::openai(client, Some(format!("{base}/v1")), key);
    match case["history"]["host"].as_str() {
        Some(host) => Arc::new(OpenAiModel::with_dialect(endpoint, name, Dialect::of(host, name))),
        None => Arc::new(OpenAiModel::new(endpoint, name)),
    }
}

/// A case's history in our form: a call holds its result, so one without gets the one that a stopped run gives it.
fn history(case: &Value, given: &Value, own: &str) -> Request {
    let mut request = Request { tools: usual_tools().into(), ..Request::default() };
    if let Some(tools) = given["tools"].as_array() {
        request.tools =
            tools.iter().map(|t| tool(t["name"].as_str().unwrap(), t["input_schema"].clone())).collect();
    }
    let all = given["messages"].as_array().unwrap();
    let provider = case["format"].as_str().unwrap();
    for (n, said) in all.iter().enumerate() {
        let text = said["text"].as_str().unwrap_or_default().to_owned();
        match said["role"].as_str().unwrap() {
            "system" if n == 0 => request.system = text,
            "system" => request.messages.push(message(Role::System, vec![Part::text(text)], None)),
            "user" => request.messages.push(message(Role::User, vec![Part::text(text)], None)),
            "assistant" => {
                let mut parts = Vec::new();
                if let Some(thinking) = said["thinking"].as_object() {
                    parts.push(Part::Reasoning {
                        text: thinking["text"].as_str().unwrap().to_owned(),
                        signature: thinking["signature"].as_str().map(str::to_owned),
                        redacted: None,
                    });
                }
                if let Some(reasoning) = said["reasoning"].as_str() {
                    parts.push(Part::Reasoning {
                        text: reasoning.to_owned(),
                        signature: None,
                        redacted: None,
                    });
                }
                if !text.is_empty() {
                    parts.push(Part::text(text));
                }
                for call in said["tool_calls"].as_array().into_iter().flatten() {
                    parts.push(Part::Tool(used(call, &all[n + 1..])));
                }
                let from = said["from"].as_str().map(|m| format!("{provider}/{m}"));
                request.messages.push(message(
                    Role::Assistant,
                    parts,
                    Some(from.unwrap_or_else(|| own.to_owned())),
                ));
            }
            _ => {}
        }
    }
    request
}

fn used(call: &Value, after: &[Value]) -> ToolUse {
    let result = after.iter().take_while(|m| m["role"] == "tool").find(|m| m["tool_call_id"] == call["id"]);
    ToolUse {
        call: call["id"].as_str().unwrap().into(),
        tool: call["name"].as_str().unwrap().to_owned(),
        input: call["input"].to_string(),
        result: match result {
            Some(m) if m["is_error"] == true => ToolResult::error(m["text"].as_str().unwrap()),
            Some(m) => ToolResult::success(m["text"].as_str().unwrap()),
            None => ToolResult::interrupted("interrupted: it is not known whether it ran"),
        },
        blob: None,
        extra: None,
    }
}

/// Runs a case.
pub async fn converse(case: &Value, base: &str) -> Outcome {
    let name = case["history"]["model"].as_str().unwrap_or("quirk-model");
    let model = model(case, base, name);
    let own = model.info().id.clone();
    let mut outcome = Outcome::default();
    let given: Vec<Value> = match &case["history"] {
        Value::Object(h) if h.contains_key("requests") => h["requests"].as_array().unwrap().clone(),
        Value::Object(h) => vec![Value::Object(h.clone())],
        _ => {
            let words = json!({"messages": [{"role": "user", "text": "Weather in Oslo?"}]});
            vec![words]
        }
    };
    for given in given {
        let request = history(case, &given, &own);
        talk(&*model, request, &mut outcome).await;
    }
    outcome
}

async fn talk(model: &dyn ChatModel, mut request: Request, outcome: &mut Outcome) {
    for _ in 0..4 {
        let parts = match ask(model, &request, outcome).await {
            Ok(parts) => parts,
            Err(error) => {
                outcome.error = Some(error);
                return;
            }
        };
        if !parts.iter().any(|p| matches!(p, Part::Tool(_))) {
            return;
        }
        request.messages.push(message(Role::Assistant, parts, Some(model.info().id.clone())));
    }
}

/// One answer; a failure before its first word is tried again as it says, without the wait.
async fn ask(model: &dyn ChatModel, request: &Request, outcome: &mut Outcome) -> Result<Vec<Part>, Error> {
    let mut tries = 0;
    loop {
        tries += 1;
        let mut answer = match model.ask(request).await {
            Ok(answer) => answer,
            Err(error) if error.retry() != Retry::Never && tries < 4 => continue,
            Err(error) => return Err(error),
        };
        let mut begun = false;
        let mut parts: Vec<Part> = Vec::new();
        outcome.text.clear();
        let failed = loop {
            match answer.next().await {
                Some(Ok(event)) => {
                    begun |= !matches!(event, ModelEvent::Usage(_));
                    if hear(event, &mut parts, outcome) {
                        return Ok(parts);
                    }
                }
                Some(Err(error)) => break error,
                None => panic!("an answer without an end"),
            }
        };
        if begun || failed.retry() == Retry::Never || tries >= 4 {
            return Err(failed);
        }
    }
}

/// Takes an event; `true` at the end.
fn hear(event: ModelEvent, parts: &mut Vec<Part>, outcome: &mut Outcome) -> bool {
    match event {
        ModelEvent::Text(words) => {
            outcome.text.push_str(&words);
            match parts.last_mut() {
                Some(Part::Text { text, .. }) => text.push_str(&words),
                _ => parts.push(Part::text(words)),
            }
        }
        ModelEvent::Reasoning(words) => {
            outcome.reasoning.push_str(&words);
            match parts.last_mut() {
                Some(Part::Reasoning { text, signature: None, redacted: None }) => text.push_str(&words),
                _ => parts.push(Part::Reasoning { text: words, signature: None, redacted: None }),
            }
        }
        ModelEvent::ReasoningEnd { signature: s, redacted: r } => match parts.last_mut() {
            Some(Part::Reasoning { signature, redacted, .. }) if signature.is_none() => {
                (*signature, *redacted) = (s, r);
            }
            _ => parts.push(Part::Reasoning { text: String::new(), signature: s, redacted: r }),
        },
        ModelEvent::Call(call) => {
            assert!(call.whole, "a call that was cut");
            outcome.calls.push((call.tool.clone(), call.input.clone()));
            parts.push(Part::Tool(ToolUse {
                call: call.id.as_str().into(),
                tool: call.tool,
                input: call.input,
                result: ToolResult::success("done"),
                blob: None,
                extra: call.extra,
            }));
        }
        ModelEvent::Usage(usage) => outcome.usage = usage,
        ModelEvent::Stop(reason) => {
            outcome.window = reason == StopReason::Window;
            return true;
        }
    }
    false
}

//! Asks a model and keeps what comes of it; a conversation goes on from there.
use duyetbot_core::{
    Approval, ChatModel, Code, Error, ErrorKind, ModelEvent, Part, Request, Retry, Role, ToolResult,
    ToolSpec, ToolUse,
};
use duyetbot_fetch::Client;
use duyetbot_models::{AnthropicModel, Endpoint, OpenAiModel};
use futures::StreamExt;
use serde_json::json;
use std::sync::Arc;

use crate::message::message;

/// The key that all tests use: it must stand in no error.
pub const KEY: &str = "the-key-of-this-test-0123456789";

/// A wire format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Anthropic,
    OpenAi,
}

pub const FORMATS: [Format; 2] = [Format::Anthropic, Format::OpenAi];

impl Format {
    /// A client of this format, of a model whose price is known, at this address without `/v1`.
    pub fn model(self, base: &str) -> Arc<dyn ChatModel> {
        let (client, key) = (Client::default(), Some(KEY.to_owned()));
        match self {
            Format::Anthropic => {
                let endpoint = Endpoint::anthropic(client, Some(base.to_owned()), key);
                Arc::new(AnthropicModel::new(endpoint, "claude-sonnet-4-5"))
            }
            Format::OpenAi => {
                let endpoint = Endpoint::openai(client, Some(format!("{base}/v1")), key);
                Arc::new(OpenAiModel::new(endpoint, "gpt-5"))
            }
        }
    }
}

/// What came of asking.
#[derive(Debug, Default)]
pub struct Heard {
    pub events: Vec<ModelEvent>,
    pub error: Option<Error>,
}

impl Heard {
    pub fn text(&self) -> String {
        let words =
            |event: &ModelEvent| if let ModelEvent::Text(words) = event { Some(words.clone()) } else { None };
        self.events.iter().filter_map(words).collect()
    }
    pub fn told(&self) -> Told {
        Told::of(self.error.as_ref().unwrap_or_else(|| panic!("no error came, but {:?}", self.events)))
    }
}

/// All of an error that a run and a person see.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    pub kind: ErrorKind,
    pub code: Code,
    pub retry: Retry,
    pub message: String,
}

impl Told {
    pub fn of(error: &Error) -> Self {
        for told in [format!("{error}"), format!("{error:?}"), format!("{error:#?}")] {
            assert!(!told.contains(KEY), "the key stands in {told}");
        }
        Told {
            kind: error.kind(),
            code: error.code().unwrap(),
            retry: error.retry(),
            message: error.message().to_owned(),
        }
    }
}

/// Asks once, without any second try, to the end.
pub async fn ask(model: &dyn ChatModel, request: &Request) -> Heard {
    let mut answer = match model.ask(request).await {
        Ok(answer) => answer,
        Err(error) => return Heard { error: Some(error), ..Heard::default() },
    };
    let mut heard = Heard::default();
    while let Some(event) = answer.next().await {
        assert!(heard.error.is_none(), "something came after {:?}", heard.error);
        match event {
            Ok(event) => heard.events.push(event),
            Err(error) => heard.error = Some(error),
        }
    }
    let stopped = matches!(heard.events.last(), Some(ModelEvent::Stop(_)));
    assert!(stopped != heard.error.is_some(), "neither or both of a stop and an error: {heard:?}");
    heard
}

/// A request of these words alone.
pub fn request(words: &str) -> Request {
    Request { messages: vec![message(Role::User, vec![Part::text(words)], None)], ..Request::default() }
}

/// The tool that the scripted model calls.
pub fn weather() -> ToolSpec {
    ToolSpec {
        name: "get_weather".to_owned(),
        description: "The weather of a city.".to_owned(),
        input: json!({
            "type": "object",
            "properties": { "city": { "type": "string" }, "unit": { "type": "string" } },
            "required": ["city"],
        }),
        approval: Approval::Free,
    }
}

/// A conversation: each turn goes on from those before, whichever model answers.
pub struct Talk {
    pub request: Request,
}

impl Talk {
    pub fn new() -> Self {
        let system = "You answer questions on the weather.".to_owned();
        Talk { request: Request { system, tools: [weather()].into(), ..Request::default() } }
    }

    /// A person says this; the model answers until it calls no tool. Each call's result is its own city, and sunny.
    pub async fn turn(&mut self, model: &dyn ChatModel, words: &str) -> Vec<Heard> {
        self.say(vec![Part::text(words)]);
        let mut all = Vec::new();
        loop {
            let heard = ask(model, &self.request).await;
            let parts = parts(&heard.events);
            let calls = parts.iter().any(|part| matches!(part, Part::Tool(_)));
            self.request.messages.push(message(Role::Assistant, parts, Some(model.info().id.clone())));
            all.push(heard);
            if !calls {
                return all;
            }
        }
    }

    pub fn say(&mut self, parts: Vec<Part>) {
        self.request.messages.push(message(Role::User, parts, None));
    }
}

/// The events as the parts of a message.
pub fn parts(events: &[ModelEvent]) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for event in events {
        match (event.clone(), parts.last_mut()) {
            (ModelEvent::Text(words), Some(Part::Text { text, .. }))
            | (ModelEvent::Reasoning(words), Some(Part::Reasoning { text, .. })) => text.push_str(&words),
            (ModelEvent::Text(words), _) => parts.push(Part::text(words)),
            (ModelEvent::Reasoning(text), _) => {
                parts.push(Part::Reasoning { text, signature: None, redacted: None })
            }
            (ModelEvent::ReasoningEnd { signature: proof, .. }, Some(Part::Reasoning { signature, .. })) => {
                *signature = proof;
            }
            (ModelEvent::Call(call), _) => parts.push(Part::Tool(ToolUse {
                call: call.id.as_str().into(),
                result: ToolResult::success(format!("sunny: {}", call.input)),
                tool: call.tool,
                input: call.input,
                blob: None,
                extra: call.extra,
            })),
            (ModelEvent::ReasoningEnd { .. } | ModelEvent::Usage(_) | ModelEvent::Stop(_), _) => {}
        }
    }
    parts
}

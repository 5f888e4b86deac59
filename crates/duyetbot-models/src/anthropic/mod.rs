//! Anthropic's Messages API.
mod body;
mod parse;

use async_trait::async_trait;
use duyetbot_core::{
    Answer, ChatModel, Code, Error, ErrorKind, ModelEvent, ModelInfo, Request, Result, StopReason,
};
use futures::{StreamExt, stream, stream::BoxStream};
use serde_json::{Value, json};

use crate::{
    endpoint::Endpoint,
    family::{self, size_of},
    history::tool_names,
    names::ToolNames,
    sse::{self, SseEvent},
};
use body::body;
use parse::{Parsed, Parser};

/// Characters that a tool's name may have.
const LONGEST_NAME: usize = 128;
/// Times that a turn which the server paused is taken up again.
const PAUSES: u32 = 5;

/// A model behind the Messages API.
pub struct AnthropicModel {
    endpoint: Endpoint,
    name: String,
    info: ModelInfo,
    thinking: Option<u32>,
}

impl AnthropicModel {
    /// The model of this name.
    pub fn new(endpoint: Endpoint, name: &str) -> Self {
        let size = size_of(name).unwrap_or(family::Size { window: 200_000, answer: 8_192 });
        let info = ModelInfo {
            id: format!("anthropic/{name}"),
            window: size.window,
            max_output: size.answer,
            images: true,
            memory_only: false,
        };
        AnthropicModel { endpoint, name: name.to_owned(), info, thinking: None }
    }
    /// Lets the model reason, with so many tokens.
    #[must_use]
    pub fn with_thinking(mut self, tokens: Option<u32>) -> Self {
        self.thinking = tokens.filter(|n| *n >= 1024);
        self
    }
}

/// What an answer is read with, also when it is taken up again after a pause.
struct Reading {
    endpoint: Endpoint,
    model: String,
    body: Value,
    names: ToolNames,
    answer_tool: Option<String>,
    parser: Parser,
    events: BoxStream<'static, Result<SseEvent>>,
    pauses: u32,
}

#[async_trait]
impl ChatModel for AnthropicModel {
    fn info(&self) -> &ModelInfo {
        &self.info
    }

    async fn ask(&self, request: &Request) -> Result<Answer> {
        let names = tool_names(request, LONGEST_NAME);
        let answer_tool = request.schema.as_ref().map(|schema| names.free(&schema.name, LONGEST_NAME));
        let settings = body::Settings {
            name: &self.name,
            info: &self.info,
            thinking: self.thinking,
            names: &names,
            answer_tool: answer_tool.as_deref(),
        };
        let body = body(request, &settings);
        let stream = self.endpoint.post("/v1/messages", &body).await?;
        let reading = Reading {
            endpoint: self.endpoint.clone(),
            model: self.name.clone(),
            body,
            names,
            answer_tool,
            parser: Parser::default(),
            events: sse::events(stream, sse::LARGEST_EVENT),
            pauses: 0,
        };
        let answer = stream::unfold(Some(reading), |state| async move {
            let mut reading = state?;
            let (events, next): (Vec<Result<ModelEvent>>, _) = match reading.more().await {
                Ok((events, more)) => (events.into_iter().map(Ok).collect(), more.then_some(reading)),
                Err(error) => (vec![Err(error)], None),
            };
            Some((stream::iter(events), next))
        });
        Ok(answer.flatten().boxed())
    }
}

impl Reading {
    /// The next events; `false` where the answer is over.
    async fn more(&mut self) -> Result<(Vec<ModelEvent>, bool)> {
        let parsed = match self.events.next().await {
            Some(event) => self.parser.event(&self.endpoint, &event?)?,
            None => self.parser.end()?,
        };
        let mut out = Vec::new();
        for piece in parsed {
            match piece {
                Parsed::Event(ModelEvent::Call(mut call)) => {
                    if self.answer_tool.as_deref() == Some(call.tool.as_str()) {
                        out.push(ModelEvent::Text(call.input));
                    } else {
                        call.tool = self.names.ours(&call.tool);
                        out.push(ModelEvent::Call(call));
                    }
                }
                Parsed::Event(event) => out.push(event),
                Parsed::Paused(content) => {
                    self.take_up(content).await?;
                    return Ok((out, true));
                }
                Parsed::Stop(mut usage, reason) => {
                    usage.cost = family::price_of(&self.model).map(|price| family::cost(price, &usage));
                    out.push(ModelEvent::Usage(usage));
                    out.push(ModelEvent::Stop(reason));
                    return Ok((out, false));
                }
            }
        }
        Ok((out, true))
    }

    /// The server paused a long turn with its own tools: it goes on from what it sent.
    async fn take_up(&mut self, content: Vec<Value>) -> Result<()> {
        self.pauses += 1;
        if self.pauses > PAUSES {
            return Err(Error::new(
                ErrorKind::Unavailable,
                format!("{} paused the answer {PAUSES} times; ask for less at once", self.endpoint.host()),
            )
            .with_code(Code::Protocol));
        }
        if let Some(messages) = self.body["messages"].as_array_mut() {
            messages.push(json!({ "role": "assistant", "content": content }));
        }
        let stream = self.endpoint.post("/v1/messages", &self.body).await?;
        self.parser.again();
        self.events = sse::events(stream, sse::LARGEST_EVENT);
        Ok(())
    }
}

/// The provider's word for why it stopped.
fn stop_reason(word: &str) -> StopReason {
    match word {
        "end_turn" | "tool_use" | "stop_sequence" => StopReason::End,
        "max_tokens" => StopReason::MaxTokens,
        "model_context_window_exceeded" => StopReason::Window,
        "refusal" => StopReason::Refusal,
        other => StopReason::Other(other.to_owned()),
    }
}

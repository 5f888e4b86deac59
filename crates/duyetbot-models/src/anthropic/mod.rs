//! Anthropic's Messages API.
mod body;
mod parse;

use async_trait::async_trait;
use bytes::Bytes;
use duyetbot_core::{
    Answer, ChatModel, Code, Error, ErrorKind, ModelEvent, ModelInfo, Request, Result, StopReason,
};
use duyetbot_fetch::{ByteStream, LARGEST_EVENT, SseEvent, events};
use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use serde_json::{Value, json};

use crate::{
    endpoint::Endpoint,
    family::{self, size_of},
    history::tool_names,
    json::bytes_of,
    names::ToolNames,
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
        let body = bytes_of(&body(request, &settings))?;
        let stream = self.endpoint.post("/v1/messages", body.clone()).await?;
        let asked =
            Asked { endpoint: self.endpoint.clone(), model: self.name.clone(), body, names, answer_tool };
        Ok(answer(asked, stream))
    }
}

/// What was asked: an answer is read by it, and taken up again after a pause.
pub(crate) struct Asked {
    pub(crate) endpoint: Endpoint,
    pub(crate) model: String,
    /// JSON, as it was sent: a tree of it is several times as large, and there is one for every answer that goes on.
    pub(crate) body: Bytes,
    pub(crate) names: ToolNames,
    pub(crate) answer_tool: Option<String>,
}

/// Reads an answer out of the body that carries it.
pub(crate) fn answer(asked: Asked, body: ByteStream) -> Answer {
    let events = events(body, LARGEST_EVENT);
    let reading = Reading { asked, parser: Parser::default(), events, pauses: 0 };
    let answer = stream::unfold(Some(reading), |state| async move {
        let mut reading = state?;
        let (events, next): (Vec<Result<ModelEvent>>, _) = match reading.more().await {
            Ok((events, more)) => (events.into_iter().map(Ok).collect(), more.then_some(reading)),
            Err(error) => (vec![Err(error)], None),
        };
        Some((stream::iter(events), next))
    });
    answer.flatten().boxed()
}

/// An answer that is being read.
struct Reading {
    asked: Asked,
    parser: Parser,
    events: BoxStream<'static, Result<SseEvent>>,
    pauses: u32,
}

impl Reading {
    /// The next events; `false` where the answer is over.
    async fn more(&mut self) -> Result<(Vec<ModelEvent>, bool)> {
        let parsed = match self.events.next().await {
            Some(event) => self.parser.event(&self.asked.endpoint, &event?)?,
            None => self.parser.end()?,
        };
        let mut out = Vec::new();
        for piece in parsed {
            match piece {
                Parsed::Event(ModelEvent::Call(mut call)) => {
                    if self.asked.answer_tool.as_deref() == Some(call.tool.as_str()) {
                        out.push(ModelEvent::Text(call.input));
                    } else {
                        call.tool = self.asked.names.ours(&call.tool);
                        out.push(ModelEvent::Call(call));
                    }
                }
                Parsed::Event(ModelEvent::Usage(mut usage)) => {
                    usage.cost = family::price_of(&self.asked.model).map(|price| family::cost(price, &usage));
                    out.push(ModelEvent::Usage(usage));
                }
                Parsed::Event(stop @ ModelEvent::Stop(_)) => {
                    out.push(stop);
                    return Ok((out, false));
                }
                Parsed::Event(event) => out.push(event),
                Parsed::Paused(content) => {
                    self.take_up(content).await?;
                    return Ok((out, true));
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
                format!(
                    "{} paused the answer {PAUSES} times; ask for less at once",
                    self.asked.endpoint.host()
                ),
            )
            .with_code(Code::Protocol));
        }
        let mut body: Value = serde_json::from_slice(&self.asked.body).map_err(Error::internal)?;
        if let Some(messages) = body["messages"].as_array_mut() {
            messages.push(json!({ "role": "assistant", "content": content }));
        }
        self.asked.body = bytes_of(&body)?;
        let stream = self.asked.endpoint.post("/v1/messages", self.asked.body.clone()).await?;
        self.parser.again();
        self.events = events(stream, LARGEST_EVENT);
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

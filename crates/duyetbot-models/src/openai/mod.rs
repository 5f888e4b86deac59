//! OpenAI's chat completions, and every server that speaks them.
mod body;
mod calls;
mod dialect;
mod parse;
mod think;

pub use dialect::{Dialect, Echo};

use async_trait::async_trait;
use duyetbot_core::{Answer, ChatModel, Code, Error, ModelEvent, ModelInfo, Request, Result};
use duyetbot_fetch::{ByteStream, LARGEST_EVENT, SseEvent, events};
use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

use crate::{
    endpoint::Endpoint,
    family::{self, Price, size_of},
    history::tool_names,
    json::bytes_of,
    names::ToolNames,
};
use body::{Settings, body};
use dialect::Field;
use parse::Parser;

/// A model behind chat completions.
pub struct OpenAiModel {
    endpoint: Endpoint,
    name: String,
    info: ModelInfo,
    dialect: Dialect,
    /// Fields that this server refused: left out from then on.
    refused: Mutex<BTreeSet<Field>>,
}

impl OpenAiModel {
    /// The model of this name, in the dialect of its server's address.
    pub fn new(endpoint: Endpoint, name: &str) -> Self {
        let dialect = Dialect::of(&endpoint.host(), name);
        OpenAiModel::with_dialect(endpoint, name, dialect)
    }

    /// The model of this name in this dialect.
    pub fn with_dialect(endpoint: Endpoint, name: &str, dialect: Dialect) -> Self {
        let size = size_of(name).unwrap_or(family::Size { window: dialect.window, answer: 4_096 });
        let info = ModelInfo {
            id: format!("openai/{name}"),
            window: size.window,
            max_output: size.answer,
            images: true,
            memory_only: false,
        };
        OpenAiModel { endpoint, name: name.to_owned(), info, dialect, refused: Mutex::default() }
    }

    fn refused(&self) -> BTreeSet<Field> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sends a request. Where the server refuses a field that can be left out, it is asked once more without it.
    async fn send(&self, request: &Request, settings: &Settings<'_>) -> Result<ByteStream> {
        for _ in 0..Field::ALL.len() {
            let refused = self.refused();
            let body = body(request, settings, &refused);
            let error = match self.endpoint.post("/chat/completions", bytes_of(&body)?).await {
                Ok(stream) => return Ok(stream),
                Err(error) => error,
            };
            let field = Field::ALL.into_iter().find(|f| {
                error.is(Code::RequestRefused)
                    && !refused.contains(f)
                    && f.stands_in(&body)
                    && f.is_named(error.message())
            });
            let Some(field) = field else { return Err(error) };
            self.refused.lock().unwrap_or_else(PoisonError::into_inner).insert(field);
        }
        Err(Error::new(duyetbot_core::ErrorKind::Invalid, "the server refused every form of the request")
            .with_code(Code::RequestRefused))
    }
}

#[async_trait]
impl ChatModel for OpenAiModel {
    fn info(&self) -> &ModelInfo {
        &self.info
    }

    async fn ask(&self, request: &Request) -> Result<Answer> {
        let names = tool_names(request, self.dialect.longest_name);
        let settings = Settings { name: &self.name, info: &self.info, dialect: &self.dialect, names: &names };
        let body = self.send(request, &settings).await?;
        Ok(answer(self.endpoint.clone(), family::price_of(&self.name), names, body))
    }
}

/// Reads an answer out of the body that carries it.
pub(crate) fn answer(endpoint: Endpoint, price: Option<Price>, names: ToolNames, body: ByteStream) -> Answer {
    let events = events(body, LARGEST_EVENT).map(Some).chain(stream::iter([None])).boxed();
    let reading = Reading { endpoint, price, names, parser: Parser::default(), events };
    let answer = stream::unfold(Some(reading), |state| async move {
        let mut reading = state?;
        let parsed = match reading.events.next().await? {
            Some(Ok(event)) => reading.parser.event(&reading.endpoint, &event),
            Some(Err(error)) => Err(error),
            None => reading.parser.end(),
        };
        let (events, over) = match parsed {
            Ok(events) => {
                let over = events.iter().any(|event| matches!(event, ModelEvent::Stop(_)));
                (events.into_iter().map(|event| Ok(reading.finished(event))).collect(), over)
            }
            Err(error) => (vec![Err(error)], true),
        };
        Some((stream::iter(events), (!over).then_some(reading)))
    });
    answer.flatten().boxed()
}

/// What an answer is read with.
struct Reading {
    endpoint: Endpoint,
    price: Option<Price>,
    names: ToolNames,
    parser: Parser,
    events: BoxStream<'static, Option<Result<SseEvent>>>,
}

impl Reading {
    /// An event with our names and its price.
    fn finished(&self, mut event: ModelEvent) -> ModelEvent {
        match &mut event {
            ModelEvent::Call(call) => call.tool = self.names.ours(&call.tool),
            ModelEvent::Usage(usage) => {
                usage.cost = usage.cost.or(self.price.map(|price| family::cost(price, usage)));
            }
            _ => {}
        }
        event
    }
}

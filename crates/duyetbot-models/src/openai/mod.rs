//! OpenAI's chat completions, and every server that speaks them.
mod body;
mod calls;
mod dialect;
mod parse;
mod think;

pub use dialect::{Dialect, Echo};

use async_trait::async_trait;
use duyetbot_core::{Answer, ChatModel, Code, Error, ModelEvent, ModelInfo, Request, Result};
use duyetbot_fetch::ByteStream;
use futures::{StreamExt, stream};
use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

use crate::{
    endpoint::Endpoint,
    family::{self, size_of},
    history::tool_names,
    sse,
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
            let error = match self.endpoint.post("/chat/completions", &body).await {
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
        let stream = self.send(request, &settings).await?;
        let events = sse::events(stream, sse::LARGEST_EVENT).map(Some).chain(stream::iter([None]));
        let endpoint = self.endpoint.clone();
        let price = family::price_of(&self.name);
        let state = (events.boxed(), Parser::default(), false);
        let answer = stream::unfold(state, move |(mut events, mut parser, over)| {
            let (endpoint, names) = (endpoint.clone(), names.clone());
            async move {
                if over {
                    return None;
                }
                let parsed = match events.next().await? {
                    Some(Ok(event)) => parser.event(&endpoint, &event),
                    Some(Err(error)) => Err(error),
                    None => parser.end(),
                };
                let mut over = false;
                let out: Vec<Result<ModelEvent>> = match parsed {
                    Ok(events) => events
                        .into_iter()
                        .map(|mut event| {
                            match &mut event {
                                ModelEvent::Call(call) => call.tool = names.ours(&call.tool),
                                ModelEvent::Usage(usage) => {
                                    usage.cost = usage.cost.or(price.map(|p| family::cost(p, usage)));
                                }
                                ModelEvent::Stop(_) => over = true,
                                _ => {}
                            }
                            Ok(event)
                        })
                        .collect(),
                    Err(error) => {
                        over = true;
                        vec![Err(error)]
                    }
                };
                Some((stream::iter(out), (events, parser, over)))
            }
        });
        Ok(answer.flatten().boxed())
    }
}

//! A model that says what it was told to, answer by answer.
use async_trait::async_trait;
use duyetbot_core::{
    Answer, ChatModel, Error, ModelCall, ModelEvent, ModelInfo, Request, Result, StopReason, Usage,
};
use futures::{StreamExt, stream};
use std::{
    collections::VecDeque,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// A piece of a scripted answer.
#[derive(Clone, Debug)]
pub enum Scripted {
    /// An event.
    Event(ModelEvent),
    /// A failure.
    Fails(Error),
    /// Nothing more comes, and the answer does not end.
    Silence,
    /// The answer ends here, without a stop.
    Cut,
}

impl Scripted {
    /// Words.
    pub fn text(words: &str) -> Self {
        Scripted::Event(ModelEvent::Text(words.to_owned()))
    }
    /// A call; its id is made up.
    pub fn call(tool: &str, input: &str) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Scripted::Event(ModelEvent::Call(ModelCall {
            id: format!("call_{}", NEXT.fetch_add(1, Ordering::Relaxed)),
            tool: tool.to_owned(),
            input: input.to_owned(),
            whole: true,
            extra: None,
        }))
    }
}

/// A model with a script: each request gets the next answer, and stops where the answer does not say otherwise. When the
/// script is over it answers "ok". It keeps the requests.
pub struct ScriptedModel {
    info: ModelInfo,
    answers: Mutex<VecDeque<Vec<Scripted>>>,
    requests: Mutex<Vec<Request>>,
}

impl ScriptedModel {
    /// A model that gives these answers.
    pub fn new(answers: impl IntoIterator<Item = Vec<Scripted>>) -> Self {
        ScriptedModel {
            info: ModelInfo {
                id: "scripted/model".to_owned(),
                window: 100_000,
                max_output: 4_000,
                images: true,
                memory_only: false,
            },
            answers: Mutex::new(answers.into_iter().collect()),
            requests: Mutex::default(),
        }
    }
    /// The same with another window.
    #[must_use]
    pub fn with_window(mut self, tokens: u32) -> Self {
        self.info.window = tokens;
        self
    }
    /// What it was asked.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl ChatModel for ScriptedModel {
    fn info(&self) -> &ModelInfo {
        &self.info
    }

    async fn ask(&self, request: &Request) -> Result<Answer> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
        let next = self.answers.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let script = next.unwrap_or_else(|| vec![Scripted::text("ok")]);
        let ends = !script.iter().any(|s| !matches!(s, Scripted::Event(_)))
            && !script.iter().any(|s| matches!(s, Scripted::Event(ModelEvent::Stop(_))));
        let silent = script.iter().any(|s| matches!(s, Scripted::Silence));
        let mut events: Vec<Result<ModelEvent>> = script
            .into_iter()
            .filter_map(|s| match s {
                Scripted::Event(event) => Some(Ok(event)),
                Scripted::Fails(error) => Some(Err(error)),
                Scripted::Silence | Scripted::Cut => None,
            })
            .collect();
        if ends {
            events.push(Ok(ModelEvent::Usage(Usage { input: 10, output: 5, ..Usage::default() })));
            events.push(Ok(ModelEvent::Stop(StopReason::End)));
        }
        let events = stream::iter(events);
        Ok(if silent { events.chain(stream::pending()).boxed() } else { events.boxed() })
    }
}

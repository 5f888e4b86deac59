//! A model that speaks when the test says so, and tells what it was asked.
use async_trait::async_trait;
use duyetbot_core::{
    Answer, ChatModel, ModelCall, ModelEvent, ModelInfo, Models, OneModel, Request, Result, StopReason, Usage,
};
use futures::{StreamExt, stream};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};
use tokio::sync::{mpsc, watch};

type Heard = mpsc::UnboundedReceiver<ModelEvent>;

/// Holds the answers that are to come.
pub struct Puppet {
    info: ModelInfo,
    answers: Mutex<VecDeque<Heard>>,
    pub requests: Mutex<Vec<Request>>,
    /// How many answers are being read.
    open: Arc<watch::Sender<usize>>,
}

/// One answer, piece by piece.
pub struct Mouth(mpsc::UnboundedSender<ModelEvent>);

impl Mouth {
    pub fn say(&self, words: &str) {
        self.send(ModelEvent::Text(words.to_owned()));
    }
    pub fn think(&self, words: &str) {
        self.send(ModelEvent::Reasoning(words.to_owned()));
    }
    pub fn call(&self, id: &str, tool: &str, input: &str) {
        let (id, tool, input) = (id.to_owned(), tool.to_owned(), input.to_owned());
        self.send(ModelEvent::Call(ModelCall { id, tool, input, whole: true, extra: None }));
    }
    pub fn end(self) {
        self.send(ModelEvent::Usage(Usage { input: 10, output: 5, ..Usage::default() }));
        self.send(ModelEvent::Stop(StopReason::End));
    }
    fn send(&self, event: ModelEvent) {
        // Nobody hears where the run was stopped.
        let _ = self.0.send(event);
    }
}

impl Puppet {
    pub fn new() -> Arc<Self> {
        let info = ModelInfo {
            id: "puppet/one".to_owned(),
            window: 100_000,
            max_output: 4_000,
            images: true,
            memory_only: false,
        };
        Arc::new(Puppet {
            info,
            answers: Mutex::default(),
            requests: Mutex::default(),
            open: Arc::new(watch::Sender::new(0)),
        })
    }
    /// One answer more, to be given after those that were prepared before.
    #[expect(clippy::disallowed_methods, reason = "a script is as long as the test makes it")]
    pub fn answer(&self) -> Mouth {
        let (say, heard) = mpsc::unbounded_channel();
        self.answers.lock().unwrap().push_back(heard);
        Mouth(say)
    }
    pub fn asked(&self) -> usize {
        self.requests.lock().unwrap().len()
    }
    /// Waits until nobody reads an answer any more.
    pub async fn silent(&self) {
        let mut open = self.open.subscribe();
        open.wait_for(|open| *open == 0).await.unwrap();
    }
}

struct Reading(Arc<watch::Sender<usize>>);

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.send_modify(|open| *open -= 1);
    }
}

#[async_trait]
impl ChatModel for Puppet {
    fn info(&self) -> &ModelInfo {
        &self.info
    }
    async fn ask(&self, request: &Request) -> Result<Answer> {
        self.requests.lock().unwrap().push(request.clone());
        let heard = self.answers.lock().unwrap().pop_front();
        let Some(heard) = heard else {
            let usage = Usage { input: 10, output: 5, ..Usage::default() };
            let events =
                [ModelEvent::Text("ok".into()), ModelEvent::Usage(usage), ModelEvent::Stop(StopReason::End)];
            return Ok(stream::iter(events.map(Ok)).boxed());
        };
        self.open.send_modify(|open| *open += 1);
        let reading = Reading(self.open.clone());
        Ok(stream::unfold((heard, reading), |(mut heard, reading)| async move {
            let event = heard.recv().await?;
            Some((Ok(event), (heard, reading)))
        })
        .boxed())
    }
}

/// Finds the puppet, once the door is open: whoever begins a run waits so long.
pub struct Gate {
    pub puppet: Arc<Puppet>,
    pub open: watch::Receiver<bool>,
}

#[async_trait]
impl Models for Gate {
    async fn model(&self, name: Option<&str>) -> Result<Arc<dyn ChatModel>> {
        self.open.clone().wait_for(|open| *open).await.unwrap();
        OneModel(self.puppet.clone()).model(name).await
    }
}

//! A model that speaks when the test says so.
use async_trait::async_trait;
use duyetbot_core::{
    Answer, ChatModel, ModelCall, ModelEvent, ModelInfo, Request, Result, StopReason, Usage,
};
use futures::{StreamExt, stream};
use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::sync::mpsc;

/// Pieces of one answer that wait to be said.
const PIECES: usize = 256;

/// Holds the answers that are to come; says "ok" where there is none.
pub struct Puppet {
    info: ModelInfo,
    answers: Mutex<VecDeque<mpsc::Receiver<ModelEvent>>>,
    asked: AtomicUsize,
}

/// One answer, piece by piece.
pub struct Mouth(mpsc::Sender<ModelEvent>);

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
        let _ = self.0.try_send(event);
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
        Arc::new(Puppet { info, answers: Mutex::default(), asked: AtomicUsize::new(0) })
    }
    /// One answer more, to be given after those that were prepared before.
    pub fn answer(&self) -> Mouth {
        let (say, heard) = mpsc::channel(PIECES);
        self.answers.lock().unwrap().push_back(heard);
        Mouth(say)
    }
    /// How often it was asked.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl ChatModel for Puppet {
    fn info(&self) -> &ModelInfo {
        &self.info
    }
    async fn ask(&self, _request: &Request) -> Result<Answer> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let heard = self.answers.lock().unwrap().pop_front();
        let Some(heard) = heard else {
            let usage = Usage { input: 10, output: 5, ..Usage::default() };
            let events =
                [ModelEvent::Text("ok".into()), ModelEvent::Usage(usage), ModelEvent::Stop(StopReason::End)];
            return Ok(stream::iter(events.map(Ok)).boxed());
        };
        Ok(stream::unfold(heard, |mut heard| async move { Some((Ok(heard.recv().await?), heard)) }).boxed())
    }
}

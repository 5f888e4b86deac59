//! A model whose words a test says one by one, when it wants them said.
use async_trait::async_trait;
use duyetbot_core::{
    Answer, ChatModel, ModelCall, ModelEvent, ModelInfo, Request, Result, StopReason, Usage,
};
use futures::{StreamExt, channel::mpsc, stream};
use std::{
    collections::VecDeque,
    future::poll_fn,
    sync::{Arc, Mutex},
    task::{Poll, Waker},
};

/// Gives the answers that a test prepared, in their order, while the test says them; without one it says "ok".
///
/// ```
/// # futures::executor::block_on(async {
/// use duyetbot_core::{ChatModel, ModelEvent, Request};
/// use duyetbot_testkit::SpokenModel;
/// use futures::StreamExt;
///
/// let model = SpokenModel::new();
/// let voice = model.answer();
/// let mut heard = model.ask(&Request::default()).await.unwrap();
/// voice.say("Hello");
/// assert_eq!(heard.next().await.unwrap().unwrap(), ModelEvent::Text("Hello".into()));
/// # });
/// ```
pub struct SpokenModel {
    info: ModelInfo,
    answers: Mutex<VecDeque<mpsc::UnboundedReceiver<ModelEvent>>>,
    requests: Mutex<Vec<Request>>,
    readers: Arc<Mutex<Readers>>,
}

/// Who reads an answer, and who waits until nobody does.
#[derive(Default)]
struct Readers {
    count: usize,
    waiting: Vec<Waker>,
}

/// Says one answer, piece by piece.
pub struct Voice(mpsc::UnboundedSender<ModelEvent>);

impl Voice {
    /// Says these words.
    pub fn say(&self, words: &str) {
        self.send(ModelEvent::Text(words.to_owned()));
    }
    /// Thinks these words.
    pub fn think(&self, words: &str) {
        self.send(ModelEvent::Reasoning(words.to_owned()));
    }
    /// Calls a tool.
    pub fn call(&self, id: &str, tool: &str, input: &str) {
        let (id, tool, input) = (id.to_owned(), tool.to_owned(), input.to_owned());
        self.send(ModelEvent::Call(ModelCall { id, tool, input, whole: true, extra: None }));
    }
    /// Says what the answer has used.
    pub fn uses(&self, usage: Usage) {
        self.send(ModelEvent::Usage(usage));
    }
    /// Ends the answer.
    pub fn end(self) {
        ending().into_iter().for_each(|event| self.send(event));
    }
    /// Ends the answer for this reason, and does not say what it has used.
    pub fn stop(self, reason: StopReason) {
        self.send(ModelEvent::Stop(reason));
    }
    fn send(&self, event: ModelEvent) {
        // Nobody hears where the run was stopped.
        let _ = self.0.unbounded_send(event);
    }
}

fn ending() -> [ModelEvent; 2] {
    let usage = Usage { input: 10, output: 5, ..Usage::default() };
    [ModelEvent::Usage(usage), ModelEvent::Stop(StopReason::End)]
}

impl SpokenModel {
    /// One with nothing to say yet.
    pub fn new() -> Arc<Self> {
        let info = ModelInfo {
            id: "spoken/one".to_owned(),
            window: 100_000,
            max_output: 4_000,
            images: true,
            memory_only: false,
        };
        Arc::new(SpokenModel {
            info,
            answers: Mutex::default(),
            requests: Mutex::default(),
            readers: Arc::default(),
        })
    }

    /// One answer more, to be given after those that were prepared before.
    #[expect(clippy::disallowed_methods, reason = "a script is as long as the test makes it")]
    pub fn answer(&self) -> Voice {
        let (say, heard) = mpsc::unbounded();
        self.answers.lock().unwrap().push_back(heard);
        Voice(say)
    }

    /// What it was asked so far.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// Waits until nobody reads an answer any more.
    pub async fn silent(&self) {
        poll_fn(|context| {
            let mut readers = self.readers.lock().unwrap();
            if readers.count == 0 {
                return Poll::Ready(());
            }
            readers.waiting.push(context.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

struct Reading(Arc<Mutex<Readers>>);

impl Reading {
    fn new(readers: &Arc<Mutex<Readers>>) -> Self {
        readers.lock().unwrap().count += 1;
        Reading(readers.clone())
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        let mut readers = self.0.lock().unwrap();
        readers.count -= 1;
        readers.waiting.drain(..).for_each(Waker::wake);
    }
}

#[async_trait]
impl ChatModel for SpokenModel {
    fn info(&self) -> &ModelInfo {
        &self.info
    }
    async fn ask(&self, request: &Request) -> Result<Answer> {
        self.requests.lock().unwrap().push(request.clone());
        let Some(heard) = self.answers.lock().unwrap().pop_front() else {
            let ok = stream::iter([ModelEvent::Text("ok".into())].into_iter().chain(ending()));
            return Ok(ok.map(Ok).boxed());
        };
        let reading = Reading::new(&self.readers);
        Ok(stream::unfold((heard, reading), |(mut heard, reading)| async move {
            let event = heard.next().await?;
            Some((Ok(event), (heard, reading)))
        })
        .boxed())
    }
}

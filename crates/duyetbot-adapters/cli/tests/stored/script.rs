//! A model that gives the answers of a script and keeps what it was asked.
use serde_json::Value;
use std::{
    collections::VecDeque,
    sync::{
        Arc, Condvar, Mutex,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

use crate::model::{Model as Server, PATIENCE, Request};

/// One answer.
pub(crate) enum Answer {
    /// These words, at once.
    Words(String),
    /// These words at once, and the others when the test says so.
    Held(String, Receiver<()>, String),
}

/// Lets an answer that is held go on.
pub(crate) type Release = SyncSender<()>;

/// Words of which the second half comes when the test releases it.
pub(crate) fn held(begin: &str, end: &str) -> (Answer, Release) {
    let (release, released) = sync_channel(1);
    (Answer::Held(begin.to_owned(), released, end.to_owned()), release)
}

#[derive(Default)]
struct Script {
    answers: Mutex<VecDeque<Answer>>,
    requests: Mutex<Vec<Value>>,
    asked: Condvar,
}

/// The server. When its script is over it answers "ok".
pub(crate) struct Model {
    server: Server,
    script: Arc<Script>,
}

impl Model {
    pub(crate) fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        let script =
            Arc::new(Script { answers: Mutex::new(answers.into_iter().collect()), ..Script::default() });
        let served = script.clone();
        let (server, _) = Server::answering(move |_, request| {
            served.requests.lock().unwrap().push(request.body.clone());
            served.asked.notify_all();
            let answer = served.answers.lock().unwrap().pop_front();
            // One that is held holds up no other.
            thread::spawn(|| send(request, answer.unwrap_or_else(|| Answer::Words("ok".to_owned()))));
        });
        Model { server, script }
    }

    /// One that says these words, answer by answer.
    pub(crate) fn saying(answers: &[&str]) -> Self {
        Model::new(answers.iter().map(|words| Answer::Words((*words).to_owned())))
    }

    pub(crate) fn url(&self) -> String {
        self.server.base().to_owned()
    }

    /// Waits until it was asked so many times.
    pub(crate) fn wait_for(&self, times: usize) {
        let requests = self.script.requests.lock().unwrap();
        let few = |requests: &mut Vec<Value>| requests.len() < times;
        let (requests, timeout) = self.script.asked.wait_timeout_while(requests, PATIENCE, few).unwrap();
        assert!(!timeout.timed_out(), "it was asked {} times only", requests.len());
    }

    /// Each request so far: who said what, the instructions left out.
    pub(crate) fn asked(&self) -> Vec<Vec<(String, String)>> {
        let line =
            |message: &Value| (message["role"].as_str().unwrap().to_owned(), words(&message["content"]));
        let request = |body: &Value| {
            let messages = body["messages"].as_array().unwrap().iter().map(line);
            messages.filter(|(role, _)| role != "system" && role != "developer").collect()
        };
        self.script.requests.lock().unwrap().iter().map(request).collect()
    }
}

fn words(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().map(|part| words(&part["text"])).collect(),
        _ => String::new(),
    }
}

fn send(mut request: Request, answer: Answer) {
    match answer {
        Answer::Words(text) => request.answer(&text),
        Answer::Held(begin, released, end) => {
            request.begin();
            request.say(&begin);
            // A test that ended no longer holds anything back.
            let _ = released.recv();
            request.say(&end);
            request.end("stop");
        }
    }
}

//! A model that gives the answers of a script and keeps what it was asked.
#![allow(dead_code, reason = "each test program uses its part of it")]
use serde_json::{Value, json};
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
    /// These words.
    Words(String),
    /// These calls: a tool and its input each.
    Calls(Vec<(String, String)>),
    /// These pieces of the stream as they are, after which the connection is closed.
    Pieces(Vec<Value>),
    /// These words at once, and the rest when the test says so.
    Held(String, Receiver<()>, Box<Answer>),
}

/// Lets an answer that is held go on.
pub(crate) type Release = SyncSender<()>;

pub(crate) fn words(words: &str) -> Answer {
    Answer::Words(words.to_owned())
}

pub(crate) fn call(tool: &str, input: Value) -> Answer {
    calls([(tool, input)])
}

pub(crate) fn calls<'a>(calls: impl IntoIterator<Item = (&'a str, Value)>) -> Answer {
    Answer::Calls(calls.into_iter().map(|(tool, input)| (tool.to_owned(), input.to_string())).collect())
}

/// Words after which the rest comes when the test releases it.
pub(crate) fn held(begin: &str, rest: Answer) -> (Answer, Release) {
    let (release, released) = sync_channel(1);
    (Answer::Held(begin.to_owned(), released, Box::new(rest)), release)
}

/// A piece of an answer.
pub(crate) fn piece(delta: Value, finish: Option<&str>) -> Value {
    json!({ "choices": [{ "index": 0, "delta": delta, "finish_reason": finish }] })
}

/// A piece of a call's arguments.
pub(crate) fn part(index: usize, tool: &str, arguments: &str) -> Value {
    let call = json!({
        "index": index, "id": format!("call_{index}"), "type": "function",
        "function": { "name": tool, "arguments": arguments }
    });
    piece(json!({ "tool_calls": [call] }), None)
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
            thread::spawn(|| send(request, answer.unwrap_or_else(|| words("ok"))));
        });
        Model { server, script }
    }

    /// One that says these words, answer by answer.
    pub(crate) fn saying(answers: &[&str]) -> Self {
        Model::new(answers.iter().map(|text| words(text)))
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

    /// Each request so far.
    pub(crate) fn requests(&self) -> Vec<Value> {
        self.script.requests.lock().unwrap().clone()
    }

    /// The instructions of the n-th request.
    pub(crate) fn instructions(&self, n: usize) -> String {
        let request = self.requests().swap_remove(n);
        let messages = request["messages"].as_array().unwrap().iter();
        messages.filter(|message| is_instruction(message)).map(|m| m["content"].to_string()).collect()
    }

    /// Each request so far: who said what, the instructions left out.
    pub(crate) fn asked(&self) -> Vec<Vec<(String, String)>> {
        let line =
            |message: &Value| (message["role"].as_str().unwrap().to_owned(), text(&message["content"]));
        let request = |body: &Value| {
            let messages = body["messages"].as_array().unwrap().iter();
            messages.filter(|message| !is_instruction(message)).map(line).collect()
        };
        self.requests().iter().map(request).collect()
    }
}

fn is_instruction(message: &Value) -> bool {
    message["role"] == "system" || message["role"] == "developer"
}

fn text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().map(|part| text(&part["text"])).collect(),
        _ => String::new(),
    }
}

fn send(mut request: Request, mut answer: Answer) {
    request.begin();
    while let Answer::Held(begin, released, rest) = answer {
        if !begin.is_empty() {
            request.say(&begin);
        }
        // A test that ended no longer holds anything back.
        let _ = released.recv();
        answer = *rest;
    }
    match answer {
        Answer::Words(text) => {
            request.say(&text);
            request.end("stop");
        }
        Answer::Calls(calls) => {
            for (n, (tool, input)) in calls.iter().enumerate() {
                request.piece(&part(n, tool, input));
            }
            request.end("tool_calls");
        }
        Answer::Pieces(pieces) => pieces.iter().for_each(|piece| request.piece(piece)),
        Answer::Held(..) => unreachable!(),
    }
}

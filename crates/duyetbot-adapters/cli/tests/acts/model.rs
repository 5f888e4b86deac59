//! A server of chat completions whose answers, calls among them, are written before.
use serde_json::{Value, json};
use std::{
    collections::VecDeque,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Condvar, Mutex,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};

/// After this long without what a test waits for, it has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// One answer.
pub(crate) enum Answer {
    /// These words.
    Words(String),
    /// These words, and then these calls: a tool and its input.
    Calls(String, Vec<(String, String)>),
    /// These pieces of the stream as they are, after which the connection is closed.
    Pieces(Vec<Value>),
    /// The answer, once the test lets it go.
    Held(Receiver<()>, Box<Answer>),
}

pub(crate) fn words(words: &str) -> Answer {
    Answer::Words(words.to_owned())
}

pub(crate) fn call(tool: &str, input: Value) -> Answer {
    calls([(tool, input)])
}

pub(crate) fn calls<'a>(calls: impl IntoIterator<Item = (&'a str, Value)>) -> Answer {
    let calls = calls.into_iter().map(|(tool, input)| (tool.to_owned(), input.to_string()));
    Answer::Calls(String::new(), calls.collect())
}

/// An answer that waits until the test sends something.
pub(crate) fn held(answer: Answer) -> (Answer, SyncSender<()>) {
    let (release, released) = sync_channel(1);
    (Answer::Held(released, Box::new(answer)), release)
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
    port: u16,
    script: Arc<Script>,
}

impl Model {
    pub(crate) fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let script =
            Arc::new(Script { answers: Mutex::new(answers.into_iter().collect()), ..Script::default() });
        let served = script.clone();
        // It ends with the test program.
        thread::spawn(move || {
            for connection in listener.incoming() {
                let script = served.clone();
                thread::spawn(move || serve(connection.unwrap(), &script));
            }
        });
        Model { port, script }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/v1", self.port)
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
        let messages = request["messages"].as_array().unwrap();
        let of_system = |m: &&Value| m["role"] == "system" || m["role"] == "developer";
        messages.iter().filter(of_system).map(|m| m["content"].to_string()).collect()
    }
}

fn serve(connection: TcpStream, script: &Script) {
    let mut reader = BufReader::new(connection.try_clone().unwrap());
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        let line = line.trim().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    if reader.read_exact(&mut body).is_err() {
        return;
    }
    script.requests.lock().unwrap().push(serde_json::from_slice(&body).unwrap());
    script.asked.notify_all();
    let answer = script.answers.lock().unwrap().pop_front();
    // Whoever asked may be gone by now.
    let _ = send(connection, answer.unwrap_or_else(|| words("ok")));
}

fn send(mut connection: TcpStream, answer: Answer) -> std::io::Result<()> {
    connection
        .write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")?;
    let mut answer = answer;
    while let Answer::Held(released, then) = answer {
        // A test that ended no longer holds anything back.
        let _ = released.recv();
        answer = *then;
    }
    let pieces = match answer {
        Answer::Words(text) => vec![piece(json!({ "content": text }), None), piece(json!({}), Some("stop"))],
        Answer::Calls(text, calls) => {
            let mut pieces = vec![piece(json!({ "content": text }), None)];
            let called = calls.iter().enumerate().map(|(n, (tool, input))| part(n, tool, input));
            pieces.extend(called);
            pieces.push(piece(json!({}), Some("tool_calls")));
            pieces
        }
        Answer::Pieces(pieces) => {
            for piece in pieces {
                connection.write_all(format!("data: {piece}\n\n").as_bytes())?;
            }
            return Ok(());
        }
        Answer::Held(..) => unreachable!(),
    };
    for piece in pieces {
        connection.write_all(format!("data: {piece}\n\n").as_bytes())?;
    }
    connection.write_all(b"data: [DONE]\n\n")
}

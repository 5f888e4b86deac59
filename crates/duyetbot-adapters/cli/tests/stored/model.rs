//! A server of chat completions that gives the answers of a script and keeps what it was asked.
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

/// The longest that a test waits for a request.
const PATIENCE: Duration = Duration::from_secs(30);

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

    /// One that says these words, answer by answer.
    pub(crate) fn saying(answers: &[&str]) -> Self {
        Model::new(answers.iter().map(|words| Answer::Words((*words).to_owned())))
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
    let _ = send(connection, answer.unwrap_or_else(|| Answer::Words("ok".to_owned())));
}

fn send(mut connection: TcpStream, answer: Answer) -> std::io::Result<()> {
    connection
        .write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")?;
    let mut say = |text: &str| {
        let chunk = json!({ "choices": [{ "index": 0, "delta": { "content": text } }] });
        connection.write_all(format!("data: {chunk}\n\n").as_bytes())
    };
    match answer {
        Answer::Words(text) => say(&text)?,
        Answer::Held(begin, released, end) => {
            say(&begin)?;
            // A test that ended no longer holds anything back.
            let _ = released.recv();
            say(&end)?;
        }
    }
    let stop = json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": "stop" }] });
    connection.write_all(format!("data: {stop}\n\ndata: [DONE]\n\n").as_bytes())
}

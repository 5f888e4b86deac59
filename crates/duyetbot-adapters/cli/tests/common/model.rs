//! A language model that the test speaks for: it sees each request, says words when the test says so, and can hang.
#![allow(dead_code, reason = "each test program uses its part of it")]
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, sync_channel},
    },
    thread,
    time::Duration,
};

/// After this long without what a test waits for, it has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A model behind an address.
pub(crate) struct Model {
    base: String,
    requests: Receiver<Request>,
}

/// A request that waits for its answer.
pub(crate) struct Request {
    pub(crate) path: String,
    pub(crate) body: Value,
    stream: BufReader<TcpStream>,
}

impl Model {
    /// Listens from now on.
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}/v1", listener.local_addr().unwrap());
        let (send, requests) = sync_channel(16);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Some(request) = Request::read(stream.unwrap()) else { continue };
                if send.send(request).is_err() {
                    break;
                }
            }
        });
        Model { base, requests }
    }

    /// A model that answers every request as this says; the count of requests so far is told to it.
    pub(crate) fn answering(
        mut answer: impl FnMut(usize, Request) + Send + 'static,
    ) -> (Self, Arc<AtomicUsize>) {
        let Model { base, requests } = Model::new();
        let (_, none) = sync_channel(1);
        let count = Arc::new(AtomicUsize::new(0));
        let counted = count.clone();
        thread::spawn(move || {
            for request in requests {
                answer(counted.fetch_add(1, Ordering::SeqCst), request);
            }
        });
        (Model { base, requests: none }, count)
    }

    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// The next request.
    pub(crate) fn next(&self) -> Request {
        self.requests.recv_timeout(PATIENCE).expect("no request came")
    }

    /// Answers the next request with these words.
    pub(crate) fn answer(&self, words: &str) {
        self.next().answer(words);
    }

    /// No request came so far.
    pub(crate) fn is_unasked(&self) -> bool {
        self.requests.try_recv().is_err()
    }
}

impl Request {
    fn read(stream: TcpStream) -> Option<Self> {
        let mut stream = BufReader::new(stream);
        let mut first = String::new();
        stream.read_line(&mut first).ok()?;
        let path = first.split(' ').nth(1)?.to_owned();
        let mut length = 0;
        loop {
            let mut header = String::new();
            stream.read_line(&mut header).ok()?;
            let header = header.trim().to_lowercase();
            if header.is_empty() {
                break;
            }
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).ok()?;
        let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
        Some(Request { path, body, stream })
    }

    fn write(&mut self, text: &str) {
        // A client that has gone away is what some tests are about.
        let _ = self.stream.get_mut().write_all(text.as_bytes());
    }

    /// Begins the answer.
    pub(crate) fn begin(&mut self) {
        self.write("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n");
    }

    fn chunk(&mut self, delta: Value, finish: Value) {
        let choice = json!({ "index": 0, "delta": delta, "finish_reason": finish });
        let chunk = json!({
            "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-5", "choices": [choice]
        });
        self.piece(&chunk);
    }

    /// A piece of the stream as it is.
    pub(crate) fn piece(&mut self, piece: &Value) {
        self.write(&format!("data: {piece}\n\n"));
    }

    /// Says these words, and more may come.
    pub(crate) fn say(&mut self, words: &str) {
        self.chunk(json!({ "content": words }), Value::Null);
    }

    /// Ends the answer.
    pub(crate) fn end(mut self, reason: &str) {
        self.chunk(json!({}), reason.into());
        self.write("data: [DONE]\n\n");
    }

    /// The whole answer.
    pub(crate) fn answer(mut self, words: &str) {
        self.begin();
        self.say(words);
        self.end("stop");
    }

    /// An error, or another document, in the place of an answer.
    pub(crate) fn refuse(mut self, status: &str, body: &str) {
        let length = body.len();
        self.write(&format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        ));
    }

    /// A list of models as the answer.
    pub(crate) fn list(self, names: &[&str]) {
        let data: Vec<Value> = names.iter().map(|name| json!({ "id": name, "object": "model" })).collect();
        self.refuse("200 OK", &json!({ "object": "list", "data": data }).to_string());
    }

    /// The whole answer: one call.
    pub(crate) fn call(mut self, tool: &str, arguments: &str) {
        self.begin();
        self.calls(tool, arguments);
    }

    /// What was begun ends with a call.
    pub(crate) fn calls(self, tool: &str, arguments: &str) {
        self.all_calls(&[(tool, arguments)]);
    }

    /// What was begun ends with these calls.
    pub(crate) fn all_calls(mut self, calls: &[(&str, &str)]) {
        for (index, (tool, arguments)) in calls.iter().enumerate() {
            let function = json!({ "name": tool, "arguments": arguments });
            let id = format!("call_{}", index + 1);
            let call = json!({ "index": index, "id": id, "type": "function", "function": function });
            self.chunk(json!({ "tool_calls": [call] }), Value::Null);
        }
        self.end("tool_calls");
    }

    /// Waits until the client has closed the connection.
    pub(crate) fn closed(mut self) {
        self.stream.get_ref().set_read_timeout(Some(PATIENCE)).unwrap();
        let mut rest = Vec::new();
        if let Err(error) = self.stream.read_to_end(&mut rest) {
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "the connection stayed open");
        }
    }
}

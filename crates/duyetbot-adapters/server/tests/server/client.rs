//! A client of HTTP/1.1 that hides nothing: it can be slow, cut off, wrong, and reads events as they come.
use serde_json::Value;
use std::{collections::VecDeque, net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// Nothing that is waited for takes longer, unless it never comes.
pub const DEADLINE: Duration = Duration::from_secs(20);

#[derive(Clone)]
pub struct Client {
    pub address: SocketAddr,
    pub token: Option<&'static str>,
}

#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {} {}", self.status, self.text()))
    }
    /// The problem's kind; it is checked that it is a whole document.
    #[track_caller]
    pub fn problem(&self) -> (u16, String) {
        let problem: duyetbot_wire::Problem = serde_json::from_value(self.json()).unwrap();
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        assert_eq!(problem.status, self.status);
        let kind = problem.kind.strip_prefix("urn:duyetbot:").unwrap();
        assert!(duyetbot_wire::KINDS.contains(&kind), "{kind}");
        (problem.status, kind.to_owned())
    }
}

impl Client {
    pub async fn get(&self, path: &str) -> Reply {
        self.send("GET", path, &[], b"").await
    }

    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.with_json("POST", path, body).await
    }

    pub async fn with_json(&self, method: &str, path: &str, body: Value) -> Reply {
        let body = serde_json::to_vec(&body).unwrap();
        self.send(method, path, &[("content-type", "application/json")], &body).await
    }

    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let mut answer = self.open(method, path, headers, body).await;
        let mut whole = Vec::new();
        while let Some(piece) = answer.piece().await {
            whole.extend(piece);
        }
        Reply { status: answer.status, headers: answer.headers, body: whole }
    }

    /// Sends a request and reads the head of its answer.
    pub async fn open(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n", self.address);
        if let Some(token) = self.token {
            head.push_str(&format!("authorization: Bearer {token}\r\n"));
        }
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() {
            head.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        self.raw(&[head.as_bytes(), body].concat()).await
    }

    /// Sends bytes as they are.
    pub async fn raw(&self, request: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        // A server that refuses early closes while we still write.
        let _ = stream.write_all(request).await;
        let mut answer = Answer {
            stream,
            seen: Vec::new(),
            status: 0,
            headers: Vec::new(),
            body: Body::Until,
            frames: VecDeque::new(),
            rest: String::new(),
        };
        answer.read_head().await;
        answer
    }

    pub async fn chat(&self, body: Value) -> Answer {
        let body = serde_json::to_vec(&body).unwrap();
        self.open("POST", "/agent/chat", &[("content-type", "application/json")], &body).await
    }

    pub async fn watch(&self, id: &str, position: Option<&str>) -> Answer {
        let headers: Vec<_> = position.map(|p| ("last-event-id", p)).into_iter().collect();
        self.open("GET", &format!("/agent/stream/{id}"), &headers, b"").await
    }
}

/// How the body of an answer ends.
enum Body {
    Length(usize),
    Chunked,
    Until,
}

/// An answer whose body is still to come.
pub struct Answer {
    stream: TcpStream,
    seen: Vec<u8>,
    pub status: u16,
    pub headers: Vec<(String, String)>,
    body: Body,
    frames: VecDeque<Frame>,
    rest: String,
}

/// One frame of a stream: an event, with its id where it has one, or a comment.
#[derive(Clone, Debug, PartialEq)]
pub enum Frame {
    Event { id: Option<String>, data: Value },
    Comment(String),
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// Leaves one side of the connection, or both, while the other may still speak.
    pub async fn hang_up(self, how: std::net::Shutdown) {
        let stream = self.stream.into_std().unwrap();
        // The server may have left before.
        let _ = stream.shutdown(how);
        // The socket stays half open until the program ends, as that of a machine that vanished does.
        std::mem::forget(stream);
    }

    async fn more(&mut self) -> bool {
        let mut piece = [0; 16 * 1024];
        let read = timeout(DEADLINE, self.stream.read(&mut piece)).await.expect("nothing comes any more");
        let read = read.unwrap_or(0);
        self.seen.extend_from_slice(&piece[..read]);
        read > 0
    }

    async fn until(&mut self, mark: &[u8]) -> Option<Vec<u8>> {
        loop {
            if let Some(at) = self.seen.windows(mark.len()).position(|window| window == mark) {
                let rest = self.seen.split_off(at + mark.len());
                let mut line = std::mem::replace(&mut self.seen, rest);
                line.truncate(at);
                return Some(line);
            }
            if !self.more().await {
                return None;
            }
        }
    }

    async fn read_head(&mut self) {
        let Some(head) = self.until(b"\r\n\r\n").await else { return };
        let head = String::from_utf8(head).unwrap();
        let mut lines = head.lines();
        self.status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        self.headers = lines
            .filter_map(|l| l.split_once(':'))
            .map(|(n, v)| (n.to_lowercase(), v.trim().to_owned()))
            .collect();
        let header = |name: &str| self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
        self.body = match (header("content-length"), header("transfer-encoding")) {
            (Some(length), _) => Body::Length(length.parse().unwrap()),
            (None, Some(_)) => Body::Chunked,
            (None, None) => Body::Until,
        };
    }

    /// The next bytes of the body.
    pub async fn piece(&mut self) -> Option<Vec<u8>> {
        match self.body {
            Body::Length(0) => None,
            Body::Length(left) => {
                if self.seen.is_empty() && !self.more().await {
                    return None;
                }
                let piece = std::mem::take(&mut self.seen);
                self.body = Body::Length(left.saturating_sub(piece.len()));
                Some(piece)
            }
            Body::Until => {
                if self.seen.is_empty() && !self.more().await {
                    return None;
                }
                Some(std::mem::take(&mut self.seen))
            }
            Body::Chunked => {
                let size = String::from_utf8(self.until(b"\r\n").await?).unwrap();
                let size = usize::from_str_radix(&size, 16).unwrap();
                while self.seen.len() < size + 2 {
                    if !self.more().await {
                        return None;
                    }
                }
                let rest = self.seen.split_off(size + 2);
                let mut piece = std::mem::replace(&mut self.seen, rest);
                piece.truncate(size);
                (size > 0).then_some(piece)
            }
        }
    }

    /// The next frame; none where the stream ended.
    pub async fn frame(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = self.frames.pop_front() {
                return Some(frame);
            }
            let piece = self.piece().await?;
            self.rest.push_str(std::str::from_utf8(&piece).unwrap());
            while let Some((frame, rest)) = self.rest.split_once("\n\n") {
                let frame = read_frame(frame);
                let rest = rest.to_owned();
                self.frames.push_back(frame);
                self.rest = rest;
            }
        }
    }

    /// The next event.
    pub async fn event(&mut self) -> Option<(Option<String>, Value)> {
        loop {
            if let Frame::Event { id, data } = self.frame().await? {
                return Some((id, data));
            }
        }
    }

    /// Events up to one of this type.
    pub async fn until_event(&mut self, kind: &str) -> Vec<(Option<String>, Value)> {
        self.until_event_of(&[kind]).await
    }

    /// Events up to one of these types.
    pub async fn until_event_of(&mut self, kinds: &[&str]) -> Vec<(Option<String>, Value)> {
        let mut events = Vec::new();
        loop {
            let event = self.event().await.unwrap_or_else(|| panic!("no {kinds:?} came: {events:?}"));
            let found = kinds.iter().any(|kind| event.1["type"] == *kind);
            events.push(event);
            if found {
                return events;
            }
        }
    }

    /// All events that still come.
    pub async fn rest(mut self) -> Vec<(Option<String>, Value)> {
        let mut events = Vec::new();
        while let Some(event) = self.event().await {
            events.push(event);
        }
        events
    }
}

fn read_frame(text: &str) -> Frame {
    let (mut id, mut data, mut comment) = (None, None, String::new());
    for line in text.lines() {
        match line.split_once(':') {
            Some(("id", value)) => id = Some(value.trim().to_owned()),
            Some(("data", value)) => data = Some(serde_json::from_str(value).unwrap()),
            Some(("", value)) => comment = value.trim().to_owned(),
            other => assert!(matches!(other, Some(("retry", _)))),
        }
    }
    match data {
        Some(data) => Frame::Event { id, data },
        None => Frame::Comment(comment),
    }
}

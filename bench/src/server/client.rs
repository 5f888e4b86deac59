//! A client that costs little: one connection, one request after the other, and no more of HTTP than the servers speak.
use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

use crate::{Result, cost::Stopwatch};

/// Where a server is, and who asks.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) address: SocketAddr,
    pub(crate) token: String,
}

/// A connection that is kept.
pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
    token: String,
}

/// How the bytes of a body end.
enum Body {
    Sized(usize),
    Chunked,
}

impl Connection {
    pub(crate) async fn open(place: &Place) -> Result<Self> {
        let stream = TcpStream::connect(place.address).await?;
        stream.set_nodelay(true)?;
        Ok(Connection { stream: BufReader::with_capacity(4096, stream), token: place.token.clone() })
    }

    async fn send(&mut self, method: &str, path: &str, body: &str) -> Result<()> {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            self.token,
            body.len(),
        );
        Ok(self.stream.write_all(request.as_bytes()).await?)
    }

    async fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line).await? == 0 {
            return Err("the server closed the connection".into());
        }
        Ok(line)
    }

    /// The head of the answer; one that is no success is an error with its body.
    async fn head(&mut self) -> Result<Body> {
        let status = self.line().await?;
        let mut body = Body::Sized(0);
        loop {
            let line = self.line().await?.to_ascii_lowercase();
            if let Some(length) = line.strip_prefix("content-length:") {
                body = Body::Sized(length.trim().parse()?);
            } else if line.starts_with("transfer-encoding:") {
                body = Body::Chunked;
            } else if line.trim().is_empty() {
                break;
            }
        }
        if !status.contains(" 2") {
            let text = self.rest(body).await?;
            return Err(format!("{} {text}", status.trim()).into());
        }
        Ok(body)
    }

    async fn chunk(&mut self) -> Result<Vec<u8>> {
        let length = usize::from_str_radix(self.line().await?.trim(), 16)?;
        let mut chunk = vec![0; length + 2];
        self.stream.read_exact(&mut chunk).await?;
        chunk.truncate(length);
        Ok(chunk)
    }

    async fn rest(&mut self, body: Body) -> Result<String> {
        let mut bytes = Vec::new();
        match body {
            Body::Sized(length) => {
                bytes = vec![0; length];
                self.stream.read_exact(&mut bytes).await?;
            }
            Body::Chunked => loop {
                let chunk = self.chunk().await?;
                if chunk.is_empty() {
                    break;
                }
                bytes.extend(chunk);
            },
        }
        Ok(String::from_utf8(bytes)?)
    }

    pub(crate) async fn get(&mut self, path: &str) -> Result<String> {
        self.send("GET", path, "").await?;
        let body = self.head().await?;
        self.rest(body).await
    }

    pub(crate) async fn post(&mut self, path: &str, body: &str) -> Result<String> {
        self.send("POST", path, body).await?;
        let body = self.head().await?;
        self.rest(body).await
    }

    /// A new session's id.
    pub(crate) async fn session(&mut self) -> Result<String> {
        let answer: serde_json::Value =
            serde_json::from_str(&self.post("/sessions", r#"{"title":"bench"}"#).await?)?;
        Ok(answer["id"].as_str().ok_or("a session without an id")?.to_owned())
    }

    /// Asks with a stream for an answer, and reads it up to this mark; answers what came until then.
    pub(crate) async fn begin(&mut self, path: &str, body: Option<&str>, mark: &str) -> Result<String> {
        self.send(if body.is_some() { "POST" } else { "GET" }, path, body.unwrap_or_default()).await?;
        self.head().await?;
        let mut text = String::new();
        while !text.contains(mark) {
            let chunk = self.chunk().await?;
            if chunk.is_empty() {
                return Err(format!("no {mark} in {text:?}").into());
            }
            text.push_str(&String::from_utf8(chunk)?);
        }
        Ok(text)
    }

    /// The rest of a stream.
    pub(crate) async fn drain(&mut self) -> Result<String> {
        self.rest(Body::Chunked).await
    }

    /// A streamed chat: the time until its first words. It fails where the answer has no end.
    pub(crate) async fn chat(&mut self, body: &str) -> Result<Duration> {
        let watch = Stopwatch::start();
        let mut text = self.begin("/agent/chat", Some(body), r#""type":"content""#).await?;
        let first = watch.stop().wall;
        text.push_str(&self.drain().await?);
        if text.contains(r#""type":"done""#) { Ok(first) } else { Err("the answer has no end".into()) }
    }
}

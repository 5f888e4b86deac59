//! A server of one connection at a time that says what the test wants and tells what it saw.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// Binds a port of this machine.
pub(crate) async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    (listener, host)
}

/// Accepts a connection and reads its request's head and announced body.
pub(crate) async fn request(listener: &TcpListener) -> (TcpStream, String) {
    let (mut socket, _) = listener.accept().await.unwrap();
    let mut seen = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let n = socket.read(&mut piece).await.unwrap();
        seen.extend_from_slice(&piece[..n]);
        let text = String::from_utf8_lossy(&seen).into_owned();
        let Some(end) = text.find("\r\n\r\n") else {
            assert_ne!(n, 0, "the client closed before its request was whole: {text}");
            continue;
        };
        let length = text
            .lines()
            .find_map(|line| {
                line.to_ascii_lowercase().strip_prefix("content-length:").map(|v| v.trim().parse())
            })
            .unwrap_or(Ok(0_usize))
            .unwrap();
        if seen.len() >= end + 4 + length {
            return (socket, text);
        }
    }
}

/// Answers a whole response.
pub(crate) async fn answer(socket: &mut TcpStream, head: &str, body: &str) {
    let text = format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    socket.write_all(text.as_bytes()).await.unwrap();
}

/// Begins a response in chunks and sends the first.
pub(crate) async fn begin(socket: &mut TcpStream, first: &str) {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    socket.write_all(format!("{head}{:x}\r\n{first}\r\n", first.len()).as_bytes()).await.unwrap();
}

/// Waits until the client has closed the connection; fails where it does not.
pub(crate) async fn closed(socket: &mut TcpStream) {
    let mut rest = [0; 16];
    let read = tokio::time::timeout(Duration::from_secs(5), socket.read(&mut rest)).await;
    match read.expect("the client keeps the connection open") {
        Ok(0) | Err(_) => {}
        Ok(n) => panic!("the client sent {n} bytes more"),
    }
}

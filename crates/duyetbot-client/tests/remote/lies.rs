//! Servers that are none of ours, or lie: each gets a clear error, soon, and never the token of another.
use duyetbot_client::{RemoteAgent, RemoteStore};
use duyetbot_core::{
    Agent, Chat, Code, Error, ErrorKind, MessageId, RunId, SessionFilter, SessionId, SessionStore,
};
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::place::{TOKEN, ada, connection};

/// What was asked of a server of tests.
pub type Heard = Arc<Mutex<Vec<String>>>;

/// Answers each request with the next of these, the last for ever.
pub async fn server(answers: Vec<String>) -> (SocketAddr, Heard) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, heard) = (listener.local_addr().unwrap(), Heard::default());
    let all = heard.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = Vec::new();
            let mut piece = [0; 4096];
            while !request.windows(4).any(|end| end == b"\r\n\r\n") {
                let read = stream.read(&mut piece).await.unwrap_or(0);
                if read == 0 {
                    break;
                }
                request.extend_from_slice(&piece[..read]);
            }
            let answer = {
                let mut all = all.lock().unwrap();
                all.push(String::from_utf8_lossy(&request).into_owned());
                answers[(all.len() - 1).min(answers.len() - 1)].clone()
            };
            // A client that has read enough goes away.
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (address, heard)
}

pub fn http(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}")
}

fn run() -> RunId {
    RunId { session: SessionId::new(), message: MessageId::new() }
}

/// What a read, a turn and a watcher get of a server that answers so.
async fn told(answer: String) -> [Error; 3] {
    let (address, _) = server(vec![answer]).await;
    let (store, agent) =
        (RemoteStore::new(connection(address, TOKEN)), RemoteAgent::new(connection(address, TOKEN)));
    [
        store.sessions(&ada(), &SessionFilter::default()).await.unwrap_err(),
        agent.start(&ada(), Chat::new("hi")).await.unwrap_err(),
        agent.watch(&ada(), run(), 0).await.err().unwrap(),
    ]
}

#[tokio::test]
async fn what_is_no_duyetbot_is_said_to_be_none() {
    for answer in [
        http("200 OK", "content-type: text/html\r\n", "<!doctype html><p>Welcome"),
        http("200 OK", "content-type: application/json\r\n", "{\"hello\": 1}"),
        http("200 OK", "content-type: application/json\r\n", &"[".repeat(100_000)),
        http("200 OK", "", ""),
        http("404 Not Found", "content-type: text/html\r\n", "<p>nothing here"),
        http("500 Internal Server Error", "content-type: application/problem+json\r\n", "{\"not\": \"one\"}"),
    ] {
        for error in told(answer.clone()).await {
            assert_eq!(
                (error.kind(), error.code()),
                (ErrorKind::Unavailable, Some(Code::Protocol)),
                "{answer:.60}"
            );
            assert!(error.message().contains("does not answer like a duyetbot server"), "{error}");
            assert!(!format!("{error:?}").contains(TOKEN));
        }
    }
}

#[tokio::test]
async fn a_stream_that_lies_is_an_error() {
    let other = run();
    let name =
        serde_json::json!({"type": "run", "runId": other.to_string(), "sessionId": "x", "messageId": "y"});
    for frame in [
        "data: {\"type\":\"content\"}\n\n".to_owned(),
        "data: nonsense\n\n".to_owned(),
        "data: {\"type\":\"begin\",\"messageId\":\"x\"}\n\n".to_owned(),
        format!("data: {name}\n\n"),
    ] {
        let (address, _) = server(vec![http("200 OK", "content-type: text/event-stream\r\n", &frame)]).await;
        let agent = RemoteAgent::new(connection(address, TOKEN));
        let held = crate::place::whole(agent.watch(&ada(), run(), 0).await.unwrap()).await;
        let ending = Some(Err((duyetbot_core::RunState::Interrupted, ErrorKind::Unavailable)));
        assert_eq!(held.ending, ending, "{frame}");
    }
}

#[tokio::test]
async fn heads_and_bodies_without_end_are_given_up() {
    let endless = format!("HTTP/1.1 200 OK\r\n{}", "x-more: and more of it\r\n".repeat(50_000));
    for error in told(endless).await {
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    }
    let long = format!("data: {}", "x".repeat(20 * 1024 * 1024));
    let (address, _) = server(vec![http("200 OK", "content-type: text/event-stream\r\n", &long)]).await;
    let agent = RemoteAgent::new(connection(address, TOKEN));
    let error = agent.start(&ada(), Chat::new("hi")).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Unavailable, Some(Code::Protocol)));
}

#[tokio::test]
async fn the_token_is_never_taken_to_another_host() {
    let (elsewhere, heard) = server(vec![http("200 OK", "content-type: application/json\r\n", "{}")]).await;
    for status in ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let location = format!("location: http://{elsewhere}/sessions\r\n");
        for error in told(http(status, &location, "")).await {
            assert_eq!((error.kind(), error.code()), (ErrorKind::Unavailable, Some(Code::Protocol)));
            assert!(error.message().contains(&format!("it sends on to http://{elsewhere}")), "{error}");
        }
    }
    assert_eq!(*heard.lock().unwrap(), Vec::<String>::new());
}

//! Those who hold a server up: requests that drip or never end, and readers that do not read.
use duyetbot_core::hex;
use duyetbot_server::http::Settings;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::{
    client::DEADLINE,
    place::{Place, Wishes},
    streams::{joined, speaking},
};

const TOKEN: &str = "authorization: Bearer ada-token\r\n";

/// All that comes until the connection ends.
async fn to_the_end(stream: &mut TcpStream) -> String {
    let mut heard = Vec::new();
    // A connection that is reset has ended as well.
    let _ = timeout(DEADLINE, stream.read_to_end(&mut heard)).await.expect("the connection never ends");
    String::from_utf8(heard).unwrap()
}

/// Sends pieces with a pause after each, as long as the other side takes them.
async fn drip(stream: &mut TcpStream, pieces: impl Iterator<Item = &[u8]>, pause: Duration) {
    for piece in pieces {
        let mut none = [0; 1];
        if stream.write_all(piece).await.is_err() {
            return;
        }
        // Whoever was answered or cut off sends no more.
        if let Ok(_answered) = timeout(pause, stream.peek(&mut none)).await {
            return;
        }
    }
}

#[tokio::test]
async fn a_head_that_drips_or_never_comes_ends_its_connection() {
    let place = Place::with(Wishes { head: Duration::from_millis(300), ..Wishes::default() }).await;
    let endless = format!("GET /sessions HTTP/1.1\r\nhost: x\r\nx: {}", "a".repeat(10_000));
    for head in ["", "P", "PRI * HTTP/2.0\r\n", &*endless] {
        let mut stream = TcpStream::connect(place.address).await.unwrap();
        drip(&mut stream, head.as_bytes().chunks(1), Duration::from_millis(20)).await;
        let heard = to_the_end(&mut stream).await;
        assert!(heard.is_empty() || heard.starts_with("HTTP/1.1 4"), "{head:.30}: {heard}");
    }
    assert_eq!(place.ada().get("/sessions").await.status, 200);
}

#[tokio::test]
async fn a_client_that_leaves_within_its_first_bytes_holds_nothing() {
    let place = Place::with(Wishes { head: 2 * DEADLINE, ..Wishes::default() }).await;
    for first in ["", "P", "PRI * HTTP/2.0\r\n", "PUT"] {
        let mut stream = TcpStream::connect(place.address).await.unwrap();
        stream.write_all(first.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let heard = to_the_end(&mut stream).await;
        assert!(heard.is_empty() || heard.starts_with("HTTP/1.1 400 "), "{first}: {heard}");
    }
}

#[tokio::test]
async fn a_client_is_served_in_the_version_that_it_speaks_however_its_first_bytes_come() {
    let place = Place::with(Wishes { head: Duration::from_millis(2_000), ..Wishes::default() }).await;
    // They begin like the other version's first bytes, as far as they can.
    for (method, status) in [("PUT", 405), ("PRI", 405), ("GET", 200)] {
        let ask = format!("{method} /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        for length in [1, 2, ask.len()] {
            let mut stream = TcpStream::connect(place.address).await.unwrap();
            drip(&mut stream, ask.as_bytes().chunks(length), Duration::from_millis(15)).await;
            let heard = to_the_end(&mut stream).await;
            assert!(heard.starts_with(&format!("HTTP/1.1 {status} ")), "{method} by {length}: {heard}");
        }
    }
    // The preface and an empty SETTINGS frame; the answer begins with a SETTINGS frame: its length, then type 4.
    let greeting = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    for length in [1, 5, 24, greeting.len()] {
        let mut stream = TcpStream::connect(place.address).await.unwrap();
        drip(&mut stream, greeting.chunks(length), Duration::from_millis(15)).await;
        let mut heard = [0; 9];
        timeout(DEADLINE, stream.read_exact(&mut heard)).await.expect("it answers").unwrap();
        assert_eq!((heard[3], &heard[5..]), (4, &[0; 4][..]), "by {length}");
    }
}

async fn upload(address: SocketAddr, length: usize, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let hash = hex(&Sha256::digest(bytes));
    let head = format!(
        "PUT /blobs/{hash} HTTP/1.1\r\nhost: x\r\n{TOKEN}connection: close\r\ncontent-length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

#[tokio::test]
async fn a_body_that_drips_is_given_up_and_one_that_is_slow_arrives() {
    let api = Settings { patience: Duration::from_millis(1_000), ..Wishes::default().api };
    let place = Place::with(Wishes { api, ..Wishes::default() }).await;
    let bytes = vec![7; 12 * 8_192];
    let mut dripping = upload(place.address, bytes.len(), &bytes).await;
    let mut slow = upload(place.address, bytes.len(), &bytes).await;
    let drips = async {
        drip(&mut dripping, bytes.chunks(1), Duration::from_millis(50)).await;
        to_the_end(&mut dripping).await
    };
    let arrives = async {
        drip(&mut slow, bytes.chunks(8_192), Duration::from_millis(150)).await;
        to_the_end(&mut slow).await
    };
    let (drips, arrives) = tokio::join!(drips, arrives);
    assert!(drips.starts_with("HTTP/1.1 408 ") && drips.contains("urn:duyetbot:timeout"), "{drips}");
    assert!(arrives.starts_with("HTTP/1.1 204 "), "longer than the patience, and never still: {arrives}");
}

#[tokio::test]
async fn a_body_that_says_it_is_too_large_is_refused_before_it_is_sent() {
    let place = Place::new().await;
    let blob = format!("PUT /blobs/{}", "0".repeat(64));
    for request in ["POST /sessions", "POST /agent/chat", "POST /agent/execute", &*blob] {
        let head = format!(
            "{request} HTTP/1.1\r\nhost: x\r\n{TOKEN}content-type: application/json\r\n\
             content-length: 104857600\r\n\r\n{{"
        );
        let answer = place.ada().raw(head.as_bytes()).await;
        assert_eq!(answer.status, 413, "{request}");
    }
}

#[tokio::test]
async fn a_body_without_a_length_is_cut_at_its_limit() {
    let api = Settings { largest_body: 64 * 1024, ..Wishes::default().api };
    let place = Place::with(Wishes { api, ..Wishes::default() }).await;
    let mut stream = TcpStream::connect(place.address).await.unwrap();
    let head = format!(
        "POST /agent/chat HTTP/1.1\r\nhost: x\r\n{TOKEN}content-type: application/json\r\n\
         transfer-encoding: chunked\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
    let mut taken = 0;
    // What two sockets hold between them is far below this.
    while taken < 100 * 1024 * 1024 {
        let sent = timeout(DEADLINE, stream.write_all(chunk.as_bytes())).await.expect("it is left hanging");
        if sent.is_err() {
            break;
        }
        taken += chunk.len();
    }
    assert!(taken < 100 * 1024 * 1024, "all of it was taken");
    assert_eq!(place.ada().get("/sessions").await.status, 200);
}

/// Case: slow-reader-grows-memory.
#[tokio::test]
async fn what_a_reader_has_not_taken_is_sent_in_pieces_of_bounded_size() {
    let place = Place::with(Wishes { tools: true, ..Wishes::default() }).await;
    let mut answers: Vec<_> = (0..6).map(|_| place.model.answer()).collect();
    let long = "x".repeat(200 * 1024);
    let last = answers.pop().unwrap();
    for (n, answer) in answers.into_iter().enumerate() {
        answer.call(&format!("c{n}"), "look", &json!({ "long": long, "n": n }).to_string());
        answer.end();
    }
    last.say(&"wörter ".repeat(300_000));
    let mut slow = place.ada().chat(json!({"message": "hi"})).await;
    let run = slow.until_event("run").await[0].1["runId"].as_str().unwrap().to_owned();
    last.end();
    // The slow one reads nothing while another sees all of it.
    let fast = place.ada().watch(&run, None).await.rest().await;
    assert_eq!(fast.last().unwrap().1["state"], "done", "{:?}", fast.last());
    let fresh = place.ada().watch(&run, None).await;
    // One event of a call has its input or its output as a whole; words come in pieces of 64 KiB.
    let most = 64 * 1024 + 2 * long.len();
    for mut answer in [slow, fresh] {
        let (mut whole, mut pieces) = (String::new(), 0);
        while let Some(piece) = answer.piece().await {
            assert!(piece.len() <= most, "{} bytes at once", piece.len());
            whole.push_str(&String::from_utf8(piece).unwrap());
            pieces += 1;
        }
        assert!(pieces > 20, "{pieces}");
        assert!(whole.contains("wörter wörter "));
        assert!(whole.contains("\"state\":\"done\""));
    }
}

/// Streams that one machine holds idle; fewer where it has not as many descriptors.
const IDLE: usize = 10_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chat_works_beside_as_many_idle_streams_as_there_are_descriptors() {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let raised = rustix::process::Rlimit { current: limit.maximum, ..limit };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, raised).unwrap();
    // Each takes two: its client is in this process as well.
    let most = limit.maximum.map_or(IDLE, |most| (most as usize).saturating_sub(400) / 2);
    let count = IDLE.min(most);
    let place = Place::new().await;
    let (run, first, mouth) = speaking(&place, "a").await;
    let mut idle = Vec::new();
    while idle.len() < count {
        let some = (0..64.min(count - idle.len())).map(|_| {
            let (ada, run) = (place.ada(), run.clone());
            tokio::spawn(async move {
                let mut stream = ada.watch(&run, None).await;
                stream.until_event("content").await;
                stream
            })
        });
        for stream in some.collect::<Vec<_>>() {
            idle.push(stream.await.unwrap());
        }
    }
    println!("{count} idle streams");
    let other = place.ada().post("/agent/chat", json!({"message": "hi", "stream": false})).await;
    assert_eq!((other.status, &other.json()["state"]), (200, &json!("done")));
    mouth.say("b");
    mouth.end();
    assert_eq!(joined(&idle.pop().unwrap().rest().await), "b");
    first.rest().await;
}

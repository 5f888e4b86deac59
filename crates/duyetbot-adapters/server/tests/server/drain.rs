//! What happens when a server is told to stop.
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;

use crate::{
    client::Frame,
    place::{Place, Wishes},
    streams::{joined, speaking},
};

/// Case: shutdown-waits-for-open-stream.
#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "a real server is waited for")]
async fn shutdown_waits_for_open_stream() {
    let folder = tempfile::tempdir().unwrap();
    let storage = format!("sqlite:{}", folder.path().join("talk.db").display());
    let wishes = || Wishes { storage: storage.clone(), ..Wishes::default() };
    let mut place = Place::with(wishes()).await;
    let (run, first, mouth) = speaking(&place, "half ").await;
    let mut streams = vec![first];
    for _ in 0..49 {
        let mut stream = place.ada().watch(&run, None).await;
        stream.until_event("content").await;
        streams.push(stream);
    }
    let _idle = TcpStream::connect(place.address).await.unwrap();
    let began = Instant::now();
    let address = place.address;
    place.stop();
    for mut stream in streams {
        let mut last = None;
        while let Some(frame) = stream.frame().await {
            last = Some(frame);
        }
        let hint = "the server is stopping; resume with Last-Event-ID";
        assert_eq!(last, Some(Frame::Comment(hint.into())));
    }
    place.stopped().await;
    assert!(began.elapsed() < Duration::from_secs(5), "it stopped within its drain");
    assert!(TcpStream::connect(address).await.is_err(), "new connections are refused");
    drop(mouth);
}

#[tokio::test]
async fn a_server_that_is_told_to_stop_is_not_ready_and_says_so_to_who_waits() {
    let mut place = Place::new().await;
    let mouth = place.model.answer();
    mouth.say("a");
    let ada = place.ada();
    let waits =
        tokio::spawn(async move { ada.post("/agent/chat", json!({"message": "hi", "stream": false})).await });
    while place.model.requests().is_empty() {
        tokio::task::yield_now().await;
    }
    place.stop();
    let refused = waits.await.unwrap();
    assert_eq!(refused.problem(), (503, "unavailable".into()));
    assert!(refused.json()["runId"].is_string() && refused.header("retry-after").is_some());
    mouth.end();
    place.stopped().await;
}

#[tokio::test]
async fn a_stream_that_the_stop_cut_is_resumed_from_its_position() {
    let place = Place::new().await;
    let (run, stream, mouth) = speaking(&place, "one ").await;
    drop(stream);
    mouth.say("two");
    mouth.end();
    let events = place.ada().watch(&run, Some(&format!("{run}:0"))).await.rest().await;
    assert_eq!(joined(&events), "one two");
}

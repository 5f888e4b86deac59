//! Reported failures of streams, each by its id.
use duyetbot_core::{Agent, Event};
use duyetbot_testkit::Voice;
use futures::StreamExt;
use serde_json::{Value, json};
use std::time::Duration;

use crate::{
    client::{Answer, Client, Frame},
    place::{Place, Wishes, scope},
};

/// Begins a run that has said this, and answers its id and the stream that began it.
pub async fn speaking(place: &Place, words: &str) -> (String, Answer, Voice) {
    let mouth = place.model.answer();
    mouth.say(words);
    let mut stream = place.ada().chat(json!({"message": "hi"})).await;
    let run = stream.until_event("content").await[0].1["runId"].as_str().unwrap().to_owned();
    (run, stream, mouth)
}

/// The words of a stream as a client joins them: what a message is begun with is void.
pub fn joined(events: &[(Option<String>, Value)]) -> String {
    let mut text: Vec<char> = Vec::new();
    for (_, event) in events {
        match event["type"].as_str().unwrap() {
            "begin" | "reset" => text.clear(),
            "content" => {
                text.truncate(event["offset"].as_u64().unwrap() as usize);
                text.extend(event["content"].as_str().unwrap().chars());
            }
            _ => {}
        }
    }
    text.into_iter().collect()
}

async fn texts(client: &Client, run: &str) -> Vec<String> {
    let session = run.split('.').next().unwrap();
    let page = client.get(&format!("/sessions/{session}/messages?order=asc")).await.json();
    let messages = page["messages"].as_array().unwrap().iter();
    messages.map(|m| m["parts"][0]["text"].as_str().unwrap().to_owned()).collect()
}

/// Case: silence-before-first-token.
#[tokio::test]
async fn silence_before_first_token() {
    let api =
        duyetbot_server::http::Settings { heartbeat: Duration::from_millis(50), ..Wishes::default().api };
    let place = Place::with(Wishes { api, ..Wishes::default() }).await;
    let mouth = place.model.answer();
    let mut stream = place.ada().chat(json!({"message": "hi"})).await;
    assert_eq!(stream.frame().await, Some(Frame::Comment("here".into())));
    let beats = async |stream: &mut Answer| {
        let mut seen = 0;
        while seen < 3 {
            match stream.frame().await.unwrap() {
                Frame::Comment(_) => seen += 1,
                Frame::Event { id, .. } => assert_eq!(id, None),
            }
        }
    };
    beats(&mut stream).await;
    mouth.say("a");
    beats(&mut stream).await;
    mouth.end();
    assert_eq!(joined(&stream.rest().await), "", "the word came before the second silence");
    let usual = duyetbot_server::http::Settings::default().heartbeat;
    assert!((Duration::from_secs(10)..=Duration::from_secs(15)).contains(&usual));
}

/// Case: buffering-header-wrong-value
#[tokio::test]
async fn buffering_header_wrong_value() {
    let place = Place::new().await;
    let (run, stream, mouth) = speaking(&place, "a").await;
    let again = place.ada().watch(&run, None).await;
    mouth.end();
    for answer in [&stream, &again] {
        let header = |name: &str| {
            let mut found = answer.headers.iter().filter(|(n, _)| n == name).map(|(_, v)| v.as_str());
            (found.next(), found.next())
        };
        assert_eq!(header("x-accel-buffering"), (Some("no"), None));
        assert_eq!(header("content-type"), (Some("text/event-stream"), None));
        assert_eq!(header("cache-control"), (Some("no-cache, no-store, no-transform"), None));
        assert_eq!(header("content-length"), (None, None));
    }
}

/// Case: compression-holds-back-events.
#[tokio::test]
async fn compression_holds_back_events() {
    let place = Place::new().await;
    let mouth = place.model.answer();
    let headers = [("content-type", "application/json"), ("accept-encoding", "gzip, br, zstd")];
    let mut stream = place.ada().open("POST", "/agent/chat", &headers, br#"{"message":"hi"}"#).await;
    assert!(stream.headers.iter().all(|(name, _)| name != "content-encoding"));
    for word in ["one ", "two ", "three"] {
        mouth.say(word);
        let event = stream.until_event("content").await;
        assert_eq!(event.last().unwrap().1["content"], word, "each comes before the next is said");
    }
    mouth.end();
    stream.rest().await;
    for n in 0..20 {
        place.ada().post("/sessions", json!({"title": format!("session {n}")})).await;
    }
    let list = place.ada().send("GET", "/sessions", &headers[1..], b"").await;
    assert_eq!(list.header("content-encoding"), Some("gzip"));
}

/// Case: disconnect-taken-for-stop.
#[tokio::test]
async fn disconnect_taken_for_stop() {
    let place = Place::new().await;
    let (run, stream, mouth) = speaking(&place, "three little words").await;
    drop(stream);
    mouth.say(", and the rest");
    mouth.end();
    let events = place.ada().watch(&run, None).await.rest().await;
    assert_eq!(joined(&events), "three little words, and the rest");
    assert_eq!(texts(&place.ada(), &run).await, ["hi", "three little words, and the rest"]);
}

async fn open_streams(place: &Place) -> String {
    let metrics = place.nobody().get("/metrics").await.text();
    metrics.lines().find_map(|line| line.strip_prefix("duyetbot_open_streams ")).unwrap().to_owned()
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the head of an answer has a second of real time")]
async fn a_run_begins_although_its_caller_left_before_it_could() {
    let place = Place::new().await;
    let session = place.ada().post("/sessions", json!({})).await.json()["id"].clone();
    place.gate.send_replace(false);
    let asked = std::time::Instant::now();
    let mut stream = place.ada().chat(json!({"message": "hi", "sessionId": session})).await;
    assert_eq!(stream.frame().await, Some(Frame::Comment("here".into())));
    assert!(asked.elapsed() < Duration::from_secs(1), "head and comment are there before the run is");
    assert_eq!(open_streams(&place).await, "1");
    drop(stream);
    while open_streams(&place).await != "0" {
        tokio::task::yield_now().await;
    }
    place.gate.send_replace(true);
    let path = format!("/sessions/{}", session.as_str().unwrap());
    let until = asked + crate::client::DEADLINE;
    while place.ada().get(&path).await.json()["messageCount"] != 2 {
        assert!(std::time::Instant::now() < until, "the run never began");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_run_that_cannot_begin_ends_the_stream_that_waits_for_it() {
    let place = Place::new().await;
    place.gate.send_replace(false);
    let mut stream = place.ada().chat(json!({"message": "hi", "model": "none/such"})).await;
    assert_eq!((stream.status, stream.frame().await), (200, Some(Frame::Comment("here".into()))));
    place.gate.send_replace(true);
    let events = stream.rest().await;
    let (id, ending) = &events[0];
    assert_eq!(
        (events.len(), id, &ending["type"], &ending["state"]),
        (1, &None, &json!("error"), &json!("failed"))
    );
    assert_eq!(ending["error"]["type"], "urn:duyetbot:model_unknown");
}

/// Case: stop-does-not-reach-the-run.
#[tokio::test]
async fn stop_does_not_reach_the_run() {
    let place = Place::new().await;
    let (run, stream, _mouth) = speaking(&place, "as far as this").await;
    let stop = format!("/agent/runs/{run}/stop");
    let stopped = place.ada().post(&stop, json!({})).await;
    assert_eq!((stopped.status, &stopped.json()["runId"]), (202, &json!(run)));
    place.model.silent().await;
    let events = stream.rest().await;
    let (id, done) = events.last().unwrap();
    assert_eq!((&done["type"], &done["state"]), (&json!("done"), &json!("cancelled")));
    assert_eq!(id.as_deref(), Some(&*format!("{run}:1")));
    let session = run.split('.').next().unwrap();
    let last =
        place.ada().get(&format!("/sessions/{session}/messages?limit=1")).await.json()["messages"][0].clone();
    assert_eq!((&last["cut"], &last["parts"][0]["text"]), (&json!(true), &json!("as far as this")));
    for _ in 0..2 {
        let again = place.ada().post(&stop, json!({})).await;
        assert_eq!((again.status, again.json()["state"].clone()), (202, json!("cancelled")));
    }
}

/// Case: last-event-id-not-resumable.
#[tokio::test]
async fn last_event_id_not_resumable() {
    let place = Place::new().await;
    let (run, mut stream, mouth) = speaking(&place, "one").await;
    let (other, other_stream, other_mouth) = speaking(&place, "another's").await;
    mouth.call("c", "none", "{}");
    mouth.end();
    let second = place.model.answer();
    stream.until_event("message").await;
    second.say("two");
    stream.until_event("content").await;
    let unknown = [
        format!("{run}:2"),
        format!("{run}:{}", "9".repeat(30)),
        format!("{run}:-1"),
        String::new(),
        "abc".into(),
        format!("{other}:1"),
        format!("{run}:1, {run}:1"),
        "9".repeat(8_000),
    ];
    for position in &unknown {
        let mut watcher = place.ada().watch(&run, Some(position)).await;
        let events = watcher.until_event("message").await;
        assert_eq!(events[0].1, json!({"type": "reset"}), "{position:.60}");
        assert_eq!(joined(&events), "one", "{position:.60}");
    }
    let mut known = place.ada().watch(&run, Some(&format!("{run}:1"))).await;
    let events = known.until_event("content").await;
    assert_eq!(joined(&events), "two");
    assert!(events.iter().all(|(_, event)| event["type"] != "reset"));
    let after = place
        .ada()
        .open("GET", &format!("/agent/stream/{run}?after=1"), &[], b"")
        .await
        .until_event("content")
        .await;
    assert_eq!(after, events);
    second.end();
    let ended = stream.rest().await;
    let last = place.ada().watch(&run, Some(&format!("{run}:2"))).await.rest().await;
    assert_eq!(last.last(), ended.last(), "a finished run at its last position: its ending, and the end");
    assert_eq!(last.len(), 2);
    other_mouth.end();
    other_stream.rest().await;
    assert_eq!(
        place
            .ada()
            .watch("00000000-0000-7000-8000-000000000000.00000000-0000-7000-8000-000000000000", None)
            .await
            .status,
        404
    );
    let session = run.split('.').next().unwrap();
    assert_eq!(place.ada().watch(session, None).await.status, 204);
}

/// Case: utf8-cut-at-chunk-border.
#[tokio::test]
async fn utf8_cut_at_chunk_border() {
    let place = Place::new().await;
    let source = "é 日本語 🦀 👩\u{200d}💻 \r\n\r\ndata: x\n\nid: 1\r e\u{301}";
    let mouth = place.model.answer();
    for c in source.chars() {
        mouth.say(&c.to_string());
    }
    mouth.end();
    let events = place.ada().chat(json!({"message": "hi"})).await.rest().await;
    assert_eq!(joined(&events), source);
    let run = events[0].1["runId"].as_str().unwrap();
    assert_eq!(texts(&place.ada(), run).await[1], source);
}

/// Case: full-buffer-drops-silently.
#[tokio::test]
async fn full_buffer_drops_silently() {
    let place = Place::new().await;
    let (run, stream, mouth) = speaking(&place, "0 ").await;
    let mut whole = String::from("0 ");
    for n in 1..5_000 {
        mouth.say(&format!("{n} "));
        whole.push_str(&format!("{n} "));
    }
    mouth.end();
    let fast = place.ada().watch(&run, None).await.rest().await;
    // This one reads nothing before all is said.
    let slow = stream.rest().await;
    assert_eq!(joined(&fast), whole);
    assert!(slow.len() < 5_000);
    assert_eq!(texts(&place.ada(), &run).await[1], whole);
}

/// Case: slow-reader-grows-memory.
#[tokio::test]
async fn slow_reader_grows_memory() {
    let place = Place::new().await;
    let (run, mut slow, mouth) = speaking(&place, "a").await;
    let piece = "x".repeat(64 * 1024);
    for _ in 0..64 {
        mouth.say(&piece);
    }
    mouth.end();
    let fast = place.ada().watch(&run, None).await.rest().await;
    assert_eq!(joined(&fast).len(), 1 + 64 * piece.len());
    // The slow one catches up, in fewer and larger steps than it was said in.
    let mut events = Vec::new();
    while let Some(event) = slow.event().await {
        events.push(event);
    }
    assert_eq!(events.last().unwrap().1["state"], "done");
    let most: usize = events.iter().filter_map(|(_, event)| event["content"].as_str()).map(str::len).sum();
    assert_eq!(most, 64 * piece.len());
}

/// Case: replay-typed-out-again.
#[tokio::test]
async fn replay_typed_out_again() {
    let place = Place::new().await;
    let (run, stream, mouth) = speaking(&place, "0 ").await;
    for n in 1..5_000 {
        mouth.say(&format!("{n} "));
    }
    mouth.end();
    stream.rest().await;
    let replay = place.ada().watch(&run, None).await.rest().await;
    let kinds: Vec<&str> = replay.iter().map(|(_, event)| event["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["run", "begin", "content", "message", "done"]);
}

/// Case: retry-starts-second-run.
#[tokio::test]
async fn retry_starts_second_run() {
    let place = Place::new().await;
    let mouth = place.model.answer();
    let id = "01890000-0000-7000-8000-000000000002";
    let body = json!({"message": "once", "messageId": id});
    let mut watchers = Vec::new();
    for _ in 0..20 {
        let (ada, body) = (place.ada(), body.clone());
        watchers.push(tokio::spawn(async move { ada.chat(body).await.rest().await }));
    }
    mouth.say("the answer");
    mouth.end();
    let mut runs = std::collections::BTreeSet::new();
    for watcher in watchers {
        let events = watcher.await.unwrap();
        assert_eq!(joined(&events), "the answer");
        runs.insert(events[0].1["runId"].to_string());
    }
    let late = place.ada().chat(body).await.rest().await;
    runs.insert(late[0].1["runId"].to_string());
    assert_eq!((runs.len(), place.model.requests().len()), (1, 1));
    let other = place.ada().post("/agent/chat", json!({"message": "other", "messageId": id})).await;
    assert_eq!(other.problem(), (409, "content_differs".into()));
    let bobs =
        place.bob().post("/agent/chat", json!({"message": "other", "messageId": id, "stream": false})).await;
    assert_eq!(bobs.status, 200);
    assert!(!runs.contains(&bobs.json()["runId"].to_string()));
    let usage = place.ada().get("/users/me/usage").await.json();
    assert_eq!((&usage["sessions"]["used"], &usage["tokens"]["used"]), (&json!(1), &json!(15)));
}

#[tokio::test]
async fn two_clients_watch_one_run_live() {
    let place = Place::new().await;
    let (run, mut first, mouth) = speaking(&place, "one ").await;
    let session = run.split('.').next().unwrap().to_owned();
    let mut second = place.ada().watch(&session, None).await;
    assert_eq!(joined(&second.until_event("content").await), "one ");
    mouth.say("two");
    for watcher in [&mut first, &mut second] {
        let event = watcher.event().await.unwrap().1;
        assert_eq!(event, json!({"type": "content", "content": "two", "offset": 4}));
    }
    // And whoever watches in the program itself sees the same.
    let mut inside = place.bot.agent().watch(&scope("ada"), run.parse().unwrap(), 0).await.unwrap();
    mouth.end();
    assert_eq!(first.rest().await, second.rest().await);
    while let Some((_, event)) = inside.next().await {
        if let Event::Content { text, .. } = event {
            assert_eq!(text, "one two");
        }
    }
}

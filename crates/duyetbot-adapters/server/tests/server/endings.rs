//! Every run has one ending and one account of what it used, whatever happened to it.
use duyetbot::SystemClock;
use duyetbot_core::{Clock, LEASE, SettableClock, StopReason, Usage};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

use crate::{
    client::{Answer, Frame},
    faltering::faltering,
    place::{Place, Wishes},
    streams::{joined, speaking},
};

async fn tokens(place: &Place) -> Value {
    place.ada().get("/users/me/usage").await.json()["tokens"]["used"].clone()
}

/// What the session's last message has used.
async fn last_usage(place: &Place, run: &str) -> Value {
    let path = format!("/sessions/{}/messages?limit=1", run.split('.').next().unwrap());
    place.ada().get(&path).await.json()["messages"][0]["usage"].clone()
}

/// Case: usage-lost-on-abort.
#[tokio::test]
async fn usage_lost_on_abort() {
    let place = Place::new().await;
    let (run, stream, mouth) = speaking(&place, "counted").await;
    drop(stream);
    mouth.end();
    for _ in 0..3 {
        let ended = place.ada().watch(&run, None).await.rest().await;
        assert_eq!(ended.last().unwrap().1["usage"], json!({"tokens": 15, "input": 10, "output": 5}));
    }
    assert_eq!(tokens(&place).await, json!(15), "watching again counts nothing");
}

/// Case: usage-lost-on-abort.
#[tokio::test]
async fn an_answer_that_is_stopped_or_breaks_has_used_what_was_said_of_it() {
    for stops in [true, false] {
        let place = Place::new().await;
        let (run, stream, mouth) = speaking(&place, &"word ".repeat(100)).await;
        if stops {
            place.ada().post(&format!("/agent/runs/{run}/stop"), json!({})).await;
        } else {
            drop(mouth);
        }
        stream.rest().await;
        let usage = last_usage(&place, &run).await;
        assert_eq!(usage["estimated"], true, "{usage}");
        let of = |field: &str| usage[field].as_u64().unwrap();
        assert!((100..=200).contains(&of("output")) && of("input") > 0, "{usage}");
        assert_eq!(of("tokens"), of("input") + of("output"));
        for _ in 0..2 {
            place.ada().watch(&run, None).await.rest().await;
            place.ada().post(&format!("/agent/runs/{run}/stop"), json!({})).await;
        }
        assert_eq!(tokens(&place).await, usage["tokens"], "the day, the run and the message agree");
    }
}

/// Case: usage-lost-on-abort.
#[tokio::test]
async fn what_a_provider_says_of_usage_stands_be_it_nothing_twice_or_late() {
    let used = |input, output| Usage { input, output, ..Usage::default() };
    let told = [(vec![used(0, 0)], 0), (vec![used(7, 1), used(7, 3)], 10), (vec![used(7, 1), used(7, 2)], 9)];
    for (usages, total) in told {
        let place = Place::new().await;
        let (_, stream, mouth) = speaking(&place, "words").await;
        usages.into_iter().for_each(|usage| mouth.uses(usage));
        mouth.stop(StopReason::MaxTokens);
        assert_eq!(stream.rest().await.last().unwrap().1["usage"]["tokens"], total);
        assert_eq!(tokens(&place).await, total);
    }
    let place = Place::new().await;
    let (run, stream, mouth) = speaking(&place, "words").await;
    mouth.stop(StopReason::End);
    stream.rest().await;
    assert_eq!(last_usage(&place, &run).await["estimated"], true, "a provider that tells none");
}

/// Case: run-never-reaches-an-end.
#[tokio::test]
async fn run_never_reaches_an_end() {
    let place = Place::with(Wishes { tools: true, ..Wishes::default() }).await;
    let first = place.model.answer();
    first.call("c", "look", r#"{"panic":true}"#);
    first.end();
    let events = place.ada().chat(json!({"message": "hi"})).await.rest().await;
    let result = events.iter().find(|(_, event)| event["type"] == "tool_result").unwrap();
    assert_eq!(result.1["status"], "error");
    assert_eq!(events.last().unwrap().1["state"], "done");
    let cut = place.model.answer();
    cut.say("half");
    drop(cut);
    let failed = place.ada().post("/agent/chat", json!({"message": "hi", "stream": false})).await;
    assert_eq!(failed.problem().0, 503);
    assert!(failed.json()["runId"].is_string(), "{}", failed.text());
}

/// All that a stream still brings, while time passes quickly.
async fn rest_in_time(clock: &SettableClock, stream: Answer) -> Vec<(Option<String>, Value)> {
    let reading = tokio::spawn(stream.rest());
    while !reading.is_finished() {
        clock.advance(Duration::from_millis(500));
        tokio::task::yield_now().await;
    }
    reading.await.unwrap()
}

/// Case: run-never-reaches-an-end.
#[tokio::test]
async fn a_stream_whose_storage_fails_is_cut_and_says_so_and_the_run_ends_once_the_storage_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(SettableClock::new(SystemClock.now()));
    let (store, fault) = faltering(folder.path(), clock.clone()).await;
    let place =
        Place::with(Wishes { store: Some(store), clock: Some(clock.clone()), ..Wishes::default() }).await;
    let (run, mut stream, _mouth) = speaking(&place, "half ").await;
    fault.begin();
    // The lease cannot be renewed.
    clock.advance(LEASE / 5);
    let mut frames = Vec::new();
    while let Some(frame) = stream.frame().await {
        frames.push(frame);
    }
    let cut = "the run cannot be followed for the moment; resume with Last-Event-ID";
    assert_eq!(frames, [Frame::Comment(cut.into())], "no ending that is not the run's");
    let again = place.ada().watch(&run, None).await;
    assert_eq!((again.status, again.header("retry-after").is_some()), (503, true));

    fault.end();
    let resumed = rest_in_time(&clock, place.ada().watch(&run, None).await).await;
    assert_eq!((joined(&resumed).as_str(), &resumed.last().unwrap().1["state"]), ("ok", &json!("done")));
    let session = run.split('.').next().unwrap();
    assert_eq!(place.ada().get(&format!("/sessions/{session}")).await.json()["messageCount"], 2);
    let more = json!({"message": "b", "sessionId": session, "stream": false});
    assert_eq!(place.ada().post("/agent/chat", more).await.status, 200, "the session goes on");
}

/// Case: run-never-reaches-an-end.
#[tokio::test]
async fn a_run_whose_last_write_fails_ends_once_and_with_what_was_asked_for_again() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(SettableClock::new(SystemClock.now()));
    let (store, fault) = faltering(folder.path(), clock.clone()).await;
    let place =
        Place::with(Wishes { store: Some(store), clock: Some(clock.clone()), ..Wishes::default() }).await;
    let (run, stream, mouth) = speaking(&place, "all of it").await;
    fault.begin();
    mouth.end();
    let cut = stream.rest().await;
    let durable = cut.iter().any(|(id, event)| id.is_some() || event["type"] == "error");
    assert!(!durable, "nothing is told as durable: {cut:?}");
    fault.end();
    assert_eq!(tokens(&place).await, 0);
    let resumed = rest_in_time(&clock, place.ada().watch(&run, None).await).await;
    assert_eq!(tokens(&place).await, resumed.last().unwrap().1["usage"]["tokens"]);
    let endings: Vec<_> = resumed.iter().filter(|(_, event)| event["type"] == "done").collect();
    assert_eq!((joined(&resumed).as_str(), endings.len()), ("ok", 1));
}

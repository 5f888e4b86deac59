//! A watcher that drops and resumes anywhere ends with the identical text, tool events and ending.
use proptest::{collection::vec, prelude::*, test_runner::TestRunner};
use serde_json::{Value, json};
use std::collections::BTreeMap;

use crate::{
    client::Client,
    place::{Place, Wishes},
};

/// What a client holds after a stream: its messages, its calls, and how it ended.
#[derive(Clone, Debug, Default, PartialEq)]
struct Held {
    messages: Vec<(String, String, String)>,
    calls: BTreeMap<String, (Value, Value)>,
    order: Vec<String>,
    ending: Option<Value>,
    position: Option<String>,
}

impl Held {
    fn take(&mut self, id: Option<String>, event: &Value) {
        let text = |key: &str| event[key].as_str().unwrap_or_default().to_owned();
        match event["type"].as_str().unwrap() {
            "reset" => *self = Held::default(),
            "begin" => {
                let message = text("messageId");
                self.messages.retain(|(id, ..)| *id != message);
                self.messages.push((message, String::new(), String::new()));
            }
            kind @ ("content" | "reasoning") => {
                let (_, content, reasoning) = self.messages.last_mut().unwrap();
                let held = if kind == "content" { content } else { reasoning };
                let mut kept: String =
                    held.chars().take(event["offset"].as_u64().unwrap() as usize).collect();
                kept.push_str(&text("content"));
                *held = kept;
            }
            "tool" => {
                let call = text("callId");
                if !self.order.contains(&call) {
                    self.order.push(call.clone());
                }
                self.calls.entry(call).or_default().0 = event.clone();
            }
            "tool_result" => self.calls.entry(text("callId")).or_default().1 = event.clone(),
            "done" | "error" => self.ending = Some(event.clone()),
            _ => {}
        }
        if id.is_some() {
            self.position = id;
        }
    }
}

/// Reads so many events at a time, and cuts the connection each time.
async fn in_pieces(client: &Client, run: &str, pieces: &[usize]) -> Held {
    let mut held = Held::default();
    for piece in pieces.iter().copied().chain([usize::MAX]) {
        let mut stream = client.watch(run, held.position.as_deref()).await;
        assert_eq!(stream.status, 200);
        for _ in 0..piece {
            let Some((id, event)) = stream.event().await else { break };
            held.take(id, &event);
        }
        if held.ending.is_some() {
            break;
        }
    }
    held
}

async fn run_with_everything(place: &Place) -> String {
    let first = place.model.answer();
    first.think("let me see 🦀");
    first.say("I look. ");
    first.call("a", "look", r#"{"n":1}"#);
    first.call("b", "look", r#"{"n":2}"#);
    first.end();
    let second = place.model.answer();
    second.call("c", "look", r#"{"n":3}"#);
    second.end();
    let third = place.model.answer();
    third.think("so");
    third.say("Schön, so: ");
    let mut stream = place.ada().chat(json!({"message": "hi"})).await;
    let run = stream.event().await.unwrap().1["runId"].as_str().unwrap().to_owned();
    stream.until_event("message").await;
    third.say("日本。");
    third.end();
    stream.rest().await;
    run
}

/// Case: resume-starts-inside-a-part.
#[test]
fn a_watcher_that_drops_and_resumes_anywhere_ends_with_the_same() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let place = runtime.block_on(Place::with(Wishes { tools: true, ..Wishes::default() }));
    let run = runtime.block_on(run_with_everything(&place));
    let whole = runtime.block_on(in_pieces(&place.ada(), &run, &[]));
    assert_eq!((whole.messages.len(), whole.order.clone()), (3, vec!["a".into(), "b".into(), "c".into()]));
    for at in 0..20 {
        assert_eq!(runtime.block_on(in_pieces(&place.ada(), &run, &[at])), whole, "cut at {at}");
    }
    let mut runner =
        TestRunner::new(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() });
    runner
        .run(&vec(0_usize..12, 0..6), |pieces| {
            prop_assert_eq!(runtime.block_on(in_pieces(&place.ada(), &run, &pieces)), whole.clone());
            Ok(())
        })
        .unwrap();
}

#[tokio::test]
async fn a_watcher_that_drops_and_resumes_while_the_run_speaks_ends_with_the_same() {
    let place = Place::new().await;
    let mouth = place.model.answer();
    let mut stream = place.ada().chat(json!({"message": "hi"})).await;
    let run = stream.event().await.unwrap().1["runId"].as_str().unwrap().to_owned();
    let mut held = Held::default();
    for n in 0..30 {
        mouth.say(&format!("{n} ü "));
        let mut watcher = place.ada().watch(&run, held.position.as_deref()).await;
        while !held.messages.last().is_some_and(|(_, text, _)| text.ends_with(&format!("{n} ü "))) {
            let (id, event) = watcher.event().await.unwrap();
            held.take(id, &event);
        }
    }
    mouth.end();
    let end = in_pieces(&place.ada(), &run, &[]).await;
    let mut unbroken = Held::default();
    for (id, event) in stream.rest().await {
        unbroken.take(id, &event);
    }
    assert_eq!(end.messages, held.messages);
    assert_eq!(end, unbroken);
}

/// Case: resume-starts-inside-a-part.
#[tokio::test]
async fn a_watcher_that_drops_at_any_event_of_a_run_that_asks_ends_with_the_same() {
    for at in 0..16 {
        let place = Place::with(Wishes { tools: true, ..Wishes::default() }).await;
        let first = place.model.answer();
        first.think("may I?");
        first.say("I open it. ");
        first.call("a", "look", "{}");
        first.call("b", "open", "{}");
        first.end();
        let second = place.model.answer();
        let mut stream = place.ada().chat(json!({"message": "hi"})).await;
        let mut unbroken = Held::default();
        let mut run = String::new();
        for (id, event) in stream.until_event("approval").await {
            run = event["runId"].as_str().map_or(run, str::to_owned);
            unbroken.take(id, &event);
        }
        let (ada, watched) = (place.ada(), run.clone());
        let drops = tokio::spawn(async move { in_pieces(&ada, &watched, &[at, 3]).await });
        let late = place.ada().watch(&run, None).await.until_event("approval").await;
        assert_eq!(late.last().unwrap().1["callId"], "b", "whoever comes while it waits is asked");
        let decision = json!({"callId": "b", "decision": "allow"});
        let path = format!("/agent/runs/{run}/approvals");
        assert_eq!(place.ada().post(&path, decision).await.status, 200);
        second.say("It is open.");
        second.end();
        for (id, event) in stream.rest().await {
            unbroken.take(id, &event);
        }
        assert_eq!(drops.await.unwrap(), unbroken, "cut after {at} events");
        assert_eq!(in_pieces(&place.ada(), &run, &[at]).await, unbroken, "cut after {at} events, at the end");
    }
}

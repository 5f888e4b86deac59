//! Limits at their edge, by fifty at once, on the file and in memory; and what is given back.
use duyetbot_core::{Limits, Rate};
use duyetbot_server::http::Settings;
use serde_json::json;

use crate::{
    client::{DEADLINE, Reply},
    place::{Place, Wishes},
};

async fn fifty<F, R>(send: F) -> Vec<Reply>
where
    F: Fn(usize) -> R,
    R: Future<Output = Reply> + Send + 'static,
{
    let sent: Vec<_> = (0..50).map(|n| tokio::spawn(send(n))).collect();
    let mut replies = Vec::new();
    for reply in sent {
        replies.push(reply.await.unwrap());
    }
    replies
}

fn limited(limits: Limits, rate: Option<u32>) -> Settings {
    Settings { limits, rate: rate.map(Rate::per_minute), ..Wishes::default().api }
}

/// Case: limit-checked-then-counted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limit_checked_then_counted() {
    let folder = tempfile::tempdir().unwrap();
    let file = format!("sqlite:{}", folder.path().join("talk.db").display());
    for storage in [file, "memory:".to_owned()] {
        let limits = Limits { sessions: Some(10), messages: Some(10), bytes: None };
        let place = Place::with(Wishes { storage, api: limited(limits, None), ..Wishes::default() }).await;
        for _ in 0..7 {
            assert_eq!(place.ada().post("/sessions", json!({})).await.status, 201);
        }
        let ada = place.ada();
        let made = fifty(|_| {
            let ada = ada.clone();
            async move { ada.post("/sessions", json!({})).await }
        })
        .await;
        assert_eq!(made.iter().filter(|reply| reply.status == 201).count(), 3);
        for refused in made.iter().filter(|reply| reply.status != 201) {
            assert_eq!(refused.problem(), (403, "limit_reached".into()));
            assert_eq!(refused.json()["limit"], "sessions");
        }
        assert_eq!(
            place.bob().post("/sessions", json!({})).await.status,
            201,
            "limits of one are not another's"
        );
        let usage = place.ada().get("/users/me/usage").await.json();
        assert_eq!(usage["sessions"], json!({"used": 10, "limit": 10}));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_takes_no_message_more_than_its_limit() {
    let limits = Limits { sessions: None, messages: Some(4), bytes: None };
    let place = Place::with(Wishes { api: limited(limits, None), ..Wishes::default() }).await;
    let session = place.ada().post("/sessions", json!({})).await.json()["id"].clone();
    let say = json!({"sessionId": session, "message": "hi", "stream": false});
    for _ in 0..2 {
        assert_eq!(place.ada().post("/agent/chat", say.clone()).await.status, 200);
    }
    let refused = place.ada().post("/agent/chat", say).await;
    assert_eq!(refused.problem(), (403, "limit_reached".into()));
    assert_eq!(refused.json()["limit"], "messages_per_session");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_request_of_a_minute_is_taken_once() {
    let place = Place::with(Wishes { api: limited(Limits::NONE, Some(20)), ..Wishes::default() }).await;
    let ada = place.ada();
    let replies = fifty(|n| {
        // What a client says of where it comes from buys it nothing.
        let (ada, from) = (ada.clone(), format!("10.0.0.{n}"));
        async move {
            let headers = [("x-forwarded-for", &*from), ("x-real-ip", &*from)];
            ada.send("GET", "/sessions", &headers, b"").await
        }
    })
    .await;
    let mut left: Vec<u32> = replies
        .iter()
        .filter(|reply| reply.status == 200)
        .map(|reply| reply.header("x-ratelimit-remaining").unwrap().parse().unwrap())
        .collect();
    left.sort_unstable();
    assert_eq!(left, (0..20).collect::<Vec<u32>>());
    for refused in replies.iter().filter(|reply| reply.status != 200) {
        assert_eq!(refused.problem(), (429, "rate_limited".into()));
        assert_eq!(
            (refused.header("x-ratelimit-limit"), refused.header("x-ratelimit-remaining")),
            (Some("20"), Some("0"))
        );
        let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=60).contains(&wait) && refused.header("x-ratelimit-reset").is_some());
    }
    assert_eq!(place.bob().get("/sessions").await.status, 200);
    assert_eq!(place.nobody().get("/healthz").await.status, 200);
}

/// Case: quota-stays-after-delete.
#[tokio::test]
async fn quota_stays_after_delete() {
    let limits = Limits { sessions: Some(2), messages: None, bytes: None };
    let place = Place::with(Wishes { api: limited(limits, None), ..Wishes::default() }).await;
    let ada = place.ada();
    let make = async || ada.post("/sessions", json!({})).await;
    let used = async || ada.get("/users/me/usage").await.json()["sessions"]["used"].clone();
    let first = format!("/sessions/{}", make().await.json()["id"].as_str().unwrap());
    let second = format!("/sessions/{}", make().await.json()["id"].as_str().unwrap());
    assert_eq!(make().await.status, 403);
    for _ in 0..2 {
        assert_eq!(ada.send("DELETE", &first, &[], b"").await.status, 204);
        assert_eq!(used().await, json!(1), "given back once");
    }
    assert_eq!(ada.get(&first).await.json()["deleted"], json!(true));
    let binned = ada.get("/sessions?deleted=true").await.json()["sessions"].as_array().unwrap().len();
    assert_eq!(binned, 1);
    let back = ada.with_json("PATCH", &first, json!({"deleted": false})).await;
    assert_eq!((back.status, used().await), (200, json!(2)));
    let erase = format!("{second}?erase=true");
    assert_eq!(ada.send("DELETE", &erase, &[], b"").await.status, 204);
    assert_eq!(ada.send("DELETE", &erase, &[], b"").await.status, 404);
    assert_eq!((used().await, ada.get(&second).await.status), (json!(1), 404));
    assert_eq!(make().await.status, 201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_many_runs_of_a_person_go_on_at_once_as_may_and_no_more() {
    let place = Place::with(Wishes { runs_at_once: Some(3), ..Wishes::default() }).await;
    let mouths: Vec<_> = (0..3).map(|_| place.model.answer()).collect();
    let ada = place.ada();
    let sent: Vec<_> = (0..50)
        .map(|_| {
            let ada = ada.clone();
            tokio::spawn(async move { ada.chat(json!({"message": "hi"})).await })
        })
        .collect();
    let (mut begun, mut refused) = (Vec::new(), 0);
    for answer in sent {
        let answer = answer.await.unwrap();
        if answer.status == 200 {
            begun.push(answer);
        } else {
            assert_eq!(answer.status, 429);
            refused += 1;
        }
    }
    assert_eq!((begun.len(), refused), (3, 47));
    let over = place.ada().post("/agent/chat", json!({"message": "more", "stream": false})).await;
    assert_eq!(
        (over.problem(), &over.json()["limit"]),
        ((429, "limit_reached".into()), &json!("runs_at_once"))
    );
    assert!(over.header("retry-after").is_some());

    let first = begun.pop().unwrap().until_event("run").await.pop().unwrap().1;
    let (session, message) = (first["sessionId"].clone(), first["messageId"].clone());
    let mut again =
        place.ada().chat(json!({"message": "hi", "sessionId": session, "messageId": message})).await;
    let attached = again.until_event("run").await.pop().unwrap().1;
    assert_eq!(attached["runId"], first["runId"], "to ask for a run again is no second one");
    let theirs = place.bob().post("/agent/chat", json!({"message": "hi", "stream": false})).await;
    assert_eq!(theirs.status, 200, "runs of one are not another's");

    mouths.into_iter().for_each(|mouth| mouth.end());
    place.model.silent().await;
    again.rest().await;
    for answer in begun {
        answer.rest().await;
    }
    let after = place.ada().post("/agent/chat", json!({"message": "more", "stream": false})).await;
    assert_eq!(after.status, 200, "{}", after.text());
}

#[tokio::test]
async fn tools_by_themselves_have_the_same_cap() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("begun");
    let api = Settings { runs_at_once: Some(1), ..Wishes::default().api };
    let place = Place::with(Wishes { api, tools: true, ..Wishes::default() }).await;
    let call = |input| json!({"tool": "look", "input": input});
    let (ada, hang) = (place.ada(), call(json!({"hang": file})));
    let hanging = tokio::spawn(async move { ada.post("/agent/execute", hang).await });
    while !file.exists() {
        tokio::task::yield_now().await;
    }
    let over = place.ada().post("/agent/execute", call(json!({}))).await;
    assert_eq!(
        (over.problem(), &over.json()["limit"]),
        ((429, "limit_reached".into()), &json!("runs_at_once"))
    );
    assert_eq!(place.bob().post("/agent/execute", call(json!({}))).await.status, 200);
    hanging.abort();
    let _ = hanging.await;
    // The call ends once the server sees that its client has gone.
    let again = async || place.ada().post("/agent/execute", call(json!({}))).await.status;
    tokio::time::timeout(DEADLINE, async { while again().await != 200 {} }).await.unwrap();
}

#[tokio::test]
async fn a_run_that_waits_for_a_person_takes_no_place() {
    let place = Place::with(Wishes { runs_at_once: Some(1), tools: true, ..Wishes::default() }).await;
    let asks = place.model.answer();
    asks.call("c1", "open", "{}");
    asks.end();
    let waiting = place.ada().post("/agent/chat", json!({"message": "open it", "stream": false})).await;
    assert_eq!(waiting.status, 202);
    let other = place.ada().post("/agent/chat", json!({"message": "hi", "stream": false})).await;
    assert_eq!(other.status, 200, "{}", other.text());
}

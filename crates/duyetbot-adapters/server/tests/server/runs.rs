//! Runs over HTTP: as one document, with approvals, one at a time in a session.
use serde_json::json;

use crate::{
    place::{Place, Wishes},
    streams::speaking,
};

#[tokio::test]
async fn an_answer_is_one_document_where_no_stream_is_wanted() {
    let place = Place::new().await;
    let reply = place.ada().post("/agent/chat", json!({"message": "hi", "stream": false})).await;
    let body = reply.json();
    assert_eq!((reply.status, &body["state"]), (200, &json!("done")));
    assert_eq!(body["usage"], json!({"tokens": 15, "input": 10, "output": 5}));
    assert_eq!(body["message"]["parts"], json!([{"type": "text", "text": "ok"}]));
    let more = json!({"message": "more", "sessionId": body["sessionId"], "stream": false});
    let second = place.ada().post("/agent/chat", more).await.json();
    assert_eq!(second["sessionId"], body["sessionId"]);
    let session = place.ada().get(&format!("/sessions/{}", body["sessionId"].as_str().unwrap())).await.json();
    assert_eq!((&session["messageCount"], &session["title"]), (&json!(4), &json!("hi")));
}

#[tokio::test]
async fn one_run_at_a_time_and_the_refusal_names_the_one_in_the_way() {
    let place = Place::new().await;
    let (run, stream, mouth) = speaking(&place, "a").await;
    let session = run.split('.').next().unwrap();
    for stream in [true, false] {
        let refused = place
            .ada()
            .post("/agent/chat", json!({"message": "b", "sessionId": session, "stream": stream}))
            .await;
        assert_eq!(refused.problem(), (409, "run_active".into()));
        assert_eq!(refused.json()["runId"], json!(run));
    }
    mouth.end();
    stream.rest().await;
    let after =
        place.ada().post("/agent/chat", json!({"message": "b", "sessionId": session, "stream": false})).await;
    assert_eq!(after.status, 200);
}

#[tokio::test]
async fn a_run_that_asks_is_answered_with_its_calls_and_goes_on_when_they_are_decided() {
    let place = Place::with(Wishes { tools: true, ..Wishes::default() }).await;
    for (decision, status) in [("allow", "success"), ("deny", "denied")] {
        let asks = place.model.answer();
        asks.call("c1", "open", r#"{"door":"blue"}"#);
        asks.end();
        let reply = place.ada().post("/agent/chat", json!({"message": "open it", "stream": false})).await;
        let waiting = reply.json();
        assert_eq!((reply.status, &waiting["state"]), (202, &json!("waiting")));
        let approval = json!({"callId": "c1", "tool": "open", "input": {"door": "blue"}, "reason": "open asks before it runs"});
        assert_eq!(waiting["approvals"], json!([approval]));
        let run = waiting["runId"].as_str().unwrap();
        let mut watcher = place.ada().watch(run, None).await;
        let shown = watcher.until_event("approval").await.pop().unwrap().1;
        assert_eq!(shown["callId"], "c1");
        let path = format!("/agent/runs/{run}/approvals");
        let unknown = place.ada().post(&path, json!({"callId": "c9", "decision": decision})).await;
        assert_eq!(unknown.problem(), (409, "not_pending".into()));
        let decided = place.ada().post(&path, json!({"callId": "c1", "decision": decision})).await;
        assert_eq!((decided.status, &decided.json()["runId"]), (200, &json!(run)));
        let rest = watcher.rest().await;
        let result = rest.iter().find(|(_, event)| event["type"] == "tool_result").unwrap();
        assert_eq!(result.1["status"], status);
        assert_eq!(rest.last().unwrap().1["state"], "done");
    }
}

#[tokio::test]
async fn a_tool_runs_by_itself_where_nobody_has_to_be_asked() {
    let place = Place::with(Wishes { tools: true, ..Wishes::default() }).await;
    let call = |tool: &str, input| json!({"tool": tool, "input": input});
    let done = place.ada().post("/agent/execute", call("look", json!({"at": "it"}))).await.json();
    assert_eq!(
        (&done["tool"], &done["status"], &done["output"]),
        (&json!("look"), &json!("success"), &json!("look {\"at\":\"it\"}"))
    );
    assert!(done["durationMs"].is_u64());
    let failed = place.ada().post("/agent/execute", call("look", json!({"panic": 1}))).await;
    assert_eq!((failed.status, failed.json()["status"].clone()), (200, json!("error")));
    let asks = place.ada().post("/agent/execute", call("open", json!({}))).await;
    assert_eq!(asks.problem(), (403, "forbidden".into()));
    assert_eq!(place.ada().post("/agent/execute", call("bash", json!({}))).await.problem().0, 404);
    assert_eq!(place.ada().post("/agent/execute", call("look", json!([]))).await.problem().0, 422);
}

#[tokio::test]
async fn a_stream_that_waits_for_its_run_answers_with_its_failure() {
    let place = Place::new().await;
    let wrong = place.ada().chat(json!({"message": "   "})).await;
    assert_eq!(wrong.status, 422);
    let rules =
        place.ada().post("/agent/chat", json!({"message": "a", "deny": ["bash"], "stream": false})).await;
    assert_eq!(rules.status, 200, "a rule that narrows nothing is kept");
}

/// Case: run-never-reaches-an-end.
#[tokio::test]
async fn streams_of_a_run_whose_session_was_erased_end_and_say_so() {
    let place = Place::new().await;
    let (run, first, mouth) = speaking(&place, "half ").await;
    let mut second = place.ada().watch(&run, None).await;
    second.until_event("content").await;
    let session = format!("/sessions/{}?erase=true", run.split('.').next().unwrap());
    assert_eq!(place.ada().send("DELETE", &session, &[], b"").await.status, 204);
    mouth.say("an answer");
    mouth.end();
    for stream in [first, second] {
        let ending = stream.rest().await.pop().unwrap().1;
        assert!(["error", "done"].contains(&ending["type"].as_str().unwrap()), "{ending}");
    }
    assert_eq!(place.ada().watch(&run, None).await.status, 404);
}

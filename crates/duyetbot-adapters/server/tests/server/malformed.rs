//! Two hundred requests that are wrong: each is refused as a problem, none disturbs the server.
use serde_json::json;

use crate::place::{Place, Wishes};

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

#[tokio::test]
async fn two_hundred_malformed_requests_are_refused_as_problems() {
    let api =
        duyetbot_server::http::Settings { largest_body: 4_096, largest_blob: 4_096, ..Wishes::default().api };
    let place = Place::with(Wishes { api, ..Wishes::default() }).await;
    let ada = place.ada();
    let bodies: Vec<Vec<u8>> = [
        "",
        "{",
        "}",
        "[",
        "null",
        "1",
        "\"a\"",
        "[]",
        "{\"a\"}",
        "{\"title\":}",
        "{\"title\":1}",
        "{\"title\":\"a\",}",
        "{\"title\":\"\\ud800\"}",
        "{\"id\":\"x\"}",
        "{\"metadata\":[]}",
        "{\"metadata\":1}",
        "{'title':'a'}",
        "NaN",
        "{\"title\":NaN}",
        "{\"title\":\"a\"}{}",
        "{\"title\":\"a\",\"title\":\"b\"}",
        "{\"x\":1}",
        "{\"message\":1}",
        "{\"message\":[1]}",
        "{\"message\":[{\"type\":\"tool\"}]}",
        "{\"message\":[{\"type\":\"text\"}]}",
        "{\"message\":\"a\",\"maxSteps\":0}",
        "{\"message\":\"a\",\"maxSteps\":-1}",
        "{\"message\":\"a\",\"stream\":1}",
        "{\"callId\":1,\"decision\":\"allow\"}",
        "{\"callId\":\"a\",\"decision\":\"maybe\"}",
        "{\"tool\":\"a\"}",
        "\u{feff}{}",
    ]
    .into_iter()
    .map(|text| text.as_bytes().to_vec())
    .chain([vec![0xff, 0xfe], vec![b'{', 0], b"{\"title\":\"\xff\"}".to_vec(), vec![b' '; 5_000]])
    .collect();
    let session = ada.post("/sessions", json!({})).await.json()["id"].as_str().unwrap().to_owned();
    let mut sent = 0;
    for path in ["/sessions", "/agent/chat", "/agent/execute"] {
        for body in &bodies {
            let reply = ada.send("POST", path, &JSON, body).await;
            let told = format!("{path} {}", String::from_utf8_lossy(body));
            assert!([400, 404, 413, 422].contains(&reply.problem().0), "{told}: {}", reply.text());
            sent += 1;
        }
    }
    for query in [
        "limit=0",
        "limit=-1",
        "limit=x",
        "limit=1001",
        "limit=99999999999999999999",
        "cursor=x",
        "cursor=",
        "state=x",
        "state=",
        "x=1",
        "limit=1&limit=2",
        "q=%00",
        "deleted=1",
        "order=asc",
        "cursor=%ff",
    ] {
        for path in ["/sessions".to_owned(), format!("/sessions/{session}/messages"), "/search".to_owned()] {
            let reply = ada.get(&format!("{path}?{query}")).await;
            if path.ends_with("messages") && query == "order=asc" {
                assert_eq!(reply.status, 200);
                continue;
            }
            assert!([400, 422].contains(&reply.problem().0), "{path} {query}: {}", reply.text());
            sent += 1;
        }
    }
    for path in [
        "/nothing",
        "/sessions/",
        "/sessions/x",
        "/sessions/%00",
        "/sessions/%ff",
        "/agent",
        "/agent/stream/x",
        "/agent/stream/x.y",
        "/agent/runs/x/stop",
        "/blobs/x",
        "/users",
        "/users/you",
        "/%2e%2e/etc/passwd",
    ] {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "BREW"] {
            let reply = ada.send(method, path, &JSON, b"{}").await;
            assert!([404, 405].contains(&reply.problem().0), "{method} {path}: {}", reply.text());
            sent += 1;
        }
    }
    assert!(sent >= 200, "{sent}");
    assert_eq!(
        ada.get("/sessions").await.json()["sessions"].as_array().unwrap().len(),
        1,
        "nothing was made"
    );
    assert_eq!(place.model.requests().len(), 0);
}

#[tokio::test]
async fn each_of_the_frameworks_own_refusals_is_a_problem() {
    let api = duyetbot_server::http::Settings { largest_body: 64, ..Wishes::default().api };
    let place = Place::with(Wishes { api, ..Wishes::default() }).await;
    let ada = place.ada();
    let large = format!("{{\"title\":\"{}\"}}", "a".repeat(64));
    assert_eq!(
        ada.send("POST", "/sessions", &JSON, large.as_bytes()).await.problem(),
        (413, "too_large".into())
    );
    assert_eq!(
        ada.send("POST", "/sessions", &[], b"{}").await.problem(),
        (415, "unsupported_media_type".into())
    );
    let method = ada.send("PUT", "/sessions", &[], b"").await;
    assert_eq!(method.problem(), (405, "method_not_allowed".into()));
    assert_eq!(method.header("allow"), Some("POST,GET,HEAD"));
    let unknown = ada.post("/sessions", json!({"name": "a", "meta": {}})).await;
    assert_eq!((unknown.problem().0, &unknown.json()["fields"]), (422, &json!(["meta", "name"])));
    let nested = ada.post("/agent/chat", json!({"message": [{"type": "text", "text": "a", "x": 1}]})).await;
    assert_eq!((nested.status, &nested.json()["fields"]), (422, &json!(["message.0.x"])));
    assert_eq!(ada.get("/nothing").await.text(), ada.get("/sessions/x").await.text());
}

#[tokio::test]
async fn a_body_that_never_ends_is_given_up() {
    let patience = std::time::Duration::from_millis(100);
    let api = duyetbot_server::http::Settings { patience, ..Wishes::default().api };
    let place = Place::with(Wishes { api, ..Wishes::default() }).await;
    let head = "POST /sessions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ada-token\r\ncontent-type: application/json\r\n\
                content-length: 100\r\n\r\n{";
    let answer = place.ada().raw(head.as_bytes()).await;
    assert!([408, 503].contains(&answer.status), "{}", answer.status);
    let cut = place.ada().raw(b"GET /sessions HTTP/9.9\r\n\r\n").await;
    assert_eq!(cut.status, 400);
    assert_eq!(place.ada().get("/sessions").await.status, 200);
}

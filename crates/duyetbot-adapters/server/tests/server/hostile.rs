//! Hostile input at every place that the API's document has: refused as a problem, and nothing is touched.
use serde_json::{Value, json};

use crate::{
    client::Client,
    document::{bodies, words_of_queries},
    place::Place,
};

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

/// A route with ids of nothing in its path.
fn of_nothing(route: &str) -> String {
    let id = "00000000-0000-7000-8000-000000000000";
    let id =
        if route.contains("/runs/") || route.contains("/stream/") { format!("{id}.{id}") } else { id.into() };
    route.replace("{id}", &id).replace("{hash}", &"0".repeat(64))
}

async fn document(place: &Place) -> Value {
    place.nobody().get("/openapi.json").await.json()
}

/// Ada has what she had.
async fn is_as_it_was(ada: &Client, session: &Value) {
    let listed = ada.get("/sessions").await.json()["sessions"].clone();
    assert_eq!(listed, json!([session]));
    assert_eq!(ada.get("/users/me").await.status, 200);
}

/// Case: deep-json-ends-process.
#[tokio::test]
async fn every_body_refuses_what_is_nested_too_deep_packed_or_too_large() {
    let place = Place::of_members().await;
    let ada = place.ada();
    let session = ada.post("/sessions", json!({})).await.json();
    for (method, route, body) in bodies(&document(&place).await) {
        let path = of_nothing(&route);
        let deep = |depth: usize, open: &str, close: &str| {
            let nested = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            let mut fields = body.as_object().unwrap().clone();
            fields.remove("x");
            let fields: String = fields.iter().map(|(name, value)| format!("\"{name}\":{value},")).collect();
            [format!("{{{fields}\"x\":{nested}}}"), nested]
        };
        for (depth, open, close) in
            [(65, "[", "]"), (5_000, "[", "]"), (100_000, "[", "]"), (100_000, "{\"a\":", "}")]
        {
            for body in deep(depth, open, close) {
                let reply = ada.send(&method, &path, &JSON, body.as_bytes()).await;
                assert!([400, 422].contains(&reply.problem().0), "{method} {path} {depth}: {}", reply.text());
            }
        }
        let packed = [JSON[0], ("content-encoding", "gzip")];
        let reply = ada.send(&method, &path, &packed, &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0]).await;
        assert!([400, 415].contains(&reply.problem().0), "{method} {path}: {}", reply.text());
        let claimed = [JSON[0], ("expect", "100-continue"), ("content-length", "104857600")];
        let reply = ada.send(&method, &path, &claimed, b"").await;
        assert_eq!(reply.problem(), (413, "too_large".into()), "{method} {path}");
    }
    is_as_it_was(&ada, &session).await;
}

/// The body with this text in the place of each text of it, and in a name.
fn with_text(body: &Value, text: &str) -> Vec<Value> {
    let mut found = Vec::new();
    match body {
        Value::String(_) => found.push(json!(text)),
        Value::Array(items) => {
            for (n, item) in items.iter().enumerate() {
                for changed in with_text(item, text) {
                    let mut whole = body.clone();
                    whole[n] = changed;
                    found.push(whole);
                }
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                for changed in with_text(field, text) {
                    let mut whole = body.clone();
                    whole[name] = changed;
                    found.push(whole);
                }
            }
            let mut named = body.clone();
            named[text] = json!(1);
            found.push(named);
        }
        _ => {}
    }
    found
}

/// Case: nul-passes-sqlite-fails-postgres.
#[tokio::test]
async fn every_text_of_a_body_and_a_query_refuses_what_not_every_storage_keeps() {
    let place = Place::of_members().await;
    let ada = place.ada();
    let session = ada.post("/sessions", json!({})).await.json();
    let document = document(&place).await;
    let mut tried = 0;
    for (method, route, body) in bodies(&document) {
        for body in ["\0", "\0b", "a\0", "a\0b"].iter().flat_map(|text| with_text(&body, text)) {
            let reply = ada.with_json(&method, &of_nothing(&route), body.clone()).await;
            assert_eq!(reply.problem().0, 422, "{method} {route} {body}: {}", reply.text());
            tried += 1;
        }
        for half in [r#""\ud800""#, r#""\udc00x""#, "\"\u{1}\""] {
            let bytes = format!("{{\"title\":{half}}}");
            let reply = ada.send(&method, &of_nothing(&route), &JSON, bytes.as_bytes()).await;
            assert!([400, 422].contains(&reply.problem().0), "{method} {route} {half}: {}", reply.text());
        }
    }
    for (method, route, name) in words_of_queries(&document) {
        for value in ["%00", "a%00b", "%ff", "%ed%a0%80"] {
            let reply = ada.send(&method, &format!("{}?{name}={value}", of_nothing(&route)), &[], b"").await;
            assert!(
                [400, 404, 422].contains(&reply.problem().0),
                "{method} {route} {name}: {}",
                reply.text()
            );
            tried += 1;
        }
    }
    let meant = ada.get("/search?q=%EF%BF%BDa%ef%bf%bd").await;
    assert_eq!(meant.status, 200, "the sign itself is a character");
    assert!(tried > 50, "{tried}");
    is_as_it_was(&ada, &session).await;
}

const CLEVER: [&str; 9] = [
    "' OR '1'='1",
    "x'--",
    "\"; drop table sessions; --",
    "%",
    "_",
    "*",
    "\\",
    "${jndi:x}",
    "../../etc/passwd",
];

/// Case: sql-through-authorization-header.
#[tokio::test]
async fn clever_words_are_words_wherever_they_stand() {
    let place = Place::of_members().await;
    let ada = place.ada();
    let session = ada.post("/sessions", json!({"title": "plain"})).await.json();
    let document = document(&place).await;
    let encoded = |words: &str| words.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>();
    for words in CLEVER {
        for (method, route, name) in words_of_queries(&document) {
            let path = of_nothing(&route);
            let needed = if route == "/search" && name != "q" { "q=a&" } else { "" };
            let reply =
                ada.send(&method, &format!("{path}?{needed}{name}={}", encoded(words)), &[], b"").await;
            assert!(
                [200, 400, 404, 422].contains(&reply.status),
                "{method} {route} {name} {words}: {}",
                reply.text()
            );
            assert!(!reply.text().to_lowercase().contains("sql"), "{}", reply.text());
        }
        // A part of a title is found as it is written: no sign stands for others.
        let found = ada.get(&format!("/sessions?q={}", encoded(words))).await.json();
        assert_eq!(found["sessions"], json!([]), "{words}");
        for route in ["/sessions/{id}", "/agent/stream/{id}", "/blobs/{hash}"] {
            let path = route.replace("{id}", &encoded(words)).replace("{hash}", &encoded(words));
            assert_eq!(ada.get(&path).await.problem(), (404, "not_found".into()), "{path}");
        }
        for header in
            ["last-event-id", "if-none-match", "if-match", "range", "x-request-id", "accept", "cookie"]
        {
            let reply = ada.send("GET", "/sessions", &[(header, words)], b"").await;
            assert_eq!(reply.status, 200, "{header}: {words}");
        }
        let named = json!({"title": words, "metadata": {words: words}});
        let made = ada.post("/sessions", named).await.json();
        assert_eq!((&made["title"], &made["metadata"]), (&json!(words), &json!({words: words})));
        let found = ada.get(&format!("/sessions?q={}", encoded(words))).await.json();
        assert_eq!(found["sessions"].as_array().unwrap().len(), 1, "{words}: {found}");
        let path = format!("/sessions/{}?erase=true", made["id"].as_str().unwrap());
        assert_eq!(ada.send("DELETE", &path, &[], b"").await.status, 204);
    }
    let long = "x".repeat(1_000_000);
    let huge = Client { token: Some(long.leak()), ..place.nobody() }.get("/sessions").await;
    assert!([400, 401, 431].contains(&huge.status), "{}", huge.status);
    let nul =
        place.nobody().raw(b"GET /sessions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer \0\r\n\r\n").await;
    assert_eq!(nul.status, 400);
    is_as_it_was(&ada, &session).await;
}

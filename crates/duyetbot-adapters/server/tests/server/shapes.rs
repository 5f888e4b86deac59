//! What the other routes answer, as the contract has it.
use duyetbot_core::{Limits, hex};
use duyetbot_server::http::{MetricsAccess, Settings};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::place::{Place, Wishes};

#[tokio::test]
async fn a_session_is_made_read_changed_and_listed() {
    let place = Place::new().await;
    let ada = place.ada();
    let id = "01890000-0000-7000-8000-000000000003";
    let given = json!({"id": id, "title": " The parser ", "metadata": {"a": 1}});
    let made = ada.post("/sessions", given.clone()).await;
    let session = made.json();
    let (created, updated) = (session["createdAt"].clone(), session["updatedAt"].clone());
    let expected = json!({
        "id": id, "title": "The parser", "state": "active", "head": null, "createdAt": created, "updatedAt": updated,
        "messageCount": 0, "messageBytes": 0, "seq": 1, "metadata": {"a": 1}
    });
    assert_eq!((made.status, &session), (201, &expected));
    let again = ada.post("/sessions", given).await;
    assert_eq!((again.status, again.json()), (201, expected.clone()), "writing twice is writing once");
    let path = format!("/sessions/{id}");
    let patch = json!({"title": "Another", "state": "completed", "metadata": {}});
    let changed = ada.with_json("PATCH", &path, patch).await.json();
    assert_eq!(
        (&changed["title"], &changed["state"], &changed["metadata"]),
        (&json!("Another"), &json!("completed"), &json!({}))
    );
    assert_eq!(ada.get(&path).await.json(), changed);
    let listed = async |query: &str| {
        ada.get(&format!("/sessions{query}")).await.json()["sessions"].as_array().unwrap().len()
    };
    assert_eq!(
        [listed("").await, listed("?state=completed").await, listed("?state=active,completed&q=ANOTH").await],
        [0, 1, 1]
    );
    let refused = ada.with_json("PATCH", &path, json!({"title": "x", "state": "nothing"})).await;
    assert_eq!(
        (refused.status, ada.get(&path).await.json()),
        (422, changed),
        "a refused request changes nothing"
    );
}

#[tokio::test]
async fn a_file_is_put_by_its_hash_and_read_as_nothing_but_a_file() {
    let api = Settings { limits: Limits { bytes: Some(2_000), ..Limits::NONE }, ..Wishes::default().api };
    let place = Place::with(Wishes { api, ..Wishes::default() }).await;
    let page = b"<script>alert(1)</script>";
    let path = format!("/blobs/{}", hex(&Sha256::digest(page)));
    for _ in 0..2 {
        assert_eq!(place.ada().send("PUT", &path, &[], page).await.status, 204);
    }
    let read = place.ada().get(&path).await;
    assert_eq!((read.status, &read.body[..]), (200, &page[..]));
    assert_eq!(read.header("content-type"), Some("application/octet-stream"));
    assert_eq!(read.header("content-disposition"), Some("attachment"));
    assert_eq!(read.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(place.ada().send("PUT", &path, &[], b"other").await.status, 422);
    let large = vec![0; 2_001];
    let full =
        place.ada().send("PUT", &format!("/blobs/{}", hex(&Sha256::digest(&large))), &[], &large).await;
    assert_eq!(
        (full.problem(), full.json()["limit"].clone()),
        ((403, "limit_reached".into()), json!("storage_bytes"))
    );
    let image = json!([{"type": "text", "text": "see"}, {"type": "image", "mediaType": "image/png", "blob": &path[7..]}]);
    let seen = place.ada().post("/agent/chat", json!({"message": image, "stream": false})).await.json();
    let session = seen["sessionId"].as_str().unwrap();
    let first = place.ada().get(&format!("/sessions/{session}/messages?order=asc")).await.json()["messages"]
        [0]
    .clone();
    assert_eq!(
        first["parts"][1],
        json!({"type": "image", "mediaType": "image/png", "blob": &path[7..], "size": page.len()})
    );
}

/// Case: health-green-while-database-down
#[tokio::test]
async fn health_green_while_database_down() {
    let place = Place::new().await;
    for path in ["/healthz", "/readyz"] {
        let reply = place.nobody().get(path).await;
        assert_eq!((reply.status, reply.json()), (200, json!({"status": "ok"})));
        assert_eq!(reply.header("cache-control"), Some("no-store"));
    }
    let folder = tempfile::tempdir().unwrap();
    let storage = format!("sqlite:{}", folder.path().join("talk.db").display());
    let place = Place::with(Wishes { storage, ..Wishes::default() }).await;
    place.bot.close().await.unwrap();
    let reply = place.nobody().get("/readyz").await;
    assert_eq!(reply.problem(), (503, "unavailable".into()));
    assert!(reply.header("retry-after").is_some());
    assert_eq!(reply.json()["detail"], "the storage does not answer");
    assert_eq!(place.nobody().get("/healthz").await.status, 200);
}

/// Case: metric-label-from-raw-path
#[tokio::test]
async fn metric_label_from_raw_path() {
    let place = Place::new().await;
    for n in 0..300 {
        let path = format!("/sessions/{}{n:012}", "01890000-0000-7000-8000-");
        place.ada().get(&path).await;
        place.ada().send(&format!("M{n}"), &format!("/x{n}"), &[("user-agent", &format!("a{n}"))], b"").await;
    }
    let text = place.nobody().get("/metrics").await.text();
    let series = text.lines().filter(|line| line.contains("_count{")).count();
    assert_eq!(series, 2, "{text}");
    assert!(text.contains("_count{method=\"GET\",route=\"/sessions/{id}\",status=\"404\"} 300\n"), "{text}");
    assert!(text.contains("_count{method=\"other\",route=\"unmatched\",status=\"404\"} 300\n"), "{text}");

    let api = Settings { metrics: MetricsAccess::Token("secret".into()), ..Wishes::default().api };
    let guarded = Place::with(Wishes { api, ..Wishes::default() }).await;
    assert_eq!(guarded.ada().get("/metrics").await.status, 401);
    assert_eq!(
        guarded.nobody().send("GET", "/metrics", &[("authorization", "Bearer secret")], b"").await.status,
        200
    );
    let api = Settings { metrics: MetricsAccess::Closed, ..Wishes::default().api };
    let closed = Place::with(Wishes { api, ..Wishes::default() }).await;
    assert_eq!(closed.ada().get("/metrics").await.status, 404);
}

#[tokio::test]
async fn every_answer_has_an_id_and_tells_browsers_to_be_careful() {
    let place = Place::new().await;
    for path in ["/sessions", "/nothing", "/healthz"] {
        let reply = place.ada().send("GET", path, &[("x-request-id", "mine-1")], b"").await;
        assert_eq!(reply.header("x-request-id"), Some("mine-1"), "{path}");
        assert_eq!(reply.header("x-frame-options"), Some("DENY"), "{path}");
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"), "{path}");
    }
    let odd = place.ada().send("GET", "/sessions", &[("x-request-id", "a b\"<")], b"").await;
    assert!(odd.header("x-request-id").is_some_and(|id| id.len() == 36));
    let me = place.ada().get("/users/me").await.json();
    assert_eq!((&me["id"], &me["email"], &me["provider"]), (&json!("ada"), &json!(null), &json!("test")));
}

/// What the document says is what others build on: a change of it is a change of the contract, and is looked at.
#[tokio::test]
async fn the_api_is_the_one_that_is_written_down() {
    let place = Place::new().await;
    let document = place.nobody().get("/openapi.json").await;
    let text = serde_json::to_string_pretty(&document.json()).unwrap() + "\n";
    let written = include_str!("../../../../../docs/openapi.json");
    let new = concat!(env!("CARGO_TARGET_TMPDIR"), "/openapi.json");
    if text != written {
        std::fs::write(new, &text).unwrap();
    }
    assert!(text == written, "the API changed: where that is meant, copy {new} to docs/openapi.json");
    let page = place.nobody().get("/").await;
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert!(page.text().contains("<code>POST /agent/chat</code>"));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("script-src"), "{policy}");
}

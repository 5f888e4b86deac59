//! Bob with every id of Ada's, on every route of the table: one answer, never a hint, never data.
use duyetbot_core::hex;
use duyetbot_server::http::{Access, routes};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

use crate::{
    client::Client,
    document::{Asked, places_of_ids},
    place::{People, Place, Wishes},
};

/// What Ada has: a session with a finished run, one whose run speaks, and a file.
struct Ada {
    session: String,
    run: String,
    message: String,
    live_run: String,
    blob: String,
    cursor: String,
    /// The id of a token, where she has an account.
    token: Option<String>,
}

const MARK: &str = "the key lies under the stone";

async fn ada(place: &Place) -> Ada {
    let ada = place.ada();
    let done = ada.post("/agent/chat", json!({"message": MARK, "stream": false})).await.json();
    let mouth = place.model.answer();
    mouth.say(MARK);
    let live = ada.chat(json!({"message": "go on"})).await.until_event("content").await;
    std::mem::forget(mouth);
    let blob = hex(&Sha256::digest(MARK));
    assert_eq!(ada.send("PUT", &format!("/blobs/{blob}"), &[], MARK.as_bytes()).await.status, 204);
    let page = ada.get("/sessions?limit=1").await.json();
    let tokens = ada.get("/users/me/tokens").await.json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    Ada {
        token: tokens["tokens"][0]["id"].as_str().map(str::to_owned),
        session: text(&done["sessionId"]),
        run: text(&done["runId"]),
        message: text(&done["message"]["id"]),
        live_run: text(&live[0].1["runId"]),
        blob,
        cursor: text(&page["nextCursor"]),
    }
}

async fn call(client: &Client, asked: &Asked, id: &str) -> (u16, String) {
    let (path, body) = asked.with(id);
    let reply = match body {
        Some(body) => client.with_json(&asked.method, &path, body).await,
        None => client.send(&asked.method, &path, &[], b"").await,
    };
    (reply.status, reply.text())
}

#[tokio::test]
async fn nobody_else_meets_an_id_on_any_route() {
    meets_no_id(People::Members).await;
}

#[tokio::test]
async fn nobody_else_meets_an_id_of_those_whom_an_application_vouches_for() {
    meets_no_id(People::Vouched).await;
}

async fn meets_no_id(people: People) {
    let place = Place::with(Wishes { tools: true, people, ..Wishes::default() }).await;
    let its = ada(&place).await;
    let not_found = (404, place.bob().get("/sessions/00000000-0000-7000-8000-000000000000").await.text());
    let document = place.bob().get("/openapi.json").await.json();
    let own = place.bob().post("/sessions", json!({})).await.json()["id"].clone();
    let (mut tried, mut filled) = (1, BTreeSet::new());
    for asked in places_of_ids(&document, own.as_str().unwrap()) {
        if people == People::Vouched && asked.route.starts_with("/users/me") {
            continue; // They have no accounts.
        }
        let named = [&its.session, &its.message].into_iter().chain(&its.token);
        let ids: Vec<&String> = match &*asked.kind {
            // Bytes of Bob's own go under their own hash.
            _ if asked.is_in_path() && asked.method != "PUT" => {
                named.chain([&its.run, &its.live_run, &its.blob]).collect()
            }
            "Id" => named.collect(),
            "RunId" => vec![&its.run, &its.live_run],
            "Hash" => vec![&its.blob],
            "cursor" => vec![&its.cursor],
            kind => panic!("Ada has no {kind}"),
        };
        for id in ids {
            let answer = call(&place.bob(), &asked, id).await;
            let new = format!("00000000-0000-7000-8000-{tried:012}");
            let nobodys = match &*asked.kind {
                "Id" => new,
                "RunId" => format!("{new}.{new}"),
                "Hash" => "0".repeat(64),
                _ => "00".to_owned(),
            };
            let unknown = call(&place.bob(), &asked, &nobodys).await;
            assert!(!answer.1.contains(MARK), "{asked:?} with {id}: {}", answer.1);
            if answer.0 < 300 {
                // A name that each gives to what is theirs, or a list of what is theirs.
                assert!(!asked.is_in_path(), "{asked:?} with {id}");
                assert_eq!(answer.0, unknown.0, "{asked:?} with {id}");
            } else {
                assert_eq!(answer, unknown, "{asked:?} with {id}");
            }
            if asked.is_in_path() && asked.method != "PUT" {
                assert_eq!(answer, not_found, "{asked:?} with {id}");
            }
            tried += 1;
        }
        filled.insert((asked.method, asked.route));
    }
    for route in routes().iter().filter(|route| route.path.contains('{')) {
        let its_own = people == People::Vouched && route.path.starts_with("/users/me");
        let filled = filled.contains(&(route.method.to_owned(), route.path.to_owned()));
        assert!(filled || its_own, "{} {} is not in the document", route.method, route.path);
    }
    assert!(tried >= 40, "{tried}");
    for (session, run) in [(&its.session, &its.run)] {
        assert_eq!(place.ada().get(&format!("/sessions/{session}")).await.json()["messageCount"], 2);
        assert_eq!(place.ada().watch(run, None).await.rest().await.last().unwrap().1["state"], "done");
    }
    let live = place.ada().get(&format!("/sessions/{}", its.live_run.split('.').next().unwrap())).await;
    assert_eq!(live.json()["messageCount"], 1, "the run of Ada's was not stopped");
}

/// Case: reference-by-foreign-id.
#[tokio::test]
async fn nobody_else_attaches_an_id_to_what_is_theirs() {
    let place = Place::of_members().await;
    let its = ada(&place).await;
    let bob = place.bob();
    let own = bob.post("/sessions", json!({})).await.json()["id"].as_str().unwrap().to_owned();
    let asked = place.model.requests().len();
    let image = json!([{"type": "image", "mediaType": "image/png", "blob": its.blob}]);
    let attached = [
        json!({"sessionId": its.session, "message": "hi"}),
        json!({"sessionId": its.session, "parentId": its.message, "message": "hi"}),
        json!({"sessionId": own, "parentId": its.message, "message": "hi"}),
        json!({"parentId": its.message, "message": "hi"}),
        json!({"sessionId": own, "message": image}),
    ];
    for body in attached {
        assert_eq!(
            bob.post("/agent/chat", body.clone()).await.problem(),
            (404, "not_found".into()),
            "{body}"
        );
    }
    let branch = format!("/sessions/{own}/messages?branch={}", its.message);
    assert_eq!(bob.get(&branch).await.status, 404);
    let cursor = bob.get(&format!("/sessions?cursor={}", its.cursor)).await;
    assert_eq!(cursor.problem(), (400, "cursor_unknown".into()));
    assert_eq!(place.model.requests().len(), asked, "no model was asked");

    assert_eq!(bob.get("/search?q=stone").await.json()["results"], json!([]));
    assert_eq!(bob.get("/sessions").await.json()["sessions"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn every_route_but_the_operators_asks_who_calls() {
    let place = Place::of_members().await;
    let routes = routes();
    let open: Vec<&str> = routes.iter().filter(|r| r.access == Access::Open).map(|r| r.path).collect();
    assert!(open.iter().all(|path| !path.contains('{') && !path.starts_with("/users")), "{open:?}");
    let wrong = Client { token: Some("' OR '1'='1"), ..place.nobody() };
    for route in routes.iter().filter(|route| route.access != Access::Open) {
        for client in [place.nobody(), wrong.clone()] {
            let path = route.path.replace("{id}", "x").replace("{hash}", "x");
            let reply = client.send(route.method, &path, &[], b"{").await;
            assert_eq!(reply.problem(), (401, "unauthorized".into()), "{} {path}", route.method);
            assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
        }
    }
}

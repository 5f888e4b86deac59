//! Pages: every row once, in a total order, by a cursor that only its owner can use.
use serde_json::{Value, json};

use crate::{client::Client, place::Place};

async fn walk(client: &Client, path: &str, list: &str, id: &str) -> Vec<String> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = client.get(&format!("{path}{cursor}")).await.json();
        all.extend(page[list].as_array().unwrap().iter().map(|row| row[id].as_str().unwrap().to_owned()));
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
    }
}

/// Case: cursor-skips-equal-times.
#[tokio::test]
async fn cursor_skips_equal_times() {
    let place = Place::new().await;
    let ada = place.ada();
    let mut made = Vec::new();
    for n in 0..23 {
        made.push(
            ada.post("/sessions", json!({"title": format!("{n}")})).await.json()["id"]
                .as_str()
                .unwrap()
                .to_owned(),
        );
    }
    let mut walked = walk(&ada, "/sessions?limit=7", "sessions", "id").await;
    assert_eq!(walked.len(), 23);
    walked.sort();
    made.sort();
    assert_eq!(walked, made);
    let page = ada.get("/sessions?limit=7").await.json();
    let cursor = page["nextCursor"].as_str().unwrap();
    let last = page["sessions"][6]["id"].as_str().unwrap();
    ada.send("DELETE", &format!("/sessions/{last}?erase=true"), &[], b"").await;
    let next = ada.get(&format!("/sessions?limit=20&cursor={cursor}")).await.json();
    assert_eq!(next["sessions"].as_array().unwrap().len(), 16, "the row that the cursor stood on may go");
    let altered = format!("{}0", &cursor[..cursor.len() - 1]);
    let wrong = if altered == cursor { format!("{}1", &cursor[..cursor.len() - 1]) } else { altered };
    for client in [ada, place.bob()] {
        let reply = client.get(&format!("/sessions?cursor={wrong}")).await;
        assert_eq!(reply.problem(), (400, "cursor_unknown".into()));
    }
    assert_eq!(place.bob().get(&format!("/sessions?cursor={cursor}")).await.status, 400);
}

#[tokio::test]
async fn messages_are_paged_in_both_orders_and_along_a_branch() {
    let place = Place::new().await;
    let ada = place.ada();
    let session = ada.post("/sessions", json!({})).await.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(
        ada.get(&format!("/sessions/{session}/messages")).await.json(),
        json!({"messages": [], "nextCursor": null})
    );
    let mut tips: Vec<Value> = Vec::new();
    for n in 0..6 {
        let say = json!({"sessionId": session, "message": format!("{n}"), "stream": false});
        tips.push(ada.post("/agent/chat", say).await.json()["message"]["id"].clone());
    }
    let path = |query: &str| format!("/sessions/{session}/messages?{query}");
    let forth = walk(&ada, &path("order=asc&limit=5"), "messages", "id").await;
    let mut back = walk(&ada, &path("order=desc&limit=5"), "messages", "id").await;
    back.reverse();
    assert_eq!((forth.len(), &forth), (12, &back));
    assert_eq!(
        ada.get(&path("limit=1")).await.json()["messages"][0]["id"],
        json!(forth[11]),
        "the newest comes first"
    );

    let edit = json!({"sessionId": session, "parentId": tips[1], "message": "other", "stream": false});
    ada.post("/agent/chat", edit).await;
    let main = walk(&ada, &path("order=asc&limit=3"), "messages", "id").await;
    assert_eq!((main.len(), &main[..4]), (6, &forth[..4]));
    let branch = path(&format!("order=asc&limit=4&branch={}", tips[5].as_str().unwrap()));
    assert_eq!(walk(&ada, &branch, "messages", "id").await, forth);
    let page = ada.get(&path("order=asc&limit=3")).await.json();
    let cursor = page["nextCursor"].as_str().unwrap();
    for wrong in [path(&format!("order=desc&cursor={cursor}")), path("order=asc&cursor=00")] {
        assert_eq!(ada.get(&wrong).await.problem(), (400, "cursor_unknown".into()));
    }
}

#[tokio::test]
async fn results_of_a_search_are_paged() {
    let place = Place::new().await;
    let ada = place.ada();
    for n in 0..9 {
        ada.post("/agent/chat", json!({"message": format!("the lighthouse number {n}"), "stream": false}))
            .await;
    }
    let whole = walk(&ada, "/search?q=lighthouse&limit=100", "results", "messageId").await;
    assert_eq!(whole.len(), 9);
    assert_eq!(walk(&ada, "/search?q=lighthouse&limit=2", "results", "messageId").await, whole);
    let cursor =
        ada.get("/search?q=lighthouse&limit=2").await.json()["nextCursor"].as_str().unwrap().to_owned();
    assert_eq!(ada.get(&format!("/search?q=number&cursor={cursor}")).await.status, 400);
}

//! The person's own sessions, and nobody else's.
use duyetbot_core::{MemoryStore, Scope, SessionId, SessionStore, SettableClock, Timestamp};
use duyetbot_core::{
    NewMessage,
    index::{context, pieces},
};
use duyetbot_testkit::{begin, said as message};
use duyetbot_tools::{Recall, Sessions};
use serde_json::json;
use std::{sync::Arc, time::Duration};

use crate::world::{call, refused, said};

fn indexed(text: &str) -> NewMessage {
    let context = context(Timestamp(1_764_045_000_000), None);
    NewMessage { pieces: pieces(text, &context), context, ..message(text) }
}

async fn store() -> (Arc<MemoryStore>, SessionId) {
    let clock = Arc::new(SettableClock::new(Timestamp(1_764_045_000_000)));
    let store = Arc::new(MemoryStore::new(clock.clone()));
    let mut last = SessionId::new();
    for (owner, text) in [
        ("ada", "The spare key hangs behind the blue door."),
        ("eve", "The spare key of Eve is lost."),
        ("ada", "My bicycle is red."),
    ] {
        clock.advance(Duration::from_secs(3600));
        last = SessionId::new();
        store.commit(&Scope::vouched(owner, owner), &begin(last, vec![indexed(text)])).await.unwrap();
    }
    (store, last)
}

#[tokio::test]
async fn sessions_are_listed_newest_first_page_by_page_and_only_ones_own() {
    let (store, last) = store().await;
    let tool = Sessions::new(store);
    let all = said(call(&tool, &json!({})).await);
    assert_eq!(all.lines().count(), 2, "{all}");
    assert!(all.starts_with(&format!("{last}  2025-11-25  1 messages  ")), "{all}");
    let first = said(call(&tool, &json!({"limit": 1})).await);
    let cursor: String =
        serde_json::from_str(first.split("cursor ").nth(1).unwrap().split(" shows").next().unwrap()).unwrap();
    let second = said(call(&tool, &json!({"limit": 1, "cursor": cursor})).await);
    assert_eq!(format!("{}\n{second}", first.lines().next().unwrap()), all);
    refused(call(&tool, &json!({"cursor": "nonsense"})).await);
    assert_eq!(said(call(&tool, &json!({"title": "no such title"})).await), "[no sessions]");
}

#[tokio::test]
async fn recall_finds_what_the_person_said_and_nothing_of_others() {
    let (store, _) = store().await;
    let tool = Recall::new(store);
    let found = said(call(&tool, &json!({"query": "Where is my spare key?"})).await);
    assert!(found.contains("the person, in session") && found.contains("behind the blue door"), "{found}");
    assert!(!found.contains("Eve"), "{found}");
    assert_eq!(
        said(call(&tool, &json!({"query": "zeppelin"})).await),
        "[nothing was found; try other words]"
    );
    assert_eq!(
        refused(call(&tool, &json!({"query": "?!"})).await),
        "field `query`: there is no letter or digit to look for"
    );
}

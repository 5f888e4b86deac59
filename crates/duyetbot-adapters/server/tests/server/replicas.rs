//! Two servers on one database: either sees, stops and refuses what the other does.
use duyetbot_core::{Limits, Permission};
use serde_json::json;
use std::{collections::BTreeSet, time::Duration};

use crate::{
    client::{Client, DEADLINE, Frame},
    place::{People, Place, Wishes, id, token},
    streams::{joined, speaking},
};

/// Two servers on a file in this folder.
async fn two(folder: &tempfile::TempDir, wishes: impl Fn() -> Wishes) -> [Place; 2] {
    let storage = format!("sqlite:{}", folder.path().join("talk.db").display());
    let place = async || Place::with(Wishes { storage: storage.clone(), ..wishes() }).await;
    [place().await, place().await]
}

/// Case: stop-does-not-reach-the-run.
#[tokio::test]
async fn a_run_is_watched_stopped_and_hidden_from_others_on_either_server() {
    let folder = tempfile::tempdir().unwrap();
    let [first, second] = two(&folder, Wishes::default).await;
    let (run, own, mouth) = speaking(&first, "as far as this").await;
    let mut elsewhere = second.ada().watch(&run, None).await;
    elsewhere.until_event("content").await;
    for client in [second.bob(), second.nobody()] {
        let status = if client.token.is_some() { 404 } else { 401 };
        assert_eq!(client.watch(&run, Some(&format!("{run}:0"))).await.status, status);
        assert_eq!(client.post(&format!("/agent/runs/{run}/stop"), json!({})).await.status, status);
    }
    mouth.say(", and on");
    assert_eq!(joined(&elsewhere.until_event("content").await), ", and on".to_owned());
    let session = run.split('.').next().unwrap();
    let busy = second.ada().post("/agent/chat", json!({"message": "b", "sessionId": session})).await;
    assert_eq!((busy.problem(), &busy.json()["runId"]), ((409, "run_active".into()), &json!(run)));
    assert_eq!(second.ada().post(&format!("/agent/runs/{run}/stop"), json!({})).await.status, 202);
    tokio::time::timeout(DEADLINE, first.model.silent()).await.expect("the model is asked on");
    let endings = [own.rest().await, elsewhere.rest().await].map(|events| events.last().unwrap().clone());
    assert_eq!(endings[0], endings[1]);
    assert_eq!(endings[0].1["state"], "cancelled");
    assert_eq!(second.model.requests().len(), 0);
}

/// Case: retry-starts-second-run.
#[tokio::test]
async fn a_message_that_is_sent_twenty_times_at_once_to_two_servers_begins_one_run() {
    let folder = tempfile::tempdir().unwrap();
    let places = two(&folder, Wishes::default).await;
    let body = json!({"message": "once", "messageId": "01890000-0000-7000-8000-00000000000c"});
    let sent: Vec<_> = (0..20)
        .map(|n| {
            let (ada, body) = (places[n % 2].ada(), body.clone());
            tokio::spawn(async move { ada.chat(body).await.rest().await })
        })
        .collect();
    let (mut runs, mut endings) = (BTreeSet::new(), BTreeSet::new());
    for stream in sent {
        let events = stream.await.unwrap();
        assert_eq!(joined(&events), "ok");
        runs.insert(events[0].1["runId"].to_string());
        endings.insert(format!("{:?}", events.last().unwrap()));
    }
    let asked: usize = places.iter().map(|place| place.model.requests().len()).sum();
    assert_eq!((runs.len(), endings.len(), asked), (1, 1, 1));
    let usage = places[1].ada().get("/users/me/usage").await.json();
    assert_eq!((&usage["sessions"]["used"], &usage["tokens"]["used"]), (&json!(1), &json!(15)));
}

/// Case: shutdown-waits-for-open-stream.
#[tokio::test]
async fn streams_that_one_server_ends_go_on_at_another_without_loss() {
    let folder = tempfile::tempdir().unwrap();
    let [mut first, second] = two(&folder, Wishes::default).await;
    let (run, stream, mouth) = speaking(&first, "half ").await;
    let mut streams = vec![stream];
    for _ in 0..9 {
        streams.push(first.ada().watch(&run, None).await);
    }
    first.stop();
    let mut again = Vec::new();
    for mut stream in streams {
        let mut last = None;
        while let Some(frame) = stream.frame().await {
            last = Some(frame);
        }
        let hint = "the server is stopping; resume with Last-Event-ID";
        assert_eq!(last, Some(Frame::Comment(hint.into())));
        let mut stream = second.ada().watch(&run, Some(&format!("{run}:0"))).await;
        let seen = stream.until_event("content").await;
        again.push((stream, seen));
    }
    mouth.say("and whole");
    mouth.end();
    for (stream, mut seen) in again {
        seen.extend(stream.rest().await);
        assert_eq!(
            (joined(&seen).as_str(), &seen.last().unwrap().1["state"]),
            ("half and whole", &json!("done"))
        );
    }
    first.stopped().await;
}

/// Case: limit-checked-then-counted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_at_once_to_two_servers_pass_no_limit() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits { sessions: Some(10), messages: None, bytes: None };
    let api = duyetbot_server::http::Settings { limits, ..Wishes::default().api };
    let places = two(&folder, || Wishes { api: api.clone(), ..Wishes::default() }).await;
    for _ in 0..7 {
        assert_eq!(places[0].ada().post("/sessions", json!({})).await.status, 201);
    }
    let sent: Vec<_> = (0..50)
        .map(|n| {
            let ada = places[n % 2].ada();
            tokio::spawn(async move { ada.post("/sessions", json!({})).await.status })
        })
        .collect();
    let mut made = 0;
    for status in sent {
        made += usize::from(status.await.unwrap() == 201);
    }
    assert_eq!(made, 3);
    let counted = places[1].ada().get("/users/me/usage").await.json()["sessions"]["used"].clone();
    let listed =
        places[0].ada().get("/sessions?limit=100").await.json()["sessions"].as_array().unwrap().len();
    assert_eq!((counted, listed), (json!(10), 10), "what is counted is what is there");
}

/// Seconds that a revocation may take to reach another server, and room for a busy machine.
const BOUND: Duration = Duration::from_secs(2 + 8);

/// Case: revocation-known-to-one-replica.
#[tokio::test]
async fn what_one_server_revokes_or_erases_the_other_refuses() {
    let folder = tempfile::tempdir().unwrap();
    let place = async || {
        let storage = format!("sqlite:{}", folder.path().join("talk.db").display());
        Place::with(Wishes { storage, people: People::Members, ..Wishes::default() }).await
    };
    let (first, second) = (place().await, place().await);
    let before = tokens(&first).await;
    let script = token(&first.bot, "ada", Permission::ALL).await;
    let at = |place: &Place, token: &'static str| Client { token: Some(token), ..place.nobody() };
    let (here, there) = (at(&first, script), at(&second, script));
    for client in [&here, &there] {
        assert_eq!(client.get("/users/me").await.status, 200, "both know it");
    }
    let mouth = second.model.answer();
    mouth.say("half ");
    let mut open = there.chat(json!({"message": "hi"})).await;
    open.until_event("content").await;

    let newest = tokens(&first).await.difference(&before).next().unwrap().clone();
    let revoke = format!("/users/me/tokens/{newest}");
    assert_eq!(first.ada().send("DELETE", &revoke, &[], b"").await.status, 204);
    refused(&there).await;
    tokio::time::timeout(BOUND, open.rest()).await.expect("what it opened stays open");
    assert_eq!(second.ada().get("/users/me").await.status, 200, "her other token is as it was");

    assert!([202, 204].contains(&first.ada().send("DELETE", "/users/me", &[], b"").await.status));
    refused(&second.ada()).await;
    assert_eq!(second.bob().get("/users/me").await.status, 200);
    assert_eq!(
        second.bot.store().user(&id("ada").scope()).await.unwrap_err().kind(),
        duyetbot_core::ErrorKind::NotFound
    );
}

/// The ids of Ada's tokens.
async fn tokens(place: &Place) -> BTreeSet<String> {
    let listed = place.ada().get("/users/me/tokens").await.json();
    let ids =
        listed["tokens"].as_array().unwrap().iter().map(|token| token["id"].as_str().unwrap().to_owned());
    ids.collect()
}

async fn refused(client: &Client) {
    let known = async {
        while client.get("/users/me").await.status != 401 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(BOUND, known).await.expect("the other server lets it in");
}

//! What holds in every phase of a run, while it is asked, speaks, runs a tool, waits for a person or has ended.
use serde_json::{Value, json};
use std::{net::Shutdown, path::PathBuf, time::Duration};

use crate::{
    client::{Answer, DEADLINE, Frame},
    place::{Place, Wishes},
    streams::{joined, speaking},
};

/// A run whose tool hangs, and its stream, once it does.
async fn hanging(place: &Place, file: PathBuf) -> (String, Answer) {
    let mouth = place.model.answer();
    mouth.say("I look. ");
    mouth.call("c", "look", &json!({ "hang": file }).to_string());
    mouth.end();
    let mut stream = place.ada().chat(json!({"message": "hi"})).await;
    let seen = stream.until_event("tool").await;
    let begun = async {
        while !file.exists() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, begun).await.expect("the tool never begins");
    (seen[0].1["runId"].as_str().unwrap().to_owned(), stream)
}

/// A run that waits for a person, and its stream.
async fn waiting(place: &Place) -> (String, Answer) {
    let mouth = place.model.answer();
    mouth.call("c", "open", "{}");
    mouth.end();
    let mut stream = place.ada().chat(json!({"message": "open it"})).await;
    let seen = stream.until_event("approval").await;
    (seen[0].1["runId"].as_str().unwrap().to_owned(), stream)
}

async fn beats(stream: &mut Answer) {
    let mut seen = 0;
    while seen < 3 {
        match stream.frame().await.expect("the stream ended") {
            Frame::Comment(_) => seen += 1,
            Frame::Event { id, data } => assert_eq!(id, None, "{data}"),
        }
    }
}

/// Case: silence-before-first-token.
#[tokio::test]
async fn a_stream_says_that_it_lives_in_every_phase() {
    let folder = tempfile::tempdir().unwrap();
    let api =
        duyetbot_server::http::Settings { heartbeat: Duration::from_millis(30), ..Wishes::default().api };
    let place = Place::with(Wishes { api, tools: true, ..Wishes::default() }).await;
    let (run, mut stream) = hanging(&place, folder.path().join("begun")).await;
    beats(&mut stream).await;
    // Who comes later, or again, hears it as well; no sign of life is a position.
    let mut again = place.ada().watch(&run, Some(&format!("{run}:0"))).await;
    beats(&mut again).await;
    let (_, mut stream) = waiting(&place).await;
    beats(&mut stream).await;
    place.gate.send_replace(false);
    let mut stream = place.ada().chat(json!({"message": "hi"})).await;
    beats(&mut stream).await;
}

/// Case: stop-does-not-reach-the-run.
#[tokio::test]
async fn a_stop_ends_a_run_whose_tool_runs_or_that_waits() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::with(Wishes { tools: true, ..Wishes::default() }).await;
    let (acting, acts) = hanging(&place, folder.path().join("begun")).await;
    let (idle, waits) = waiting(&place).await;
    for (run, stream, status, output) in [
        (acting, acts, "interrupted", "interrupted: it is not known whether it ran"),
        (idle, waits, "denied", "denied: the run ended before anybody decided"),
    ] {
        let stop = format!("/agent/runs/{run}/stop");
        assert_eq!(place.bob().post(&stop, json!({})).await.status, 404);
        assert_eq!(place.ada().post(&stop, json!({})).await.status, 202);
        let rest = stream.rest().await;
        let result = rest.iter().find(|(_, event)| event["type"] == "tool_result").unwrap();
        assert_eq!((&result.1["status"], &result.1["output"]), (&json!(status), &json!(output)));
        let (id, ending) = rest.last().unwrap();
        assert_eq!((&ending["type"], &ending["state"]), (&json!("done"), &json!("cancelled")));
        assert_eq!(id.as_deref(), Some(&*format!("{run}:1")));
        for _ in 0..2 {
            let again = place.ada().post(&stop, json!({})).await;
            assert_eq!((again.status, &again.json()["state"]), (202, &json!("cancelled")));
        }
        let session = run.split('.').next().unwrap();
        let more = json!({"message": "and?", "sessionId": session, "stream": false});
        assert_eq!(place.ada().post("/agent/chat", more).await.status, 200, "the session goes on");
    }
}

/// Case: disconnect-taken-for-stop.
#[tokio::test]
async fn a_reader_that_leaves_in_whatever_way_and_phase_stops_nothing_and_leaves_nothing() {
    let place = Place::with(Wishes { tools: true, ..Wishes::default() }).await;
    let open_streams = async || {
        let metrics = place.nobody().get("/metrics").await.text();
        metrics.lines().find_map(|line| line.strip_prefix("duyetbot_open_streams ")).unwrap().to_owned()
    };
    let (speaks, first, mouth) = speaking(&place, "one ").await;
    let (waits, second) = waiting(&place).await;
    let mut leaving = vec![first, second];
    for run in [&speaks, &waits].repeat(8) {
        leaving.push(place.ada().watch(run, None).await);
    }
    for (n, stream) in leaving.into_iter().enumerate() {
        match n % 3 {
            0 => stream.hang_up(Shutdown::Write).await,
            1 => stream.hang_up(Shutdown::Both).await,
            // With bytes that are not read, this resets the connection.
            _ => drop(stream),
        }
    }
    mouth.say("two");
    mouth.end();
    let whole = place.ada().watch(&speaks, None).await.rest().await;
    assert_eq!((joined(&whole).as_str(), &whole.last().unwrap().1["state"]), ("one two", &json!("done")));
    let decision = json!({"callId": "c", "decision": "allow"});
    let decided = place.ada().post(&format!("/agent/runs/{waits}/approvals"), decision).await;
    assert_eq!(decided.status, 200, "it waits as before");
    place.ada().watch(&waits, None).await.rest().await;
    let gone = async { while open_streams().await != "0" {} };
    tokio::time::timeout(DEADLINE, gone).await.expect("streams are left");
}

/// Case: retry-starts-second-run.
#[tokio::test]
async fn a_message_that_is_sent_again_attaches_to_its_run_also_after_its_failure_and_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let storage = format!("sqlite:{}", folder.path().join("talk.db").display());
    let wishes = || Wishes { storage: storage.clone(), ..Wishes::default() };
    let mut place = Place::with(wishes()).await;
    let ids = ["01890000-0000-7000-8000-00000000000a", "01890000-0000-7000-8000-00000000000b"];
    let body = |id: &str, stream: bool| json!({"message": "once", "messageId": id, "stream": stream});
    let breaks = place.model.answer();
    breaks.say("half");
    drop(breaks);
    let failed = place.ada().chat(body(ids[0], true)).await.rest().await;
    let done = place.ada().chat(body(ids[1], true)).await.rest().await;
    let endings = [failed, done].map(|events| (events[0].1["runId"].clone(), events.last().unwrap().clone()));
    assert_eq!([&endings[0].1.1["state"], &endings[1].1.1["state"]], ["failed", "done"]);
    for restarted in [false, true] {
        if restarted {
            place.stop();
            place.stopped().await;
            place = Place::with(wishes()).await;
        }
        let asked = place.model.requests().len();
        for (id, (run, ending)) in ids.iter().zip(&endings) {
            let again = place.ada().chat(body(id, true)).await.rest().await;
            assert_eq!((&again[0].1["runId"], again.last().unwrap()), (run, ending));
            let document = place.ada().post("/agent/chat", body(id, false)).await.json();
            assert_eq!(&document["runId"], run);
            let other = json!({"message": "another", "messageId": id});
            assert_eq!(place.ada().post("/agent/chat", other).await.problem().0, 409);
        }
        assert_eq!(place.model.requests().len(), asked, "no model is asked again");
        let sessions = place.ada().get("/sessions").await.json()["sessions"].as_array().unwrap().len();
        assert_eq!(sessions, 2);
    }
}

/// Events until so many characters were said.
async fn until_said(stream: &mut Answer, characters: usize) -> Vec<(Option<String>, Value)> {
    let mut events = Vec::new();
    loop {
        let event = stream.event().await.unwrap();
        let content = event.1["content"].as_str().unwrap_or_default().chars().count();
        let said = event.1["offset"].as_u64().unwrap_or_default() as usize + content;
        events.push(event);
        if said >= characters {
            return events;
        }
    }
}

/// Case: replay-typed-out-again.
#[tokio::test]
async fn twenty_thousand_pieces_are_replayed_in_few_while_the_run_speaks_and_after() {
    let place = Place::new().await;
    let (run, stream, mouth) = speaking(&place, "0 ").await;
    let mut whole = String::from("0 ");
    let mut say = |from: u32, to: u32| {
        for n in from..to {
            mouth.say(&format!("{n} "));
            whole.push_str(&format!("{n} "));
        }
        whole.clone()
    };
    let so_far = say(1, 19_000);
    until_said(&mut place.ada().watch(&run, None).await, so_far.len()).await;
    // The first look at what was said already is a few events, however many pieces it came in.
    let mut late = place.ada().watch(&run, None).await;
    let mut caught_up = until_said(&mut late, so_far.len()).await;
    assert_eq!(joined(&caught_up), so_far);
    assert!(caught_up.len() <= 8, "{} events", caught_up.len());
    let whole = say(19_000, 20_000);
    mouth.end();
    caught_up.extend(late.rest().await);
    assert_eq!(joined(&caught_up), whole);
    stream.rest().await;
    let replay = place.ada().watch(&run, None).await.rest().await;
    assert_eq!(joined(&replay), whole);
    assert!(replay.len() <= 8, "{} events", replay.len());
}

/// Case: last-event-id-not-resumable.
#[tokio::test]
async fn a_position_of_any_bytes_is_refused_or_answered_with_the_whole() {
    let place = Place::new().await;
    let (run, stream, mouth) = speaking(&place, "all of it").await;
    mouth.end();
    stream.rest().await;
    let ask = async |headers: &[u8]| {
        let head = format!(
            "GET /agent/stream/{run} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer ada-token\r\n"
        );
        place.ada().raw(&[head.as_bytes(), headers, b"\r\n"].concat()).await
    };
    let two = format!("last-event-id: {run}:0\r\nlast-event-id: {run}:1\r\n");
    let latin: &[u8] = b"last-event-id: \xe9\xff\r\n";
    let folded = format!("last-event-id: {run}\r\n :1\r\n");
    let endless = format!("last-event-id: {}\r\n", "9".repeat(1_000_000));
    for (headers, statuses) in [
        (two.as_bytes(), &[200][..]),
        (latin, &[200]),
        (b"last-event-id: \0\r\n", &[400]),
        (folded.as_bytes(), &[200, 400]),
        (endless.as_bytes(), &[200, 400, 431]),
    ] {
        let answer = ask(headers).await;
        let told = String::from_utf8_lossy(&headers[..headers.len().min(80)]).into_owned();
        assert!(statuses.contains(&answer.status), "{told}: {}", answer.status);
        if answer.status == 200 {
            let events = answer.rest().await;
            assert_eq!(events[0].1, json!({"type": "reset"}), "{told}");
            assert_eq!(
                (joined(&events).as_str(), &events.last().unwrap().1["state"]),
                ("all of it", &json!("done"))
            );
        }
    }
    let after = async |query: &str| place.ada().get(&format!("/agent/stream/{run}?{query}")).await;
    for query in ["after=-1", "after=2", "after=x", "after=", "after=99999999999999999999", "after=%00"] {
        let reply = after(query).await;
        assert!(
            reply.status == 422 || reply.text().contains(r#""type":"reset""#),
            "{query}: {}",
            reply.text()
        );
    }
}

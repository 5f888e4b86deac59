//! A server that is killed in the middle of a run, and the one that is started after it.
use serde_json::json;
use std::{
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::{
    client::{Client, DEADLINE},
    place::{Place, Wishes},
    streams::joined,
};

const FOLDER: &str = "DUYETBOT_TEST_FOLDER";
const TOOL: &str = "DUYETBOT_TEST_TOOL";

#[expect(clippy::disallowed_methods, reason = "how a test tells itself, in another process, what to do")]
fn told(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn wishes(folder: &Path) -> Wishes {
    Wishes {
        storage: format!("sqlite:{}", folder.join("talk.db").display()),
        tools: true,
        ..Wishes::default()
    }
}

/// Not a test of its own: the server that is killed. It says half an answer, or calls a tool that never ends.
#[test]
fn the_server_that_dies() {
    let Some(folder) = told(FOLDER) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let place = Place::with(wishes(Path::new(&folder))).await;
        let mouth = place.model.answer();
        mouth.say("half an answer, ");
        if told(TOOL).is_some() {
            let begun = Path::new(&folder).join("begun");
            mouth.call("c", "look", &json!({ "hang": begun }).to_string());
            mouth.end();
        } else {
            std::mem::forget(mouth);
        }
        std::fs::write(Path::new(&folder).join("new"), place.address.to_string()).unwrap();
        std::fs::rename(Path::new(&folder).join("new"), Path::new(&folder).join("address")).unwrap();
        std::future::pending::<()>().await;
    });
}

async fn begin(folder: &Path, with_tool: Option<&str>) -> (Child, Client) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["death::the_server_that_dies", "--exact", "--nocapture"]).env(FOLDER, folder);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    if let Some(tool) = with_tool {
        command.env(TOOL, tool);
    }
    let child = command.spawn().unwrap();
    let address = written(&folder.join("address")).await.parse().unwrap();
    (child, Client { address, token: Some("ada-token") })
}

/// What another process writes into a file, once it is there.
#[expect(clippy::disallowed_methods, reason = "another process is waited for")]
async fn written(file: &Path) -> String {
    let until = Instant::now() + DEADLINE;
    loop {
        if let Ok(text) = std::fs::read_to_string(file) {
            return text;
        }
        assert!(Instant::now() < until, "{} is never written", file.display());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_stream_goes_on_where_its_server_was_killed_and_started_again() {
    let folder = tempfile::tempdir().unwrap();
    let (mut server, client) = begin(folder.path(), None).await;
    let mut stream = client.chat(json!({"message": "hi"})).await;
    let mut seen = stream.until_event("content").await;
    let run = seen[0].1["runId"].as_str().unwrap().to_owned();
    server.kill().unwrap();
    server.wait().unwrap();
    assert!(stream.rest().await.is_empty(), "the stream was cut without an ending");

    let place = Place::with(wishes(folder.path())).await;
    seen.extend(place.ada().watch(&run, None).await.rest().await);
    assert_eq!(joined(&seen), "ok", "the cut answer was asked for again");
    assert_eq!(seen.last().unwrap().1["state"], "done");
    let session = run.split('.').next().unwrap();
    let more =
        place.ada().post("/agent/chat", json!({"message": "b", "sessionId": session, "stream": false})).await;
    assert_eq!(more.status, 200);
    assert_eq!(place.ada().get(&format!("/sessions/{session}")).await.json()["messageCount"], 4);
}

#[tokio::test]
async fn a_run_whose_tool_was_cut_ends_interrupted_and_the_session_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (mut server, client) = begin(folder.path(), Some("hangs")).await;
    let mut stream = client.chat(json!({"message": "hi"})).await;
    let seen = stream.until_event("tool").await;
    let run = seen[0].1["runId"].as_str().unwrap().to_owned();
    written(&folder.path().join("begun")).await;
    server.kill().unwrap();
    server.wait().unwrap();

    let place = Place::with(wishes(folder.path())).await;
    let rest = place.ada().watch(&run, None).await.rest().await;
    let (_, ending) = rest.last().unwrap();
    assert_eq!((&ending["type"], &ending["state"]), (&json!("error"), &json!("interrupted")), "{rest:?}");
    let result = rest.iter().find(|(_, event)| event["type"] == "tool_result").unwrap();
    assert_eq!(result.1["status"], "interrupted");
    let session = run.split('.').next().unwrap();
    let more =
        place.ada().post("/agent/chat", json!({"message": "b", "sessionId": session, "stream": false})).await;
    assert_eq!(more.status, 200);
}

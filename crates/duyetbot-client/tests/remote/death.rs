//! A server that is killed in the middle of a run, and the one that is started after it.
use duyetbot_client::RemoteAgent;
use duyetbot_core::{Agent, Chat, ErrorKind, Event, RunState, ToolStatus};
use serde_json::json;
use std::{
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    time::Instant,
};

use crate::place::{DEADLINE, Held, Place, TOKEN, ada, connection, rest, until, whole};

const FOLDER: &str = "DUYETBOT_TEST_FOLDER";
const TOOL: &str = "DUYETBOT_TEST_TOOL";

#[expect(clippy::disallowed_methods, reason = "how a test tells itself, in another process, what to do")]
fn told(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn storage(folder: &Path) -> String {
    format!("sqlite:{}", folder.join("talk.db").display())
}

/// Not a test of its own: the server that is killed. It says half an answer, or calls a tool that never ends.
#[test]
fn the_server_that_dies() {
    let Some(folder) = told(FOLDER) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let folder = Path::new(&folder);
        let place = Place::with(&storage(folder), None).await;
        let mouth = place.model.answer();
        mouth.say("half an answer, ");
        if told(TOOL).is_some() {
            mouth.call("c", "look", &json!({ "hang": folder.join("begun") }).to_string());
            mouth.end();
        } else {
            std::mem::forget(mouth);
        }
        std::fs::write(folder.join("new"), place.address.to_string()).unwrap();
        std::fs::rename(folder.join("new"), folder.join("address")).unwrap();
        std::future::pending::<()>().await;
    });
}

async fn begin(folder: &Path, with_tool: Option<&str>) -> (Child, SocketAddr) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["death::the_server_that_dies", "--exact", "--nocapture"]).env(FOLDER, folder);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    if let Some(tool) = with_tool {
        command.env(TOOL, tool);
    }
    let child = command.spawn().unwrap();
    (child, written(&folder.join("address")).await.parse().unwrap())
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
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

/// Kills the server, and starts another at its address.
async fn started_anew(mut server: Child, address: SocketAddr, folder: &Path) -> Place {
    server.kill().unwrap();
    server.wait().unwrap();
    let listener = duyetbot_server::listen(&address.to_string()).await.unwrap();
    Place::on(listener, &storage(folder), None).await
}

#[tokio::test]
async fn a_stream_goes_on_by_itself_where_its_server_was_killed_and_started_again() {
    let folder = tempfile::tempdir().unwrap();
    let (server, address) = begin(folder.path(), None).await;
    let agent = RemoteAgent::new(connection(address, TOKEN));
    let run = agent.start(&ada(), Chat::new("hi")).await.unwrap();
    let mut events = agent.watch(&ada(), run, 0).await.unwrap();
    let mut held = Held::default();
    until(&mut events, &mut held, |event| matches!(event, Event::Content { .. })).await;
    let _place = started_anew(server, address, folder.path()).await;
    rest(&mut held, events).await;
    assert_eq!(held.words(), "ok", "the cut answer was asked for again");
    assert!(matches!(held.ending, Some(Ok((RunState::Done, ..)))), "{:?}", held.ending);
}

#[tokio::test]
async fn a_run_whose_tool_was_cut_ends_interrupted_and_its_session_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (server, address) = begin(folder.path(), Some("hangs")).await;
    let agent = RemoteAgent::new(connection(address, TOKEN));
    let run = agent.start(&ada(), Chat::new("hi")).await.unwrap();
    let mut events = agent.watch(&ada(), run, 0).await.unwrap();
    let mut held = Held::default();
    until(&mut events, &mut held, |event| matches!(event, Event::Tool { .. })).await;
    written(&folder.path().join("begun")).await;
    let _place = started_anew(server, address, folder.path()).await;
    rest(&mut held, events).await;
    assert_eq!(held.ending, Some(Err((RunState::Interrupted, ErrorKind::Unavailable))));
    let (_, result) = &held.calls[&"c".into()];
    assert_eq!(result.as_ref().unwrap().0, ToolStatus::Interrupted);
    let more = agent.start(&ada(), Chat::new("and?").in_session(run.session)).await.unwrap();
    assert_eq!(whole(agent.watch(&ada(), more, 0).await.unwrap()).await.words(), "ok");
}

//! What the built binary lets a model do when it serves: pages and memory, and in the operator's folder what is allowed.
use rustix::process::Signal;
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
};

use crate::{
    common::Place,
    script::{Model, call, held, words},
    served::Served,
    world::until as until_it_holds,
};

const FREE: [&str; 3] = ["serve", "--listen", "127.0.0.1:0"];

/// The events of an answer, up to one of this type.
fn until(reader: &mut impl BufRead, kind: &str) -> Vec<Value> {
    let mut events = Vec::new();
    for line in reader.lines() {
        let line = line.unwrap();
        let Some(data) = line.strip_prefix("data: ") else { continue };
        let event: Value = serde_json::from_str(data).unwrap();
        let found = event["type"] == kind;
        events.push(event);
        if found {
            return events;
        }
    }
    panic!("no {kind} came: {events:?}");
}

#[test]
fn a_server_without_a_workspace_tells_its_model_of_no_files_and_no_commands() {
    let (place, model) = (Place::new(), Model::new([words("Hello.")]));
    let served = Served::start(place.with(&model, &FREE));
    served.json("POST /agent/chat", r#"{"message":"hi","stream":false}"#);
    let request = &model.requests()[0];
    let names: Vec<&str> =
        request["tools"].as_array().unwrap().iter().filter_map(|t| t["function"]["name"].as_str()).collect();
    assert_eq!(names, ["web_fetch", "sessions", "recall"]);
    let refused = served.json("POST /agent/execute", r#"{"tool":"read","input":{"path":"/etc/passwd"}}"#);
    assert_eq!(refused["status"], 404);
    served.end(Signal::TERM);
}

#[test]
fn a_command_in_the_operators_folder_runs_once_somebody_else_allows_it() {
    let (place, workspace) = (Place::new(), tempfile::tempdir().unwrap());
    let command = json!({"command": "echo words > made; pwd"});
    let model = Model::new([call("bash", command), words("It is made.")]);
    let mut serve = place.with(&model, &FREE);
    serve.env("DUYETBOT_SERVE__WORKSPACE", workspace.path());
    let served = Served::start(serve);
    let mut first =
        BufReader::new(served.open("POST /agent/chat", &served.token, r#"{"message":"make it"}"#));
    let run = until(&mut first, "approval")[0]["runId"].as_str().unwrap().to_owned();
    let open = served.json("GET /agent/approvals", "");
    let place_of_it = open["approvals"][0]["place"].as_str().unwrap();
    let real = workspace.path().canonicalize().unwrap();
    assert!(place_of_it.starts_with("server:") && place_of_it.ends_with(real.to_str().unwrap()), "{open}");
    let call = open["approvals"][0]["callId"].as_str().unwrap();
    let decision = json!({"callId": call, "decision": "allow"}).to_string();
    served.json(&format!("POST /agent/runs/{run}/approvals"), &decision);
    let rest = until(&mut first, "done");
    let result = rest.iter().find(|event| event["type"] == "tool_result").unwrap();
    assert_eq!(result["status"], "success");
    assert!(result["output"].as_str().unwrap().contains(real.to_str().unwrap()), "{result}");
    assert_eq!(std::fs::read_to_string(workspace.path().join("made")).unwrap(), "words\n");
    served.end(Signal::TERM);
}

/// Case: shutdown-waits-for-open-stream.
#[test]
fn a_signal_ends_a_stream_with_a_hint_and_the_next_start_goes_on_with_its_run() {
    let (never, _release) = held("", words("Never."));
    let (place, model) = (Place::new(), Model::new([never]));
    let served = Served::start(place.with(&model, &FREE));
    let mut stream = BufReader::new(served.open("POST /agent/chat", &served.token, r#"{"message":"hi"}"#));
    let run = until(&mut stream, "run")[0]["runId"].as_str().unwrap().to_owned();
    model.wait_for(1);
    served.send(Signal::TERM);
    let mut rest = String::new();
    stream.read_to_string(&mut rest).unwrap();
    assert!(rest.contains(": the server is stopping; resume with Last-Event-ID\nretry: 500\n"), "{rest}");
    assert_eq!(served.wait().status.code(), Some(0));

    let next = Served::start(place.with(&model, &FREE));
    let mut resumed = BufReader::new(next.open(&format!("GET /agent/stream/{run}"), &next.token, ""));
    assert_eq!(until(&mut resumed, "done").last().unwrap()["state"], "done");
    next.end(Signal::TERM);
}

#[test]
fn a_second_signal_does_not_wait_for_what_is_open() {
    let (place, model) = (Place::new(), Model::new([]));
    let mut serve = place.with(&model, &FREE);
    serve.env("DUYETBOT_SERVE__DRAIN_SECONDS", "600");
    let served = Served::start(serve);
    let mut half = TcpStream::connect(&served.address).unwrap();
    let head = format!(
        "POST /sessions HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
         content-length: 10\r\n\r\n{{",
        served.token
    );
    half.write_all(head.as_bytes()).unwrap();
    // Answered after it, so that what came before is being served.
    assert!(served.ask("GET /healthz", "", "").starts_with("HTTP/1.1 200 "));
    served.send(Signal::TERM);
    until_it_holds("the end of listening", || TcpStream::connect(&served.address).is_err());
    assert_eq!(served.end(Signal::TERM).status.code(), Some(130));
}

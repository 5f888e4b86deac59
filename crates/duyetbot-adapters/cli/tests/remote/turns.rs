//! Turns on a server: the same output, exit codes and decisions as here.
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};

use crate::{
    pty::Pty,
    script::{call, held, words},
    world::{Ended, World},
};

#[test]
fn an_answer_comes_as_it_would_here_and_the_next_goes_on_with_this_folders_session() {
    let world = World::new([words("It is blue."), words("Still blue.")]);
    let first = world.run(&["ask", "--remote", "which colour?"]).well();
    assert_eq!(first.out, "It is blue.\n");
    assert!(
        first.err.contains(&format!("{} answers; the tools of this machine are off", world.served.address)),
        "{first:?}"
    );
    let next = world.run(&["ask", "--remote", "-c", "and now?", "--output-format", "stream-json"]).well();
    let events: Vec<Value> = next.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds: Vec<&str> = events.iter().filter_map(|event| event["type"].as_str()).collect();
    assert_eq!((kinds[0], *kinds.last().unwrap()), ("run", "done"));
    let asked = world.model.asked();
    let said: Vec<&str> = asked[1].iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(said, ["which colour?", "It is blue.", "and now?"]);
    assert!(!world.here.home.path().join("home/duyetbot.db").exists(), "nothing is kept here");
}

#[test]
fn a_server_that_is_not_there_is_said_to_be_none() {
    let world = World::new([]);
    let address = world.served.address.clone();
    world.served.end(Signal::TERM);
    let ended = Ended::of(
        world.here.command(&["ask", "--remote", "hi", "--output-format", "json"]).output().unwrap(),
    );
    assert_eq!((ended.code, &ended.json()["type"]), (Some(1), &json!("urn:duyetbot:network")));
    assert!(ended.err.contains(&format!("cannot reach {address}")), "{ended:?}");
}

#[test]
fn where_nobody_can_decide_a_call_of_the_server_is_refused_with_its_code() {
    let world = World::new([call("bash", json!({"command": "echo words > made"})), words("I may not.")]);
    let ended = world.run(&["ask", "--remote", "make it", "--output-format", "json"]);
    assert_eq!(ended.code, Some(5), "{ended:?}");
    assert_eq!((&ended.json()["denied"], &ended.json()["state"]), (&json!(["call_0"]), &json!("done")));
    assert!(!world.workspace.path().join("made").exists());
}

#[test]
fn a_person_at_the_terminal_lets_a_call_of_the_server_run() {
    let world = World::new([call("bash", json!({"command": "echo words > made"})), words("It is made.")]);
    let mut pty = Pty::run(&world.interactive(&["ask", "--remote", "make it"]));
    pty.wait("echo words > made");
    pty.wait("allow it? y = once, n = no: ");
    pty.keys("y\n");
    pty.wait("It is made.");
    assert!(pty.ended().success());
    assert_eq!(std::fs::read_to_string(world.workspace.path().join("made")).unwrap(), "words\n");
}

#[test]
fn rules_of_a_message_narrow_what_the_server_lets_run() {
    let world = World::new([call("sessions", json!({})), words("No.")]);
    let ended = world.run(&["ask", "--remote", "list them", "--deny", "sessions", "--output-format", "json"]);
    assert_eq!(ended.code, Some(5), "{ended:?}");
    assert_eq!(ended.json()["denied"], json!(["call_0"]));
}

#[test]
fn a_call_that_waits_is_listed_and_decided_and_its_turn_is_followed() {
    let world = World::new([call("bash", json!({"command": "echo words > made"})), words("It is made.")]);
    let mut events = BufReader::new(world.served.open(
        "POST /agent/chat",
        &world.served.token,
        r#"{"message":"make it"}"#,
    ));
    let mut line = String::new();
    while !line.contains("\"approval\"") {
        line.clear();
        assert!(events.read_line(&mut line).unwrap() > 0);
    }
    let listed = world.run(&["approvals", "ls", "--remote"]).well();
    assert!(
        listed.out.contains("call_0  bash in server:") && listed.out.contains("    echo words > made"),
        "{listed:?}"
    );
    let decided = world.run(&["approvals", "allow", "call_0", "--remote"]).well();
    assert_eq!(decided.out, "It is made.\n");
    let again = world.run(&["approvals", "allow", "call_0", "--remote"]);
    assert_eq!(again.code, Some(1), "{again:?}");
}

#[test]
fn a_signal_stops_the_turn_on_the_server_and_what_was_said_stays() {
    let (half, _release) = held("half an answer", words(""));
    let world = World::new([half]);
    let mut child = world
        .here
        .command(&["ask", "--remote", "go on and on", "--output-format", "stream-json"])
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("\"content\"") {
        line.clear();
        assert!(out.read_line(&mut line).unwrap() > 0);
    }
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let session =
        world.run(&["sessions", "ls", "--remote", "--output-format", "json"]).json()[0]["id"].clone();
    let shown = world
        .run(&["sessions", "show", session.as_str().unwrap(), "--remote", "--output-format", "json"])
        .json();
    assert_eq!(shown["messages"][1]["parts"][0]["text"], "half an answer");
    assert_eq!(shown["messages"][1]["cut"], true);
}

//! `duyetbot serve` for many people, with `duyetbot users` beside it on the same file.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;
#[path = "common/served.rs"]
mod served;

use common::Place;
use rustix::process::Signal;
use serde_json::Value;
use served::Served;
use std::{
    io::{BufRead, BufReader},
    process::{Command, Output},
    time::Duration,
};

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const SERVE: [&str; 5] = ["serve", "--listen", "127.0.0.1:0", "--model", "recall"];

fn with(place: &Place, args: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = place.command(args);
    command.envs(variables.iter().copied());
    command
}

fn serve(place: &Place) -> Served {
    Served::start(with(place, &SERVE, &[("JWT_SECRET", SECRET)]))
}

fn users(place: &Place, args: &[&str]) -> Output {
    place.command(&[&["users"], args, &["--output-format", "json"]].concat()).output().unwrap()
}

/// A person whom the operator adds: id and token.
fn add(place: &Place, email: &str) -> (String, String) {
    let added: Value = serde_json::from_slice(&users(place, &["add", email]).stdout).unwrap();
    let text = |field: &str| added[field].as_str().unwrap().to_owned();
    (text("id"), text("token"))
}

#[test]
fn a_person_who_is_added_while_it_serves_is_let_in_at_once_and_one_who_is_removed_is_not() {
    let place = Place::new();
    let served = serve(&place);
    assert_eq!(served.token, "", "the first line is the plain address");
    assert_eq!(served.json("GET /readyz", "")["status"], "ok");
    let (id, token) = add(&place, "ada@example.org");
    let (_, bobs) = add(&place, "bob@example.org");
    let me = served.ask("GET /users/me", &token, "");
    assert!(me.starts_with("HTTP/1.1 200 ") && me.contains(&id) && me.contains("ada@example.org"), "{me}");
    let said = served.ask("POST /agent/chat", &token, r#"{"message":"the badger sleeps","stream":false}"#);
    assert!(said.starts_with("HTTP/1.1 200 "), "{said}");
    assert!(!served.ask("GET /search?q=badger", &bobs, "").contains("badger"));

    let removed = users(&place, &["rm", &id]);
    assert_eq!(removed.status.code(), Some(0), "{removed:?}");
    assert!(served.ask("GET /users/me", &token, "").starts_with("HTTP/1.1 401 "));
    assert!(served.ask("GET /users/me", &bobs, "").starts_with("HTTP/1.1 200 "));
    let output = served.end(Signal::TERM);
    assert_eq!(output.status.code(), Some(0));
    let log = String::from_utf8(output.stderr).unwrap();
    for hidden in [SECRET, &token, "badger", "ada@example.org"] {
        assert!(!log.contains(hidden), "{hidden}: {log}");
    }
}

/// Two seconds, and room for a busy machine.
const BOUND: Duration = Duration::from_secs(2 + 8);

#[test]
fn the_streams_of_a_person_who_is_removed_end_soon() {
    let place = Place::new();
    let model = silent_model();
    let variables =
        [("JWT_SECRET", SECRET), ("ANTHROPIC_API_KEY", "a-key"), ("ANTHROPIC_BASE_URL", model.as_str())];
    let args = ["serve", "--listen", "127.0.0.1:0", "--model", "anthropic/some"];
    let served = Served::start(with(&place, &args, &variables));
    let (id, token) = add(&place, "ada@example.org");
    let mut stream = BufReader::new(served.open("POST /agent/chat", &token, r#"{"message":"hi"}"#));
    let mut line = String::new();
    while !line.contains(r#""type":"run""#) {
        line.clear();
        assert!(stream.read_line(&mut line).unwrap() > 0, "it ended before its run");
    }
    assert_eq!(users(&place, &["rm", &id]).status.code(), Some(0));
    // Shorter than the time between two signs of life.
    stream.get_ref().set_read_timeout(Some(BOUND)).unwrap();
    while stream.read_line(&mut line).unwrap() > 0 {}
    served.end(Signal::TERM);
}

/// A model's server that takes the question and never answers.
fn silent_model() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || listener.incoming().collect::<Vec<_>>());
    format!("http://{address}")
}

/// Case: known-default-signing-key
#[test]
fn known_default_signing_key() {
    let place = Place::new();
    let line_break = format!("{SECRET}\n");
    let short = &SECRET[1..];
    let example = "change-me-to-a-random-string-of-32-bytes-or-more";
    let one_letter = "x".repeat(48);
    for (variables, named, why) in [
        (&[("JWT_SECRET", "")][..], "JWT_SECRET", "set to nothing"),
        (&[("JWT_SECRET", " ")], "JWT_SECRET", "set to nothing"),
        (&[("JWT_SECRET", "changeme")], "JWT_SECRET", "less than 32 bytes"),
        (&[("JWT_SECRET", short)], "JWT_SECRET", "less than 32 bytes"),
        (&[("JWT_SECRET", &line_break)], "JWT_SECRET", "line break"),
        (&[("JWT_SECRET", example)], "JWT_SECRET", "is an example's"),
        (&[("JWT_SECRET", &one_letter)], "JWT_SECRET", "can be guessed"),
        (
            &[("JWT_SECRET", SECRET), ("JWT_SECRET_PREVIOUS", "old")],
            "JWT_SECRET_PREVIOUS",
            "less than 32 bytes",
        ),
        (&[("JWT_SECRET_PREVIOUS", SECRET)], "JWT_SECRET", "is not"),
        (&[("JWT_SEKRET", SECRET)], "JWT_SEKRET", "write JWT_SECRET"),
        (&[("DUYETBOT_JWT_SECRET", SECRET)], "DUYETBOT_JWT_SECRET", "write JWT_SECRET"),
        (&[("JWT_SECRET", SECRET), ("METRICS_TOKEN", "two words")], "METRICS_TOKEN", "no client can send"),
        (&[("JWT_SECRET", SECRET), ("METRICS_TOKEN", "")], "METRICS_TOKEN", "set to nothing"),
        (&[("JWT_SECRET", SECRET), ("API_URL", "example.org")], "API_URL", "write https://example.org"),
        (&[("JWT_SECRET", SECRET), ("API_URL", "https://a:sesame@b")], "API_URL", "a password"),
    ] {
        for args in [&SERVE[..], &["serve", "--check", "--listen", "127.0.0.1:0"]] {
            let output = with(&place, args, variables).output().unwrap();
            let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
            assert_eq!(output.status.code(), Some(2), "{text}");
            assert!(text.contains(named) && text.contains(why), "{text}");
            assert!(!text.contains("http://127.0.0.1"), "it did not begin to serve: {text}");
            for (_, value) in
                variables.iter().filter(|(name, value)| *name != "API_URL" && value.trim() != "")
            {
                assert!(!text.contains(value.trim_end()), "{text}");
            }
            assert!(!text.contains("sesame"), "{text}");
        }
    }
}

#[test]
fn a_check_says_whom_it_would_serve_and_who_reads_the_metrics() {
    let place = Place::new();
    let told = |args: &[&str], variables: &[(&str, &str)]| {
        let check = ["serve", "--check", "--model", "recall", "--listen"];
        let output = with(&place, &[&check[..], args].concat(), variables).output();
        let out = String::from_utf8(output.unwrap().stdout).unwrap();
        let about = ["address", "people", "metrics"].map(|what| format!("ok       {what}: "));
        let lines =
            about.map(|begin| out.lines().find_map(|line| line.strip_prefix(&*begin)).unwrap().to_owned());
        lines.join("; ")
    };
    let members =
        "those of the storage, by API tokens (`duyetbot users add EMAIL`) and by logins of JWT_SECRET";
    assert_eq!(
        told(&["127.0.0.1:0"], &[("JWT_SECRET", SECRET)]),
        format!("127.0.0.1:0, this machine alone; {members}; whoever reaches the address")
    );
    let open = ["0.0.0.0:0"];
    assert_eq!(
        told(&open, &[("JWT_SECRET", SECRET), ("JWT_SECRET_PREVIOUS", SECRET)]),
        format!(
            "0.0.0.0:0, other machines too; {members} or JWT_SECRET_PREVIOUS; nobody; METRICS_TOKEN is not set"
        )
    );
    assert!(
        told(&open, &[("JWT_SECRET", SECRET), ("METRICS_TOKEN", "m")])
            .ends_with("; whoever has METRICS_TOKEN")
    );
}

//! The HTTP API against its own document, by requests that a program of others makes up from it.
use rustix::process::Signal;
use serde_json::{Value, json};
use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use crate::{common::Place, peer, served::Served};

const DOCUMENT: &str = include_str!("../../../../../docs/openapi.json");
/// What the document cannot say.
const TOLD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../tests/fixtures/schemathesis");
/// It takes a person away, with whose token all other requests are made.
const ERASES: &str = "delete_users_me";
const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// A server without limits of what may be asked, for the one person of this machine or with a secret for many.
fn serve(place: &Place, secret: Option<&str>) -> Served {
    let mut command = place.command(&["serve", "--listen", "127.0.0.1:0", "--model", "recall"]);
    command.env("DUYETBOT_LIMITS__REQUESTS_PER_MINUTE", "0").env("DUYETBOT_LIMITS__SESSIONS", "0");
    command.envs(secret.map(|secret| ("JWT_SECRET", secret)));
    Served::start(command)
}

/// A person of the server, with the token that they sign in with and its id.
struct Member {
    name: &'static str,
    token: String,
    token_id: String,
}

impl Member {
    fn add(place: &Place, name: &'static str) -> Self {
        let email = format!("{name}@example.org");
        let added = place.command(&["users", "add", &email, "--output-format", "json"]).output().unwrap();
        let added: Value = serde_json::from_slice(&added.stdout).unwrap();
        let text = |field: &str| added[field].as_str().unwrap().to_owned();
        Member { name, token: text("token"), token_id: text("tokenId") }
    }

    fn is_signed_in(&self, served: &Served) -> bool {
        served.ask("GET /users/me", &self.token, "").starts_with("HTTP/1.1 200 ")
    }
}

/// Settings of the program, with the people as whom it asks: of several, what one made no other may see.
fn settings(folder: &Path, people: &[Member]) {
    let header =
        |person: &Member| json!({ "name": "Authorization", "value": format!("Bearer {}", person.token) });
    let all: Vec<Value> = people
        .iter()
        .map(|person| json!({ "name": person.name, "fixedHeaders": [header(person)] }))
        .collect();
    fs::write(folder.join("people.json"), json!({ "auth": all }).to_string()).unwrap();
    let mut text = fs::read_to_string(format!("{TOLD}/schemathesis.toml")).unwrap();
    text.push_str("\n[auth.wfc]\npath = \"people.json\"\n");
    if people.len() > 1 {
        let names: Vec<&str> = people.iter().map(|person| person.name).collect();
        text.push_str(&format!("peers = {names:?}\n"));
    }
    fs::write(folder.join("schemathesis.toml"), text).unwrap();
}

/// Lets the program ask the server with every check that it has; it finds nothing.
#[track_caller]
fn holds(served: &Served, people: &[Member], asked: &[&str], operations: usize) {
    let folder = tempfile::tempdir().unwrap();
    settings(folder.path(), people);
    let own: Vec<&str> = people.iter().map(|person| person.token_id.as_str()).collect();
    let output = Command::new(peer::schemathesis())
        .args(["--config-file", "schemathesis.toml", "run", "--no-color", "--checks", "all"])
        .args(["--seed", "1", "--generation-database", "none", "--request-timeout", "10"])
        .args(asked)
        .arg(format!("http://{}/openapi.json", served.address))
        .env("SCHEMATHESIS_HOOKS", format!("{TOLD}/hooks.py"))
        .env("OWN_TOKENS", own.join(" "))
        .env("HOME", folder.path())
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}{errors}");
    assert!(told.contains(&format!("  Tested: {operations}\n")), "{told}");
}

/// Routes of the document, but for the one that it is read from: the program leaves that out.
fn operations() -> usize {
    let document: Value = serde_json::from_str(DOCUMENT).unwrap();
    let paths = document["paths"].as_object().unwrap();
    paths.values().map(|methods| methods.as_object().unwrap().len()).sum::<usize>() - 1
}

const FEW: [&str; 2] = ["--max-examples", "5"];

#[test]
fn the_api_of_one_person_is_what_its_document_says() {
    let place = Place::new();
    let served = serve(&place, None);
    let person = Member { name: "local", token: served.token.clone(), token_id: String::new() };
    holds(&served, &[person], &FEW, operations());
    assert_eq!(served.end(Signal::TERM).status.code(), Some(0));
}

#[test]
fn the_api_of_many_people_is_what_its_document_says_and_nobody_sees_what_others_have() {
    let place = Place::new();
    let served = serve(&place, Some(SECRET));
    let people = [Member::add(&place, "ada"), Member::add(&place, "bob")];
    let asked = [&FEW[..], &["--exclude-operation-id", ERASES]].concat();
    holds(&served, &people, &asked, operations() - 1);
    assert!(people.iter().all(|person| person.is_signed_in(&served)), "or all was refused from somewhere on");
    let asked = ["--max-examples", "1", "--phases", "coverage,fuzzing", "--include-operation-id", ERASES];
    let [ada, bob] = people;
    let ada = [ada];
    holds(&served, &ada, &asked, 1);
    assert!(!ada[0].is_signed_in(&served) && bob.is_signed_in(&served));
    assert_eq!(served.end(Signal::TERM).status.code(), Some(0));
}

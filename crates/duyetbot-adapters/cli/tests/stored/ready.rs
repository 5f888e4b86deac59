//! Whether a server says that it can serve: while its disk is full or its database is held by another, and afterwards.
use rustix::{
    event::{Timespec, poll},
    process::Signal,
};
use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use crate::{disks::Disk, person::Person, served::Served};

fn serve(home: &Path, person: &Person) -> Served {
    let mut command = person.command(&["serve", "--listen", "127.0.0.1:0", "--model", "recall"]);
    command.env("DUYETBOT_HOME", home);
    Served::start(command)
}

/// Asks until the answer has this status: an answer counts for a second.
#[track_caller]
fn until_ready(served: &Served, status: &str) -> String {
    let pause = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
    let mut last = String::new();
    for _ in 0..400 {
        last = served.ask("GET /readyz", "", "");
        if last.starts_with(&format!("HTTP/1.1 {status} ")) {
            return last;
        }
        poll(&mut [], Some(&pause)).unwrap();
    }
    panic!("it did not become {status}: {last}");
}

fn lives(served: &Served) -> bool {
    served.ask("GET /healthz", "", "").starts_with("HTTP/1.1 200 ")
}

/// Case: health_green_while_database_down (a full disk).
#[test]
fn a_server_whose_disk_is_full_is_not_ready_and_recovers_by_itself() {
    let Some(disk) = Disk::new("size=8m") else { return };
    let person = Person::new();
    let served = serve(&disk.path("home"), &person);
    served.json(
        "POST /agent/chat",
        r#"{"message":"The spare key hangs behind the blue door.","stream":false}"#,
    );
    until_ready(&served, "200");
    disk.fill();
    let refused = until_ready(&served, "503");
    assert!(refused.contains("retry-after: ") && refused.contains("cache-control: no-store"), "{refused}");
    assert!(!refused.contains(disk.path("").to_str().unwrap()), "where it lies is nobody's: {refused}");
    let long = serde_json::json!({ "message": "more words ".repeat(8_000), "stream": false }).to_string();
    let said = served.ask("POST /agent/chat", &served.token, &long);
    assert!(said.starts_with("HTTP/1.1 503 ") && said.contains("retry-after: "), "{said}");
    assert!(said.contains("urn:duyetbot:disk_full"), "{said}");
    assert!(!said.contains(disk.path("").to_str().unwrap()), "{said}");
    assert!(lives(&served));
    disk.make_room();
    until_ready(&served, "200");
    assert_eq!(served.end(Signal::TERM).status.code(), Some(0));
}

/// Holds the lock to write on a database, until its standard input ends. Python brings an SQLite along.
fn hold(database: &Path) -> Child {
    let script = "import sqlite3, sys\nc = sqlite3.connect(sys.argv[1], isolation_level=None)\n\
                  c.execute('begin immediate')\nprint('held', flush=True)\nsys.stdin.read()";
    let mut held = Command::new("python3")
        .args(["-c", script])
        .arg(database)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(held.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "held\n");
    held
}

/// Case: health_green_while_database_down (a database that another holds).
#[test]
fn a_server_whose_database_is_held_is_not_ready_and_recovers_by_itself() {
    let person = Person::new();
    let home = person.home.path().join("home");
    let served = serve(&home, &person);
    until_ready(&served, "200");
    let mut held = hold(&home.join("duyetbot.db"));
    let refused = until_ready(&served, "503");
    assert!(refused.contains("retry-after: ") && refused.contains("urn:duyetbot:unavailable"), "{refused}");
    assert!(lives(&served));
    let probe = person.run(&["serve", "--ready", "--listen", &served.address]);
    assert!(probe.refused(1).ends_with("is not ready: the storage does not answer"), "{probe:?}");
    assert!(served.ask("GET /sessions", &served.token, "").starts_with("HTTP/1.1 200 "), "reading goes on");
    drop(held.stdin.take());
    held.wait().unwrap();
    until_ready(&served, "200");
    assert_eq!(served.end(Signal::TERM).status.code(), Some(0));
}

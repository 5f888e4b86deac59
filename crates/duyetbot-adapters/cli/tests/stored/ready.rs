//! Whether a server says that it can serve: while its disk is full or its database is held by another, and afterwards.
use rustix::{
    event::{Timespec, poll},
    process::Signal,
};
use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
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
pub(crate) fn until_ready(served: &Served, status: &str) -> String {
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

/// Case: health-green-while-database-down (a full disk).
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

/// Case: health-green-while-database-down (a database that another holds).
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

/// Case: health-green-while-database-down (many who ask at once).
#[test]
fn a_server_that_is_not_ready_says_so_to_all_who_ask_and_lets_none_wait_for_another() {
    let person = Person::new();
    let home = person.home.path().join("home");
    let served = serve(&home, &person);
    until_ready(&served, "200");
    let mut held = hold(&home.join("duyetbot.db"));
    std::thread::scope(|scope| {
        let asked: Vec<_> = (0..100).map(|_| scope.spawn(|| served.ask("GET /readyz", "", ""))).collect();
        for answer in asked {
            let answer = answer.join().unwrap();
            // Who asked first may have the answer of a moment ago.
            let fresh = answer.starts_with("HTTP/1.1 503 ") && answer.contains("the storage does not answer");
            assert!(fresh || answer.starts_with("HTTP/1.1 200 "), "{answer}");
            assert!(answer.contains("cache-control: no-store"), "{answer}");
        }
        assert!(lives(&served));
    });
    until_ready(&served, "503");
    drop(held.stdin.take());
    held.wait().unwrap();
    until_ready(&served, "200");
    assert_eq!(served.end(Signal::TERM).status.code(), Some(0));
}

#[test]
fn a_check_names_what_is_wrong_with_the_place_of_the_database() {
    let person = Person::new();
    person.run(&["ask", "The spare key hangs behind the blue door."]).done();
    let path = person.home.path().join("home/duyetbot.db");
    let check = |args: &[&str]| {
        let ended = person
            .run(&[&["serve", "--check", "--listen", "127.0.0.1:0", "--model", "recall"], args].concat());
        (ended.code, ended.out)
    };
    assert_eq!(check(&[]).0, Some(0));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let (code, out) = check(&[]);
    let said =
        format!("PROBLEM  place: {0} can be read by others; mend it with: chmod 600 {0}\n", path.display());
    assert!(code == Some(1) && out.contains(&said), "{out}");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();

    person.file("file", "");
    for (storage, said) in [("sqlite:file/talk.db", "file is not a folder"), ("sqlite:.", "is not a file")] {
        let (code, out) = check(&["--storage", storage]);
        assert!(code == Some(1) && out.contains("PROBLEM  place: ") && out.contains(said), "{out}");
    }
    let Some(disk) = Disk::new("size=8m") else { return };
    let storage = format!("sqlite:{}", disk.path("talk.db").display());
    assert_eq!(check(&["--storage", &storage]).0, Some(0));
    disk.fill();
    let (code, out) = check(&["--storage", &storage]);
    assert!(code == Some(1) && out.contains("is full; make room"), "{out}");
    disk.make_room();
    disk.remount("ro");
    let (code, out) = check(&["--storage", &storage]);
    assert!(code == Some(1) && out.contains("cannot be written to"), "{out}");
}

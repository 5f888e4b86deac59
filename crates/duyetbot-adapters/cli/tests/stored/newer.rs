//! A database that this program did not write, or not to its end.
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use rustix::process::Signal;

use crate::{
    person::{Person, end},
    ready::until_ready,
    served::Served,
};

/// What a person does with a database.
const USES: [&[&str]; 5] = [
    &["ask", "hi"],
    &["sessions", "ls"],
    &["sessions", "search", "key"],
    &["sessions", "new", "one more"],
    &["sessions", "export", "01"],
];

fn database(person: &Person) -> PathBuf {
    person.home.path().join("home/duyetbot.db")
}

/// Changes a database past the program. Python brings an SQLite along; the program's own is not for tests to reach into.
pub(crate) fn change(database: &Path, statements: &str) {
    let script =
        "import sqlite3, sys\nc = sqlite3.connect(sys.argv[1])\nc.executescript(sys.argv[2])\nc.close()";
    let status = Command::new("python3").args(["-c", script]).arg(database).arg(statements).status().unwrap();
    assert!(status.success());
}

/// All files beside the database, the ones that SQLite makes to read it left out where nothing is in them.
pub(crate) fn files(database: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(database.parent().unwrap()).unwrap();
    let file =
        |entry: fs::DirEntry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap());
    let mut files: Vec<_> = entries.map(|entry| file(entry.unwrap())).collect();
    files.retain(|(name, bytes)| !(name.ends_with("-shm") || name.ends_with("-wal") && bytes.is_empty()));
    files.sort();
    files
}

/// Case: older-binary-newer-database
#[test]
fn a_newer_schema_is_refused_at_once_with_both_numbers_and_nothing_is_written() {
    let person = Person::new();
    person.run(&["ask", "The spare key hangs behind the blue door."]).done();
    let path = database(&person);
    change(
        &path,
        "alter table messages rename column role to speaker;
         update meta set version = 9, min_reader = 8;
         pragma user_version = 9;",
    );
    let before = files(&path);
    for args in USES {
        let ended = person.run(args);
        assert_eq!(
            ended.refused(1),
            format!(
                "{} was written by a newer duyetbot: it has schema 9 and needs a program that knows schema 8, this one \
                 knows 3. It was left as it is. Update duyetbot, or name another file",
                path.display()
            )
        );
        assert!(files(&path) == before, "{args:?} wrote something");
    }
    let doctor = person.run(&["doctor"]);
    assert!(doctor.code == Some(1) && doctor.out.contains("written by a newer duyetbot"), "{doctor:?}");
}

/// Case: old-binary-meets-newer-schema
#[test]
fn a_server_does_not_start_on_a_newer_schema_and_one_that_serves_is_not_ready_any_more() {
    let person = Person::new();
    let serve = ["serve", "--listen", "127.0.0.1:0", "--model", "recall"];
    let served = Served::start(person.command(&serve));
    served.json("POST /sessions", r#"{"title":"before"}"#);
    let path = database(&person);
    change(&path, "update meta set version = 9, min_reader = 8; pragma user_version = 9;");
    let refused = served.ask("POST /sessions", &served.token, r#"{"title":"after"}"#);
    assert!(
        refused.starts_with("HTTP/1.1 503 ") && refused.contains("urn:duyetbot:newer_schema"),
        "{refused}"
    );
    assert!(!refused.contains(path.to_str().unwrap()), "where it lies is nobody's: {refused}");
    until_ready(&served, "503");
    assert!(served.ask("GET /healthz", "", "").starts_with("HTTP/1.1 200 "));
    served.end(Signal::TERM);

    let before = files(&path);
    let versions = "it has schema 9 and needs a program that knows schema 8, this one knows 3";
    for args in [&serve[..], &[&serve[..], &["--check"]].concat(), &["backup", "copy.db"], &["users", "ls"]] {
        let ended = person.run(args);
        assert_eq!(ended.code, Some(1), "{args:?}: {ended:?}");
        assert!(format!("{}{}", ended.out, ended.err).contains(versions), "{args:?}: {ended:?}");
        assert!(files(&path) == before, "{args:?} wrote something");
    }
    assert!(!person.folder.path().join("copy.db").exists());
}

/// Case: older-binary-newer-database
#[test]
fn a_newer_schema_that_this_program_can_read_is_used() {
    let person = Person::new();
    person.run(&["ask", "The spare key hangs behind the blue door."]).done();
    change(&database(&person), "update meta set version = 9; pragma user_version = 9;");
    let answer = person.run(&["ask", "Where is the spare key?"]).done();
    assert!(answer.contains("> The spare key hangs behind the blue door."), "{answer}");
}

/// Case: older-binary-newer-database
#[test]
fn a_text_in_the_databases_place_is_refused_and_left_as_it_is() {
    let person = Person::new();
    fs::create_dir(person.home.path().join("home")).unwrap();
    let path = database(&person);
    for text in ["this is a text", "{\"messages\": []}\n", "SQLite format 2"] {
        fs::write(&path, text).unwrap();
        for args in USES {
            let ended = person.run(args);
            assert_eq!(
                ended.refused(1),
                format!(
                    "{} is not a database; it was left as it is. Name another file, or move this one",
                    path.display()
                )
            );
            assert_eq!(files(&path), [("duyetbot.db".to_owned(), text.as_bytes().to_vec())]);
        }
    }
}

/// Case: older-binary-newer-database
#[test]
fn a_file_whose_set_up_was_cut_off_is_set_up_anew() {
    let person = Person::new();
    fs::create_dir(person.home.path().join("home")).unwrap();
    let path = database(&person);
    // What a process leaves that was killed between making the file and the end of its first transaction.
    change(&path, "pragma journal_mode = wal; begin; create table half(x); rollback;");
    person.run(&["ask", "The spare key hangs behind the blue door."]).done();
    let answer = end(&mut person.command(&["ask", "Where is the spare key?"])).done();
    assert!(answer.contains("blue door"), "{answer}");
}

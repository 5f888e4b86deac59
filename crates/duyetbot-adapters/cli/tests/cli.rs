//! The built binary, as a person and as a script use it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::Place as Person;
use std::{
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Output, Stdio},
};
use tempfile::TempDir;

impl Person {
    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }
    fn piped(&self, args: &[&str], input: &[u8]) -> Output {
        let mut child = self
            .command(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A refusal may come before all of it is read.
        let _ = child.stdin.take().unwrap().write_all(input);
        child.wait_with_output().unwrap()
    }
    fn json(&self, args: &[&str]) -> serde_json::Value {
        let output = self.run(args);
        assert!(output.status.success(), "{args:?}: {}", err(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }
    fn ask(&self, text: &str) -> String {
        let output = self.run(&["ask", text]);
        assert!(output.status.success(), "{}", err(&output));
        out(&output)
    }
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}
fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}
fn refused(output: &Output, code: i32, words: &str) {
    assert_eq!(output.status.code(), Some(code), "{}", err(output));
    assert!(err(output).contains(words), "{words:?} is not in {:?}", err(output));
    assert_eq!(err(output).trim().lines().count(), 1, "more than one sentence: {:?}", err(output));
}

#[test]
fn what_one_process_is_told_another_knows() {
    let person = Person::new();
    person.ask("The spare key hangs behind the blue door.");
    assert!(person.ask("Where is the spare key?").contains("> The spare key hangs behind the blue door."));
    assert!(person.ask("What are my recent sessions?").contains("Where is the spare key?"));
}

#[test]
fn ask_goes_on_with_the_newest_session_of_this_directory() {
    let person = Person::new();
    person.ask("one");
    let output = person.run(&["ask", "-c", "two"]);
    assert!(err(&output).contains("going on with one ("));
    let list = person.json(&["sessions", "ls", "--output-format", "json"]);
    assert_eq!(list.as_array().unwrap().len(), 1);
    assert_eq!(list[0]["messageCount"], 4);
    let elsewhere = TempDir::new().unwrap();
    let output = person.command(&["ask", "-c", "three"]).current_dir(elsewhere.path()).output().unwrap();
    assert!(err(&output).contains("no session was begun in this directory"));
}

#[test]
fn json_is_one_document_with_the_documented_fields() {
    let person = Person::new();
    let answer = person.json(&["ask", "hello there", "--output-format", "json"]);
    assert_eq!(answer["state"], "done");
    assert_eq!(answer["denied"], serde_json::json!([]));
    assert_eq!(answer["message"]["role"], "assistant");
    assert_eq!(answer["message"]["parts"][0]["type"], "text");
    assert!(answer["runId"].as_str().unwrap().starts_with(answer["sessionId"].as_str().unwrap()));
    let lines = out(&person.run(&["ask", "again", "--output-format", "stream-json"]));
    let events: Vec<serde_json::Value> = lines.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(events[0]["type"], "run");
    assert_eq!(events.last().unwrap()["type"], "done");
    assert_eq!(events.iter().filter(|e| e["type"] == "done" || e["type"] == "error").count(), 1);
    let missing = person.run(&["sessions", "show", "ffff", "--output-format", "json"]);
    let problem: serde_json::Value = serde_json::from_slice(&missing.stdout).unwrap();
    assert_eq!((missing.status.code(), &problem["type"]), (Some(1), &"urn:duyetbot:not_found".into()));
}

#[test]
fn standard_input_is_the_prompt_or_context() {
    let person = Person::new();
    assert!(person.piped(&["ask"], b"The gate code is kept by Ada.\r\n").status.success());
    let answer = person.json(&["ask", "Who keeps the gate code?", "--output-format", "json"]);
    assert!(answer["message"]["parts"][0]["text"].as_str().unwrap().contains("kept by Ada"));
    let output = person.piped(&["ask", "explain"], b"some context\xff here");
    assert!(output.status.success() && err(&output).contains("not valid UTF-8"));
    refused(&person.run(&["ask"]), 2, "there is no prompt");
    refused(&person.run(&["ask", "  "]), 2, "the prompt is empty");
}

#[test]
fn an_export_imports_back_equal_and_clashes_overwrite_nothing() {
    let person = Person::new();
    person.ask("first \u{2028} words ```");
    person.run(&["ask", "-c", "second"]);
    let id =
        person.json(&["sessions", "ls", "--output-format", "json"])[0]["id"].as_str().unwrap().to_owned();
    assert!(person.run(&["sessions", "rename", &id, "Named", "--state", "paused"]).status.success());
    let file = person.folder.path().join("talk.json");
    let path = file.to_str().unwrap();
    assert!(person.run(&["sessions", "export", &id, "-o", path]).status.success());
    let exported = fs::read_to_string(&file).unwrap();

    let other = Person::new();
    assert!(other.run(&["sessions", "import", path]).status.success());
    assert_eq!(out(&other.run(&["sessions", "export", &id])), exported);

    person.run(&["ask", "-c", "third"]);
    assert!(person.run(&["sessions", "import", path]).status.success());
    let list = person.json(&["sessions", "ls", "--output-format", "json"]);
    assert_eq!((list.as_array().unwrap().len(), &list[0]["messageCount"]), (1, &6.into()));
    fs::write(&file, exported.replace("second", "other words")).unwrap();
    let output = person.run(&["sessions", "import", path]);
    assert!(out(&output).contains("imported beside it"), "{}", out(&output));
    assert_eq!(person.json(&["sessions", "ls", "--output-format", "json"]).as_array().unwrap().len(), 2);
    fs::write(&file, &exported[..exported.len() / 2]).unwrap();
    refused(&person.run(&["sessions", "import", path]), 2, "line ");
}

#[test]
fn an_older_home_is_offered_and_imported_once() {
    let person = Person::new();
    let old = person.home.path().join("home/sessions");
    fs::create_dir_all(&old).unwrap();
    fs::set_permissions(person.home.path().join("home"), fs::Permissions::from_mode(0o700)).unwrap();
    fs::write(old.join("session-1.json"), r#"{"messages":[{"role":"user","content":"the old parser"}]}"#)
        .unwrap();
    let output = person.run(&["ask", "hi"]);
    assert!(err(&output).contains("1 sessions of an older duyetbot"), "{}", err(&output));
    let folder = old.to_str().unwrap();
    for _ in 0..2 {
        assert!(person.run(&["sessions", "import", folder]).status.success());
    }
    assert!(person.ask("What about the old parser?").contains("> the old parser"));
    assert!(old.join("session-1.json").exists());
    assert_eq!(person.json(&["sessions", "ls", "--output-format", "json"]).as_array().unwrap().len(), 3);
}

#[test]
fn sessions_are_renamed_forked_removed_and_erased() {
    let person = Person::new();
    person.ask("a CANARYWORD in a session");
    let id =
        person.json(&["sessions", "ls", "--output-format", "json"])[0]["id"].as_str().unwrap().to_owned();
    let renamed = person.json(&["sessions", "rename", &id[..13], "Birds", "--output-format", "json"]);
    assert_eq!(renamed["title"], "Birds");
    let fork = person.json(&["sessions", "fork", &id, "--output-format", "json"]);
    assert_eq!((&fork["parent"], &fork["messageCount"]), (&id.clone().into(), &2.into()));
    let fork = fork["id"].as_str().unwrap().to_owned();
    assert!(person.run(&["sessions", "rm", &id]).status.success());
    assert_eq!(
        person.json(&["sessions", "search", "canary", "--output-format", "json"]).as_array().unwrap().len(),
        1
    );
    assert!(person.run(&["sessions", "rm", &id, "--undo"]).status.success());
    for id in [&id, &fork] {
        assert!(person.run(&["sessions", "rm", id, "--erase"]).status.success());
    }
    assert_eq!(person.json(&["sessions", "ls", "--output-format", "json"]), serde_json::json!([]));
    for file in ["duyetbot.db", "duyetbot.db-wal"] {
        let bytes = fs::read(person.home.path().join("home").join(file)).unwrap_or_default();
        let lower = String::from_utf8_lossy(&bytes).to_lowercase();
        assert!(!lower.contains("canaryword"), "{file} still holds the word");
    }
}

#[test]
fn bad_input_gets_one_sentence_and_the_right_code() {
    let person = Person::new();
    person.ask("one");
    refused(&person.run(&["ask", "-r", "zzz", "hi"]), 1, "there is no session \"zzz\"");
    refused(&person.run(&["ask", "--model", "nobody/none", "hi"]), 1, "there is no model");
    refused(&person.run(&["sessions", "search", "*?!"]), 2, "no word to search for");
    refused(&person.run(&[]), 2, "a chat needs a terminal");
    let home = person.home.path().join("home");
    fs::write(home.join("config.toml"), "modle = \"recall\"\n").unwrap();
    refused(&person.run(&["ask", "hi"]), 2, "the nearest is \"model\"");
    fs::write(home.join("config.toml"), "model = \n").unwrap();
    refused(&person.run(&["ask", "hi"]), 2, "line 1, column");
    fs::remove_file(home.join("config.toml")).unwrap();
    refused(
        &person.command(&["ask", "hi"]).env_remove("DUYETBOT_HOME").output().unwrap(),
        2,
        "there is no HOME",
    );
    let relative = person.command(&["ask", "hi"]).env("DUYETBOT_HOME", "here").output().unwrap();
    refused(&relative, 2, "must be an absolute path");
    assert_eq!(
        fs::read_dir(person.folder.path()).unwrap().count(),
        0,
        "something was made in the working folder"
    );
    fs::write(home.join("duyetbot.db"), "this is a text").unwrap();
    let output = person.run(&["ask", "hi"]);
    assert_eq!(output.status.code(), Some(1), "{}", err(&output));
    assert!(err(&output).contains("duyetbot.db"), "{}", err(&output));
    assert_eq!(fs::read_to_string(home.join("duyetbot.db")).unwrap(), "this is a text");
}

#[test]
fn files_are_the_persons_own() {
    let person = Person::new();
    person.ask("hi");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let home = person.home.path().join("home");
    assert_eq!(mode(&home), 0o700);
    for entry in fs::read_dir(&home).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

#[test]
fn settings_changed_by_many_processes_at_once_are_all_there() {
    let person = Person::new();
    let keys = ["limits.sessions", "limits.storage_bytes", "guards.steps", "guards.tokens", "context_tokens"];
    let children: Vec<_> = keys
        .iter()
        .cycle()
        .take(20)
        .map(|key| person.command(&["config", "set", key, "7"]).stdout(Stdio::null()).spawn().unwrap())
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let all = person.json(&["config", "--output-format", "json"]);
    for key in keys {
        assert_eq!(all[key]["value"], "7", "{key}");
    }
}

#[test]
fn a_full_device_and_a_closed_pipe_end_cleanly() {
    let person = Person::new();
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = person.command(&["ask", "hi"]).stdout(full).stderr(Stdio::piped()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("standard output"), "{}", err(&output));
    let mut child =
        person.command(&["ask", "hi again"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(!err(&output).contains("panicked"), "{}", err(&output));
    assert!(person.ask("and now?").contains("memory"));
}

#[test]
fn a_title_of_no_words_and_a_list_of_no_lines_are_no_wishes() {
    let person = Person::new();
    let id = out(&person.run(&["sessions", "new", "Birds"])).trim().to_owned();
    for empty in ["", " \t"] {
        refused(&person.run(&["sessions", "rename", &id, empty]), 2, "the title is empty");
    }
    for args in [["sessions", "ls"].as_slice(), &["sessions", "show", &id], &["sessions", "search", "a"]] {
        let output = person.run(&[args, &["--limit", "0"]].concat());
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", out(&output));
    }
    assert_eq!(person.json(&["sessions", "ls", "--output-format", "json"])[0]["title"], "Birds");
}

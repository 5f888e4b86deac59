//! What goes out in an export comes in again, and nothing of a broken or foreign file is taken.
use serde_json::Value;
use std::fs;

use crate::{
    person::{Person, end, lines, text},
    script::Model,
};

/// A home with a session of 50 messages, and its export.
fn fifty_messages() -> (Person, String, String) {
    let person = Person::new();
    let mut messages = Vec::new();
    for n in 0..50 {
        let role = if n % 2 == 0 { "user" } else { "assistant" };
        messages.push(serde_json::json!({ "role": role, "content": format!("message {n} of the talk") }));
    }
    person.import("old.json", serde_json::json!({ "messages": messages }).to_string()).done();
    let id = person.newest();
    let export = person.run(&["sessions", "export", &id]).done();
    assert!(export.lines().count() > 300, "{export}");
    (person, id, export)
}

fn without_line(export: &str, n: usize) -> String {
    export.lines().enumerate().filter(|(at, _)| *at != n).map(|(_, line)| format!("{line}\n")).collect()
}

fn with_line(export: &str, n: usize, change: impl Fn(&str) -> String) -> String {
    let changed = |(at, line): (usize, &str)| if at == n { change(line) } else { format!("{line}\n") };
    export.lines().enumerate().map(changed).collect()
}

/// Case: torn-line-in-import
#[test]
fn a_file_that_differs_in_white_space_only_is_taken_whole() {
    let (_, id, export) = fifty_messages();
    let whole: Value = serde_json::from_str(&export).unwrap();
    let variants = [
        with_line(&export, 20, |line| line.to_owned()),
        with_line(&export, 20, |line| format!("{line}\n\n")),
        export.replace('\n', "\r\n"),
        format!("\u{feff}{export}"),
        export.trim_end().to_owned(),
    ];
    for variant in variants {
        let person = Person::new();
        person.import("talk.json", &variant).done();
        assert_eq!(person.export(&id), whole);
    }
}

/// Case: torn-line-in-import
#[test]
fn a_torn_file_is_refused_with_its_line_and_nothing_of_it_is_taken() {
    let (_, _, export) = fifty_messages();
    let last = export.lines().count() - 1;
    let cut_at = |n| with_line(&export, n, |line| format!("{}\n", &line[..line.len() / 2]));
    let up_to = |n: usize| {
        let kept: Vec<&str> = export.lines().take(n + 1).collect();
        let (torn, whole) = kept.split_last().unwrap();
        format!("{}\n{}", whole.join("\n"), &torn[..torn.len() / 2])
    };
    let line_of = |words: &str| export.lines().position(|line| line.contains(words)).unwrap();
    let message = line_of("message 20 of the talk");
    let id = line_of("\"id\"");
    let surrogate = format!("line {} holds a NUL character or half of a surrogate pair", message + 1);
    let variants: Vec<(String, &str)> = vec![
        (String::new(), "it is empty"),
        ("\r\n".to_owned(), "it is empty"),
        (up_to(last - 1), "line "),
        (up_to(20), "line 21"),
        (cut_at(message), "line "),
        (without_line(&export, message - 1), "line "),
        (with_line(&export, id, |line| format!("{line}\n{line}\n")), "line "),
        (format!("{export}{export}"), "line "),
        (export.replacen("\"version\": 1", "\"version\": 2", 1), "version 2, this program reads version 1"),
        (export.replacen("\"version\": 1,", "", 1), "the export has no version"),
        (with_line(&export, message, |line| line.replace("talk", "\\ud83d") + "\n"), surrogate.as_str()),
    ];
    let person = Person::new();
    for (variant, place) in variants {
        let path = person.file("torn.json", &variant);
        let refused = person.run(&["sessions", "import", text(&path)]);
        let sentence = refused.refused(2);
        assert!(sentence.starts_with(&format!("{}: ", path.display())), "{sentence}");
        assert!(sentence.contains(place), "{place:?} is not in {sentence:?}");
        assert_eq!(person.sessions(), Vec::<Value>::new());
    }
}

/// Case: torn-line-in-import
#[test]
fn of_several_files_the_good_ones_are_taken_and_the_exit_code_tells_of_the_bad() {
    let (_, id, export) = fifty_messages();
    let person = Person::new();
    let good = person.file("good.json", &export);
    let torn = person.file("torn.json", &export[..export.len() / 2]);
    let ended = person.run(&["sessions", "import", text(&torn), text(&good)]);
    assert_eq!(ended.code, Some(2));
    assert_eq!(ended.out, format!("{id}  50 messages  {}\n", good.display()));
    assert!(ended.err.starts_with(&format!("duyetbot: {}: ", torn.display())), "{}", ended.err);
    assert_eq!(person.sessions().len(), 1);
}

/// Case: torn-line-in-import
#[test]
fn a_file_with_more_messages_than_are_allowed_is_not_begun() {
    let (_, id, export) = fifty_messages();
    let person = Person::new();
    let path = person.file("talk.json", &export);
    let import = |most: &str| {
        let mut command = person.command(&["sessions", "import", text(&path)]);
        crate::person::end(command.env("DUYETBOT_LIMITS__MESSAGES_PER_SESSION", most))
    };
    let sentence = "it has 50 messages, and limits.messages_per_session allows 49";
    assert_eq!(import("49").refused(4), format!("{}: {sentence}", path.display()));
    assert_eq!(person.sessions(), Vec::<Value>::new());
    import("50").done();
    assert_eq!(person.said(&id).len(), 50);
}

/// Case: line-separator-in-message
#[test]
fn separators_marks_and_a_word_of_a_megabyte_come_back_unchanged() {
    let odd =
        "\u{feff}one\u{2028}two\u{2029}three\u{85}four\rfive\0six\u{feff}seven\u{fffe}eight ```\n~~~ marker";
    let long = "x".repeat(1 << 20);
    // A text holds no NUL: it stands as U+FFFD.
    let kept = odd.replace('\0', "\u{fffd}");
    let person = Person::new();
    let model = Model::saying(&[&format!("back: {odd}"), "more", &long]);
    let answered = person.piped(&mut person.with_model(&model, &["ask"]), odd.as_bytes()).done();
    assert_eq!(answered, format!("back: {kept}\n"));
    let id = person.newest();
    person.ask(&model, &["-c", "again"]);
    let talk = lines(&[("user", &kept), ("assistant", &format!("back: {kept}")), ("user", "again")]);
    assert_eq!(model.asked()[1], talk);
    person.piped(&mut person.with_model(&model, &["ask", "-c"]), long.as_bytes()).done();
    let rest = lines(&[("assistant", "more"), ("user", &long), ("assistant", &long)]);
    assert!(person.said(&id) == [talk, rest].concat(), "the session differs");
    assert_eq!(person.json(&["sessions", "search", "marker"])[0]["sessionId"], id.as_str());

    let exported = person.run(&["sessions", "export", &id]).done();
    let other = Person::new();
    other.import("talk.json", &exported).done();
    let again = other.run(&["sessions", "export", &id]).done();
    let line = |of: &str| of.lines().find(|line| line.contains("\"updatedAt\"")).unwrap().to_owned();
    assert!(again.replace(&line(&again), &line(&exported)) == exported, "the exports differ");
    assert!(other.said(&id) == person.said(&id), "the session differs");
    assert_eq!(other.json(&["sessions", "search", "marker"])[0]["sessionId"], id.as_str());
}

/// Case: import-overwrites-session
#[test]
fn an_import_adds_to_a_known_session_and_overwrites_nothing_of_it() {
    let person = Person::new();
    let model = Model::saying(&["to one", "to two", "to three"]);
    person.ask(&model, &["one"]);
    let id = person.newest();
    let first = person.run(&["sessions", "export", &id]).done();
    person.ask(&model, &["-c", "two"]);
    person.ask(&model, &["-c", "three"]);
    let whole = person.export(&id);
    for _ in 0..2 {
        let out = person.import("first.json", &first).done();
        assert!(out.contains("known; what was missing was added"), "{out}");
        assert_eq!(person.export(&id), whole);
    }

    // The same ids with other words are another session, once.
    for _ in 0..2 {
        let out = person.import("other.json", first.replace("to one", "to somebody else")).done();
        assert!(out.contains("its id is taken by another session; imported beside it"), "{out}");
        assert_eq!(person.export(&id), whole);
    }
    assert_eq!(person.sessions().len(), 2);
    let beside = person.sessions().into_iter().find(|session| session["id"] != id.as_str()).unwrap();
    let other = lines(&[("user", "one"), ("assistant", "to somebody else")]);
    assert_eq!(person.said(beside["id"].as_str().unwrap()), other);
}

/// Case: import-overwrites-session
#[test]
fn a_broken_file_with_a_known_id_changes_nothing() {
    let person = Person::new();
    let model = Model::saying(&["to one", "to two"]);
    person.ask(&model, &["one"]);
    person.ask(&model, &["-c", "two"]);
    let id = person.newest();
    let whole = person.export(&id);
    let message = |n: usize| whole["messages"][n]["id"].as_str().unwrap().to_owned();
    let parent = |n: usize, parent: &str| {
        let mut changed = whole.clone();
        changed["messages"][n]["parentId"] = parent.into();
        changed.to_string()
    };
    let mut without_parts = whole.clone();
    without_parts["messages"][1]["parts"] = Value::Array(Vec::new());
    let mut foreign_head = whole.clone();
    foreign_head["session"]["head"] = "01990000-0000-7000-8000-000000000000".into();
    let broken = [
        (parent(0, &message(3)), "does not stand before it"),
        (parent(2, &message(2)), "does not stand before it"),
        (parent(1, "01990000-0000-7000-8000-000000000000"), "does not stand before it"),
        (without_parts.to_string(), "it has no parts"),
        (foreign_head.to_string(), "is none of its messages"),
        (whole.to_string().replacen("\"text\":\"to one\"", "\"text\":1", 1), "part of type \"text\""),
        (
            whole.to_string().replacen("\"role\":\"user\"", "\"role\":\"wizard\"", 1),
            "unknown variant `wizard`",
        ),
    ];
    for (file, words) in broken {
        let refused = person.import("broken.json", file);
        assert!(refused.refused(2).contains(words), "{refused:?}");
        assert_eq!(person.export(&id), whole);
        assert_eq!(person.sessions().len(), 1);
    }
}

#[test]
fn the_fields_of_a_session_come_back_and_those_of_a_known_one_stay() {
    let person = Person::new();
    let model = Model::saying(&["to one"]);
    person.ask(&model, &["one"]);
    let id = person.newest();
    for state in ["paused", "completed"] {
        person.run(&["sessions", "rename", &id, "--state", state]).done();
        let export = person.run(&["sessions", "export", &id]).done();
        let other = Person::new();
        other.import("talk.json", &export).done();
        assert_eq!(other.run(&["sessions", "export", &id]).done(), export);
        other.run(&["sessions", "rename", &id, "Mine", "--state", "active"]).done();
        let mine = other.export(&id);
        other.import("talk.json", &export).done();
        assert_eq!(other.export(&id), mine);
    }
}

#[test]
fn a_cut_import_is_finished_and_one_out_of_the_bin_comes_back() {
    let (_, id, export) = fifty_messages();
    let whole: Value = serde_json::from_str(&export).unwrap();
    let mut cut = whole.clone();
    let messages = cut["messages"].as_array_mut().unwrap();
    messages.truncate(20);
    let head = messages[19]["id"].clone();
    cut["session"]["head"] = head;
    let person = Person::new();
    person.import("cut.json", cut.to_string()).done();
    person.run(&["sessions", "rm", &id]).done();
    person.import("talk.json", &export).done();
    assert_eq!(person.export(&id), whole);
    person.run(&["sessions", "rm", &id]).done();
    assert_eq!(person.sessions(), Vec::<Value>::new());
    person.import("talk.json", &export).done();
    assert_eq!(person.sessions().len(), 1);
}

#[test]
fn a_picture_that_an_import_only_names_is_said_to_be_missing_and_holds_no_turn_up() {
    let (_, id, export) = fifty_messages();
    let mut export: Value = serde_json::from_str(&export).unwrap();
    let picture = serde_json::json!({
        "type": "image", "mediaType": "image/png", "name": "cat.png", "blob": "0".repeat(64), "size": 12
    });
    export["messages"][48]["parts"].as_array_mut().unwrap().push(picture);
    let person = Person::new();
    person.import("talk.json", export.to_string()).done();
    let model = Model::saying(&["an answer"]);
    let mut command = person.with_model(&model, &["ask", "-r", &id, "what do you see?"]);
    assert_eq!(end(command.env("DUYETBOT_MODEL", "openai/gpt-4o")).done(), "an answer\n");
    let seen = &model.asked()[0];
    assert!(seen[48].1.contains("cat.png"), "{:?}", seen[48]);
}

/// Case: import-overwrites-session
#[test]
fn a_title_names_no_file_and_stands_as_it_came() {
    let (_, id, export) = fifty_messages();
    let title = "../../x\u{1b}[2J\u{7}y";
    let mut file: Value = serde_json::from_str(&export).unwrap();
    file["session"]["title"] = title.into();
    let person = Person::new();
    person.import("talk.json", file.to_string()).done();
    assert_eq!(person.export(&id)["session"]["title"], title);
    person.run(&["sessions", "export", &id, "--format", "markdown", "-o", "talk.md"]).done();
    let names = |folder: &std::path::Path| {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    assert_eq!(names(person.folder.path()), ["talk.json", "talk.md"]);
    assert_eq!(names(person.home.path()), ["home"]);
}

/// Case: import-overwrites-session
#[test]
fn an_import_through_a_pipe_is_as_whole_as_one_of_a_file() {
    let (_, id, export) = fifty_messages();
    let person = Person::new();
    let import = ["sessions", "import", "-"];
    person.piped(&mut person.command(&import), &export.as_bytes()[..export.len() - 40]).refused(2);
    assert_eq!(person.sessions(), Vec::<Value>::new());
    person.piped(&mut person.command(&import), export.as_bytes()).done();
    assert_eq!(person.said(&id).len(), 50);
}

/// Case: import-overwrites-session
#[test]
fn messages_whose_ids_another_session_has_get_others_and_both_sessions_stay_whole() {
    let (person, id, export) = fifty_messages();
    let whole = person.export(&id);
    let other = "01990000-0000-7000-8000-000000000001";
    let copy = export.replacen(&id, other, 1);
    for _ in 0..2 {
        let out = person.import("copy.json", &copy).done();
        assert!(
            out.contains("its messages' ids are taken by another session; here they have others"),
            "{out}"
        );
        assert_eq!(person.export(&id), whole);
        assert_eq!(person.said(other), person.said(&id));
    }
    assert_eq!(person.sessions().len(), 2);
}

#[test]
fn a_list_has_a_line_for_each_session_whatever_its_title() {
    let person = Person::new();
    person.run(&["sessions", "new", "first\n  second\tline"]).done();
    let list = person.run(&["sessions", "ls"]).done();
    assert!(list.ends_with("  first second line\n") && list.lines().count() == 1, "{list:?}");
    let long = "長い題".repeat(1000);
    let id = person.run(&["sessions", "new", &long]).done();
    let list = person.run(&["sessions", "ls"]).done();
    let first = list.lines().next().unwrap();
    assert!(first.starts_with(id.trim()) && first.ends_with('…') && first.chars().count() < 320, "{first}");
    assert_eq!(person.sessions()[0]["title"], long);
}

#[test]
fn an_older_file_with_a_time_that_cannot_be_is_taken_at_the_beginning_of_time() {
    let person = Person::new();
    for (n, time) in ["-9223372036854775808", "9223372036854775807", "1e300"].iter().enumerate() {
        let file = format!(r#"{{"created":{time},"messages":[{{"role":"user","content":"hi"}}]}}"#);
        person.import(&format!("{n}.json"), file).done();
    }
    let created = person.sessions().into_iter().map(|session| session["createdAt"].clone());
    assert_eq!(created.collect::<Vec<_>>(), vec!["1970-01-01T00:00:00.000Z"; 3]);
}

#[test]
fn what_is_brought_in_and_every_title_is_kept_without_secrets() {
    let person = Person::new();
    person.run(&["config", "set", "redact", "correct-horse"]).done();
    let file =
        r#"{"title":"the correct-horse","messages":[{"role":"user","content":"it is correct-horse"}]}"#;
    for note in ["", " (known; what was missing was added)"] {
        let out = person.import("old.json", file).done();
        assert!(out.ends_with(&format!("old.json{note}\n")), "{out}");
    }
    let id = person.newest();
    assert_eq!(person.export(&id)["session"]["title"], "the [redacted]");
    assert_eq!(person.said(&id), lines(&[("user", "it is [redacted]")]));
    let new = person.json(&["sessions", "new", "my correct-horse"]);
    assert_eq!(new["title"], "my [redacted]");
    assert_eq!(person.json(&["sessions", "rename", &id, "a correct-horse"])["title"], "a [redacted]");
}

#[test]
fn each_file_that_is_not_taken_is_told_once() {
    let person = Person::new();
    person.file("torn.json", "{");
    person.file("good.json", r#"{"messages":[{"role":"user","content":"hi"}]}"#);
    for format in ["text", "json"] {
        let args =
            ["sessions", "import", "missing.json", "torn.json", "good.json", "--output-format", format];
        let ended = person.run(&args);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        let told: Vec<&str> = ended.err.lines().collect();
        assert_eq!(told[0], "duyetbot: cannot read missing.json: it is not there");
        assert!(told.len() == 2 && told[1].starts_with("duyetbot: torn.json: "), "{told:?}");
        assert_eq!(person.sessions().len(), 1);
    }
}

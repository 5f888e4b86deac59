//! Where JSON is asked for, standard output is JSON alone, whatever else there is to say.
use serde_json::Value;
use std::{fs, process::Output};

use crate::{
    model::Model,
    place::{Place, err, out},
};

/// The one document on standard output, which ends with a line break.
fn document(args: &[&str], output: &Output) -> Value {
    let text = out(output);
    assert!(text.ends_with('\n'), "{args:?}: {text:?}");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{args:?}: {error} in {text:?}"))
}

/// A home of an older program, and a variable that is no setting: there is something to say at every start.
fn noisy() -> Place {
    let place = Place::new();
    let old = place.home.path().join("home/sessions");
    fs::create_dir_all(&old).unwrap();
    fs::write(old.join("old.json"), r#"{"messages":[{"role":"user","content":"an old question"}]}"#).unwrap();
    place
}

fn run(place: &Place, args: &[&str]) -> Output {
    let args = [args, &["--output-format", "json"]].concat();
    place.command(&args).env("DUYETBOT_MODLE", "recall").output().unwrap()
}

/// Case: json-mixed-with-notices
#[test]
fn every_command_with_a_json_form_writes_one_document_and_its_notices_elsewhere() {
    let place = noisy();
    let first = run(&place, &["ask", "hello"]);
    assert!(err(&first).contains("sessions of an older duyetbot lie in"), "{}", err(&first));
    document(&["ask"], &first);
    let id = place.newest();
    let file = place.folder.path().join("talk.json");
    let file = file.to_str().unwrap();
    let old = place.home.path().join("home/sessions");
    for args in [
        vec!["ask", "-c", "more"],
        vec!["sessions", "ls"],
        vec!["sessions", "new", "A title"],
        vec!["sessions", "show", &id],
        vec!["sessions", "show", &id, "--branches"],
        vec!["sessions", "rename", &id, "Another title"],
        vec!["sessions", "fork", &id],
        vec!["sessions", "export", &id],
        vec!["sessions", "export", &id, "-o", file],
        vec!["sessions", "import", file],
        vec!["sessions", "import", old.to_str().unwrap()],
        vec!["sessions", "search", "hello"],
        vec!["sessions", "rm", &id],
        vec!["sessions", "rm", &id, "--undo"],
        vec!["sessions", "rm", &id, "--erase"],
        vec!["config"],
        vec!["config", "get", "model"],
        vec!["config", "set", "guards.steps", "9"],
        vec!["config", "path"],
        vec!["doctor"],
    ] {
        let output = run(&place, &args);
        let chmod = args == ["doctor"];
        assert!(output.status.success() || chmod, "{args:?}: {}", err(&output));
        document(&args, &output);
        assert!(err(&output).contains("DUYETBOT_MODLE is no setting"), "{args:?}: {}", err(&output));
    }
}

/// Case: json-mixed-with-notices
#[test]
fn every_refusal_is_one_problem_with_a_code_that_is_not_zero() {
    let place = noisy();
    run(&place, &["ask", "hello"]);
    let id = place.newest();
    let broken = place.file("broken.json", "{");
    for (args, code) in [
        (vec!["ask", "--nonsense", "hi"], 2),
        (vec!["ask"], 2),
        (vec!["ask", "hi", "-r", "zzz"], 1),
        (vec!["ask", "hi", "--model", "nobody/none"], 1),
        (vec!["sessions", "show", "zzz"], 1),
        (vec!["sessions", "search", "?!"], 2),
        (vec!["sessions", "export", &id, "--format", "markdown"], 2),
        (vec!["sessions", "import", &broken], 2),
        (vec!["sessions", "import", &broken, "nothing.json"], 1),
        (vec!["sessions", "resume", &id], 2),
        (vec!["sessions"], 2),
        (vec!["config", "get", "modle"], 2),
        (vec![], 2),
    ] {
        let output = run(&place, &args);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {}", err(&output));
        let problem = document(&args, &output);
        assert!(problem["type"].as_str().unwrap().starts_with("urn:duyetbot:"), "{args:?}: {problem}");
        assert!(!err(&output).is_empty(), "{args:?}");
    }
}

/// Case: json-mixed-with-notices
#[test]
fn settings_that_cannot_be_read_are_one_problem() {
    let place = Place::new();
    let refused = |output: Output| {
        assert_eq!(output.status.code(), Some(2), "{}", err(&output));
        assert_eq!(document(&[], &output)["type"], "urn:duyetbot:invalid");
    };
    refused(
        place
            .command(&["sessions", "ls", "--output-format", "json"])
            .env("DUYETBOT_HOME", "here")
            .output()
            .unwrap(),
    );
    place.file(".duyetbot/config.toml", "modle = 1\n");
    refused(run(&place, &["sessions", "ls"]));
    place.file(".duyetbot/config.toml", "recall = 1\n");
    refused(run(&place, &["config"]));
    let gone = place.file("gone/file", "");
    let script = "cd gone && rm -r ../gone && exec \"$0\" sessions ls --output-format json";
    let mut shell = place.shell(script);
    refused(shell.output().unwrap());
    assert!(!fs::exists(gone).unwrap());
}

/// Case: json-mixed-with-notices
#[test]
fn a_stream_is_one_event_a_line_also_when_calls_are_refused_and_when_nothing_begins() {
    let place = noisy();
    let (model, _) = Model::answering(|n, request| match n {
        0 => request.call("write", r#"{"path":"a"}"#),
        _ => request.answer("Then without it."),
    });
    let lines = |args: &[&str]| {
        let args = [&["ask", "--output-format", "stream-json"], args].concat();
        let output = place.asking(&model, &args).env("DUYETBOT_MODLE", "recall").output().unwrap();
        let text = out(&output);
        assert!(text.ends_with('\n'), "{text:?}");
        let events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        (output.status.code(), events)
    };
    let (code, events) = lines(&["write it"]);
    let types: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!((code, types.first(), types.last()), (Some(5), Some(&"run"), Some(&"done")));
    assert!(types.contains(&"tool_result"), "{types:?}");
    let (code, events) = lines(&["-r", "zzz", "hi"]);
    assert_eq!((code, events.len()), (Some(1), 1));
    assert_eq!(
        (&events[0]["type"], &events[0]["error"]["type"]),
        (&"error".into(), &"urn:duyetbot:not_found".into())
    );
}

//! A task from end to end: a fault is found, mended and tested; killed half-way, the session goes on.
use serde_json::{Value, json};
use std::process::Stdio;

use crate::{
    common::Place,
    script::{Answer, Model, call, held, words},
    world::Ended,
};

const FLAGS: [&str; 6] =
    ["--allow", "edit(src/**)", "--allow", "bash(sh test.sh)", "--allow", "bash(sh -e test.sh)"];

/// A small repository whose test fails.
fn repository() -> Place {
    let place = Place::new();
    place.file("src/add.sh", "add() {\n\techo $(($1 - $2))\n}\n");
    place.file(
        "test.sh",
        ". ./src/add.sh\nif [ \"$(add 2 3)\" = 5 ]; then echo passed; else echo failed; exit 1; fi\n",
    );
    place.file("AGENTS.md", "Run `sh test.sh` before you answer.\n");
    place.prepare(
        "git init -q . && git add -A && git -c user.name=a -c user.email=a@b.example commit -qm one",
    );
    place
}

fn mend() -> Answer {
    call("edit", json!({ "path": "src/add.sh", "old": "$1 - $2", "new": "$1 + $2" }))
}

fn test() -> Answer {
    call("bash", json!({ "command": "sh test.sh" }))
}

/// What the last request holds of results.
fn seen(model: &Model) -> Vec<String> {
    let request = model.requests().pop().unwrap();
    let results = request["messages"].as_array().unwrap().iter().filter(|m| m["role"] == "tool");
    results.map(|m| m["content"].as_str().map_or_else(|| m["content"].to_string(), str::to_owned)).collect()
}

#[test]
fn a_fault_is_found_mended_and_tested() {
    let place = repository();
    let find = call("grep", json!({ "pattern": "add" }));
    let read = call("read", json!({ "path": "src/add.sh" }));
    let model = Model::new([test(), find, read, mend(), test(), words("The sign was wrong.")]);
    let ended = place.run(&model, &[&["ask", "The test fails; mend it."], &FLAGS[..]].concat());
    assert_eq!((ended.code, ended.out.as_str()), (Some(0), "The sign was wrong.\n"), "{ended:?}");
    assert_eq!(place.read("src/add.sh"), "add() {\n\techo $(($1 + $2))\n}\n");
    let results = seen(&model);
    assert!(results[0].contains("failed") && results[0].contains("1"), "{results:?}");
    assert!(results[1].contains("src/add.sh") && results[2].contains("$1 - $2"), "{results:?}");
    assert!(results[3].contains("+\techo $(($1 + $2))") && results[4].contains("passed"), "{results:?}");
}

#[test]
fn a_task_that_was_killed_half_way_goes_on_with_all_that_was_done() {
    let place = repository();
    let (answer, _release) = held("", test());
    let model = Model::new([test(), mend(), answer, test(), words("It passes now.")]);
    let args = [&["ask", "The test fails; mend it."], &FLAGS[..]].concat();
    let mut child = place.with(&model, &args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    // It was asked for the third time: the change is made and stored, the answer is not there.
    model.wait_for(3);
    child.kill().unwrap();
    child.wait().unwrap();
    let ended = place.run(&model, &[&["ask", "-c", "go on"], &FLAGS[..]].concat());
    assert_eq!((ended.code, ended.out.as_str()), (Some(0), "It passes now.\n"), "{ended:?}");
    let results = seen(&model);
    assert_eq!(results.len(), 3, "{results:?}");
    assert!(results[1].contains("edited src/add.sh") && results[2].contains("passed"), "{results:?}");
}

#[test]
fn a_task_that_was_killed_in_a_command_says_that_its_end_is_not_known() {
    let place = repository();
    let slow = call("bash", json!({ "command": "sh -c 'echo begun > begun; sleep 60'" }));
    let model = Model::new([slow, words("I look first.")]);
    let mut child =
        place.with(&model, &["ask", "do it", "--allow", "bash"]).stdout(Stdio::null()).spawn().unwrap();
    let begun = || place.at("begun").exists();
    crate::world::until("the command begins", begun);
    child.kill().unwrap();
    let killed = Ended::of(child.wait_with_output().unwrap());
    assert_eq!(killed.code, None);
    let ended = place.run(&model, &["ask", "-c", "go on"]);
    assert_eq!((ended.code, ended.out.as_str()), (Some(0), "I look first.\n"), "{ended:?}");
    assert_eq!(seen(&model), ["interrupted: it is not known whether it ran"]);
    let export: Value =
        serde_json::from_str(&place.run(&model, &["sessions", "export", &newest(&place, &model)]).out)
            .unwrap();
    assert_eq!(export["messages"].as_array().unwrap().len(), 4, "{export}");
}

fn newest(place: &Place, model: &Model) -> String {
    let list = place.run(model, &["sessions", "ls", "--output-format", "json"]).json();
    list[0]["id"].as_str().unwrap().to_owned()
}

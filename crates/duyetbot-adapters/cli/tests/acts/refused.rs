//! Calls that nobody can allow: what a script is told, and when it ends.
use serde_json::json;

use crate::{
    common::Place,
    script::{Model, call, words},
};

fn write(path: &str) -> serde_json::Value {
    json!({ "path": path, "content": "x" })
}

/// Case: denied-tool-exit-zero
#[test]
fn a_refused_call_is_told_on_standard_error_and_by_the_exit_code() {
    let place = Place::new();
    let model = || Model::new([call("write", write("probe.txt")), words("I could not.")]);
    let ended = place.run(&model(), &["ask", "make probe.txt"]);
    assert_eq!((ended.code, ended.out.as_str()), (Some(5), "I could not.\n"), "{ended:?}");
    let told = "duyetbot: write was refused: probe.txt: no rule grants it; it needs a person's word, and nobody is there \
                to give it\n";
    assert!(ended.err.contains(told), "{ended:?}");
    let ended = place.run(&model(), &["ask", "make probe.txt", "--output-format", "json"]);
    let json = ended.json();
    assert_eq!((ended.code, &json["denied"], &json["state"]), (Some(5), &json!(["call_0"]), &json!("done")));
    assert!(!place.at("probe.txt").exists());
}

/// Case: denied-tool-exit-zero
#[test]
fn another_call_that_does_the_work_does_not_hide_the_refused_one() {
    let place = Place::new();
    let model = Model::new([
        call("bash", json!({ "command": "touch probe.txt" })),
        call("write", write("probe.txt")),
        words("Done."),
    ]);
    let ended = place.run(&model, &["ask", "make it", "--allow", "write", "--output-format", "json"]);
    assert_eq!((ended.code, &ended.json()["denied"]), (Some(5), &json!(["call_0"])), "{ended:?}");
    assert_eq!(place.read("probe.txt"), "x");
}

/// Case: refusal-retried-for-ever
#[test]
fn a_model_that_makes_the_refused_call_again_is_left_after_three_times() {
    let place = Place::new();
    let model = Model::new((0..20).map(|_| call("write", write("probe.txt"))));
    let ended = place.run(&model, &["ask", "x"]);
    assert_eq!((ended.code, model.requests().len()), (Some(4), 3), "{ended:?}");
    let last = ended.err.lines().last().unwrap();
    let begin =
        "duyetbot: the model made the same call 3 times to the same end, so the turn was ended: write ";
    assert!(last.starts_with(begin) && last.contains("probe.txt"), "{last}");
}

#[test]
fn without_tools_the_model_is_told_of_none() {
    let (place, model) = (Place::new(), Model::new([words("ok")]));
    let mut command = place.with(&model, &["ask", "hi"]);
    assert!(command.env("DUYETBOT_TOOLS__ENABLED", "false").output().unwrap().status.success());
    assert_eq!(model.requests()[0]["tools"], serde_json::Value::Null);
}

#[test]
fn what_may_not_be_read_is_not_found_by_a_search_either() {
    let place = Place::new();
    place.file("secret/key.txt", "the needle\n");
    place.file("open.txt", "a needle\n");
    let search = |path: &str| ("grep", json!({ "pattern": "needle", "path": path }));
    let calls = [search("."), search("secret"), search("secret/key.txt")];
    for flags in [["--deny", "read(secret/**)"], ["--ask", "read(Secret/*)"]] {
        let outputs: Vec<String> =
            place.acts(&flags, &calls).into_iter().map(|result| result.output).collect();
        let note = "; 1 files were left out, as a rule does for `read`]";
        assert_eq!(
            outputs,
            [
                format!("open.txt\n1: a needle\n[lines 1 to 1 of 1 that match, in 1 files{note}\n"),
                format!("[no line matches in 0 files{note}"),
                format!("[no line matches in 0 files{note}"),
            ],
            "{flags:?}"
        );
    }
}

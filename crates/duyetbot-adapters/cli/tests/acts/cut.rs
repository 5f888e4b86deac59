//! Answers that break off: nothing of a cut call runs, and the session goes on.
use serde_json::{Value, json};

use crate::{
    common::Place,
    script::{Answer, Model, part, piece, words},
    world::{Ended, results},
};

const FLAGS: [&str; 8] =
    ["ask", "act", "--allow", "bash", "--allow", "write", "--output-format", "stream-json"];

/// Asks a model whose answer is these pieces; then the session must go on.
#[track_caller]
fn after(place: &Place, pieces: Vec<Value>) -> Ended {
    let model = Model::new([Answer::Pieces(pieces)]);
    let ended = place.run(&model, &FLAGS);
    let next = place.run(&Model::new([words("Going on.")]), &["ask", "-c", "and now?"]);
    assert_eq!((next.code, next.out.as_str()), (Some(0), "Going on.\n"), "{next:?}");
    ended
}

/// Case: cut-off-tool-call-executed
#[test]
fn a_call_that_the_connection_cut_does_not_run() {
    let place = Place::new();
    let said = || piece(json!({ "content": "I do it." }), None);
    let ended = after(&place, vec![said(), part(0, "bash", r#"{"command":"touch P1; rm -rf bui"#)]);
    assert!(ended.code == Some(1) && ended.err.contains("cut off"), "{ended:?}");
    // Whole, but nothing says that the answer is.
    let ended = after(&place, vec![said(), part(0, "bash", r#"{"command":"touch P2"}"#)]);
    assert!(ended.code == Some(1) && ended.err.contains("cut off"), "{ended:?}");
    assert!(!place.at("P1").exists() && !place.at("P2").exists());
}

/// Case: cut-off-tool-call-executed
#[test]
fn a_call_that_the_token_limit_cut_does_not_run_and_the_first_of_two_says_what_became_of_it() {
    let place = Place::new();
    let stopped = piece(json!({}), Some("length"));
    let ended = after(&place, vec![part(0, "write", r#"{"path":"P1","content":"half"#), stopped.clone()]);
    let cut = "the call was cut off and did not run";
    assert_eq!(results(&ended)[0].output, cut);
    let first = part(0, "bash", r#"{"command":"touch P2"}"#);
    let ended = after(&place, vec![first, part(1, "bash", r#"{"command":"touch P3; rm"#), stopped]);
    let results = results(&ended);
    assert_eq!(results[1].output, cut, "{results:?}");
    // What is whole has run, and the model is told so.
    assert_eq!((results[0].status.as_str(), place.at("P2").exists()), ("success", true), "{results:?}");
    assert!(!place.at("P1").exists() && !place.at("P3").exists());
}

/// Case: cut-off-tool-call-executed
#[test]
fn a_call_without_a_field_that_it_needs_is_answered_with_the_field() {
    let place = Place::new();
    let results = place.acts(&["--allow", "write"], &[("write", json!({ "path": "P1" }))]);
    assert!(results[0].status == "error" && results[0].output.contains("content"), "{results:?}");
    assert!(!place.at("P1").exists());
}

//! A model that does not take no for an answer is left after a few of its own.
use std::sync::atomic::Ordering;

use crate::{
    model::{Model, Request},
    place::{Place, err, out},
};

/// Asks a model that goes on like this for ever; the answers it gave, and the sentence that ended the turn.
fn ended(answer: impl Fn(usize, Request) + Send + 'static) -> (usize, String) {
    let place = Place::new();
    let (model, answers) = Model::answering(answer);
    let mut ask = place.asking(&model, &["ask", "write it down"]);
    let output = ask.env("DUYETBOT_TOOLS__ENABLED", "false").output().unwrap();
    assert_eq!((output.status.code(), out(&output).as_str()), (Some(4), ""), "{}", err(&output));
    let answers = answers.load(Ordering::SeqCst);

    let (good, _) = Model::answering(|_, request| request.answer("Without it, then."));
    let next = place.asking(&good, &["ask", "-c", "and now?"]).output().unwrap();
    assert_eq!((next.status.code(), out(&next).as_str()), (Some(0), "Without it, then.\n"), "{}", err(&next));
    let sentence = err(&output).lines().last().unwrap().to_owned();
    (answers, sentence)
}

const SAME: &str = "duyetbot: the model made the same call 3 times to the same end, so the turn was ended: ";
const REFUSED: &str =
    "duyetbot: the model made nothing but refused calls in 5 answers, so the turn was ended; the last was: ";

/// Case: refusal-retried-for-ever
#[test]
fn the_same_call_is_refused_three_times_and_no_more() {
    let same = ended(|_, request| request.call("write", r#"{"path":"a"}"#));
    let call = r#"write {"path":"a"}: there is no tool "write"; the tools are: there are no tools"#;
    assert_eq!(same, (3, format!("{SAME}{call}")));
}

/// Case: refusal-retried-for-ever
#[test]
fn two_calls_that_take_turns_are_refused_five_times_and_no_more() {
    let turns = ended(|n, request| request.call(["write", "bash"][n % 2], "{}"));
    let call = r#"write {}: there is no tool "write"; the tools are: there are no tools"#;
    assert_eq!(turns, (5, format!("{SAME}{call}")));
}

/// Case: refusal-retried-for-ever
#[test]
fn calls_with_arguments_that_are_no_json_end_like_any_other() {
    let (answers, sentence) = ended(|_, request| request.call("write", "{\"path\": "));
    assert_eq!((answers, sentence.starts_with(&format!("{SAME}write "))), (3, true), "{sentence}");
}

/// Case: refusal-retried-for-ever
#[test]
fn ever_new_calls_that_are_all_refused_end_after_five_answers() {
    let (answers, sentence) =
        ended(|n, request| request.call(&format!("tool{n}"), &format!("{{\"n\":{n}}}")));
    assert_eq!(
        (answers, sentence.starts_with(&format!("{REFUSED}tool4 {{\"n\":4}}: "))),
        (5, true),
        "{sentence}"
    );
}

/// Case: refusal-retried-for-ever
#[test]
fn a_program_is_told_by_the_problem() {
    let place = Place::new();
    let (model, _) = Model::answering(|_, request| request.call("write", "{}"));
    let output = place.asking(&model, &["ask", "--output-format", "json", "hi"]).output().unwrap();
    let problem: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &problem["type"]), (Some(4), &"urn:duyetbot:repeated_call".into()));
}

//! Terms as the reference implementation makes them, over texts in many scripts, names of code, and oddities; but for ß and
//! the last ς, which are folded here.
#![allow(clippy::unwrap_used, clippy::expect_used)]
use duyetbot_core::{Term, index};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    kind: Kind,
    text: String,
    terms: Vec<String>,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Text,
    Question,
}

fn cases(kind: Kind) -> Vec<Case> {
    let all = include_str!("fixtures/terms.jsonl").lines().map(|line| serde_json::from_str(line).unwrap());
    all.filter(|case: &Case| case.kind == kind).collect()
}

/// All cases that differ, so that one run shows them all.
fn assert_all(cases: Vec<Case>, terms: impl Fn(&str) -> Vec<String>) {
    assert!(cases.len() > 10);
    let differing: Vec<_> = cases
        .into_iter()
        .map(|case| (terms(&case.text), case))
        .filter(|(found, case)| *found != case.terms)
        .map(|(found, case)| (case.text, case.terms, found))
        .collect();
    assert!(differing.is_empty(), "text, expected, found: {differing:#?}");
}

#[test]
fn the_terms_of_a_text_are_the_references() {
    assert_all(cases(Kind::Text), index::terms);
}

#[test]
fn the_terms_of_a_question_are_the_references() {
    assert_all(cases(Kind::Question), |text| {
        index::query(text)
            .terms()
            .iter()
            .map(|term| match term {
                Term::Is(term) | Term::Prefix(term) => term.clone(),
            })
            .collect()
    });
}

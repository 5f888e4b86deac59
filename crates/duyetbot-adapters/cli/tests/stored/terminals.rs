//! One session in two terminals: nothing is lost, and both lines can be seen.
use serde_json::Value;
use std::collections::BTreeSet;

use crate::{
    chat::Chat,
    person::{Person, end, lines},
    script::{Model, held, words},
};

/// The ends of a session's branches.
fn ends(person: &Person, id: &str) -> Vec<Value> {
    person.json(&["sessions", "show", id, "--branches"]).as_array().unwrap().clone()
}

fn branch(person: &Person, id: &str, end: &Value) -> Vec<(String, String)> {
    let tip = end["message"]["id"].as_str().unwrap();
    crate::person::said(&person.json(&["sessions", "show", id, "--branch", tip]))
}

/// Case: two-terminals-one-session
#[test]
fn both_are_told_and_what_each_says_goes_on_from_what_it_saw() {
    let person = Person::new();
    let (held, release) = held("to D", words("."));
    let before = ["to zero", "to A", "to B", "to C"].map(words);
    let model = Model::new(before.into_iter().chain([held, words("to E")]));
    person.ask(&model, &["zero"]);
    let id = person.newest();
    let resume = || Chat::open(person.with_model(&model, &["--plain", "sessions", "resume", &id]));
    let (mut one, mut two) = (resume(), resume());
    one.say("A");
    two.say("B");
    one.say("C");
    // Both at once: the second waits for the answer to the first.
    one.type_line("D");
    one.wait_for("to D");
    two.type_line("E");
    assert_eq!(ends(&person, &id).len(), 2);
    release.send(()).unwrap();
    one.wait_for_prompt();
    two.wait_for("to E");
    two.wait_for_prompt();
    for told in [one.leave(), two.leave()] {
        assert!(told.contains("this session is open elsewhere too"), "{told}");
        assert!(told.contains(&format!("duyetbot sessions show {id} --branches")), "{told}");
    }

    let list = person.sessions();
    assert_eq!(list.len(), 1);
    assert_eq!(list[0]["messageCount"], 12);
    let begin = lines(&[("user", "zero"), ("assistant", "to zero")]);
    let first = [("user", "A"), ("assistant", "to A"), ("user", "C"), ("assistant", "to C")];
    let main = [begin.clone(), lines(&first), lines(&[("user", "D"), ("assistant", "to D.")])].concat();
    let second = [("user", "B"), ("assistant", "to B"), ("user", "E"), ("assistant", "to E")];
    let beside = [begin, lines(&second)].concat();
    let found: BTreeSet<(bool, Vec<(String, String)>)> =
        ends(&person, &id).iter().map(|end| (end["head"] == true, branch(&person, &id, end))).collect();
    assert_eq!(found, BTreeSet::from([(true, main.clone()), (false, beside)]));
    assert_eq!(person.said(&id), main);
    let shown = person.run(&["sessions", "show", &id]);
    assert_eq!(shown.err, "duyetbot: this session has more branches; --branches lists them\n");
}

#[test]
fn a_branch_is_reached_by_the_beginning_of_its_last_message() {
    let person = Person::new();
    let model = Model::saying(&["to zero", "to A", "to B"]);
    person.ask(&model, &["zero"]);
    let id = person.newest();
    let mut chat = Chat::open(person.with_model(&model, &["--plain", "sessions", "resume", &id]));
    person.ask(&model, &["-r", &id, "A"]);
    chat.say("B");
    chat.leave();
    let listed = person.run(&["sessions", "show", &id, "--branches"]).done();
    let ends: Vec<(&str, &str)> =
        listed.lines().map(|line| (&line[..1], line[2..].split(' ').next().unwrap())).collect();
    let [(mark, main), (beside_mark, beside)] = ends[..] else { panic!("{listed}") };
    assert_eq!((mark, beside_mark), ("*", " "));
    let forked = person.run(&["sessions", "fork", &id, "--at", beside]).done();
    let last = |id: &str| person.said(id).pop().unwrap().1;
    assert_eq!((last(&id), last(forked.trim())), ("to A".to_owned(), "to B".to_owned()));
    let shown = end(&mut person.command(&["sessions", "show", &id, "--branch", main])).done();
    assert!(shown.contains("to A") && !shown.contains("to B"), "{shown}");
}

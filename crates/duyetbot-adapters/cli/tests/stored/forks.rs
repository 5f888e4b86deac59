//! A fork holds all that was said up to its point, and lives by itself.
use serde_json::Value;
use std::io::Read;

use crate::{
    chat::Chat,
    person::{Ended, Person, end, lines, said},
    script::{Model, held, words},
};

/// Case: fork-while-something-runs
#[test]
fn a_fork_while_an_answer_is_written_ends_with_what_is_stored_and_works_at_once() {
    let person = Person::new();
    let (answer, release) = held("half", words(" and whole"));
    let parents = Model::new([answer]);
    let of_fork = Model::saying(&["to hi", "to more"]);
    let mut asking = person.with_model(&parents, &["ask", "begin"]).spawn().unwrap();
    let mut half = [0; 4];
    asking.stdout.as_mut().unwrap().read_exact(&mut half).unwrap();
    assert_eq!(&half, b"half");

    let parent = person.newest();
    let child = person.run(&["sessions", "fork", &parent]).done().trim().to_owned();
    person.ask(&of_fork, &["-r", &child, "hi"]);
    let of_child = lines(&[("user", "begin"), ("user", "hi"), ("assistant", "to hi")]);
    assert_eq!(person.said(&child), of_child);
    release.send(()).unwrap();
    assert_eq!(Ended::of(asking.wait_with_output().unwrap()).done(), " and whole\n");
    assert_eq!(person.said(&parent), lines(&[("user", "begin"), ("assistant", "half and whole")]));
    assert_eq!(person.said(&child), of_child);

    // Each can be erased without the other.
    person.run(&["sessions", "rm", &parent, "--erase"]).done();
    assert_eq!(person.said(&child), of_child);
    person.ask(&of_fork, &["-r", &child, "more"]);
    let more = lines(&[("user", "more"), ("assistant", "to more")]);
    assert_eq!(person.said(&child), [of_child, more].concat());
    person.run(&["sessions", "rm", &child, "--erase"]).done();
    assert_eq!(person.sessions(), Vec::<Value>::new());
}

/// Tokens that a model sees here: the fifty first messages of the long talk fit, all of them do not.
const WINDOW: &str = "6000";

/// A session of so many messages of about forty tokens each; the first says what is to be done.
fn long_talk(person: &Person, first: &str, messages: usize) -> String {
    let message = |n: usize| {
        let words =
            if n == 0 { first.to_owned() } else { format!("message {n} {}", "of the talk ".repeat(12)) };
        serde_json::json!({ "role": if n.is_multiple_of(2) { "user" } else { "assistant" }, "content": words })
    };
    let all: Vec<Value> = (0..messages).map(message).collect();
    person.import("long.json", serde_json::json!({ "messages": all }).to_string()).done();
    person.newest()
}

fn ask(person: &Person, model: &Model, args: &[&str]) {
    let mut command = person.with_model(model, &[&["ask"], args].concat());
    // What tools there are takes no part of this small window.
    command.env("DUYETBOT_TOOLS__ENABLED", "false");
    end(command.env("DUYETBOT_CONTEXT_TOKENS", WINDOW)).done();
}

/// Case: fork-of-compacted-session
#[test]
fn a_fork_of_a_session_that_was_summed_up_shows_all_and_asks_as_the_session_would() {
    let person = Person::new();
    let summed = Model::saying(&["What was said so far."]);
    let parent = long_talk(&person, "the task", 100);
    for n in 0..10 {
        ask(&person, &summed, &["-r", &parent, &format!("turn {n}")]);
    }
    assert_eq!(summed.asked().len(), 11, "it is summed up once");
    let whole = person.said(&parent);
    assert_eq!(whole.len(), 121, "a hundred messages, ten turns and a summary");

    let fork = |at: &[&str]| {
        let args = [&["sessions", "fork", &parent][..], at].concat();
        person.run(&args).done().trim().to_owned()
    };
    let export = person.export(&parent);
    let fiftieth = export["messages"][49]["id"].as_str().unwrap();
    let (end, middle) = (fork(&[]), fork(&["--at", fiftieth]));
    assert_eq!((person.said(&end), person.said(&middle)), (whole.clone(), whole[..50].to_vec()));
    for (id, count) in [(&end, 121), (&middle, 50)] {
        let listed = person.sessions().into_iter().find(|session| session["id"] == id.as_str()).unwrap();
        assert_eq!((&listed["messageCount"], &listed["parent"]), (&count.into(), &parent.as_str().into()));
    }
    let covered: Vec<&str> = export["messages"][101]["parts"][0]["covers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|id| id.as_str().unwrap())
        .collect();
    let of_fork = person.export(&end);
    let covers = of_fork["messages"][101]["parts"][0]["covers"].as_array().unwrap();
    let own: Vec<&Value> = of_fork["messages"].as_array().unwrap().iter().map(|m| &m["id"]).collect();
    assert!(covers.len() == covered.len() && covers.iter().all(|id| own.contains(&id)), "{covers:?}");

    let asked = |id: &str| {
        let model = Model::new([]);
        ask(&person, &model, &["-r", id, "and now?"]);
        let [request] = &model.asked()[..] else { panic!("one request was to be sent") };
        request.clone()
    };
    let of_middle = asked(&middle);
    assert_eq!(of_middle, [whole[..50].to_vec(), lines(&[("user", "and now?")])].concat());
    let of_end = asked(&end);
    assert!(of_end.iter().any(|(_, words)| words.contains("What was said so far.")), "{of_end:?}");
    assert!(of_end.len() < 100);
    assert_eq!(of_end, asked(&parent));
    assert_eq!(said(&person.export(&end)).len(), 123);
}

/// Case: compaction-loses-the-task
#[test]
fn the_task_outlives_a_summary_that_forgets_it_and_what_is_typed_meanwhile_is_said_once() {
    let task = "Only edit files under docs/, answer in German, goal: rename X to Y in 12 files";
    let person = Person::new();
    let session = long_talk(&person, task, 100);
    let (summary, release) = held("Nothing ", words("of note."));
    let model = Model::new([summary]);
    let mut command = person.with_model(&model, &["--plain", "sessions", "resume", &session]);
    command.env("DUYETBOT_CONTEXT_TOKENS", WINDOW);
    let mut chat = Chat::open(command);
    chat.type_line("do 1..12");
    model.wait_for(1);
    chat.type_line("and leave README alone");
    release.send(()).unwrap();
    chat.wait_for_prompt();
    chat.wait_for_prompt();
    chat.leave();

    let [summing, doing, leaving] = &model.asked()[..] else { panic!("three requests were to be sent") };
    assert!(!summing.iter().any(|(_, words)| words == task), "what stays is not summed up");
    let count = |request: &[(String, String)], words: &str| -> usize {
        request.iter().map(|(_, said)| said.matches(words).count()).sum()
    };
    for (request, latest) in [(doing, "do 1..12"), (leaving, "and leave README alone")] {
        assert!(request[0].0 == "user" && request[0].1.starts_with(task), "{request:?}");
        assert_eq!(request.last().unwrap(), &("user".to_owned(), latest.to_owned()));
        assert_eq!((count(request, task), count(request, "Nothing of note.")), (1, 1), "{request:?}");
    }
    assert_eq!(count(leaving, "and leave README alone"), 1, "{leaving:?}");
    assert!(leaving.contains(&("user".to_owned(), "do 1..12".to_owned())), "{leaving:?}");
}

/// Case: compaction-loses-the-task
#[test]
fn the_task_that_outlives_summaries_is_that_of_the_branch_and_not_of_the_sessions_oldest() {
    let origin = Person::new();
    let mut export = origin.export(&long_talk(&origin, "the task of this branch", 100));
    let mut other = export["messages"][0].clone();
    other["id"] = "01990000-0000-7000-8000-000000000001".into();
    other["parts"][0]["text"] = "another beginning".into();
    export["messages"].as_array_mut().unwrap().insert(0, other);
    let person = Person::new();
    person.import("two.json", export.to_string()).done();
    let session = person.newest();
    let model = Model::new([]);
    for n in 1..=6 {
        ask(&person, &model, &["-r", &session, &format!("turn {n} {}", "of many words ".repeat(250))]);
    }
    let sums_up =
        |request: &[(String, String)]| request.last().unwrap().1.contains("Sum up the conversation");
    let (summing, answering): (Vec<_>, Vec<_>) = model.asked().into_iter().partition(|r| sums_up(r));
    // The second covers the first.
    assert!(summing.len() >= 2 && answering.len() == 6, "{} summaries", summing.len());
    for request in answering {
        let first = request[0].1.chars().take(40).collect::<String>();
        assert!(first.starts_with("the task of this branch"), "{first}");
        assert!(!request.iter().any(|(_, words)| words.contains("another beginning")));
    }
}
